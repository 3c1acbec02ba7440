"""Runs of a model that is not the city's; and the city as a model and a problem of other people's tools."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.files import tellable
from talent_sd.base.language import tell
from talent_sd.base.version import __version__
from talent_sd.forecast.money import intensity_key
from talent_sd.forecast.prepare import KNOWN_UNTIL, made_with, prepare
from talent_sd.forecast.spread import NO_EMA
from talent_sd.inputs.labels import Labels, Sector, name_in
from talent_sd.inputs.setting_checks import POLICY
from talent_sd.inputs.settings import policy_key
from talent_sd.uncertainty.priors import read_priors

if TYPE_CHECKING:
    import xarray as xr
    from ema_workbench import Model as EmaModel

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.uncertainty.priors import Prior

_HEADLINES, _PANELS = 12, 12
OWN = "model"
"""Name of the only scenario."""


def run_model(model: Model, settings: Mapping[str, float], *, engine: str = "auto") -> xr.Dataset:
    """Run any model with its own time settings.

    Parameters
    ----------
    model : as `load_model` gives it
    settings : name -> number in place of a constant or an equation
    engine : "auto", "kernel" or "pysd"

    Returns
    -------
    dims (scenario, draw, time, ...), as a forecast of the city has them

    Raises
    ------
    InputError
        If a setting names no variable, or one that cannot be set; with file and remedy.
    """
    run = model.run(params=settings, engine=engine)
    if not run.data_vars:
        raise InputError("{file}: has nothing to show: no stock, flow or auxiliary.", file=model.path.name)
    named = {SCENARIO: [OWN], DRAW: [0]}
    forecast = run.expand_dims(named, axis=(0, 1))
    title = tellable(model.path.stem).replace("_", " ")
    attrs = {
        "Conventions": "CF-1.11",
        "title": f"talent_sd run of {model.path.name}",
        "source": f"talent_sd {__version__}",
        "city": title,
        "forecast_from": float(forecast[TIME][0]),
    }
    told = ", ".join(f"{name} = {value:g}" for name, value in settings.items()) or model.path.name
    titles = {f"title_{lang}": (SCENARIO, [told]) for lang in ("en", "zh")}
    return forecast.assign_coords(titles).assign_attrs(attrs)


def model_labels(model: Model) -> Labels:
    """Return what of a model heads its table and plots: its stocks, else what nothing else follows from.

    Its groups, where the file has any, are the sectors.
    """
    variables = model.structure.variables
    shown = {name: v for name, v in variables.items() if v.kind in ("stock", "auxiliary")}
    stocks = [name for name, v in shown.items() if v.kind == "stock"]
    causes = {cause for v in variables.values() for cause in v.depends_on if cause != v.name}
    ends = [name for name in shown if name not in causes] or list(shown) or list(variables)
    groups: dict[str, list[str]] = {}
    for name, variable in shown.items():
        groups.setdefault(variable.group, []).append(name)
    sectors = tuple(
        Sector(f"{number:02d}", {"en": title, "zh": title}, tuple((name,) for name in names[:_PANELS]))
        for number, (title, names) in enumerate(groups.items(), 1)
        if title and len(groups) > 1
    )
    return Labels(sectors=sectors, headline=tuple((stocks or ends)[:_HEADLINES]))


def write_model_capsule(
    model: Model, forecast: xr.Dataset, settings: Mapping[str, float], file: Path, notices: Sequence[str]
) -> None:
    """Write what is needed to know, and repeat, how a run came about: versions, the file's SHA-256, settings."""
    capsule = {
        **made_with(forecast),
        "seed": 0,
        "times": [float(forecast[TIME][0]), float(forecast[TIME][-1])],
        "files": [{"file": model.path.name, "sha256": model.structure.sha256}],
        "settings": dict(settings),
        "notices": list(notices),
    }
    file.write_text(json.dumps(capsule, ensure_ascii=False, indent=1), encoding="utf-8")


@checked
def salib_problem(
    city: str | Path = "hefei", scenario: str | Path = "baseline", *, model: str | Path | None = None
) -> dict[str, Any]:
    """Return the priors of a city's uncertain constants as a problem of SALib.

    Parameters
    ----------
    city, scenario, model : as in `simulate`; constants that they set are left out

    Returns
    -------
    `num_vars`, `names` (as `Model.run` takes them; those that multiply a constant end in " (factor)"), `bounds`, `dists`:
    hand it to SALib's samplers. `tried_constants` turns a row of a sample into what `Model.run` takes.

    Examples
    --------
    >>> import talent_sd as ts
    >>> problem = ts.salib_problem("hefei")
    >>> problem["num_vars"] == len(problem["names"]) == len(problem["bounds"])
    True
    """
    prepared = prepare(scenario, city, model=model)
    found = {prior_name(prior): prior for prior in _priors(prepared)}
    told = [_salib_distribution(prior) for prior in found.values()]
    dists, bounds = ([one[part] for one in told] for part in (0, 1))
    return {"num_vars": len(found), "names": list(found), "bounds": bounds, "dists": dists}


def prior_name(prior: Prior) -> str:
    """Return a prior's name on an axis of parameters."""
    return prior.key + " (factor)" * prior.factor


def _priors(prepared: Prepared) -> list[Prior]:
    given = prepared.first.params()
    found = read_priors(prepared.model.structure, prepared.model.program)
    return [prior for prior in found if not any(key in given for key in (prior.key, *prior.elements))]


def _salib_distribution(prior: Prior) -> tuple[str, list[float]]:
    low, high = prior.low, prior.high
    if prior.distribution == "triangular":
        # SALib takes no peak at the very end
        return "triang", [low, high, min((prior.centre - low) / (high - low), 1 - 1e-9)]
    if prior.distribution == "normal":
        return "truncnorm", [low, high, prior.centre, float(prior.sd or 0)]
    return ("logunif" if prior.distribution == "loguniform" else "unif"), [low, high]


def tried_constants(values: Mapping[str, float], priors: Iterable[Prior]) -> dict[str, float]:
    """Return what `Model.run` takes of values by `prior_name`."""
    found: dict[str, float] = {}
    for prior in priors:
        if (name := prior_name(prior)) in values:
            drawn = float(values[name])
            found |= {key: drawn * own if prior.factor else drawn for key, own in prior.elements.items()}
    return found


@checked
def ema_model(
    city: str | Path = "hefei",
    outputs: str | Sequence[str] = ("total talent", "tax base"),
    *,
    scenario: str | Path = "baseline",
    model: str | Path | None = None,
    national: str | Path | None = None,
    reading: str | Path | None = None,
) -> EmaModel:
    """Return a city as a model of the EMA Workbench: bring your own search, or your own sampling.

    Uncertainties are the constants that have a prior, within its range. Levers are each policy's intensity, from 0 (off)
    to its highest, its first year ("<policy> from") and the year it ends ("<policy> until"). Outcomes are the outputs in
    the last year, under their own names, and year by year, under "<output> by year"; subscripted ones are summed.

    Parameters
    ----------
    city, scenario, model, national, reading : as in `simulate`
    outputs : names of variables

    Raises
    ------
    InputError
        With every problem of every file at once; if EMA Workbench is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EMA Workbench warns as it is imported
        try:
            from ema_workbench import IntegerParameter, RealParameter, ScalarOutcome, TimeSeriesOutcome
            from ema_workbench import Model as EmaModel
        except ImportError:
            raise InputError(tell(NO_EMA)) from None
    prepared = prepare(scenario, city, model=model, national=national, reading=reading)
    structure = prepared.model.structure
    asked = [outputs] if isinstance(outputs, str) else outputs
    wanted = [structure[name_in(structure.find, name)].name for name in asked]
    policies = [p for p in structure.subscripts[POLICY] if intensity_key(p) in structure.variables]
    priors = _priors(prepared)
    made = EmaModel("talentsd", function=_ema_function(prepared, wanted, policies, priors))
    made.uncertainties = [RealParameter(prior_name(prior), prior.low, prior.high) for prior in priors]
    first, last = int(KNOWN_UNTIL) + 1, int(prepared.years[-1])
    made.levers = [
        lever
        for policy in policies
        for lever in (
            RealParameter(
                intensity_key(policy), 0.0, float(structure[intensity_key(policy)].limits[1] or 1.0)
            ),
            IntegerParameter(f"{policy} from", first, last - 1),
            IntegerParameter(f"{policy} until", last, last + 1),
        )
    ]
    scalars = [ScalarOutcome(name) for name in wanted]
    made.outcomes = [*scalars, *(TimeSeriesOutcome(f"{name} by year") for name in wanted)]
    return made


def _ema_function(
    prepared: Prepared, wanted: Sequence[str], policies: Sequence[str], priors: Sequence[Prior]
) -> Callable[..., dict[str, Any]]:
    """Return what the workbench calls with values of uncertainties and levers, by their names."""
    fixed, years = prepared.first.params(), prepared.years

    def function(**given: float) -> dict[str, Any]:
        """Run the model with the constants and policies given; return its outcomes by name."""
        params = {**fixed, **tried_constants(given, priors)}
        for policy in policies:
            intensity = given.get(intensity_key(policy), 0.0)
            params |= {intensity_key(policy): intensity, policy_key(policy): float(intensity > 0)}
            params[policy_key(policy, "start")] = given.get(f"{policy} from", years[-1])
            params[policy_key(policy, "end")] = given.get(f"{policy} until", years[-1] + 1)
        found = prepared.model.run(params, outputs=wanted, times=years)
        series = {name: found[name].values.reshape(len(years), -1).sum(axis=1) for name in wanted}
        last = {name: one[-1] for name, one in series.items()}
        return last | {f"{name} by year": one for name, one in series.items()}

    return function
