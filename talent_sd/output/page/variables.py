"""What a page tells of the model's variables: names, units, causes, where they are shown, how far they are tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from talent_sd.base.language import LANGUAGES
from talent_sd.engine.ir import Call, Expression, Random, TableCall
from talent_sd.engine.order import references
from talent_sd.output.report.trust_section import verdict_of
from talent_sd.output.speech import DIMENSIONLESS, scale_for, unit_label
from talent_sd.uncertainty.windows import MODEL_VARIABLES

if TYPE_CHECKING:
    from talent_sd.backtest.forecast_scores import Score, TrackRecord
    from talent_sd.engine.runner import Model
    from talent_sd.inputs.labels import Labels
    from talent_sd.output.page.modules import Module

TALENT = "total talent"
ROLES = {
    "people": TALENT, "paid": "affordability", "budget": "policy budget", "spending": "policy spending",
    "spent": "total policy spending", "paid_to_date": "Cumulative Policy Budget Use",
    "paid_by_policy": "Cumulative Policy Spending", "prices": "national price path ratio",
}  # fmt: skip
"""What the page itself asks the model for: the people, and what a plan costs against the budget."""


def variables(model: Model, labels: Labels) -> dict[str, Any]:
    """Return variable -> names, unit, kind, dims, what the model says of it."""
    return {
        variable.name: {
            **{lang: labels.variable(variable.name, lang) for lang in LANGUAGES},
            "unit": variable.unit,
            "kind": variable.kind,
            "dims": list(variable.dims),
            "doc": variable.doc,
            "limits": list(variable.limits),
            "group": variable.group,
            "lower": variable.name in labels.lower_is_better,
            **({"most": most} if (most := labels.told_up_to.get(variable.name)) else {}),
        }
        for variable in model.structure.variables.values()
    }


def units(model: Model) -> dict[str, Any]:
    """Return the model's unit -> its words: alone, and after a number of many."""
    raw = {variable.unit for variable in model.structure.variables.values()}
    return {
        unit: {
            lang: {"one": unit_label(unit, lang), "many": scale_for(1.0, unit, lang).unit}
            for lang in LANGUAGES
        }
        for unit in sorted(raw)
        if unit.strip().casefold() not in DIMENSIONLESS
    }


def slots(model: Model) -> dict[str, Any]:
    """Return, for each slot: its name, variable, kind, and the slots and lookups that its equation reads."""
    program = model.program
    rates = {state.slot: state for state in program.states}
    reads = [
        [] if slot.kind == "constant" else list(dict.fromkeys(references(slot.expression)))
        for slot in program.slots
    ]
    return {
        "names": [slot.name for slot in program.slots],
        "variables": [slot.variable for slot in program.slots],
        "hidden": [number for number, slot in enumerate(program.slots) if slot.hidden],
        "kinds": [slot.kind for slot in program.slots],
        "moved": {number: state.kind for number, state in rates.items()},
        "reads": reads,
        "tables": {
            number: found for number, slot in enumerate(program.slots) if (found := _tables(slot.expression))
        },
        "table_names": [table.name for table in program.tables],
    }


def _tables(expression: Expression) -> list[int]:
    if isinstance(expression, TableCall):
        return [expression.table, *_tables(expression.x)]
    if isinstance(expression, (Call, Random)):
        return list(dict.fromkeys(table for part in expression.args for table in _tables(part)))
    return []


def saved(model: Model, module: Module, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return, for each variable that a module saves: its subscripts and the rows of its elements, in C order."""
    places: dict[str, list[int]] = {}
    program = model.program
    for row, slot in enumerate(module.outputs):
        if program.slots[slot].hidden:
            continue
        places.setdefault(program.slots[slot].variable, []).append(row)
    return [
        {"name": name, "shape": [len(e) for e in model.structure.coordinates(name).values()], "rows": places[name]}
        for name in names
    ]  # fmt: skip


def sectors(labels: Labels, shown: Sequence[str]) -> list[dict[str, Any]]:
    """Return the groups in which outputs are offered."""
    return [
        {"title": dict(sector.title), "outputs": [n for panel in sector.plots for n in panel if n in shown]}
        for sector in labels.sectors
    ]


def tested(record: TrackRecord | None) -> dict[str, Any]:
    """Return variable -> how its forecasts of the past did, over the longest window; empty: no back-test of these draws."""
    found: dict[str, Any] = {}
    for score in record.scores if record else ():
        if score.outcome in found or score.outcome not in MODEL_VARIABLES:
            continue
        best = min(e for e in (score.constant_share, score.trend, score.damped_trend) if e is not None)
        found[score.outcome] = {
            "years": list(score.years), "error": score.model, "best": best, "verdict": _verdict(record, score),
            "coverage": score.coverage_80, "cities": len(record.unseen) if record else 0,
        }  # fmt: skip
    return by_variable(found)


def _verdict(record: TrackRecord | None, first: Score) -> str:
    """Return how the longest window was judged; "partly" better if a later one was not."""
    later = (verdict_of(one) for one in (record.scores if record else ()) if one.outcome == first.outcome)
    verdict = verdict_of(first)
    return "partly" if verdict == "better" and any(one != verdict for one in later) else verdict


def by_variable(by_outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of outcomes by the model's variables; talent is told as a whole."""
    names = {**MODEL_VARIABLES, "tertiary_educated": TALENT}
    return {names[outcome]: value for outcome, value in by_outcome.items() if outcome in names}
