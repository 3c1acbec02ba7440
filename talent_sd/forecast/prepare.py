"""Scenarios of a city made ready to run, and where the numbers of a forecast come from."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME, name_axes
from talent_sd.base.errors import InputError, Problems
from talent_sd.base.files import tellable
from talent_sd.base.language import LANGUAGES, language, speaking, tell
from talent_sd.base.version import __version__
from talent_sd.inputs.file_kinds import MODEL_ENDINGS

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.inputs import Resolved
    from talent_sd.inputs.readings import Reading

KNOWN_UNTIL = 2024.0
"""Last year whose national figures are known; the ten years after it are the forecast."""
PACKAGES = ("numpy", "xarray", "pandas", "pysd", "llvmlite", "netCDF4")


Scenarios = str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]]
"""A scenario or several: shipped names, paths, or what a file would hold."""


@dataclass(frozen=True)
class Prepared:
    """Everything a forecast needs, checked: nothing was simulated yet."""

    model: Model
    resolved: dict[str, Resolved]

    @property
    def first(self) -> Resolved:
        """Return the first scenario."""
        return next(iter(self.resolved.values()))

    @property
    def years(self) -> np.ndarray:
        """Return the years that a forecast is told at, from its start to its end."""
        return np.arange(self.first.start_year, self.first.final_year + 1e-9)


def prepare(
    scenarios: Scenarios,
    city: str | Path = "hefei",
    *,
    model: str | Path | None = None,
    national: str | Path | None = None,
    reading: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    horizon: float | None = None,
) -> Prepared:
    """Read and check the model, the scenarios and the city.

    Parameters
    ----------
    scenarios : a shipped name or a path, or several; a path's stem becomes its name on the scenario axis. Or what a
        scenario's file would hold, as a mapping, named by its title
    city : a shipped name or a path
    model : a model file; the shipped city model by default
    national : a national path, which wins over the scenario's own
    reading : assumptions under the scenario's own, "evidence" (none), "article" or a path
    overrides : settings laid over every scenario, as `overridden` takes them
    horizon : last year of the forecast; the model's own by default

    Raises
    ------
    InputError
        With every problem of every file at once; if no scenario is named.
    """
    from talent_sd.engine.runner import load_model
    from talent_sd.forecast.money import sized
    from talent_sd.inputs import Scenario, load_scenario, resolve_scenario
    from talent_sd.inputs.shipped_names import shipped_name
    from talent_sd.inputs.typed_settings import overridden, scenarios_named

    if not (named := list(scenarios_named(scenarios))):
        raise InputError(tell("no scenario was given: name at least one."))
    loaded = load_model(model)
    final = None if horizon is None else _final_year(horizon, loaded.structure.time)
    resolved: dict[str, Resolved] = {}
    problems = Problems()
    for name, given in named:
        if problems.enough():
            break
        scenario = given if isinstance(given, Scenario) else shipped_name(given, "scenario")
        name = tellable(name if scenario is given else str(scenario))
        if name in resolved:
            problems.append(tell("two scenarios are called '{name}'. Rename one of the files.", name=name))
            continue
        try:
            if overrides:
                whole = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
                scenario = overridden(whole, overrides, loaded.structure)
            one = resolve_scenario(
                scenario, city, loaded.structure, context=national, reading=reading, final_year=final
            )
            resolved[name] = sized(loaded, one)
        except InputError as error:
            problems += error.problems
    problems.refuse()
    return Prepared(loaded, resolved)


def _final_year(horizon: float, time: Mapping[str, float]) -> float:
    """Return the last year asked for, refused where nothing would be forecast or it is no year."""
    first = max(KNOWN_UNTIL, time["INITIAL TIME"])
    if not (horizon > first and horizon % 1 == 0):
        raise InputError(
            "the horizon is {horizon:g}. Give a whole year after {first:g}, the last that is known.",
            horizon=horizon,
            first=first,
        )
    return float(horizon)


Told = Callable[[], str]
"""A text that is written in the language of the moment."""


class ComparisonNotice(UserWarning):
    """Something about a comparison that its numbers do not show."""


def cautions_by_language(prepared: Prepared) -> dict[str, list[str]]:
    """Return what to know of scenarios that are compared, the first being the baseline: language -> texts.

    A reading that is not the evidence's, scenarios that change nothing, policies that the city cannot
    pay for, and national paths that differ between scenarios.

    Parameters
    ----------
    prepared : scenarios of one city; each is run once with the model's own constants
    """
    from talent_sd.forecast.money import short_budgets

    found = [*_reading(prepared), *_idle(prepared), *_nations(prepared), *short_budgets(prepared)]
    told = {}
    for lang in LANGUAGES:
        with speaking(lang):
            told[lang] = [text() for text in found]
    return told


def _reading(prepared: Prepared) -> Iterator[Told]:
    if prepared.first.reading is not None:
        yield partial(tell_reading, prepared.first.reading)


def tell_reading(reading: Reading, lang: str | None = None) -> str:
    """Say in which reading numbers are, in a language, the user's by default."""
    return tell(
        "All of this is in the reading “{title}”: {summary}",
        lang,
        title=getattr(reading.title, lang or language()),
        summary=getattr(reading.summary, lang or language()),
    )


def _idle(prepared: Prepared) -> Iterator[Told]:
    """Yield scenarios whose every input is the baseline's: their differences are exactly 0."""
    (baseline, first), *others = prepared.resolved.items()
    for name, one in others:
        if one.national.name == first.national.name and _inputs(one) == _inputs(first):
            yield partial(_tell_idle, name, baseline, first)


def _tell_idle(name: str, baseline: str, first: Resolved) -> str:
    return tell(
        "'{scenario}' changes nothing against '{baseline}' in {city}: every difference is exactly 0. If it should "
        "differ, look at what it sets with `talent-sd diff {baseline} {scenario}`.",
        scenario=name,
        baseline=baseline,
        city=first.city.title[language()],
    )


def _inputs(resolved: Resolved) -> dict[str, object]:
    return {key: value.value for key, value in resolved.values.items()}


def _nations(prepared: Prepared) -> Iterator[Told]:
    (baseline, first), *others = prepared.resolved.items()
    for name, one in others:
        if one.national.name != first.national.name:
            yield partial(_tell_nations, name, one.national.name, baseline, first.national.name)


def _tell_nations(name: str, path: str, baseline: str, other: str) -> str:
    return tell(
        "'{scenario}' runs on the national path '{path}', '{baseline}' on '{other}': part of the "
        "difference is the nation's, not the policies'. Give --national, or the same context in both files.",
        scenario=name,
        path=path,
        baseline=baseline,
        other=other,
    )


def check_file(path: str | Path) -> str:
    """Read a file as what it is and check everything that can be checked without a run.

    Parameters
    ----------
    path : a model (by its ending), else a YAML file that is checked against the shipped model

    Returns
    -------
    "model", "city", "national" or "scenario".

    Raises
    ------
    InputError
        With every problem of the file.
    """
    from talent_sd.engine.runner import load_model
    from talent_sd.inputs import check_file as check_yaml
    from talent_sd.model.read import shipped_structure
    from talent_sd.model.translate import translate
    from talent_sd.model.units import refuse_clashing_units

    path = Path(path)
    if path.suffix.lower() in MODEL_ENDINGS:
        model = load_model(path)
        refuse_clashing_units(translate(path))
        model.refuse_unready()
        return "model"
    kind, problems = check_yaml(path, shipped_structure())
    if problems:
        raise InputError(problems)
    if kind == "scenario":
        _refuse_sizes(path)
    return kind


def _refuse_sizes(path: Path) -> None:
    """Refuse sizes in yuan that no shipped city could spend, as `run` does for its own city; tell of money too small."""
    from talent_sd.inputs import list_cities, load_scenario
    from talent_sd.inputs.setting_checks import SIZE

    loaded = load_scenario(path)
    if not loaded.budget and not any(SIZE in settings for settings in loaded.policies.values()):
        return
    refused: list[InputError] = []
    for city in sorted(list_cities(), key="hefei".__ne__):
        try:
            prepare(path, city)
        except InputError as error:
            refused.append(error)
        else:
            return
    raise refused[0]


def describe(forecast: xr.Dataset, prepared: Prepared) -> xr.Dataset:
    """Add CF attributes, titles in both languages, and the files that the numbers follow from.

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...)
    prepared : what it was run from
    """
    structure = prepared.model.structure
    first = prepared.first
    attrs = {
        "Conventions": "CF-1.11",
        "title": f"talent_sd forecast for {first.city.title['en']}",
        "source": f"talent_sd {__version__}",
        "model": Path(structure.path).name,
        "model_sha256": structure.sha256,
        "city": first.city.name,
        "city_en": first.city.title["en"],
        "city_zh": first.city.title["zh"],
        "national_path": first.national.name,
        "engine": forecast.attrs["engine"],
        "forecast_from": min(max(KNOWN_UNTIL, first.start_year), first.final_year),
    }
    if first.reading is not None:
        attrs["reading"] = first.reading.name
    titles = {
        f"title_{lang}": (
            SCENARIO,
            [resolved.scenario.title[lang] for resolved in prepared.resolved.values()],
        )
        for lang in ("en", "zh")
    }
    return name_axes(forecast.assign_coords(titles).assign_attrs(attrs))


def write_capsule(
    prepared: Prepared, forecast: xr.Dataset, file: Path, *, seed: int = 0, notices: Sequence[str] = ()
) -> None:
    """Write what is needed to know, and repeat, how a forecast came about.

    Versions, SHA-256 of every file read, seed, and each scenario's resolved inputs with
    their origin and what they replaced.

    Parameters
    ----------
    notices : what the numbers do not show, in English
    """
    capsule = {
        **made_with(forecast),
        "seed": seed,
        "sampling": forecast.attrs.get("sampling"),
        "priors_sha256": forecast.attrs.get("priors"),
        "draws": int(forecast.attrs.get("draws", forecast.sizes[DRAW])),
        "years": [float(forecast[TIME][0]), float(forecast[TIME][-1])],
        "files": [{"file": name, "sha256": digest} for name, digest in files_read(prepared).items()],
        "city": forecast.attrs["city"],
        "notices": list(notices),
        "scenarios": {name: _inputs_told(resolved) for name, resolved in prepared.resolved.items()},
    }
    file.write_text(json.dumps(capsule, ensure_ascii=False, indent=1), encoding="utf-8")


def files_read(prepared: Prepared) -> dict[str, str]:
    """Return every file that a forecast follows from, as messages name it, with its SHA-256."""
    from talent_sd.inputs.strict_yaml import shown

    structure = prepared.model.structure
    files = {shown(Path(structure.path)): structure.sha256}
    for resolved in prepared.resolved.values():
        files |= {name: _sha256(path) for name, path in resolved.sources.items() if name not in files}
    return files


def made_with(forecast: xr.Dataset) -> dict[str, Any]:
    """Return when, on what and with which versions and engine a run was made: the head of every capsule."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "talent_sd": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": package_versions(),
        "engine": forecast.attrs["engine"],
    }


def package_versions() -> dict[str, str | None]:
    """Return the versions of the packages that a forecast's numbers may depend on; None: not installed."""
    return {name: _version(name) for name in PACKAGES}


def _inputs_told(resolved: Resolved) -> dict[str, Any]:
    return {
        "title": dict(resolved.scenario.title),
        "national_path": resolved.national.name,
        **({"reading": resolved.reading.name} if resolved.reading else {}),
        "inputs": [
            {
                "name": value.key,
                "value": value.value,
                "unit": value.unit,
                "file": value.origin.file,
                "line": value.origin.line,
                "text": value.origin.text,
                "change": value.change,
            }
            for value in resolved.values.values()
        ],
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(package: str) -> str | None:
    """Version of an installed package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
