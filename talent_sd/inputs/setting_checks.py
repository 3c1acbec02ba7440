"""Check a scenario, a city and a national path against the model: names, units, limits, dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import listed, tell
from talent_sd.inputs.limits import hint_of, nearest_label, outside, same_unit
from talent_sd.inputs.model_interface import ResolvedValue
from talent_sd.inputs.national_paths import NationalPath, lookup_name
from talent_sd.inputs.scenario_chain import Scenario, Setting
from talent_sd.model.structure import KINDS

if TYPE_CHECKING:
    from talent_sd.inputs.city_figures import Mapped, Value
    from talent_sd.inputs.model_interface import ModelStructure, ModelVariable

POLICY = "policy"
# A policy's setting and the model's constant over the `policy` subscript.
TIMING = {"from": "policy start", "until": "policy end", "ramp": "policy ramp time"}
PAUSE = {"pause.from": "policy pause start", "pause.until": "policy pause end"}
SWITCH = "policy switch"
_KEY = re.compile(r"(?P<name>.+?)\[(?P<elements>[^\[\]]+)\]\Z")


@dataclass(frozen=True)
class Horizon:
    """First and last year of a run."""

    start: float
    final: float

    @classmethod
    def of(cls, structure: ModelStructure, start: float | None = None, final: float | None = None) -> Horizon:
        """Return the years given, else the model's own.

        Raises
        ------
        InputError
            If the model has no fixed INITIAL TIME or FINAL TIME and none is given.
        """
        own = structure.time
        lacking = [name for name, given in (("INITIAL TIME", start), ("FINAL TIME", final))
                   if given is None and name not in own]  # fmt: skip
        if lacking:
            raise InputError(
                "the model gives no fixed {names}. Give the year of the run.",
                names=tell(" and ").join(lacking),
            )
        return cls(
            own["INITIAL TIME"] if start is None else float(start),
            own["FINAL TIME"] if final is None else float(final),
        )


class Checker:
    """Checks values against one model, and names them as the model does."""

    def __init__(self, structure: ModelStructure, horizon: Horizon, mapping: Mapped) -> None:
        self.structure = structure
        self.horizon = horizon
        self.mapping = mapping
        self.policies = tuple(structure.subscripts.get(POLICY, ()))
        self.problems: list[str] = []
        self.found: dict[str, ResolvedValue] = {}

    def scenario(self, scenario: Scenario) -> tuple[dict[str, ResolvedValue], list[str]]:
        """Return the scenario's parameters, and what is wrong with it."""
        self.problems, self.found = [], {}
        for name, settings in scenario.policies.items():
            self.policy(name, settings)
        for key, setting in scenario.assumptions.items():
            self.assumption(key, setting)
        for name, settings in scenario.shocks.items():
            self.shock(name, settings)
        return self.found, self.problems

    def complain(self, setting: Setting, text: str) -> None:
        """Note a problem at the line of a setting."""
        self.problems.append(f"{setting.origin}: {text}")

    def policy(self, name: str, settings: Mapping[str, Setting]) -> None:
        """Check a policy and its settings."""
        if name not in self.policies:
            first = next(iter(settings.values()))
            self.complain(
                first, tell("unknown policy '{name}'.{hint}", name=name, hint=hint_of(name, self.policies))
            )
            return
        for key, setting in settings.items():
            target = self.policy_constant(name, key)
            if target is not None:
                value = float(setting.value) if isinstance(setting.value, bool) else setting.value
                self.put(target, value, setting, "" if key == "switch" else f"{name}.{key}")
            else:
                hint = hint_of(key, self.policy_settings(name))
                self.complain(
                    setting,
                    tell("unknown setting '{key}' of policy {name}.{hint}", key=key, name=name, hint=hint),
                )
        self.dates(name, settings)
        self.pause(name, settings)

    def policy_constant(self, name: str, key: str) -> str | None:
        """Return the constant that a policy's setting stands for, None if there is none."""
        if key == "switch" or key in TIMING:
            return f"{TIMING.get(key, SWITCH)}[{name}]"
        if key in PAUSE:
            return f"{PAUSE[key]}[{name}]" if self.is_constant(PAUSE[key]) else None
        spaced = key.replace("_", " ")
        own, shared = f"{name.replace('_', ' ')} {spaced}", f"{POLICY} {spaced}"
        if self.is_constant(own):
            return own
        of_each = self.is_constant(shared) and self.structure.variables[shared].dims == (POLICY,)
        return (
            f"{shared}[{name}]"
            if of_each and shared not in (SWITCH, *TIMING.values(), *PAUSE.values())
            else None
        )

    def policy_settings(self, name: str) -> list[str]:
        """Return the settings that a policy has in this model."""
        prefixes = (f"{name.replace('_', ' ')} ", f"{POLICY} ")
        keys = [v.removeprefix(p) for p in prefixes for v in self.structure.variables if v.startswith(p)]
        known = (key for key in keys if key != "switch" and self.policy_constant(name, key))
        return [*TIMING, *(["pause"] if self.policy_constant(name, "pause.from") else []), *known]

    def dates(self, name: str, settings: Mapping[str, Setting]) -> None:
        """Check the order of a policy's dates."""
        start, end = settings.get("from"), settings.get("until")
        low, high = self.horizon.start, self.horizon.final
        if start and not low <= _number(start) < high:
            self.complain(
                start,
                tell(
                    "{name}.from is {start_value:g}, outside the run ({low:g} to before {high:g}). Move it.",
                    name=name,
                    start_value=start.value,
                    low=low,
                    high=high,
                ),
            )
        if end and _number(end) <= low:
            self.complain(
                end,
                tell(
                    "{name}.until is {end_value:g}, before the run starts in {low:g}. Move it.",
                    name=name,
                    end_value=end.value,
                    low=low,
                ),
            )
        if start and end and _number(end) <= _number(start):
            where = "" if start.origin.file == end.origin.file else f" ({start.origin})"
            self.complain(
                end,
                tell(
                    "{name}.until is {end_value:g}, not after from, {start_value:g}{where}. Swap or mend "
                    "them.",
                    name=name,
                    end_value=end.value,
                    start_value=start.value,
                    where=where,
                ),
            )

    def pause(self, name: str, settings: Mapping[str, Setting]) -> None:
        """Check that a policy's interruption lies within its life and the run."""
        first, last = settings.get("pause.from"), settings.get("pause.until")
        if first is None or last is None:
            return
        begins, ends, label = _number(first), _number(last), f"{name}.pause"
        start, end = settings.get("from"), settings.get("until")
        low, high = self.horizon.start, self.horizon.final
        if ends <= begins:
            self.complain(
                last,
                tell(
                    "{label}.until is {ends:g}, not after from, {begins:g}. Swap or mend them.",
                    label=label,
                    ends=ends,
                    begins=begins,
                ),
            )
        elif not low <= begins < high:
            self.complain(
                first,
                tell(
                    "{label}.from is {begins:g}, outside the run ({low:g} to before {high:g}). Move it.",
                    label=label,
                    begins=begins,
                    low=low,
                    high=high,
                ),
            )
        elif start and begins <= _number(start):
            self.complain(
                first,
                tell(
                    "{label}.from is {begins:g}, not after {name}.from, {start_value:g}. Move it.",
                    label=label,
                    begins=begins,
                    name=name,
                    start_value=start.value,
                ),
            )
        elif end and ends >= _number(end):
            self.complain(
                last,
                tell(
                    "{label}.until is {ends:g}, not before {name}.until, {end_value:g}. Move it, or end the "
                    "policy earlier.",
                    label=label, ends=ends, name=name, end_value=end.value,
                ),
            )  # fmt: skip

    def shock(self, name: str, settings: Mapping[str, Setting]) -> None:
        """Check a shock: `at` is its time, any other key a constant named after it."""
        spaced = name.replace("_", " ")
        names = {key: f"{spaced} {'time' if key == 'at' else key.replace('_', ' ')}" for key in settings}
        if not self.variable(f"{spaced} time"):
            shocks = [
                v.removesuffix(" time").replace(" ", "_")
                for v in self.structure.variables
                if v.endswith(" time")
            ]
            known = [s for s in shocks if self.variable(f"{s.replace('_', ' ')} size")]
            first = next(iter(settings.values()))
            self.complain(first, tell("unknown shock '{name}'.{hint}", name=name, hint=hint_of(name, known)))
            return
        for key, setting in settings.items():
            if self.variable(names[key]):
                self.put(names[key], setting.value, setting, f"{name}.{key}")
            else:
                own = [
                    v.removeprefix(f"{spaced} ")
                    for v in self.structure.variables
                    if v.startswith(f"{spaced} ")
                ]
                known = ["at", *(k for k in own if k != "time")]
                self.complain(
                    setting,
                    tell(
                        "unknown setting '{key}' of shock {name}.{hint}",
                        key=key,
                        name=name,
                        hint=hint_of(key, known),
                    ),
                )
        at = settings.get("at")
        if at and not self.horizon.start <= _number(at) < self.horizon.final:
            low, high = self.horizon.start, self.horizon.final
            self.complain(
                at,
                tell(
                    "{name}.at is {at_value:g}, outside the run ({low:g} to before {high:g}). Move it.",
                    name=name,
                    at_value=at.value,
                    low=low,
                    high=high,
                ),
            )

    def assumption(self, key: str, setting: Setting) -> None:
        """Check a constant set by the user."""
        match = _KEY.match(key)
        name = match["name"].strip() if match else key
        variable = self.variable(name)
        if variable is None:
            constants = [v for v in self.structure.variables if self.is_constant(v)]
            hint = nearest(name, constants) or nearest_label(name, constants)
            self.complain(
                setting,
                tell(
                    "unknown constant '{name}'.{hint}",
                    name=name,
                    hint=hint or tell(" See talent-sd list variables."),
                ),
            )
            return
        reason = self.not_an_assumption(name, variable)
        if reason:
            self.complain(setting, reason)
            return
        elements = [part.strip() for part in match["elements"].split(",")] if match else []
        if len(elements) != len(variable.dims) and elements:
            dims = listed(variable.dims) or tell("nothing")
            self.complain(
                setting,
                tell(
                    "'{name}' is subscripted by {dims}, not by [{elements}]. Mend the brackets.",
                    name=name,
                    dims=dims,
                    elements=listed(elements),
                ),
            )
            return
        for element, dim in zip(elements, variable.dims, strict=False):
            members = self.structure.subscripts.get(dim, ())
            if element not in members:
                self.complain(
                    setting,
                    tell(
                        "'{name}' has no element '{element}'.{hint}",
                        name=name,
                        element=element,
                        hint=hint_of(element, members),
                    ),
                )
                return
        self.put(f"{name}[{','.join(elements)}]" if elements else name, setting.value, setting, key)

    def not_an_assumption(self, name: str, variable: ModelVariable) -> str | None:
        """Return why a variable cannot be set under assumptions, None if it can."""
        rules = [r for n, r in self.mapping.content.constants.items() if n.split("[")[0] == name]
        figures = listed(dict.fromkeys(figure for rule in rules for figure in rule.figure))
        if rules and not figures:
            return tell("'{name}' is the national path's. Name another path under 'context'.", name=name)
        if rules:
            return tell(
                "'{name}' is a city's figure, not an assumption. Set {figures} in the city file.",
                name=name,
                figures=figures,
            )
        if variable.kind == "lookup" and name.startswith("national "):
            return tell("'{name}' is the national path's. Name another path under 'context'.", name=name)
        if name in (SWITCH, *TIMING.values(), *PAUSE.values()):
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
                name=name,
                kind=tell(KINDS[variable.kind]),
            )
        return None

    def put(self, key: str, value: object, setting: Setting, label: str) -> None:
        """Check a value's limits and keep it."""
        name = key.split("[")[0]
        variable = self.variable(name)
        if variable is None:
            self.complain(
                setting,
                tell(
                    "this model has no constant '{name}', which {label} sets. Leave it out.",
                    name=name,
                    label=label or key,
                ),
            )
            return
        number = _number(setting) if label else float(value)  # type: ignore[arg-type]
        problem = outside(label, number, variable)
        if problem:
            self.complain(setting, problem)
        old = setting.replaced
        self.found[key] = ResolvedValue(
            key,
            number,
            variable.unit,
            setting.origin,
            _number(old) if old else None,
            old.origin if old else None,
        )

    def city(self, constants: Mapping[str, Value]) -> list[str]:
        """Return what is wrong with a city's constants: unit or limits."""
        problems = []
        for name, value in constants.items():
            variable = self.variable(name.split("[")[0])
            if variable is None:
                continue
            at = f"{value.file}:{value.line}: " if value.file else ""
            if not same_unit(value.unit, variable.unit):
                problems.append(
                    tell(
                        "{at}'{name}' is in {value_unit} in the city mapping, in {variable_unit} in the model.",
                        at=at,
                        name=name,
                        value_unit=value.unit,
                        variable_unit=variable.unit,
                    )
                )
            problem = outside(name, value.value, variable)
            if problem:
                problems.append(
                    tell("{at}{problem} It comes from {how}.", at=at, problem=problem, how=value.how)
                )
        return problems

    def national(self, path: NationalPath) -> list[str]:
        """Return what is wrong with a national path: variables missing, unit, years."""
        problems = []
        lookups = {v for v, item in self.structure.variables.items() if item.kind == "lookup"}
        needed = {v for v in lookups if v.startswith("national ") and v.endswith(" path")}
        for name in sorted(needed - {lookup_name(variable) for variable in path.variables}):
            text = name.removeprefix("national ").removesuffix(" path").replace(" ", "_")
            problems.append(
                tell(
                    "{file}: the national path lacks '{text}', which the model needs. Add it.",
                    file=path.files[-1],
                    text=text,
                )
            )
        for variable, series in path.variables.items():
            item = self.variable(lookup_name(variable))
            if item is None:
                continue
            at = f"{series.file}:{series.line}: "
            if not same_unit(series.unit, item.unit):
                problems.append(
                    tell(
                        "{at}{variable} is in {series_unit}, in {item_unit} in the model. Convert it.",
                        at=at,
                        variable=variable,
                        series_unit=series.unit,
                        item_unit=item.unit,
                    )
                )
            first, last = min(series.values), max(series.values)
            if first > self.horizon.start or last < self.horizon.final:
                problems.append(
                    tell(
                        "{at}{variable} covers {first} to {last}; the run needs {start:g} to {final:g}. Extend "
                        "the path.",
                        at=at,
                        variable=variable,
                        first=first,
                        last=last,
                        start=self.horizon.start,
                        final=self.horizon.final,
                    )
                )
        return problems

    def variable(self, name: str) -> ModelVariable | None:
        """Return the model's variable, None if there is none."""
        return self.structure.variables.get(name)

    def is_constant(self, name: str) -> bool:
        """Tell whether the model has a constant of that name."""
        variable = self.variable(name)
        return variable is not None and variable.kind == "constant"


def _number(setting: Setting) -> float:
    """Return a setting as a number."""
    assert isinstance(setting.value, (int, float))
    return float(setting.value)
