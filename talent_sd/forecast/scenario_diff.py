"""What two scenarios set differently, after all that they extend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import Problems
from talent_sd.base.files import write_rows
from talent_sd.base.language import N_, tell
from talent_sd.engine.runner import model_constants
from talent_sd.inputs.checking import Checking, Horizon
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.resolved_inputs import named_context, resolve_scenario
from talent_sd.inputs.scenario_chain import load_scenario
from talent_sd.inputs.setting_checks import (
    BUDGET,
    SIZE,
    TIMING,
    check_scenario,
    policy_constant,
    shock_constant,
)
from talent_sd.inputs.settings import policy_key

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs import NationalPath, Resolved, Scenario, Setting


def begun(own: Mapping[str, float], scenario: Scenario, lang: str) -> list[str]:
    """Say that a user's plan leaves the first year of policies to the model, whose own is past; nothing where it does not.

    Parameters
    ----------
    own : the model's constants
    """
    left: dict[float, list[str]] = {}
    for policy, settings in scenario.policies.items():
        switch, year = settings.get("switch"), own.get(policy_key(policy, TIMING["from"]), np.inf)
        on = switch is not None and switch.value and not switch.origin.file.startswith("scenarios/")
        if on and "from" not in settings and year < date.today().year:
            left.setdefault(year, []).append(shipped_labels().element(policy, lang))
    told = N_(
        "'{scenario}' does not say when these begin: {policies}. The model's own year holds, {year:g}, which is past. "
        "Give their `from`."
    )
    return [
        tell(told, lang, scenario=scenario.name, policies=tell(", ", lang).join(policies), year=year)
        for year, policies in left.items()
    ]


@dataclass(frozen=True)
class Difference:
    """One setting that two scenarios have differently.

    Parameters
    ----------
    part : "policies", "assumptions", "shocks", "budget", "context" or "city"
    key : policy, "policy.setting", constant, "shock.setting", national variable
    unit : the model's; "" for a switch or a name
    old, new : what holds on each side; None where nothing does, as for a policy that is off
    old_origin, new_origin : "file:line"; the model's for its own value
    year : of the values of a path over time, the last of the run
    """

    part: str
    key: str
    unit: str
    old: float | str | bool | None
    old_origin: str
    new: float | str | bool | None
    new_origin: str
    year: int | None = None


@dataclass(frozen=True)
class _Side:
    """What holds on one side, and where it was written."""

    value: float | str | bool | None
    origin: str


_NOTHING = _Side(None, "")
SIZED = ("intensity", SIZE)


def scenario_differences(
    first: str | Path, second: str | Path, model: Model, city: str | Path | None = None
) -> tuple[Scenario, Scenario, list[Difference]]:
    """Return two scenarios and what differs between them: what a run would see, not what is written.

    A value that equals the model's own is no difference from leaving it out, nor is a policy
    switched off from one that is absent.

    Parameters
    ----------
    first, second : shipped names or paths
    city : with one, also the start values that a national path changes

    Raises
    ------
    InputError
        With every problem of both files.
    """
    problems = Problems()
    scenarios = [load_scenario(name, problems) for name in (first, second)]
    horizon = Horizon.of(model.structure)
    checker = Checking(model.structure, horizon, problems=problems)
    for scenario in scenarios:
        check_scenario(scenario, checker, read_mapping())
    problems.refuse()
    one, two = scenarios
    own = model_constants(model)

    def default(constant: str) -> _Side:
        return _Side(own.get(constant), model.structure.place(constant.split("[")[0]))

    found = [
        *_policies(one, two, checker, default),
        *_assumptions(one.assumptions, two.assumptions, checker, default),
        *_shocks(one.shocks, two.shocks, checker, default),
        *_budget(one.budget, two.budget, checker),
        *_context(one, two, int(horizon.final)),
    ]
    if city is not None:
        resolved = [resolve_scenario(scenario, city, model.structure) for scenario in scenarios]
        found += _city(resolved[0], resolved[1])
    return one, two, found


def write_differences(differences: Sequence[Difference], path: Path) -> None:
    """Write differences as CSV, a row each; nothing stands for what holds on one side only."""
    write_rows(path, [field.name for field in fields(Difference)], map(_cells, differences))


def _cells(difference: Difference) -> list[object]:
    """Return a difference's cells; a switch is on or off, a number as short as it goes."""
    return [
        ("on" if cell else "off") if isinstance(cell, bool)
        else f"{cell:.12g}" if isinstance(cell, float)
        else cell
        for cell in astuple(difference)
    ]  # fmt: skip


Default = Callable[[str], _Side]


def _policies(one: Scenario, two: Scenario, checker: Checking, default: Default) -> Iterator[Difference]:
    for policy in dict.fromkeys([*one.policies, *two.policies]):
        settings = [scenario.policies.get(policy, {}) for scenario in (one, two)]
        switches = [_setting(side.get("switch")) or _off(policy, default) for side in settings]
        running = [bool(switch.value) for switch in switches]
        if running[0] != running[1]:
            yield _difference("policies", policy, "", (switches[0], switches[1]))
        if not any(running):
            continue
        timed = (
            [] if all(running) else TIMING
        )  # a policy new to one side runs from and until some year, named or not
        for key in dict.fromkeys([*settings[0], *settings[1], *timed]):
            constant = policy_constant(checker, policy, "intensity" if key == SIZE else key)
            if key == "switch" or constant is None:
                continue
            own = default(constant)
            # of a policy that is off no setting matters, of one sized in yuan no intensity
            sides = [
                _setting(side.get(key)) or (_NOTHING if SIZE in (key, *side) and key in SIZED else own)
                if on
                else _NOTHING
                for side, on in zip(settings, running, strict=True)
            ]
            if sides[0].value != sides[1].value:
                unit = "yuan/year" if key == SIZE else _unit(checker, constant)
                yield _difference("policies", f"{policy}.{key}", unit, (sides[0], sides[1]))


def _off(policy: str, default: Default) -> _Side:
    """Return the switch of a policy that a scenario does not name."""
    own = default(policy_key(policy))
    return _Side(bool(own.value), own.origin)


def _assumptions(
    one: Mapping[str, Setting], two: Mapping[str, Setting], checker: Checking, default: Default
) -> Iterator[Difference]:
    for name in dict.fromkeys(key.split("[")[0] for key in [*one, *two]):
        found = []
        keys = _elements(name, checker)
        for key in keys:
            # what is set for the whole constant holds for each element
            sides = [_setting(side.get(key) or side.get(name)) or default(key) for side in (one, two)]
            if sides[0].value != sides[1].value:
                found.append((key, sides))
        if len(found) == len(keys) and all(sides == found[0][1] for _, sides in found):
            found = [(name, found[0][1])]
        for key, sides in found:
            yield _difference("assumptions", key, _unit(checker, name), (sides[0], sides[1]))


def _elements(name: str, checker: Checking) -> list[str]:
    """Return "constant[element]" for each element of a constant, the constant itself where it has none."""
    variable = checker.variable(name)
    ranges = [checker.structure.subscripts[dim] for dim in (variable.dims if variable else ())]
    return [f"{name}[{','.join(parts)}]" for parts in product(*ranges)] if ranges else [name]


def _shocks(
    one: Mapping[str, Mapping[str, Setting]], two: Mapping[str, Mapping[str, Setting]],
    checker: Checking, default: Default,
) -> Iterator[Difference]:  # fmt: skip
    for shock in dict.fromkeys([*one, *two]):
        ours, theirs = one.get(shock, {}), two.get(shock, {})
        for key in dict.fromkeys([*ours, *theirs]):
            constant = shock_constant(shock, key)
            own = default(constant)
            sides = [_setting(side.get(key)) or own for side in (ours, theirs)]
            if sides[0].value != sides[1].value:
                yield _difference("shocks", f"{shock}.{key}", _unit(checker, constant), (sides[0], sides[1]))


def _budget(
    one: Mapping[str, Setting], two: Mapping[str, Setting], checker: Checking
) -> Iterator[Difference]:
    for key, constant in BUDGET.items():
        sides = [_setting(side.get(key)) or _NOTHING for side in (one, two)]
        if sides[0].value != sides[1].value:
            yield _difference("budget", key, _unit(checker, constant), (sides[0], sides[1]))


def _context(one: Scenario, two: Scenario, final: int) -> Iterator[Difference]:
    paths = [named_context(scenario) for scenario in (one, two)]
    if paths[0].files == paths[1].files:
        return
    named = [
        _Side(path.name, str(scenario.context.origin) if scenario.context else path.files[-1])
        for scenario, path in zip((one, two), paths, strict=True)
    ]
    yield _difference("context", "context", "", (named[0], named[1]))
    for variable in dict.fromkeys([*paths[0].variables, *paths[1].variables]):
        sides = [_national(path, variable, final) for path in paths]
        if sides[0].value != sides[1].value:
            unit = (paths[0].variables.get(variable) or paths[1].variables[variable]).unit
            yield _difference("context", variable, unit, (sides[0], sides[1]), year=final)


def _national(path: NationalPath, variable: str, year: int) -> _Side:
    """Return a national variable in a year, and where its future was written."""
    series = path.variables.get(variable)
    if series is None:
        return _Side(None, path.files[-1])
    return _Side(series.values.get(year), str(series.future))


def _city(one: Resolved, two: Resolved) -> Iterator[Difference]:
    for key, ours in one.values.items():
        theirs = two.values.get(key)
        city_files = (one.city.file, two.city.file)
        if theirs is None or ours.origin.file not in city_files or ours.value == theirs.value:
            continue
        assert isinstance(ours.value, float)
        assert isinstance(theirs.value, float)
        sides = [_Side(side.value, str(side.origin)) for side in (ours, theirs)]  # type: ignore[arg-type]
        yield _difference("city", key, ours.unit, (sides[0], sides[1]))


def _setting(setting: Setting | None) -> _Side | None:
    """Return what a file sets, None where it sets nothing."""
    if setting is None:
        return None
    value = setting.value
    assert isinstance(value, (bool, int, float))
    return _Side(value if isinstance(value, bool) else float(value), str(setting.origin))


def _unit(checker: Checking, key: str) -> str:
    """Return the unit of a constant."""
    variable = checker.variable(key)
    return variable.unit if variable else ""


def _difference(
    part: str, key: str, unit: str, sides: tuple[_Side, _Side], year: int | None = None
) -> Difference:
    """Put two sides together."""
    old, new = sides
    return Difference(part, key, unit, old.value, old.origin, new.value, new.origin, year)
