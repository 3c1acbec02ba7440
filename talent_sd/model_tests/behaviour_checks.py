"""Behaviour checks as data: what must hold whatever the inputs, read from `city.checks.yaml`.

A check names variables, a condition and the inputs under which it must hold: named
settings (extreme conditions), every input at its lowest and highest value one by
one, and pairs of them. All of it runs as draws of one pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import SCENARIO, TIME
from talent_sd.base.language import fixed
from talent_sd.laboratory.cases import Laboratory
from talent_sd.model.names import name_key
from talent_sd.model.reality import RealityCheck, read_reality_checks
from talent_sd.model_tests.check_files import Bounds, Check, CheckFile, Compare, Sum

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.model.structure import Structure

Lane = tuple[str, dict[str, float]]
DEFAULT = "default"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Verdict:
    """What became of one check.

    Parameters
    ----------
    id, sector, message : of the check
    passed : whether it held everywhere
    runs : how many runs it was tried in
    failure : the first run that broke it, the variable, the year and the value, or why it was
        not tried; "" if neither
    tried : whether there was anything to check
    """

    id: str
    sector: str
    message: str
    passed: bool
    runs: int
    failure: str = ""
    tried: bool = True

    @property
    def verdict(self) -> str:
        """Return "failed", "passed" or, where the check's condition was never met, "not_tried"."""
        return "failed" if not self.passed else "passed" if self.tried else "not_tried"


def run_checks(
    model: Model,
    file: CheckFile,
    engine: str = "auto",
    *,
    thorough: bool = True,
    everywhere: Mapping[str, float] | None = None,
) -> list[Verdict]:
    """Try every check of a file on a model.

    Parameters
    ----------
    engine : "auto", "kernel", "arrays" or "pysd"
    thorough : False for the default and the named settings only
    everywhere : constants set in every run

    Raises
    ------
    InputError
        If a check names what the model lacks; with file and line, all at once.
    """
    file.check_against(model.structure)
    lanes = dict(all_lanes(model, file) if thorough else named_lanes(model, file))
    stocks = [v.name for v in model.structure.variables.values() if v.kind == "stock"]
    wanted = sorted({name for check in file.checks for name in check.names(stocks)} | set(stocks))
    given = [{**(everywhere or {}), **lane} for lane in lanes.values()]
    run = Laboratory(model, wanted, engine).run_lanes(given, file.years)
    names = list(lanes)
    data = {name: _flat(run[name]) for name in wanted}
    return [_judge(model.structure, check, data, names, run[TIME].values, stocks) for check in file.checks]


def named_lanes(model: Model, file: CheckFile) -> Iterator[Lane]:
    """Yield the model's own inputs and the file's settings: a name, and the inputs that differ."""
    yield DEFAULT, {}
    for name, setting in file.settings.items():
        yield name, resolve_setting(model, setting)


def all_lanes(model: Model, file: CheckFile) -> Iterator[Lane]:
    """Yield every run that the file asks for: the named ones, each input at its ends, pairs of inputs."""
    yield from named_lanes(model, file)
    for name in varied_inputs(model, file):
        for end in ("min", "max"):
            yield f"{name} at its {end}", resolve_setting(model, {name: end})
    for one, other in itertools.combinations(file.pairs, 2):
        for ends in itertools.product(("min", "max"), repeat=2):
            label = f"{one} at its {ends[0]}, {other} at its {ends[1]}"
            yield label, resolve_setting(model, dict(zip((one, other), ends, strict=True)))


def varied_inputs(model: Model, file: CheckFile) -> list[str]:
    """Return the constants with two different limits, without those that the file leaves out."""
    found = []
    for variable in model.structure.variables.values():
        low, high = variable.limits
        open_ended = low is None or high is None or low == high
        if variable.kind == "constant" and not open_ended and variable.name not in file.left_out:
            found.append(variable.name)
    return found


def resolve_setting(model: Model, setting: Mapping[str, Any]) -> dict[str, float]:
    """Return a setting in numbers: "min" and "max" are the limits, an element or all of them."""
    found: dict[str, float] = {}
    for key, value in setting.items():
        name, bracket, element = key.partition("[")
        variable = model.structure[name]
        limits = {"min": variable.limits[0], "max": variable.limits[1]}
        number = float(limits[value] if isinstance(value, str) else value)  # type: ignore[arg-type]
        elements = [element.rstrip("]")] if bracket else []
        if not bracket and variable.dims:
            elements = list(model.structure.subscripts[variable.dims[0]])
        for key_of_one in [f"{name}[{one}]" for one in elements] or [name]:
            found[key_of_one] = number
    return found


def _flat(array: xr.DataArray) -> np.ndarray:
    """Return (runs, years, elements)."""
    values = np.asarray(array.transpose(SCENARIO, TIME, ...).values, float)
    return values.reshape(*values.shape[:2], -1)


def _judge(
    structure: Structure,
    check: Check,
    data: Mapping[str, np.ndarray],
    names: list[str],
    years: np.ndarray,
    stocks: list[str],
) -> Verdict:
    """Try one check on the runs it is for."""
    rows = [number for number, name in enumerate(names) if check.wants(name)]
    with np.errstate(all="ignore"):
        if isinstance(check, Compare):
            broken = _compare(structure, check, data, names, years)
            return Verdict(check.id, check.sector, check.message, not broken, 2, broken)
        for name, held in _held(check, data, stocks):
            bad = np.argwhere(~held[rows][:, check.years_of(years)])
            if len(bad):
                row, when, _ = bad[0]
                value = data[name][rows[row]][check.years_of(years)][when].flat[0]
                where = (
                    f"{name} in {years[check.years_of(years)][when]:g}: {value:.6g}, with {names[rows[row]]}"
                )
                return Verdict(check.id, check.sector, check.message, False, len(rows), where)
    untried = "" if rows else "never tried, since no run is for it"
    return Verdict(check.id, check.sector, check.message, True, len(rows), untried, bool(rows))


def _held(
    check: Check, data: Mapping[str, np.ndarray], stocks: list[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield variable -> where the condition held, (runs, years, elements)."""
    if isinstance(check, Sum):
        left = sum(data[name].sum(-1, keepdims=True) for name in check.terms)
        right = sum(data[name].sum(-1, keepdims=True) for name in check.equals)
        size = np.maximum(np.maximum(np.abs(np.asarray(left)), np.abs(np.asarray(right))), check.floor)
        yield check.terms[0], np.abs(np.asarray(left) - np.asarray(right)) <= check.tolerance * size
        return
    assert isinstance(check, Bounds)
    for name in check.names(stocks):
        values = data[name]
        held = np.isfinite(values)
        largest = np.nanmax(
            np.abs(np.where(held, values, 0)), initial=check.floor, axis=(1, 2), keepdims=True
        )
        slack = ROUNDING * largest
        if check.at_least is not None:
            held &= values >= check.at_least - slack
        if check.at_most is not None:
            held &= values <= check.at_most + slack
        yield name, held


def _compare(
    structure: Structure,
    check: Compare,
    data: Mapping[str, np.ndarray],
    names: list[str],
    years: np.ndarray,
) -> str:
    """Return what is wrong with a comparison of two runs; "" if nothing."""
    when, columns = check.years_of(years), slice(None)
    if check.element is not None:
        place = structure.subscripts[structure[check.variable].dims[0]].index(check.element)
        columns = slice(place, place + 1)
    with_it, without = (
        data[check.variable][names.index(name)][when][..., columns].sum(-1)
        for name in (check.setting, check.against)
    )
    change = with_it / without - 1
    if check.expect == "lower":
        held = change < -check.by
    elif check.expect == "higher":
        held = change > check.by
    else:
        held = np.abs(change) <= check.by
    if held.all():
        return ""
    first = int(np.argmin(held))
    return f"{check.variable} in {years[when][first]:g}: {fixed(100 * change[first], 4, '+')}% against '{check.against}'"


SECTOR = "Reality checks"
NEVER_MET = "never tried, since its condition is never met"


def run_reality_checks(model: Model, engine: str = "auto") -> list[Verdict]:
    """Try a model's own Reality Checks at every step.

    Returns
    -------
    one verdict each, in the file's order; none if the model has none

    Raises
    ------
    ModelError
        If one names what the model lacks.
    """
    return [_try(model, check, engine) for check in read_reality_checks(model.path, model.structure)]


def _try(model: Model, check: RealityCheck, engine: str) -> Verdict:
    """Run the model under a check's inputs, step by step, and look for the first time it fails."""
    start, end, step = (model.structure.time[name] for name in ("INITIAL TIME", "FINAL TIME", "TIME STEP"))
    points = start + step * np.arange(round((end - start) / step) + 1)
    run = model.run(params=dict(check.inputs), outputs=list(check.reads), engine=engine, times=points)
    values: dict[str, np.ndarray] = {"time": run[TIME].values}
    for name in check.reads:
        array = run[name]
        dims = [dim for dim in array.dims if dim != TIME]
        values[name_key(name)] = array.sum(dims).values if dims else array.values
        if len(dims) == 1:
            for element in array[dims[0]].values:
                values[name_key(f"{name}[{element}]")] = array.sel({dims[0]: element}).values
    times, at = run[TIME].values, f"{model.path.name}:{check.line}"
    when, tried = check.broken_at(values, times), check.is_tried(values, times)
    failure = f"{at}: fails at {when:g}" if when is not None else "" if tried else f"{at}: {NEVER_MET}"
    return Verdict(check.name, SECTOR, check.doc or check.name, when is None, 1, failure, tried)
