"""The model's uncertain constants: read from `priors.yaml`, checked against the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import apart, tell
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.inputs.city_files import figures_of_its_own_province, read_provinces
from talent_sd.inputs.file_schemas import Part, Range
from talent_sd.inputs.schema_problems import StrictFile, read_strict
from talent_sd.inputs.settings import split_key

if TYPE_CHECKING:
    from talent_sd.engine.ir import Program
    from talent_sd.engine.runner import Model
    from talent_sd.inputs import City, Resolved
    from talent_sd.inputs.figure_schemas import FigureToConstant
    from talent_sd.inputs.settings import Setting
    from talent_sd.model.structure import Structure, Variable

_ELEMENT = re.compile(r"^(?P<name>.*?)\s*\[(?P<elements>[^\[\]]*)\]$")


class ConstantEntry(Part):
    """What every file of uncertain constants says of one."""

    range: Range = Field(description="Lowest and highest value, or factor")
    factor: bool = Field(False, description="The draw multiplies the constant, all its elements alike")
    source: str = Field(min_length=1, description="Publication, or assumption")


class PriorEntry(ConstantEntry):
    """How far off one constant may be."""

    distribution: Literal["triangular", "normal", "loguniform", "uniform"]
    sd: float | None = Field(None, gt=0, description="Standard deviation of `normal` before its ends are cut")

    def centre(self, own: float) -> float:
        """Return the middle of the distribution of a constant whose value in the model is `own`."""
        return 1.0 if self.factor else own

    @model_validator(mode="after")
    def fits_together(self) -> PriorEntry:
        """Need an increasing range, positive for `loguniform` and factors, and `sd` just for `normal`."""
        low, high = self.range
        if not low < high:
            raise ValueError(
                tell(
                    "the range [{low:g}, {high:g}] does not increase. Exchange or correct its ends.",
                    low=low,
                    high=high,
                )
            )
        if self.distribution == "loguniform" and low <= 0:
            raise ValueError(
                tell("loguniform needs a range above 0, not from {low:g}. Raise it or use uniform.", low=low)
            )
        if self.factor and not low <= 1 <= high:
            raise ValueError(
                tell(
                    "a factor's range must hold 1, [{low:g}, {high:g}] does not. Widen it.",
                    low=low,
                    high=high,
                )
            )
        if (self.distribution == "normal") != (self.sd is not None):
            raise ValueError(tell("`sd` belongs to distribution normal, and only there. Add or remove it."))
        return self


class PriorFile(Part):
    """A file of uncertain constants."""

    parameters: dict[str, PriorEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Prior:
    """One uncertain constant.

    Parameters
    ----------
    key : constant or "constant[element]", as the model spells it
    distribution, low, high, sd : as in `PriorEntry`; of the factor where `factor`. "split triangular" falls from the
        centre to both ends, with half of the draws on either side: its median is the centre
    centre : the constant's value in the model; 1 for a factor
    factor : whether the draw multiplies the constant
    elements : parameter keys that the draw sets, with the model's own values
    source : publication, or assumption
    place : "file:line"
    stands_in : whether the draw takes the place of the city's own value, an assumption itself
    """

    key: str
    distribution: str
    low: float
    high: float
    centre: float
    sd: float | None
    factor: bool
    elements: Mapping[str, float]
    source: str
    place: str
    stands_in: bool = False

    def quantile(self, chance: np.ndarray) -> np.ndarray:
        """Return the values below which the given shares of the distribution lie.

        Parameters
        ----------
        chance : numbers in [0, 1], any shape

        Returns
        -------
        Same shape, within [low, high].
        """
        low, high, centre = self.low, self.high, self.centre
        if self.distribution == "uniform":
            values = low + chance * (high - low)
        elif self.distribution == "loguniform":
            values = low * (high / low) ** chance
        elif self.distribution == "split triangular":
            away = 1 - np.sqrt(2 * np.minimum(chance, 1 - chance))
            values = centre + away * np.where(chance < 0.5, low - centre, high - centre)
        elif self.distribution == "triangular":
            left = (centre - low) / (high - low)
            rising = low + np.sqrt(chance * (high - low) * (centre - low))
            falling = high - np.sqrt((1 - chance) * (high - low) * (high - centre))
            values = np.where(chance < left, rising, falling)
        else:
            from scipy.special import ndtr, ndtri

            assert self.sd is not None
            below, above = ndtr((low - centre) / self.sd), ndtr((high - centre) / self.sd)
            values = centre + self.sd * ndtri(below + chance * (above - below))
        return np.clip(values, low, high)


def read_priors(structure: Structure, program: Program, path: str | Path | None = None) -> tuple[Prior, ...]:
    """Read a file of uncertain constants.

    Parameters
    ----------
    structure, program : of the model, which gives the centres and the limits
    path : the shipped `models/priors.yaml` by default

    Raises
    ------
    InputError
        With every problem: ``file:line: what. remedy``.
    """
    file = read_strict(shipped_folder("models") / "priors.yaml" if path is None else path, PriorFile)
    found = checked_priors(file, structure, program)
    _refuse_twice(found)
    return found


def checked_priors(file: StrictFile[Any], structure: Structure, program: Program) -> tuple[Prior, ...]:
    """Return the `parameters` of a file as priors of a model; errors as in `read_priors`."""
    values = constant_values(program)
    found: list[Prior] = []
    problems: list[str] = []
    for key, entry in file.content.parameters.items():
        try:
            found.append(_checked(key, entry, file.at("parameters", key)[:-2], structure, values))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return tuple(found)


def assumed_figures(resolved: Resolved, model: Model, *, cancelling: bool = False) -> tuple[Prior, ...]:
    """Return priors of figures that a city lacks: what stands in for each, and the range of a city's own.

    An assumption of `models/city_figures.yaml` stands in, or the province's or the nation's own figure. Half of the draws lie
    above it and half below, so that the spread moves no median of the figure itself.

    Parameters
    ----------
    resolved : a scenario in the city
    model : gives the limits, and the nation's own where no file does
    cancelling : with those that an own figure is reckoned with, where they cancel again: both would have to be drawn
    """
    mapping, figures = read_mapping(), resolved.city.figures
    rules = mapping.content.constants
    held = {
        name
        for rule in rules.values()
        if not cancelling and rule.own and rule.own.figure in figures
        for name in (*rule.own.times, *rule.own.over)
    }
    own = constant_values(model.program)
    found = []
    for key, rule in rules.items():
        variable, value = model.structure.find(split_key(key)[0]), resolved.values.get(key)
        if variable is None or key in held:
            continue
        if value is not None and value.origin.file == mapping.file and rule.default is not None:
            stands, why = float(value.value), rule.default.why
            ends = rule.default.ends(stands)
        elif rule.shared is not None and _shares(resolved.city, value, rule):
            stands = own.get(key, {}).get((), np.nan) if value is None else float(value.value)
            why, ends = rule.shared.why, (rule.shared.range[0] * stands, rule.shared.range[1] * stands)
        else:
            continue
        if not np.isfinite(stands):
            continue  # the model makes it from others
        low, high = np.clip(ends, *variable.limits).tolist()
        place = f"{mapping.file}:{mapping.line('constants', key)}"
        source = why if why.startswith("assumption") else f"assumption: {why}"
        shape = ("split triangular", min(low, stands), max(high, stands), stands, None, False)
        found.append(Prior(key, *shape, {key: stands}, source, place, True))
    return tuple(found)


def _shares(city: City, value: Setting | None, rule: FigureToConstant) -> bool:
    """Return whether its province or the nation gives a constant of a city; a city that is a province has its own."""
    if value is None:
        return True
    if rule.figure[0] in figures_of_its_own_province(city.province):
        return False
    return value.origin.file == read_provinces().file or (
        rule.own is not None
        and value.origin.file == city.file
        and not value.origin.text.startswith(rule.own.figure)
    )


def constant_values(program: Program) -> dict[str, dict[tuple[str, ...], float]]:
    """Return constant -> elements -> the model's own value."""
    from talent_sd.engine.ir import Number

    found: dict[str, dict[tuple[str, ...], float]] = {}
    for slot in program.slots:
        if slot.kind == "constant" and not slot.hidden and isinstance(slot.expression, Number):
            found.setdefault(slot.variable, {})[slot.subscripts] = slot.expression.value
    return found


def _checked(
    key: str,
    entry: Any,
    place: str,
    structure: Structure,
    values: Mapping[str, Mapping[tuple[str, ...], float]],
) -> Prior:
    """Return an entry as a prior of the model."""
    bracket = _ELEMENT.match(key)
    variable = structure.find(bracket["name"] if bracket else key)
    if variable is None:
        constants = [v.name for v in structure.variables.values() if v.kind == "constant"]
        raise InputError(
            "{place}: unknown constant '{key}'.{hint}", place=place, key=key, hint=nearest(key, constants)
        )
    if variable.kind != "constant" or variable.name not in values:
        raise InputError(
            "{place}: '{key}' is no constant ({kind}). Name a constant.",
            place=place,
            key=key,
            kind=variable.kind,
        )
    own = _elements_meant(variable, values[variable.name], bracket, entry, place)
    elements = {variable.name + (f"[{','.join(e)}]" if e else ""): value for e, value in own.items()}
    prior_key = next(iter(elements)) if bracket else variable.name
    low, high = entry.range
    centre = entry.centre(next(iter(elements.values())))
    if not low <= centre <= high:
        raise InputError(
            "{place}: the model's {prior_key} is {centre:g}, outside the range [{low:g}, {high:g}]. "
            "Widen the range, or correct the model.",
            place=place,
            prior_key=prior_key,
            **apart(centre=centre, low=low, high=high),
        )
    for element, value in elements.items():
        _refuse_beyond_limits(place, element, entry, value, variable.limits)
    shape = (entry.distribution, low, high, centre, entry.sd, entry.factor)
    return Prior(prior_key, *shape, elements, entry.source, place)


def _elements_meant(
    variable: Variable,
    own: Mapping[tuple[str, ...], float],
    bracket: re.Match[str] | None,
    entry: ConstantEntry,
    place: str,
) -> Mapping[tuple[str, ...], float]:
    """Return the elements of a constant that an entry speaks of, with the model's values."""
    if bracket:
        wanted = tuple(part.strip() for part in bracket["elements"].split(","))
        if wanted not in own:
            known = ", ".join(",".join(elements) for elements in own)
            raise InputError(
                "{place}: '{variable}' has no element '{names}'. It has {known}.",
                place=place,
                variable=variable.name,
                names=",".join(wanted),
                known=known,
            )
        return {wanted: own[wanted]}
    if variable.dims and not entry.factor:
        raise InputError(
            "{place}: '{variable}' has a value for each {variable_dims}. Name one, as in "
            "'{variable}[{example}]', or add factor: true.",
            place=place,
            variable=variable.name,
            variable_dims=variable.dims[0],
            example=next(iter(own))[0],
        )
    return own


def _refuse_beyond_limits(
    place: str, key: str, entry: ConstantEntry, value: float, limits: tuple[float | None, float | None]
) -> None:
    ends = sorted(end * value for end in entry.range) if entry.factor else list(entry.range)
    lowest, highest = limits
    if (lowest is not None and ends[0] < lowest) or (highest is not None and ends[1] > highest):
        shown_limits = ", ".join("?" if limit is None else f"{limit:g}" for limit in limits)
        raise InputError(
            "{place}: '{key}' would range over [{low_end:g}, {high_end:g}], beyond the model's "
            "limits [{shown_limits}]. Narrow the range.",
            place=place,
            key=key,
            low_end=ends[0],
            high_end=ends[1],
            shown_limits=shown_limits,
        )


def _refuse_twice(priors: Iterable[Prior]) -> None:
    seen: dict[str, Prior] = {}
    for prior in priors:
        for element in prior.elements:
            if element in seen:
                first = seen[element].place
                raise InputError(
                    "{place}: '{element}' has a prior already, at {first}. Keep one.",
                    place=prior.place,
                    element=element,
                    first=first,
                )
            seen[element] = prior
