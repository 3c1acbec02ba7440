"""What checks of settings share: the model, the years of the run, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from talent_sd.base.errors import InputError, Problems
from talent_sd.base.language import tell
from talent_sd.inputs.limits import outside
from talent_sd.inputs.model_interface import ModelStructure, ModelVariable, split_key
from talent_sd.inputs.settings import Setting


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
        given = {"INITIAL TIME": start, "FINAL TIME": final}
        years = {name: structure.time.get(name) if year is None else year for name, year in given.items()}
        lacking = [name for name, year in years.items() if year is None]
        if lacking:
            raise InputError(
                "the model gives no fixed {names}. Give the year of the run.",
                names=tell(" and ").join(lacking),
            )
        return cls(*(float(year) for year in years.values() if year is not None))


@dataclass
class Checking:
    """Settings of one scenario checked against one model.

    Parameters
    ----------
    structure, horizon : the model, and the years of the run
    found : key of the model to its resolved setting
    """

    structure: ModelStructure
    horizon: Horizon
    found: dict[str, Setting] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)

    def variable(self, key: str) -> ModelVariable | None:
        """Return the model's variable that a key is of, None if there is none."""
        return self.structure.variables.get(split_key(key)[0])

    def is_constant(self, name: str) -> bool:
        """Tell whether the model has a constant of that name."""
        variable = self.structure.variables.get(name)
        return variable is not None and variable.kind == "constant"

    def after(self, prefix: str) -> list[str]:
        """Return what follows a prefix in the names of variables that begin with it."""
        return [name.removeprefix(prefix) for name in self.structure.variables if name.startswith(prefix)]

    def say(self, text: str, setting: Setting, /, **values: object) -> None:
        """Note a problem at the line of a setting; text and values as `tell` takes them."""
        self.problems.append(f"{setting.origin}: {tell(text, **values)}")

    def put(self, key: str, setting: Setting, label: str) -> None:
        """Check a value's limits and keep it under the model's key."""
        variable = self.variable(key)
        if variable is None:
            self.say(
                "this model has no constant '{name}', which {label} sets. Leave it out.",
                setting, name=split_key(key)[0], label=label or key,
            )  # fmt: skip
            return
        number = float(setting.value)
        problem = outside(label, number, variable)
        if problem:
            self.problems.append(f"{setting.origin}: {problem}")
        self.found[key] = replace(setting, key=key, value=number, unit=variable.unit)

    def is_in_run(self, setting: Setting, label: str) -> bool:
        """Tell whether something begins within the run; note a problem if not."""
        low, high = self.horizon.start, self.horizon.final
        inside = bool(low <= setting.value < high)
        if not inside:
            self.say(
                "{label} is {value:g}, outside the run ({low:g} to before {high:g}). Move it.",
                setting, label=label, value=setting.value, low=low, high=high,
            )  # fmt: skip
        return inside
