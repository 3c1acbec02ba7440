"""Settings of a scenario, a city and a national path checked against the model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from talent_sd.base.errors import OddFigure, Problems, nearest
from talent_sd.base.language import listed, tell
from talent_sd.inputs.checking import Checking, Horizon, hint_of, nearest_label, outside, same_unit
from talent_sd.inputs.city_figures import City, Value, city_constants
from talent_sd.inputs.city_files import figures_of_province
from talent_sd.inputs.national_paths import NationalPath, lookup_name
from talent_sd.inputs.scenario_chain import Scenario
from talent_sd.inputs.settings import ModelStructure, ModelVariable, Setting, policy_key, split_key
from talent_sd.model.structure import KINDS

if TYPE_CHECKING:
    from talent_sd.inputs.city_figures import Mapped

TIMES = 3
"""A shock that multiplies by more, or divides, is told: judgement, between the 1.2 of a fifth and the 20 of a slip."""
REVENUE, NOTHING = "city fiscal revenue", 1e-5
"""Constant of a city, and the part of it below which a policy's money is told: judgement, a million of a hundred billion."""
SLACK = 1.02
"""So much beyond the range of a stand-in a city's own figure is told."""
POLICY = "policy"
"""The model's subscript of policies."""
TIMING = {"from": "start", "until": "end", "ramp": "ramp time"}
PAUSE = {"pause.from": "pause start", "pause.until": "pause end"}
SIZE = "size"
"""A policy's setting: yuan a year, in place of its intensity."""
BUDGET = {
    "yuan per year": "policy money", "from": "policy money start", "until": "policy money end",
    "price_basis": "policy money price year",
}  # fmt: skip
"""A budget's setting -> the model's constant."""
PARTS = {"switch": "switch", **TIMING, **PAUSE}
"""A policy's setting -> what `policy_key` calls its constant."""
_KEY = re.compile(r"(?P<name>.+?)\[(?P<elements>[^\[\]]+)\]\Z")


def check_policy(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check a policy and its settings."""
    policies = checking.structure.subscripts.get(POLICY, ())
    if name not in policies:
        first = next(iter(settings.values()))
        checking.say("unknown policy '{name}'.{hint}", first, name=name, hint=hint_of(name, policies))
        return
    for key, setting in settings.items():
        target = policy_constant(checking, name, "intensity" if key == SIZE else key)
        if target is not None and key == SIZE:
            checking.sizes[target] = replace(setting, value=float(setting.value), unit="yuan/year")
        elif target is not None:
            checking.put(target, setting, "" if key == "switch" else f"{name}.{key}")
        else:
            hint = hint_of(key, policy_settings(checking, name))
            checking.say(
                "unknown setting '{key}' of policy {name}.{hint}", setting, key=key, name=name, hint=hint
            )
    _check_dates(checking, name, settings)
    _check_pause(checking, name, settings)


def policy_constant(checking: Checking, name: str, key: str) -> str | None:
    """Return the constant that a policy's setting stands for, None if there is none."""
    if key in PARTS:
        target = policy_key(name, PARTS[key])
        return None if key in PAUSE and not checking.is_constant(split_key(target)[0]) else target
    spaced = key.replace("_", " ")
    own, shared = f"{name.replace('_', ' ')} {spaced}", f"{POLICY} {spaced}"
    if checking.is_constant(own):
        return own
    of_each = checking.is_constant(shared) and checking.structure.variables[shared].dims == (POLICY,)
    return policy_key(name, spaced) if of_each and spaced not in PARTS.values() else None


def policy_settings(checking: Checking, name: str) -> list[str]:
    """Return the settings that a policy has in this model."""
    keys = [*checking.after(f"{name.replace('_', ' ')} "), *checking.after(f"{POLICY} ")]
    known = (key for key in keys if key != "switch" and policy_constant(checking, name, key))
    return [*TIMING, SIZE, *(["pause"] if policy_constant(checking, name, "pause.from") else []), *known]


def _check_dates(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check that a policy runs within the years of the run, and its end comes after its start."""
    start, end = settings.get("from"), settings.get("until")
    if start:
        checking.is_in_run(start, f"{name}.from")
    if end and end.value <= checking.horizon.start:
        checking.say(
            "{name}.until is {end_value:g}, before the run starts in {low:g}. Move it.",
            end, name=name, end_value=end.value, low=checking.horizon.start,
        )  # fmt: skip
    if start and end:
        where = "" if start.origin.file == end.origin.file else f" ({start.origin})"
        _ends_after(checking, name, start, end, where)


def _ends_after(checking: Checking, label: str, start: Setting, end: Setting, where: str = "") -> bool:
    """Tell whether a span ends after it begins; note a problem if not."""
    if end.value > start.value:
        return True
    checking.say(
        "{label}.until is {ends:g}, not after from, {begins:g}{where}. Swap or mend them.",
        end, label=label, ends=end.value, begins=start.value, where=where,
    )  # fmt: skip
    return False


def _check_pause(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check that a policy's interruption lies within its life and the run; tell the first problem."""
    first, last = settings.get("pause.from"), settings.get("pause.until")
    if first is None or last is None:
        return
    start, end, label = settings.get("from"), settings.get("until"), f"{name}.pause"
    if not _ends_after(checking, label, first, last) or not checking.is_in_run(first, f"{label}.from"):
        return
    if start and first.value <= start.value:
        checking.say(
            "{label}.from is {begins:g}, not after {name}.from, {start_value:g}. Move it.",
            first, label=label, begins=first.value, name=name, start_value=start.value,
        )  # fmt: skip
    elif end and last.value >= end.value:
        checking.say(
            "{label}.until is {ends:g}, not before {name}.until, {end_value:g}. Move it, or end the "
            "policy earlier.",
            last, label=label, ends=last.value, name=name, end_value=end.value,
        )  # fmt: skip


def check_scenario(scenario: Scenario, checking: Checking, mapping: Mapped) -> None:
    """Check every setting of a scenario; what is found and what is wrong is kept in `checking`."""
    for name, settings in scenario.policies.items():
        check_policy(checking, name, settings)
    for key, setting in scenario.assumptions.items():
        _check_assumption(checking, key, setting, mapping)
    for name, settings in scenario.shocks.items():
        _check_shock(checking, name, settings)
    for key, setting in scenario.budget.items():
        checking.put(BUDGET[key], setting, f"budget.{key}")
    start, end = scenario.budget.get("from"), scenario.budget.get("until")
    if start:
        checking.is_in_run(start, "budget.from")
    if start and end:
        _ends_after(checking, "budget", start, end)


def shock_constant(shock: str, key: str) -> str:
    """Return the constant of a shock's setting: `at` is its time, any other key is named after it.

    >>> shock_constant("core_team_exit", "at")
    'core team exit time'
    """
    return f"{shock} {'time' if key == 'at' else key}".replace("_", " ")


def shocks_of(structure: ModelStructure) -> tuple[str, ...]:
    """Return the shocks of a model: each has a "size", and a "time" that is a date, so that it can lie in the run.

    A "time" that is a span, such as one of 8 to 25 years, makes no shock.
    """
    variables = structure.variables
    found = [name.removesuffix(" time") for name in variables if name.endswith(" time")]
    return tuple(
        name.replace(" ", "_") for name in found if f"{name} size" in variables and _has_date(structure, name)
    )


def _has_date(structure: ModelStructure, shock: str) -> bool:
    """Return whether a shock's time is there and can lie in the run."""
    time = structure.variables.get(shock_constant(shock, "at"))
    if time is None:
        return False
    highest = time.limits[1]
    return time.kind == "constant" and (highest is None or highest >= structure.time["INITIAL TIME"])


def _check_shock(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check a shock and its settings."""
    variables = checking.structure.variables
    if not _has_date(checking.structure, name):
        known = shocks_of(checking.structure)
        first = next(iter(settings.values()))
        checking.say("unknown shock '{name}'.{hint}", first, name=name, hint=hint_of(name, known))
        return
    for key, setting in settings.items():
        target = shock_constant(name, key)
        if target in variables:
            checking.put(target, setting, f"{name}.{key}")
            low, _ = variables[target].limits
            if key == SIZE and low and low > 0 and not 1 / TIMES <= float(setting.value) <= TIMES:
                told = tell(
                    "{where}: {name}.{key} is {value:g} times what was before; a rise by 20 % is 1.2, a fall by 20 % is 0.8. "
                    "Check it.", where=setting.origin, name=name, key=key, value=float(setting.value),
                )  # fmt: skip
                warnings.warn(told, OddFigure, stacklevel=2)
        else:
            own = checking.after(f"{name.replace('_', ' ')} ")
            hint = hint_of(key, ["at", *(k for k in own if k != "time")])
            checking.say(
                "unknown setting '{key}' of shock {name}.{hint}", setting, key=key, name=name, hint=hint
            )
    if "at" in settings:
        checking.is_in_run(settings["at"], f"{name}.at")


def _check_assumption(checking: Checking, key: str, setting: Setting, mapping: Mapped) -> None:
    """Check a constant set by the user."""
    match = _KEY.match(key)
    name = match["name"].strip() if match else key
    variable = checking.structure.variables.get(name)
    if variable is None:
        hint = nearest(name, checking.constants) or nearest_label(name, checking.constants)
        hint = hint or tell(" See talent-sd list variables.")
        checking.say("unknown constant '{name}'.{hint}", setting, name=name, hint=hint)
        return
    reason = _not_an_assumption(name, variable, mapping)
    if reason:
        checking.problems.append(f"{setting.origin}: {reason}")
        return
    elements = [part.strip() for part in match["elements"].split(",")] if match else []
    if len(elements) != len(variable.dims) and elements:
        checking.say(
            "'{name}' is subscripted by {dims}, not by [{elements}]. Mend the brackets.",
            setting, name=name, dims=listed(variable.dims) or tell("nothing"), elements=listed(elements),
        )  # fmt: skip
        return
    for element, dim in zip(elements, variable.dims, strict=False):
        members = checking.structure.subscripts.get(dim, ())
        if element not in members:
            hint = hint_of(element, members)
            checking.say(
                "'{name}' has no element '{element}'.{hint}", setting, name=name, element=element, hint=hint
            )
            return
    checking.put(f"{name}[{','.join(elements)}]" if elements else name, setting, key)


def _not_an_assumption(name: str, variable: ModelVariable, mapping: Mapped) -> str | None:
    """Return why a variable cannot be set under assumptions, None if it can."""
    rules = [
        rule
        for key, rule in mapping.content.constants.items()
        if split_key(key)[0] == name and not rule.optional
    ]
    figures = listed(dict.fromkeys(figure for rule in rules for figure in rule.figure))
    if figures:
        return tell(
            "'{name}' is a city's figure, not an assumption. Set {figures} in the city file.",
            name=name, figures=figures,
        )  # fmt: skip
    if rules or (variable.kind == "lookup" and name.startswith("national ")):
        return tell("'{name}' is the national path's. Name another path under 'context'.", name=name)
    if name.startswith(f"{POLICY} ") and name.removeprefix(f"{POLICY} ") in PARTS.values():
        return tell("'{name}' is set under 'policies', not 'assumptions'. Move it there.", name=name)
    if "noise" in name.split():
        return tell("'{name}' is process noise, drawn by each run. Leave it out.", name=name)
    if variable.kind == "time":
        return tell(
            "'{name}' is fixed by the model and the command, not by a scenario. Leave it out.", name=name
        )
    if variable.kind != "constant":
        return tell(
            "'{name}' is computed by the model ({kind}); only constants can be set.",
            name=name, kind=tell(KINDS[variable.kind]),
        )  # fmt: skip
    return None


def check_city(constants: Mapping[str, Value], structure: ModelStructure) -> Problems:
    """Return what is wrong with a city's constants: unit or limits."""
    problems = Problems()
    for name, value in constants.items():
        variable = structure.variables.get(split_key(name)[0])
        if variable is None:
            continue
        at = f"{value.origin}: " if value.origin.file else ""
        if not same_unit(value.unit, variable.unit):
            problems.say(
                "{at}'{name}' is in {value_unit} in the city mapping, in {variable_unit} in the model.",
                at=at, name=name, value_unit=value.unit, variable_unit=variable.unit,
            )  # fmt: skip
        problem = outside(name, value.value, variable)
        if problem:
            problems.append(tell("{at}{problem} It comes from {how}.", at=at, problem=problem, how=value.how))
    return problems


def warn_of_small_money(checking: Checking, constants: Mapping[str, Value]) -> None:
    """Warn of a policy's size or a budget that is next to nothing beside the city's revenue: it was in another unit."""
    revenue = constants.get(REVENUE)
    money = {BUDGET["yuan per year"]: checking.found.get(BUDGET["yuan per year"]), **checking.sizes}
    for setting in money.values():
        if setting and revenue and 0 < (share := float(setting.value) / revenue.value) < NOTHING:
            told = tell(
                "{where}: {value:g} yuan a year are {share:.1g} of the city's revenue: they move nothing. Was it meant in "
                "ten thousand or a hundred million yuan? Write it in yuan.",
                where=setting.origin, value=float(setting.value), share=share,
            )  # fmt: skip
            warnings.warn(told, OddFigure, stacklevel=3)


def warn_of_odd_shares(
    city: City, constants: Mapping[str, Value], start: int, national: NationalPath, mapping: Mapped
) -> None:
    """Warn of a city's own figure that is unlike what would stand in for it: the province's or the nation's.

    The range is that of `shared:` in `models/city_figures.yaml`, from which a stand-in is drawn.
    """
    provinces = figures_of_province(city.province, mapping)
    for key, rule in mapping.content.constants.items():
        if rule.shared is None:
            continue
        value, figure = constants.get(key), rule.own.figure if rule.own else rule.figure[0]
        if value is None or figure not in city.figures:
            continue
        own = city.figures[figure].origin
        if value.origin != own or own.file != city.file:
            continue
        kept = {name: one for name, one in city.figures.items() if name not in rule.shared.figures}
        without = replace(
            city, figures={**{n: provinces[n] for n in rule.shared.figures if n in provinces}, **kept}
        )
        stands = city_constants(without, start, national, mapping, {split_key(key)[0]}, known_years=True).get(
            key
        )
        if stands is None or not stands.value:
            continue
        ratio, (low, high) = value.value / stands.value, rule.shared.range
        if not low / SLACK <= ratio <= high * SLACK:
            told = tell(
                "{where}: {figure} is {ratio:.2g} times what stands in where a city gives none ({how}); {low:g} to {high:g} "
                "is usual. Check its unit and its digits.",
                where=own, figure=figure, ratio=ratio, how=stands.how, low=low, high=high,
            )  # fmt: skip
            warnings.warn(told, OddFigure, stacklevel=3)


def check_national(path: NationalPath, structure: ModelStructure, horizon: Horizon) -> Problems:
    """Return what is wrong with a national path: variables missing, unit, years."""
    problems = Problems()
    lookups = {name for name, item in structure.variables.items() if item.kind == "lookup"}
    needed = {name for name in lookups if name.startswith("national ") and name.endswith(" path")}
    for name in sorted(needed - {lookup_name(variable) for variable in path.variables}):
        text = name.removeprefix("national ").removesuffix(" path").replace(" ", "_")
        problems.say(
            "{file}: the national path lacks '{text}', which the model needs. Add it.",
            file=path.files[-1], text=text,
        )  # fmt: skip
    for variable, series in path.variables.items():
        item = structure.variables.get(lookup_name(variable))
        if item is None:
            continue
        at = f"{series.origin}: "
        if not same_unit(series.unit, item.unit):
            problems.say(
                "{at}{variable} is in {series_unit}, in {item_unit} in the model. Convert it.",
                at=at, variable=variable, series_unit=series.unit, item_unit=item.unit,
            )  # fmt: skip
        first, last = min(series.values), max(series.values)
        if first > horizon.start or last < horizon.final:
            problems.say(
                "{at}{variable} covers {first} to {last}; the run needs {start:g} to {final:g}. Extend "
                "the path.",
                at=at, variable=variable, first=first, last=last, start=horizon.start, final=horizon.final,
            )  # fmt: skip
    return problems
