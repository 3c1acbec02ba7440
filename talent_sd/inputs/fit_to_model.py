"""Check a city's constants and a national path against the model: units, limits, years."""

from __future__ import annotations

from collections.abc import Mapping

from talent_sd.base.errors import Problems
from talent_sd.base.language import tell
from talent_sd.inputs.checking import Horizon
from talent_sd.inputs.city_figures import Value
from talent_sd.inputs.limits import outside, same_unit
from talent_sd.inputs.model_interface import ModelStructure, split_key
from talent_sd.inputs.national_paths import NationalPath, lookup_name


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
