"""The laws, judged: a band holds for the central run, the sign in nine draws of ten, twice the band in eight."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder, write_rows
from talent_sd.base.language import listed, tell
from talent_sd.laws.law_bench import DRAWS_AT_ONCE, Bench, Found, Missing
from talent_sd.laws.law_files import Law, LawFile
from talent_sd.laws.law_formulas import FormulaError

CSV = "laws.csv"
COLUMNS = (
    "law",
    "city",
    "value",
    "lower",
    "upper",
    "share_of_draws",
    "share_of_sign",
    "share_in_band",
    "verdict",
    "why",
    "source",
    "draws",
    "model_sha256",
)
SIGN_SHARE, WIDE_SHARE = 0.9, 0.8
MEDIAN, COUNT, ALL, NATION = "median", "cities inside", "all", "nation"
HELD, FAILED, NOT_MEASURABLE, EXCUSED = "held", "failed", "not_measurable", "excused"
_STRICT = {"every": 1.0, "median": 0.5}
"""Laws that ask for the band itself in so many draws."""
ROUNDING = 1e-9
Finding = Callable[[Bench, Law], Mapping[str, float]]
"""A measurement that is no formula: city, or "all" -> value."""


@dataclass(frozen=True)
class Row:
    """One law on one city, or over all of them.

    Parameters
    ----------
    law : its id
    city : a name, or "median", "cities inside", "all", "nation"
    value : of the central run; NaN where it cannot be measured
    lower, upper : of the band; None where open
    share_of_draws : in twice the band; in the band itself where the law asks for every or the median draw; NaN without draws
    share_of_sign : with the band's sign; NaN where the band has both signs
    verdict : "held", "failed", "not_measurable" or "excused"
    why : what is wrong, or why it is excused
    counts : whether the law hangs on this row
    share_in_band : of draws in the band itself, whatever is asked for; NaN without draws
    """

    law: str
    city: str
    value: float
    lower: float | None
    upper: float | None
    share_of_draws: float
    share_of_sign: float
    verdict: str
    why: str = ""
    counts: bool = True
    share_in_band: float = float("nan")


@dataclass(frozen=True)
class Judged:
    """A law with its rows."""

    law: Law
    rows: tuple[Row, ...]

    @property
    def held(self) -> bool:
        """Return whether every row that counts holds or is excused."""
        return all(row.verdict in (HELD, EXCUSED) for row in self.rows if row.counts)


def judge_laws(
    bench: Bench,
    draws: int | None = None,
    findings: Mapping[str, Finding] | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> list[Judged]:
    """Try every law of a bench's file on its model.

    Parameters
    ----------
    bench : model and laws
    draws : how many draws of the uncertain constants beside the central run; None or 0: only that
    findings : a law's finding, or its beginning -> a measurement that is no formula
    done : called with 1 after each pass (`passes` of them)

    Returns
    -------
    in the file's order. What the model lacks makes a law "not_measurable", which counts as failed.

    Raises
    ------
    InputError
        If a scenario, a city or the draws cannot be read; if a law names a year outside the runs.
    """
    file = bench.file
    problems, measured = _sorted_out(bench, file)
    values = _central_and_draws(bench, measured, draws, done)
    found = []
    for law in file.laws:
        if law.id in problems:
            found.append(_unmeasured(law, problems[law.id]))
        elif law.finding:
            found.append(_of_finding(bench, law, findings or {}))
        else:
            found.append(judge(law, file.cities_of(law), *values[law.id]))
    return found


def passes(draws: int | None) -> int:
    """Return how often `judge_laws` will call `done`."""
    return 1 + -(-(draws or 0) // DRAWS_AT_ONCE)


def _sorted_out(bench: Bench, file: LawFile) -> tuple[dict[str, str], list[Law]]:
    """Return what makes laws not measurable, and the laws that are measured by formula."""
    problems: dict[str, str] = {}
    measured = []
    for law in file.laws:
        if law.finding:
            continue
        try:
            for measure in file.measures[law.id]:
                for experiment in measure.experiments:
                    bench.check(experiment)
                for quantity in measure.quantities:
                    bench.needs(quantity)
            measured.append(law)
        except Missing as error:
            problems[law.id] = str(error)
    return problems, measured


def _central_and_draws(
    bench: Bench, laws: Sequence[Law], draws: int | None, done: Callable[[int], None]
) -> dict[str, tuple[np.ndarray, ...]]:
    """Return law id -> for each of its measures (cities, 1 + draws): the central run first."""
    if not laws:
        return {}
    parts: list[dict[str, list[np.ndarray]]] = [_evaluated(bench, laws, None)]
    done(1)
    drawn = [law for law in laws if law.draws != "none"]
    for first in range(0, draws or 0, DRAWS_AT_ONCE):
        last = min(first + DRAWS_AT_ONCE, draws or 0)
        parts.append(_evaluated(bench, drawn, (draws or 0, first, last)) if drawn else {})
        done(1)
    return {
        law.id: tuple(
            np.concatenate([part[law.id][number] for part in parts if law.id in part], axis=-1)
            for number in range(len(parts[0][law.id]))
        )
        for law in laws
    }


def _evaluated(
    bench: Bench, laws: Sequence[Law], draws: tuple[int, int, int] | None
) -> dict[str, list[np.ndarray]]:
    """Run everything that some laws need once, and return their measures (cities, draws)."""
    file = bench.file
    pairs: dict[tuple[str, str], None] = {}
    variables: set[str] = {
        next(v.name for v in bench.model.structure.variables.values() if v.kind == "stock")
    }
    years: set[float] = set()
    for law in laws:
        for measure in file.measures[law.id]:
            experiments = {*measure.experiments, *map(bench.against, measure.experiments)}
            pairs |= {(one, city): None for one in sorted(experiments) for city in file.cities_of(law)}
            variables |= set().union(*(bench.needs(quantity) for quantity in measure.quantities))
            years |= measure.years
    found: Found = bench.run(pairs, variables, years, draws)
    result: dict[str, list[np.ndarray]] = {}
    size = 1 if draws is None else draws[2] - draws[1]
    for law in laws:
        cities = file.cities_of(law)
        reading = bench.reading(found, cities)
        try:
            values = [measure(reading) for measure in file.measures[law.id]]
        except (FormulaError, Missing) as error:
            raise InputError(
                tell("{file}:{line}: law '{id}': {error}", file=file.name, line=file.lines[law.id], id=law.id,
                     error=error)
            ) from None  # fmt: skip
        result[law.id] = [np.broadcast_to(value, (len(cities), size)) for value in values]
    return result


# -- judging ---------------------------------------------------------------------------------------


def judge(law: Law, cities: Sequence[str], values: np.ndarray, other: np.ndarray | None = None) -> Judged:
    """Judge a law by (cities, 1 + draws) values."""
    if law.over == "nation":
        return Judged(law, (_row(law, NATION, values[0], law.ends),))
    if law.over == "correlation":
        assert other is not None
        ranked = np.array([_rank_correlation(a, b) for a, b in zip(values.T, other.T, strict=True)])
        shown = [_shown(law, city, value[0]) for city, value in zip(cities, values, strict=True)]
        return Judged(law, (*shown, _row(law, ALL, ranked, law.ends)))
    if law.where_known and not np.isnan(values[:, 0]).all():
        known = ~np.isnan(values[:, 0])
        cities, values = [city for city, told in zip(cities, known, strict=True) if told], values[known]
    if law.over == "each":
        rows = [_row(law, city, v, law.ends) for city, v in zip(cities, values, strict=True)]
        return Judged(law, tuple(rows))
    if law.over == "median":
        each = law.each
        rows = [
            _shown(law, city, v[0]) if each is None else _row(law, city, v, each)
            for city, v in zip(cities, values, strict=True)
        ]
        return Judged(law, (*rows, _row(law, MEDIAN, np.median(values, axis=0), law.ends)))
    inside = _inside(values, law.ends)
    wide = _inside(values, widened(law.ends))
    rows = [_shown(law, city, v[0]) for city, v in zip(cities, values, strict=True)]
    enough = wide[:, 1:].sum(axis=0) >= law.count
    share = float(enough.mean()) if enough.size else float("nan")
    count = float(inside[:, 0].sum())
    good = count >= law.count and not share < WIDE_SHARE
    total = Row(law.id, COUNT, count, float(law.count), None, share, float("nan"), HELD if good else FAILED)
    return Judged(law, (*rows, total))


def _row(law: Law, city: str, values: np.ndarray, band: tuple[float | None, float | None]) -> Row:
    """Judge (1 + draws) values by a band."""
    central, drawn = float(values[0]), values[1:]
    wide, signs = float("nan"), float("nan")
    within = float(_inside(drawn, band).mean()) if drawn.size else float("nan")
    faults = []
    if np.isnan(central):
        return Row(law.id, city, central, *band, wide, signs, NOT_MEASURABLE, tell("no value here"))
    if not _inside(values[:1], band)[0]:
        faults.append(tell("outside the band"))
    if drawn.size and law.draws in _STRICT:
        wide = float(_inside(drawn, band).mean())
        faults += [tell("too few draws in the band")] * (wide < _STRICT[law.draws])
    elif drawn.size:
        wide = float(_inside(drawn, widened(band)).mean())
        faults += [tell("too few draws in twice the band")] * (wide < WIDE_SHARE)
        sign = expected_sign(band)
        if sign:
            signs = float((np.nan_to_num(drawn, nan=-sign) * sign >= -ROUNDING).mean())
            faults += [tell("the sign changes in too many draws")] * (signs < SIGN_SHARE)
    verdict = FAILED if faults else HELD
    why = "; ".join(faults)
    if verdict == FAILED and city in law.excused:
        from talent_sd.base.language import language

        verdict, why = EXCUSED, getattr(law.excused[city], language())
    return Row(law.id, city, central, *band, wide, signs, verdict, why, share_in_band=within)


def _shown(law: Law, city: str, value: float) -> Row:
    """Return a row that is shown and not judged."""
    nothing = float("nan")
    return Row(law.id, city, float(value), None, None, nothing, nothing, HELD, counts=False)


def widened(band: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    """Return a band twice as wide: around its middle, or, open on one side, as far again from nought.

    >>> widened((0.4, 0.8)), widened((None, 0.01)), widened((0.5, None))
    ((0.2, 1.0), (None, 0.02), (0.0, None))
    """
    lower, upper = band
    if lower is None or upper is None:
        return (
            None if lower is None else round(lower - abs(lower), 12),
            None if upper is None else round(upper + abs(upper), 12),
        )
    half = (upper - lower) / 2
    return round(lower - half, 12), round(upper + half, 12)


def expected_sign(band: tuple[float | None, float | None]) -> int:
    """Return the sign that a band demands: 1, -1, or 0 where it holds both.

    >>> expected_sign((0.4, 0.8)), expected_sign((None, 0.0)), expected_sign((-1.0, 1.0))
    (1, -1, 0)
    """
    lower, upper = band
    if lower is not None and lower >= 0:
        return 1
    return -1 if upper is not None and upper <= 0 else 0


def _inside(values: np.ndarray, band: tuple[float | None, float | None]) -> np.ndarray:
    lower, upper = band
    low = -np.inf if lower is None else lower - ROUNDING
    high = np.inf if upper is None else upper + ROUNDING
    return np.asarray((values >= low) & (values <= high))


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's correlation, NaN where one of them does not vary."""
    from scipy.stats import rankdata

    x, y = rankdata(a), rankdata(b)
    if x.std() == 0 or y.std() == 0 or np.isnan(a).any() or np.isnan(b).any():
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _unmeasured(law: Law, why: str) -> Judged:
    nothing = float("nan")
    row = Row(law.id, ALL, nothing, *law.ends, nothing, nothing, NOT_MEASURABLE, why)
    return Judged(law, (row,))


def _of_finding(bench: Bench, law: Law, findings: Mapping[str, Finding]) -> Judged:
    """Judge a law by a named measurement in code."""
    finding = next((findings[name] for name in findings if law.finding.startswith(name)), None)
    if finding is None:
        known = listed(findings)
        return _unmeasured(law, tell("no finding '{name}'. Known: {known}.", name=law.finding, known=known))
    try:
        values = finding(bench, law)
    except Missing as error:
        return _unmeasured(law, str(error))
    rows = [_row(law, city, np.array([value]), law.ends) for city, value in values.items()]
    return Judged(law, tuple(rows))


# -- writing ---------------------------------------------------------------------------------------


def write_laws(judged: Iterable[Judged], folder: Path, draws: int, model_sha256: str) -> str:
    """Write `laws.csv` and return its name; draws and the model's hash stand in every row."""
    rows = []
    for one in judged:
        for row in one.rows:
            numbers = (
                row.value,
                row.lower,
                row.upper,
                row.share_of_draws,
                row.share_of_sign,
                row.share_in_band,
            )
            told = ["" if n is None or np.isnan(n) else f"{n:.6g}" for n in numbers]
            verdict = row.verdict if row.counts else "shown"
            rows.append(
                [
                    row.law,
                    row.city,
                    *told,
                    verdict,
                    row.why,
                    " ".join(one.law.source.split()),
                    draws,
                    model_sha256,
                ]
            )
    write_rows(folder / CSV, COLUMNS, rows)
    return CSV


@dataclass(frozen=True)
class LawRecord:
    """What `validate` found of the laws in many draws on a model file, as `.ci/ship_laws.py` keeps it.

    Parameters
    ----------
    laws : law -> city -> (share of draws, share with the sign, verdict, share in the band); None where none is asked for
    """

    model_sha256: str
    draws: int
    laws: Mapping[str, Mapping[str, tuple[float | None, float | None, str, float | None]]]


def read_law_record() -> LawRecord | None:
    """Read what ships with the model; None where nothing does."""
    path = shipped_folder("models") / "law_record.json"
    return LawRecord(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def asked_of_draws(law: Law) -> tuple[float, float]:
    """Return in what share of draws a law must hold (twice its band, or the band itself), and its sign."""
    return _STRICT.get(law.draws, WIDE_SHARE), 0.0 if law.draws in _STRICT else SIGN_SHARE
