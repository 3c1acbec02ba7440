"""Turn a scenario, a city and a national path into the model's parameters.

Order of priority, the later wins: the model's defaults, the national path, the
city's figures, the reading, then the scenario's files from the root of its chain to itself.
Every value keeps its origin and what it replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.arguments import checked
from talent_sd.base.errors import InputError, Problems
from talent_sd.base.language import tell
from talent_sd.inputs.checking import Checking, Horizon
from talent_sd.inputs.city_figures import City, Value, city_constants, read_mapping
from talent_sd.inputs.city_files import load_city, read_provinces
from talent_sd.inputs.national_paths import NationalPath, lookup_name, national_params, read_national
from talent_sd.inputs.readings import Reading, lay_under, load_reading
from talent_sd.inputs.scenario_chain import Scenario, load_scenario
from talent_sd.inputs.setting_checks import (
    check_city,
    check_national,
    check_scenario,
    warn_of_odd_shares,
    warn_of_small_money,
)
from talent_sd.inputs.settings import Curve, ModelStructure, Setting, split_key

if TYPE_CHECKING:
    from talent_sd.inputs.city_figures import Mapped

DEFAULT_CONTEXT = "national/central"


@dataclass(frozen=True)
class Resolved:
    """All that a run needs besides the model and the draws.

    Parameters
    ----------
    scenario, city, national : what was resolved
    start_year, final_year : of the run
    values : key to value, in order of priority
    unused : constants of the city mapping that the model does not have
    sources : every file read, as origins name it, and where it is
    reading : the layer of assumptions under the scenario's own, None where it changes nothing
    sizes : constant of a policy's intensity to its size in yuan a year; a run of the model turns it into
        an intensity (`talent_sd.forecast.money.sized`)
    """

    scenario: Scenario
    city: City
    national: NationalPath
    start_year: float
    final_year: float
    values: Mapping[str, Setting]
    unused: tuple[str, ...] = ()
    sources: Mapping[str, Path] = field(default_factory=dict)
    reading: Reading | None = None
    sizes: Mapping[str, Setting] = field(default_factory=dict)

    def params(self) -> dict[str, float | Curve]:
        """Return the mapping for `Model.run`: numbers, and (x, y) for lookups.

        Raises
        ------
        InputError
            If a size in yuan was not turned into an intensity yet.
        """
        if self.sizes:
            raise InputError(
                tell(
                    "{origin}: a size in yuan becomes an intensity by a run of the model, which `simulate`, "
                    "`ensemble` and the commands make. Use one of them, or give the intensity.",
                    origin=one.origin,
                )
                for one in self.sizes.values()
            )
        return {key: resolved.value for key, resolved in self.values.items()}


@checked
def resolve_scenario(
    scenario: str | Path | Scenario,
    city: str | Path | City,
    structure: ModelStructure,
    *,
    context: str | Path | NationalPath | None = None,
    start_year: float | None = None,
    final_year: float | None = None,
    mapping: Mapped | None = None,
    reading: str | Path | Reading | None = None,
) -> Resolved:
    """Resolve a scenario for a city.

    Parameters
    ----------
    scenario, city : shipped names, paths, or already loaded
    structure : the model that the names, units and limits are checked against
    context : a national path that replaces the one the scenario names
    start_year, final_year, mapping : the model's own years and the shipped figures' constants by default
    reading : assumptions under the scenario's own: a shipped name, a path, or loaded; none by default

    Raises
    ------
    InputError
        With every problem of every file at once.
    """
    problems = Problems()
    loaded = place = national = under = None
    with problems.gathered():
        loaded = scenario if isinstance(scenario, Scenario) else load_scenario(scenario, problems)
    with problems.gathered():
        place = city if isinstance(city, City) else load_city(city, mapping)
    with problems.gathered():
        national = _national(context, loaded)
    with problems.gathered():
        under = _reading(reading)
    horizon = Horizon.of(structure, start_year, final_year)
    mapping = mapping or read_mapping()
    checking = Checking(structure, horizon, problems=problems)
    from_city: dict[str, Value] = {}
    if loaded is not None:
        check_scenario(loaded := lay_under(loaded, under), checking, mapping)
    if place is not None and national is not None:
        problems += _of_nation(national, structure, horizon, final_year)
        with problems.gathered():
            from_city = _from_city(place, int(horizon.start), national, mapping, structure)
        problems += check_city(from_city, structure)
        warn_of_small_money(checking, from_city)
    problems.refuse()
    assert loaded is not None and place is not None and national is not None  # noqa: PT018
    values = {**_national_values(national, structure), **_city_values(from_city, structure), **checking.found}
    unused, provinces = _unused(mapping, structure), read_provinces()
    sources = {
        **dict(zip(loaded.chain, loaded.paths, strict=True)),
        **{one.file: one.path for one in (place, under) if one and one.path},
        **dict(zip(national.files, national.paths, strict=True)),
        **{one.file: one.path.resolve() for one in (mapping, provinces)},
    }
    years = horizon.start, horizon.final
    return Resolved(loaded, place, national, *years, values, unused, sources, under, checking.sizes)


def _unused(mapping: Mapped, structure: ModelStructure) -> tuple[str, ...]:
    """Return constants of the city mapping that the model does not have."""
    return tuple(n for n in mapping.content.constants if split_key(n)[0] not in structure.variables)


def _from_city(
    city: City, start: int, national: NationalPath, mapping: Mapped, structure: ModelStructure
) -> dict[str, Value]:
    found = city_constants(city, start, national, mapping, structure.variables, known_years=True)
    warn_of_odd_shares(city, found, start, national, mapping)
    return found


def _of_nation(
    national: NationalPath, structure: ModelStructure, horizon: Horizon, asked: float | None
) -> Problems:
    """Return what is wrong with a national path for a run; one line where it ends before the year asked for."""
    last = min(max(series.values) for series in national.variables.values())
    if asked is None or asked <= last:
        return check_national(national, structure, horizon)
    problems = Problems()
    problems.say(
        "the horizon is {year:g}, but the national path {path} ends in {last}. Give an earlier year, or a "
        "longer path with --national.", year=asked, path=national.name, last=last,
    )  # fmt: skip
    return problems


def _reading(reading: str | Path | Reading | None) -> Reading | None:
    """Return a reading that changes something, None for any other."""
    loaded = reading if reading is None or isinstance(reading, Reading) else load_reading(reading)
    return loaded if loaded and loaded.assumptions else None


def _national(context: str | Path | NationalPath | None, scenario: Scenario | None) -> NationalPath:
    """Return the path asked for, else the scenario's, else the central one."""
    if isinstance(context, NationalPath):
        return context
    if context is not None:
        return read_national(context)
    return named_context(scenario) if scenario else read_national(DEFAULT_CONTEXT)


def named_context(scenario: Scenario) -> NationalPath:
    """Return the national path that a scenario names, the central one where it names none.

    A relative path starts from the file that names it, which may be an ancestor.
    """
    if scenario.context is None:
        return read_national(DEFAULT_CONTEXT)
    origin = scenario.context.origin
    # what was given in Python has no file that a path could start from
    file = scenario.paths[scenario.chain.index(origin.file)] if origin.file in scenario.chain else None
    return read_national(str(scenario.context.value), file, f"{origin}: ")


def _national_values(national: NationalPath, structure: ModelStructure) -> dict[str, Setting]:
    """Return the lookups that the model has."""
    curves = national_params(national)
    found = {}
    for name, series in national.variables.items():
        key = lookup_name(name)
        if key in structure.variables:
            origin = replace(series.origin, text=f"{name}: {series.source}")
            found[key] = Setting(key, curves[key], origin, structure.variables[key].unit)
    return found


def _city_values(constants: Mapping[str, Value], structure: ModelStructure) -> dict[str, Setting]:
    """Return the city's constants that the model has."""
    return {
        key: Setting(
            key, value.value, replace(value.origin, text=f"{value.how}; {value.source}"), variable.unit
        )
        for key, value in constants.items()
        if (variable := structure.variables.get(split_key(key)[0])) is not None
    }
