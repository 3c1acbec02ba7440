"""How far to trust the forecast: the article's figures, the back-test, what is untested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from operator import eq, gt
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.language import N_, fixed
from talent_sd.inputs.evidence_ledger import ROLES
from talent_sd.laws.law_files import BASELINE
from talent_sd.output.backtest_tables import FORECASTERS
from talent_sd.output.backtest_tables import OUTCOMES as OUTCOME_NAMES
from talent_sd.output.evidence_tables import in_language, number_text, statement, target_text, verdict_text
from talent_sd.output.report.book_entries import raw
from talent_sd.output.report.html_pieces import Cell, Table, plain_table, quoted
from talent_sd.output.report.material import Material
from talent_sd.output.speech import Speech, city_name, sentences, signed

if TYPE_CHECKING:
    from talent_sd.backtest.forecast_scores import CityRecord, Score, TrackRecord
    from talent_sd.laboratory.findings import Finding
    from talent_sd.laws.law_files import Law, LawFile, Lever
    from talent_sd.output.report.book_entries import Chapters
    from talent_sd.uncertainty.posterior import Posterior

CAPTION_RECORD = N_("Errors of past forecasts, cities that took no part in the fit")
CITY_ERROR = N_("ln(forecast/actual), 2020")
CITY_SHARE = N_("Forecast against actual")
EVIDENCE = N_("The article's figures, measured on the model")


@dataclass(frozen=True)
class Trust:
    """What the chapter tells of the model; the template has the words."""

    findings: Sequence[Finding]
    evidence_table: Table | None
    record: TrackRecord | None
    judged: Mapping[str, str]
    record_table: Table | None
    posterior: str


@dataclass(frozen=True)
class CityTrust:
    """What is known of one city's forecasts, and the notes in its file."""

    title: str
    name: str
    tested: bool
    record: CityRecord | None
    table: Table | None
    notes: Sequence[str]


def trust(material: Material, say: Speech) -> Trust:
    """Return everything that keeps a reader from trusting too much."""
    record, findings = material.record, material.findings
    return Trust(
        findings,
        _evidence_table(findings, say) if findings else None,
        record,
        _judged(record, say) if record else {},
        record_table(record.scores, say) if record else None,
        str(material.spread.attrs.get("posterior", "")),
    )


def city_trust(material: Material, say: Speech, title: str) -> CityTrust | None:
    """Return how well this city was forecast in the past, and its file's notes; None if nothing is known."""
    record = material.record
    own = record.cities.get(str(material.spread.attrs.get("city", ""))) if record else None
    notes = next(iter(material.resolved.values())).city.notes
    if record is None and not notes:
        return None
    name, table = city_name(material.spread, say.lang), _city_table(own, say) if own else None
    told = [quoted(note, say.lang) for note in notes]
    return CityTrust(title, name, record is not None, own, table, told)


def _evidence_table(findings: Sequence[Finding], say: Speech) -> Table:
    rows: list[list[str | Cell]] = []
    for one in findings:
        figure, value = one.figure, one.measurement.value
        rows.append(
            [
                figure.id,
                statement(figure, say.lang),
                say(ROLES[figure.role]),
                Cell(target_text(figure) or "–"),
                Cell("–") if value is None else Cell(number_text(value), value, "measured"),
                quoted(figure.unit, say.lang),
                verdict_text(one, say.lang),
                remark(one, say),
            ]
        )
    headings = [say("Id"), say("Statement"), say("Role"), say("Target"), say("Measured"), say("Unit"),
                say("Verdict"), say("Remark")]  # fmt: skip
    return plain_table(say(EVIDENCE), headings, rows, texts=(0, 1, 2, 5, 6, 7))


def remark(one: Finding, say: Speech) -> str:
    """Return what else to know of a measured figure, "" if nothing."""
    figure = one.figure
    if figure.unclean:
        return in_language(figure, "unclean", say.lang)
    if one.verdict == "missed" or one.differs:
        return in_language(figure, "miss", say.lang)
    return say("one free effect of its own: the value is no test") if figure.one_effect else ""


def _judged(record: TrackRecord, say: Speech) -> dict[str, str]:
    """Return verdict -> names of the outcomes that it holds for, over the longest window."""
    found: dict[str, list[str]] = {}
    for score in record.scores:
        if score.years == record.scores[0].years:
            found.setdefault(verdict_of(score), []).append(say(OUTCOME_NAMES[score.outcome]))
    return {verdict: say(", ").join(names) for verdict, names in found.items()}


def verdict_of(score: Score) -> str:
    """Return "better", "level" or "worse" than the best baseline; a larger error is never called level."""
    best = min(filter(None, (score.constant_share, score.trend, score.damped_trend)))
    return "worse" if score.verdict == "level" and score.model > best else score.verdict


def record_table(scores: Sequence[Score], say: Speech) -> Table:
    """Return the scores of the back-test."""
    rows: list[list[str | Cell]] = []
    for one in scores:
        errors = dict(
            zip(FORECASTERS, (one.model, one.constant_share, one.trend, one.damped_trend), strict=True)
        )
        low, high = one.against_best
        rows.append(
            [
                f"{one.years[0]}→{one.years[1]}",
                say(OUTCOME_NAMES[one.outcome]),
                *(Cell("–") if e is None else Cell(fixed(e, 3), e, key) for key, e in errors.items()),
                Cell(f"{_signed(low)} … {_signed(high)}"),
                Cell(say.chance(one.coverage_80), one.coverage_80, "coverage"),
            ]
        )
    headings = [
        say("Years"),
        say("Outcome"),
        *(say(name) for name in FORECASTERS.values()),
        say("Model less best baseline, 90 % interval"),
        say("80 % covers"),
    ]
    return plain_table(say(CAPTION_RECORD), [h[:1].upper() + h[1:] for h in headings], rows, texts=(0, 1))


UNSEEN = N_("unseen cities, {first}→{last}")


def lost_words(record: TrackRecord, say: Speech) -> str:
    """Say in which tests, of both tables, the model lost to the best baseline or did as well as it, on what."""
    told: dict[str, dict[str, tuple[float, float]]] = {}
    for score in record.scores:
        way = say(UNSEEN, first=score.years[0], last=score.years[1])
        rules = (score.constant_share, score.trend, score.damped_trend)
        told.setdefault(way, {})[score.outcome] = score.model, min(one for one in rules if one is not None)
    for other in record.others:
        told.setdefault(say.both(dict(other.way)), {}).update(other.errors)

    def cases(kind: Callable[[float, float], bool]) -> str:
        found = {
            way: [say(OUTCOME_NAMES[name]) for name, errors in own.items() if kind(*errors)]
            for way, own in told.items()
        }
        return say("; ").join(f"{way} ({say(', ').join(names)})" for way, names in found.items() if names)

    lost, even = cases(gt), cases(eq)
    words = [say("The model is not better than a simple rule in every test.")] if lost or even else []
    words += [say("It lost to the best simple rule in these: {cases}.", cases=lost)] if lost else []
    words += (
        [say("To the third decimal it did as well as that rule in these: {cases}.", cases=even)]
        if even
        else []
    )
    return sentences(say.lang, *words)


def others_table(record: TrackRecord, say: Speech) -> Table:
    """Return the errors judged in other ways, with the best baseline's beside; where the model loses it says so."""
    lost = say("lost")
    rows: list[list[str | Cell]] = [
        [say.both(dict(one.way)), f"{one.cities}",
         *(f"{fixed(model, 3)} ({fixed(best, 3)})" + (f" {lost}" if model > best else "")
           for model, best in one.errors.values())]
        for one in record.others
    ]  # fmt: skip
    headings = [
        say("Judged on"),
        say("Cities"),
        *(say(OUTCOME_NAMES[name]) for name in record.others[0].errors),
    ]
    caption = say("The model's error, with the best baseline's in brackets")
    return plain_table(caption, [h[:1].upper() + h[1:] for h in headings], rows, texts=(0,))


def certain_words(record: TrackRecord, say: Speech) -> str:
    """Say in how many tests the difference from the best baseline is beyond chance, and how the bands held."""
    sure = sum(low > 0 or high < 0 for low, high in (one.against_best for one in record.scores))
    covered = [one.coverage_80 for one in record.scores]
    return say(
        "In {sure} of these {all} rows the interval of the difference leaves out zero: only there is the model better or worse "
        "than the best rule by more than chance. The 80 % bands held {low} to {high} of what happened, and fewer than 80 % in "
        "{short} of {all} rows; where fewer, they were too narrow. “–”: a trend needs counts before the start, and the "
        "tertiary-educated were counted in censuses alone.",
        sure=sure, all=len(covered), low=say.chance(min(covered)), high=say.chance(max(covered)),
        short=sum(one < 0.8 for one in covered),
    )  # fmt: skip


def options_table(record: TrackRecord, say: Speech) -> Table:
    """Return the options of the command that makes each of the other tests."""
    rows: list[list[str | Cell]] = [
        [say.both(dict(one.way)), Cell(one.options or "–", kind="code")] for one in record.others
    ]
    known = {row[0] for row in rows}
    for first, last in sorted({one.years for one in record.scores if one.trend is not None}):
        if (way := say(UNSEEN, first=first, last=last)) not in known:
            rows.append([way, Cell(f"--start {first} --end {last}  (scores.csv: unseen)", kind="code")])
    return plain_table(say("Options of each test"), [say("Judged on"), say("Options")], rows)


def back_files_table(record: TrackRecord, say: Speech) -> Table | None:
    """Return the files that the back-test read or was made with, with their SHA-256."""
    if not record.files:
        return None
    rows: list[list[str | Cell]] = [[name, Cell(sha, kind="code")] for name, sha in record.files.items()]
    return plain_table(say("Files that the back-test read"), [say("File"), "SHA-256"], rows)


@dataclass(frozen=True)
class FitErrors:
    """How far the fitting cities stray from the model: what the fit's objective is weighted with, told."""

    words: str
    table: Table


def fit_errors(posterior: Posterior, record: TrackRecord, say: Speech) -> FitErrors | None:
    """Tell S, ρ, n, N and D of a fit: as the posterior keeps them, or as measured later at its middle; None without."""
    measured = record.fit_errors if record.posterior_sha256 == posterior.sha256 else {}
    found = posterior.note.get("diagnostics", {}).get("errors") or measured
    if not found:
        return None
    names = [say(OUTCOME_NAMES[name]) for name in found["outcomes"]]
    size = [value**0.5 for value in np.diag(found["covariance"])]
    rows: list[list[str | Cell]] = [
        [name, *(fixed(100 * value, 2) if value >= 0 else _signed(100 * value, 2) for value in line), fixed(own, 3)]
        for name, line, own in zip(names, found["covariance"], size, strict=True)
    ]  # fmt: skip
    told = say(
        "In numbers: N = {cities}, n = {size}, ρ = {shared}, so D = {effect}, and N/D = {alone}; w_i runs from {lightest} to "
        "{heaviest}. S stands in the table.",
        cities=found["cities"], size=fixed(found["size"], 2), shared=fixed(found["shared"], 3),
        effect=fixed(found["design_effect"], 2), alone=fixed(found["cities"] / found["design_effect"], 1),
        lightest=fixed(found["lightest"], 2), heaviest=fixed(found["heaviest"], 2),
    )  # fmt: skip
    if found is measured:
        told = sentences(say.lang, told, say(
            "These were measured after the fit, at the middle of the posterior, on the model file {sha}, by "
            "python .ci/fit_errors.py with the tables below: those of the last round of the fit itself were not kept, and "
            "differ by what the best draw differs from the middle.", sha=measured["model_sha256"][:16],
        ))  # fmt: skip
    headings = [say("Outcome"), *names, say("Root of the diagonal")]
    caption = say("S: covariance of the cities' errors in logs, times 100")
    return FitErrors(told, plain_table(caption, headings, rows, texts=(0,)))


def _signed(value: float, decimals: int = 3) -> str:
    return f"{value:+.{decimals}f}".replace("-", "−")


def _city_table(own: CityRecord, say: Speech) -> Table:
    from math import expm1

    rows: list[list[str | Cell]] = [
        [
            say(OUTCOME_NAMES[outcome]),
            Cell(_signed(error, 2), error, "error"),
            Cell(say.percent(expm1(error)), expm1(error), "share"),
        ]
        for outcome, error in own.errors.items()
    ]
    headings = [say("Outcome"), say(CITY_ERROR), say(CITY_SHARE)]
    return plain_table(say("This city's own back-test, 2010 to 2020"), headings, rows, texts=(0,))


SHOWN = (
    (N_("Program"), "source"),
    (N_("Model"), "model"),
    (N_("Model, SHA-256"), "model_sha256"),
    (N_("Engine"), "engine"),
    (N_("National path"), "national_path"),
    (N_("National paths drawn from"), "national_paths"),
    (N_("How it reads the world"), "reading"),
    (N_("Seed"), "seed"),
    (N_("Sampling"), "sampling"),
    (N_("Posterior, SHA-256"), "posterior"),
    (N_("Priors, SHA-256"), "priors"),
    (N_("Growth noise drawn for"), "process_noise"),
)


def provenance_table(material: Material, say: Speech) -> Table:
    """Return versions, hashes and seed: what the forecast's dataset says of itself, and the packages."""
    spread = material.spread
    attrs = spread.attrs
    years = spread[TIME].values
    rows: list[list[str | Cell]] = [
        [say("Years simulated"), Cell(f"{years[0]:g}–{years[-1]:g}")],
        [say("Draws"), Cell(str(int(attrs.get("draws", spread.sizes[DRAW]))))],
    ]
    for key, name in SHOWN:
        if attrs.get(name) not in (None, ""):
            rows.append([say(key), Cell(str(attrs[name]), kind="code")])
    rows += [[package, Cell(version or "–", kind="code")] for package, version in material.versions.items()]
    return plain_table(say("Versions, seed and hashes"), [say("What"), say("Value")], rows)


def files_table(files: Mapping[str, str], say: Speech) -> Table | None:
    """Return every file read, with its SHA-256."""
    if not files:
        return None
    rows: list[list[str | Cell]] = [[name, Cell(digest, kind="code")] for name, digest in files.items()]
    return plain_table(say("Files read, with their hashes"), [say("File"), "SHA-256"], rows)


def experiments_table(file: LawFile, laws: Sequence[Law], chapters: Chapters, say: Speech) -> Table:
    """Return what each experiment of some laws sets, how large, and the laws that read it."""
    readers: dict[str, list[str]] = {}
    for law in laws:
        for name in sorted({law.experiment}.union(*(one.experiments for one in file.measures[law.id]))):
            readers.setdefault(name, []).append(law.id)
    loops = {one.name: one.label[say.lang] for one in chapters.loops} | {
        "reinforcing": say(N_("all reinforcing loops"))
    }
    rows: list[list[str | Cell]] = []
    for name, one in file.content.experiments.items():
        if name not in readers:
            continue
        told = [
            part
            for lever, size in one.do.items()
            for part in _pulled(file.content.levers[lever], size, chapters, say)
        ]
        told += [f"{chapters.link(key)} = {value:g}" for key, value in one.set.items()]
        told += [escape(say.element(policy)) for policy in one.policies]
        if one.scenario != BASELINE:
            told.append(f'<a href="#x-{one.scenario}">{one.scenario}</a>')
        if one.cut:
            cut, kept = (say(", ").join(loops[key] for key in keys) for keys in (one.cut, one.keep))
            words = N_("cut: {loops}, but not {kept}") if kept else N_("cut: {loops}")
            told.append(escape(say(words, loops=cut, kept=kept)))
        links = (f'<a href="#law-{law}">{law.replace("_", "_<wbr>")}</a>' for law in readers[name])
        rows.append([name.replace("_", " "), raw(say("; ").join(told)), raw(say(", ").join(links))])
    headings = (N_("Experiment"), N_("What is done, in {year} where no year stands"), N_("Laws"))
    return plain_table(
        say(N_("Experiments of the laws, and how large each shock is")),
        [say(one, year=f"{file.content.at:g}") for one in headings], rows, (0, 1, 2),
    )  # fmt: skip


def _pulled(lever: Lever, size: float, chapters: Chapters, say: Speech) -> list[str]:
    """Return what a lever does at a size."""
    told = [
        say(N_("{name} {size}, once"), name=chapters.link(one), size=say.percent(size)) for one in lever.kick
    ]
    for names, words in ((lever.times, say.percent(size)), (lever.plus, signed(size))):
        told += [say(N_("{name} {size} from then on"), name=chapters.link(one), size=words) for one in names]
    return told + [
        f"{chapters.link(one)} + {size:g} × {chapters.link(other)}" for one, other in lever.plus_of.items()
    ]
