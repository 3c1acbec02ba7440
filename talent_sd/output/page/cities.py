"""What a page knows of its cities: constants, draws and noise for each national path, and the known past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import UnsupportedError
from talent_sd.base.language import LANGUAGES
from talent_sd.engine.ir import Number, Program
from talent_sd.engine.llvm.run_arrays import pack_tables
from talent_sd.engine.slot_plan import SlotPlan
from talent_sd.forecast.ensemble import prior_draws, with_draws
from talent_sd.forecast.posterior_draws import CENTRAL, NATIONAL_PATHS
from talent_sd.forecast.prepare import Prepared
from talent_sd.forecast.what_if import gaps
from talent_sd.inputs import resolve_scenario
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.city_tables import figure_lines, told_gaps
from talent_sd.output.headline_outputs import known_figures
from talent_sd.output.page.pack import Pack

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs import Resolved

BASELINE = "baseline"


@dataclass(frozen=True)
class Told:
    """A city on a national path, in slots of the program.

    Parameters
    ----------
    resolved : as a run takes it
    constants : (slots,) NaN where a slot is no constant
    drawn : constant -> (draws,) values
    factors : constant -> (draws,) factors that a drawn value is the product of with the constant's own
    noise : series -> (draws, years) values in the middle of each year
    middles : those times
    tables : the lookups, packed
    mixed : whether draws are spread over the national paths
    """

    resolved: Resolved
    constants: np.ndarray
    drawn: Mapping[int, np.ndarray]
    factors: Mapping[int, np.ndarray]
    noise: Mapping[int, np.ndarray]
    middles: np.ndarray
    tables: tuple[np.ndarray, np.ndarray]
    mixed: bool


def tell_city(model: Model, city: str | Path, national: str | Path, number: int, seed: int) -> Told:
    """Resolve a city without any policy on a national path, and draw what is uncertain, `number` times.

    Raises
    ------
    InputError
        With every problem of the files.
    UnsupportedError
        If the draws need another program than the model's own.
    """
    resolved = resolve_scenario(BASELINE, city, model.structure, context=national)
    prepared = Prepared(model, {BASELINE: resolved})
    fixed = resolved.params()
    draws: Any = prior_draws(prepared, number, seed)
    params, inputs = with_draws(fixed, draws, 0, number)
    # each draw's national path is told apart: a run has one
    params = {key: fixed.get(key) if _holds_tables(value) else value for key, value in params.items()}
    alone, drawn = planned(model, fixed), planned(model, params, inputs)
    slots = {slot.name: number for number, slot in enumerate(model.program.slots)}
    factors = {}
    rest = [
        (prior.elements, prior.factor, column)
        for prior, column in zip(draws.rest.priors, draws.rest.columns, strict=True)
    ]
    fitted = [
        (draws.posterior.elements[name], factor, column)
        for name, factor, column in zip(
            draws.posterior.names, draws.posterior.factor, draws.picked.T, strict=True
        )
    ]
    for elements, factor, column in (*rest, *fitted):
        for key in elements if factor else ():
            factors[slots[key]] = np.asarray(column, float)
    noise = {slots[name]: np.asarray(values.values, float) for name, values in inputs.items()}
    middles = next(iter(inputs.values()))["time"].values if inputs else np.zeros(1)
    constants = own_constants(model.program)
    for slot, value in alone.constants.items():
        constants[slot] = value
    return Told(
        resolved,
        constants,
        {slot: value for slot, value in drawn.constants.items() if np.ndim(value)},
        factors,
        noise,
        np.asarray(middles, float),
        packed_tables(model, alone),
        bool(draws.paths),
    )  # fmt: skip


def planned(model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any] | None = None) -> SlotPlan:
    """Return a run's values in slots of the model's own program.

    Raises
    ------
    UnsupportedError
        If the run needs another program.
    """
    some = next(v.name for v in model.structure.variables.values() if v.kind == "stock")
    program, plan = model.prepare(model.request(params, inputs, [some]))
    if program is not model.program:
        raise UnsupportedError(
            "{file}: a delay is too short for the order that the model gives it; a page cannot change the order.",
            file=model.path.name,
        )
    return plan


def packed_tables(model: Model, plan: SlotPlan) -> tuple[np.ndarray, np.ndarray]:
    """Return the model's lookups, with a plan's own, as the engine reads them."""
    tables = [
        replace(table, x=np.asarray(plan.tables[number][0]), y=np.asarray(plan.tables[number][1]))
        if number in plan.tables
        else table
        for number, table in enumerate(model.program.tables)
    ]
    return pack_tables(tables)


def _holds_tables(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


@dataclass
class CityPacker:
    """Packs cities: what all share is kept once."""

    model: Model
    pack: Pack
    drawn: dict[int, np.ndarray] = field(default_factory=dict)
    factors: dict[int, np.ndarray] = field(default_factory=dict)

    def city(self, told: Mapping[str, Told]) -> dict[str, Any]:
        """Return the header's entry of a city: national path -> what it is told there."""
        first = next(iter(told.values()))
        own = own_constants(self.model.program)
        packed = {
            name: self._path(one, first if one is not first else None, own) for name, one in told.items()
        }
        city = first.resolved.city
        return {
            "title": dict(city.title),
            # as a command is asked for it: a user's own file has no name that a command knows
            "asked": city.name if city.file.startswith("scenarios/") else Path(city.file).name,
            "province": dict(city.province),
            "paths": packed,
            "history": known_figures(city),
            "sources": {
                key: value.origin.text
                for key, value in first.resolved.values.items()
                if value.origin.file == city.file
            }
            | _assumed(first),
            "notes": list(city.notes),
            **self._gaps(first.resolved),
        }

    def _gaps(self, resolved: Resolved) -> dict[str, Any]:
        """Return what stands in for figures that a city lacks, and what is told of those it has, by language."""
        prepared = Prepared(self.model, {BASELINE: resolved})
        missing, labels = gaps(prepared), shipped_labels()
        lines = (figure_lines(prepared, missing, lang) for lang in LANGUAGES)
        tables = {lang: told_gaps(prepared, missing, labels, lang) for lang in LANGUAGES}
        return {
            "gaps": [dict(zip(LANGUAGES, texts, strict=True)) for texts in zip(*lines, strict=True)],
            "missing": {
                lang: {"title": told.title, "headings": told.headings, "rows": told.cells(lang), "notes": told.notes}
                for lang, told in tables.items() if told
            },
        }  # fmt: skip

    def _path(self, told: Told, first: Told | None, own: np.ndarray) -> dict[str, Any]:
        """Return a city on a path: what differs from the model, and of another path from the first."""
        base = own if first is None else first.constants
        differs = ~((told.constants == base) | (np.isnan(told.constants) & np.isnan(base)))
        places = np.flatnonzero(differs)
        entry: dict[str, Any] = {"at": places.tolist(), "values": self.pack.doubles(told.constants[places])}
        shared, scaled, apart = [], [], {}
        for slot, column in told.drawn.items():
            factor = told.factors.get(slot)
            if factor is not None and np.array_equal(factor * told.constants[slot], column):
                self.factors.setdefault(slot, factor)
                scaled.append(slot)
            elif np.array_equal(self.drawn.setdefault(slot, column), column):
                shared.append(slot)
            else:
                apart[slot] = self.pack.doubles(column)
        entry |= {"shared": shared, "scaled": scaled, "own": apart}
        if first is None or any(not np.array_equal(told.noise[s], first.noise[s]) for s in told.noise):
            entry["noise"] = {slot: self.pack.doubles(values) for slot, values in told.noise.items()}
        return entry

    def shared(self) -> dict[str, Any]:
        """Return the header's entry of draws that all cities share; after all cities."""
        return {
            "values": {slot: self.pack.doubles(column) for slot, column in self.drawn.items()},
            "factors": {slot: self.pack.doubles(column) for slot, column in self.factors.items()},
        }


def own_constants(program: Program) -> np.ndarray:
    """Return (slots,) the model's own constants, NaN where a slot is none."""
    return np.array(
        [
            slot.expression.value
            if slot.kind == "constant" and isinstance(slot.expression, Number)
            else np.nan
            for slot in program.slots
        ]
    )


def _assumed(told: Told) -> dict[str, str]:
    """Return the sources of constants that a default stands in for."""
    files = {told.resolved.city.file, *told.resolved.scenario.chain, *told.resolved.national.files}
    return {
        key: value.origin.text
        for key, value in told.resolved.values.items()
        if value.origin.file not in files and value.origin.text
    }


def national_names(given: Sequence[Resolved]) -> dict[str, str | Path]:
    """Return the national paths of a page: name -> what `resolve_scenario` takes, the central one first."""
    from talent_sd.inputs.shipped_names import shipped_names

    found: dict[str, str | Path] = {CENTRAL: f"national/{CENTRAL}"}
    found |= {name: f"national/{name}" for name in shipped_names("national")}
    for one in given:
        if one.national.name not in found:
            found[one.national.name] = one.national.paths[-1]
    return found


def mix(told: Mapping[str, Told]) -> list[str]:
    """Return the paths that draws are spread over in turn on the central one; empty: they are not."""
    return list(NATIONAL_PATHS) if told[CENTRAL].mixed else []
