"""A reading that was found, as files: the reading itself, its moves, its figures, what it costs in the back-test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.language import tell
from talent_sd.inputs.readings import EVIDENCE, Reading

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.engine.runner import Model
    from talent_sd.evidence.reading_search import Found
    from talent_sd.laboratory.findings import Finding
    from talent_sd.uncertainty.city_tables import Sources

DIGITS = 4


def moves_table(found: Found, needs: Mapping[str, list[str]]) -> pd.DataFrame:
    """Return one row for each constant moved, the farthest first: `moved_sd` in prior standard deviations.

    Parameters
    ----------
    needs : constant -> figures that do not come out any more without its move
    """
    import pandas as pd

    rows = [
        {
            "constant": one.key,
            "shipped": one.centre,
            "reading": one.moved(move),
            "moved_sd": move,
            "sd": one.sd,
            "low": one.low,
            "high": one.high,
            "factor": one.factor,
            "range_from": one.source,
            "needed_for": " ".join(needs[one.key]),
        }
        for one, move in zip(found.free, found.point, strict=True)
        if move
    ]
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["constant", "moved_sd"])
    return table.sort_values("moved_sd", key=abs, ascending=False, kind="stable").reset_index(drop=True)


def figures_table(found: Found) -> pd.DataFrame:
    """Return one row for each figure: what it comes to in both readings, and the best it comes to alone."""
    import pandas as pd

    rows = []
    for before, after in zip(found.shipped, found.findings, strict=True):
        figure, alone = before.figure, found.cannot.get(before.figure.id)
        rows.append(
            {
                "id": figure.id,
                "role": figure.role,
                "target": figure.target,
                "tolerance": figure.allowance,
                "evidence": before.measurement.value,
                "evidence_comes_out": before.comes_out,
                "reading": after.measurement.value,
                "reading_comes_out": after.comes_out,
                "best_alone": alone.finding.measurement.value if alone else None,
                "forbidden_by": " ".join(alone.loops) if alone else "",
                "conditions_broken": "; ".join(after.measurement.broken),
            }
        )
    return pd.DataFrame(rows)


def backtest_cost(
    model: Model, constants: Mapping[str, float], sources: Sources, start: int, end: int
) -> pd.DataFrame:
    """Return what constants cost in the back-test: one row for each outcome.

    Parameters
    ----------
    constants : those of the reading
    sources : the tables of cities
    start, end : of the window

    Returns
    -------
    `mae_evidence`, `mae_reading`: mean over cities of |ln(forecast/actual)| with the model's constants and the
    reading's, no noise, no draws; `cities` their number
    """
    import pandas as pd

    from talent_sd.laboratory.cases import Laboratory
    from talent_sd.uncertainty.growth_target import last_known
    from talent_sd.uncertainty.windows import OUTCOMES, run_window

    window = sources.window(model, start, end)
    own = Laboratory(model, ()).constants()
    run = run_window(model, window, {key: np.array([own[key], value]) for key, value in constants.items()})
    rows = []
    for outcome in OUTCOMES:
        actual = window.actual[outcome]
        row = last_known(actual)
        if row is None:
            continue
        errors = np.abs(run[outcome][:, row] - actual[row])
        known = np.isfinite(errors).all(axis=0)
        means = errors[:, known].mean(axis=1)
        rows.append(
            {
                "variable": outcome,
                "mae_evidence": means[0],
                "mae_reading": means[1],
                "cities": int(known.sum()),
            }
        )
    return pd.DataFrame(rows)


def needed_for(model: Model, found: Found) -> dict[str, list[str]]:
    """Return constant -> the figures that do not come out any more when its move alone is taken back."""
    from talent_sd.evidence.reading_bench import Bench

    bench = Bench(model, [finding.figure for finding in found.findings], found.free)
    places = np.flatnonzero(found.point)
    trials = []
    for place in places:
        trial = found.point.copy()
        trial[place] = 0
        trials.append(trial)
    return {
        found.free[place].key: [
            now.figure.id
            for now, was in zip(row, found.findings, strict=True)
            if was.comes_out and not now.comes_out
        ]
        for place, row in zip(places, bench.find(trials), strict=True)
    }


def write_reading(found: Found, known: Reading, needs: Mapping[str, list[str]], file: Path) -> None:
    """Write a reading, ready to ship.

    Parameters
    ----------
    known : the reading of that name as it was: it gives title, summary and the reasons that still apply
    """
    from ruamel.yaml import YAML

    content: dict[str, Any] = {
        "title": known.title.model_dump(), "summary": known.summary.model_dump(), "assumptions": {},
    }  # fmt: skip
    order = np.argsort(-np.abs(found.point), kind="stable")
    for place in order:
        one, move = found.free[place], found.point[place]
        if move:
            name, value = _entry(one.key, one.factor, one.values(one.moved(move)))
            content["assumptions"][name] = {"value": value, "why": _why(move, needs[one.key], one.source)}
    content["cannot"] = {
        ident: _forbidden(ident, alone.finding, alone.loops, known) for ident, alone in found.cannot.items()
    }
    content["apart"] = list(found.apart)
    writer = YAML()
    writer.width, writer.allow_unicode = 110, True
    with file.open("w", encoding="utf-8") as stream:
        stream.write(
            "# Made by `talent-sd validate --fit-reading "
            + file.stem
            + "`; the reasons under `cannot` are kept.\n"
        )
        writer.dump({key: value for key, value in content.items() if value}, stream)


def _entry(key: str, factor: bool, values: Mapping[str, float]) -> tuple[str, object]:
    """Return a constant as a reading writes it; one that a factor moves by its elements."""
    if not factor or len(values) == 1:
        return key, _short(next(iter(values.values())))
    return key, {name.split("[")[1].rstrip("]"): _short(value) for name, value in values.items()}


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _why(move: float, needs: list[str], source: str) -> str:
    served = f"without it {', '.join(needs)} would not come out" if needs else "eases what others carry"
    return f"moved by {move:+.2f} sd ({source}): {served}"


def _forbidden(ident: str, finding: Finding, loops: tuple[str, ...], known: Reading) -> dict[str, Any]:
    """Return the entry of a figure that cannot come out: as near as it comes, and why."""
    value = finding.measurement.value
    entry: dict[str, Any] = {} if value is None or not np.isfinite(value) else {"best": _short(value)}
    if loops:
        entry["loops"] = list(loops)
    because = known.cannot[ident].because if ident in known.cannot else None
    if because is not None:
        return entry | {"because": because.model_dump()}
    if finding.figure.miss:
        return entry
    broken = "; ".join(finding.measurement.broken)
    return entry | {
        "because": {
            "en": f"Not out even with all free constants moved for it alone ({broken or 'the value'}); no reason noted.",
            "zh": "即使所有自由常数只为它而动也达不到；原因尚未注明。",
        }
    }


def refuse_evidence(name: str) -> None:
    """Refuse to fit the reading that by definition changes nothing."""
    if Path(name).stem == EVIDENCE:
        raise InputError(
            tell("the reading 'evidence' changes nothing, so there is nothing to fit. Name another.")
        )
