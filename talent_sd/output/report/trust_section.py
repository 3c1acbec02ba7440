"""How far to trust the forecast: the article's figures, the back-test, what is untested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.language import N_, tell
from talent_sd.inputs.evidence_ledger import ROLES
from talent_sd.output.backtest_tables import OUTCOMES as OUTCOME_NAMES
from talent_sd.output.evidence_tables import in_language, number_text, statement, target_text, verdict_text
from talent_sd.output.report.html_pieces import Cell, Table, plain_table
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.output.titles import city_name

if TYPE_CHECKING:
    from talent_sd.backtest.track_record import CityRecord, Score
    from talent_sd.laboratory.findings import Finding

CAPTION_RECORD = N_("Errors of past forecasts, cities that took no part in the fit")
CAVEAT_OWN_MODEL = N_(
    "This is not the shipped model: neither the article's figures nor any back-test were tried on it here."
)
CITY_ALL_HIGH = N_("In that test {city} was over-forecast in every outcome: read its levels with care.")
CITY_ALL_LOW = N_(
    "In that test {city} was under-forecast in every outcome: it grew beyond what its start told."
)
CITY_BORDERS = N_("Its borders or definitions changed in those years, which can be part of the error.")
CITY_ERROR = N_("ln(forecast/actual), 2020")
CITY_FITTED = N_("{city} took part in the fit, so its own test is a mild one.")
CITY_SHARE = N_("Forecast against actual")
CITY_UNKNOWN = N_("{city} was not among the 14 cities whose back-test is kept with the model.")
EVIDENCE = N_("The article's figures, measured on the model")
EVIDENCE_UNCLEAN = N_("{id} comes out, but was not a clean hold-out: {why}.")
PROVENANCE = N_("All figures are claims of the article; the sources it names were not seen.")
RECORD_HOW = N_(
    "The model was started in past years from each city's own figures, told the nation's path and nothing "
    "of the city's future, and held against what happened in {cities} cities that took no part in the fit. "
    "It was compared with simple rules: the city keeps its share of the nation, or that share goes on "
    "changing as before, or half as fast. From 2010 to 2020:"
)
RECORD_NONE = N_("No back-test is known of this model.")
RECORD_SINGLE = N_(
    "This report shows single runs with the model's own constants, not draws from the tested posterior: it "
    "has no intervals."
)

MET, MISSED = "met", "missed"


@dataclass(frozen=True)
class Trust:
    """Sentences and tables; each part empty where there is nothing to tell."""

    evidence: list[str]
    evidence_table: Table | None
    record: list[str]
    record_table: Table | None
    caveats: list[str]


@dataclass(frozen=True)
class CityTrust:
    """What is known of one city's forecasts, and the notes in its file."""

    title: str
    city: list[str]
    city_table: Table | None
    city_notes: list[str]


def trust(material: Material, speech: Speech) -> Trust:
    """Return everything that keeps a reader from trusting too much."""
    record = material.record
    told = [speech(RECORD_NONE)] if record is None else _record_sentences(material, speech)
    return Trust(
        _evidence_sentences(material.findings, speech),
        _evidence_table(material.findings, speech) if material.findings else None,
        told,
        _record_table(record.scores, speech) if record else None,
        [speech.both(caveat) for caveat in record.caveats] if record else [speech(CAVEAT_OWN_MODEL)],
    )


def city_trust(material: Material, speech: Speech, title: str) -> CityTrust | None:
    """Return how well this city was forecast in the past, and its file's notes; None if nothing is known."""
    record = material.record
    own = record.cities.get(str(material.spread.attrs.get("city", ""))) if record else None
    notes = list(next(iter(material.resolved.values())).city.notes)
    sentences = _city_sentences(own, material, speech)
    if not sentences and not notes:
        return None
    return CityTrust(title, sentences, _city_table(own, speech) if own else None, notes)


def _evidence_sentences(findings: Sequence[Finding], speech: Speech) -> list[str]:
    if not findings:
        return [speech("The article's figures were not measured for this report.")]
    fitted = [one for one in findings if one.figure.role == "calibrate"]
    held_out = [one for one in findings if one.figure.role == "holdout"]
    unclean = [one for one in held_out if one.figure.unclean and one.verdict == MET]
    clean = [one for one in held_out if one.verdict == MET and not one.figure.unclean]
    sentences = [
        speech(
            "Of the {all} figures of the article used in the fit, the model meets {met}. {alone} of them "
            "have one free effect each to themselves: for those the value is no test.",
            all=len(fitted),
            met=sum(one.verdict == MET for one in fitted),
            alone=sum(one.figure.one_effect for one in fitted),
        ),
        speech(
            "Of the {all} figures kept out of the fit, {missed} are missed; in a clean test {met} came out.",
            all=len(held_out),
            met=len(clean) or speech(N_("none", "count")),
            missed=sum(one.verdict == MISSED for one in held_out),
        ),
    ]
    for one in unclean:
        why = in_language(one.figure, "unclean", speech.lang)
        sentences.append(speech(EVIDENCE_UNCLEAN, id=one.figure.id, why=why.rstrip(".。")))
    return [*sentences, tell(PROVENANCE, speech.lang)]


def _evidence_table(findings: Sequence[Finding], speech: Speech) -> Table:
    rows: list[list[str | Cell]] = []
    for one in findings:
        figure, value = one.figure, one.measurement.value
        rows.append(
            [
                figure.id,
                statement(figure, speech.lang),
                tell(ROLES[figure.role], speech.lang),
                Cell(target_text(figure) or "–"),
                Cell("–") if value is None else Cell(number_text(value), value, "measured"),
                figure.unit,
                _verdict(one, speech),
                _remark(one, speech),
            ]
        )
    headings = [
        tell("Id", speech.lang),
        tell("Statement", speech.lang),
        tell("Role", speech.lang),
        tell("Target", speech.lang),
        tell("Measured", speech.lang),
        speech("Unit"),
        tell("Verdict", speech.lang),
        speech("Remark"),
    ]
    return plain_table(tell(EVIDENCE, speech.lang), headings, rows, texts=(0, 1, 2, 5, 6, 7))


def _verdict(one: Finding, speech: Speech) -> str:
    return verdict_text(one, speech.lang)


def _remark(one: Finding, speech: Speech) -> str:
    figure = one.figure
    if figure.unclean:
        return in_language(figure, "unclean", speech.lang)
    if one.verdict == MISSED:
        return in_language(figure, "miss", speech.lang)
    return speech("one free effect of its own: the value is no test") if figure.one_effect else ""


def _record_sentences(material: Material, speech: Speech) -> list[str]:
    record = material.record
    assert record is not None
    sentences = [speech(RECORD_HOW, cities=record.unseen_cities)]
    longest = [score for score in record.scores if score.years == record.scores[0].years]
    for verdict, told in (
        ("better", N_("Better than every simple rule: {names}.")),
        ("level", N_("No clear difference from the best simple rule: {names}.")),
        ("worse", N_("With a larger error than the best simple rule: {names}.")),
    ):
        names = [tell(OUTCOME_NAMES[one.outcome], speech.lang) for one in longest if _kind(one) == verdict]
        if names:
            sentences.append(speech(told, names=tell(", ", speech.lang).join(names)))
    used = material.spread.attrs.get("posterior")
    if used and used != record.posterior_sha256:
        sentences.append(speech("The draws of this report come from another posterior than the one tested."))
    elif not used:
        sentences.append(speech(RECORD_SINGLE))
    return sentences


def _kind(score: Score) -> str:
    """Return "better", "level" or "worse" than the best baseline; a larger error is never called level."""
    best = min(filter(None, (score.constant_share, score.trend, score.damped_trend)))
    return "worse" if score.verdict == "level" and score.model > best else score.verdict


def _record_table(scores: Sequence[Score], speech: Speech) -> Table:
    rows: list[list[str | Cell]] = []
    for one in scores:
        errors = {
            "model": one.model,
            "constant_share": one.constant_share,
            "trend_share": one.trend,
            "damped_trend": one.damped_trend,
        }
        low, high = one.against_best
        rows.append(
            [
                f"{one.years[0]}→{one.years[1]}",
                tell(OUTCOME_NAMES[one.outcome], speech.lang),
                *(Cell("–") if e is None else Cell(f"{e:.3f}", e, key) for key, e in errors.items()),
                Cell(f"{_signed(low)} … {_signed(high)}"),
                Cell(speech.chance(one.coverage_80), one.coverage_80, "coverage"),
            ]
        )
    headings = [
        speech("Years"),
        tell("Outcome", speech.lang),
        tell("model", speech.lang),
        tell("constant share", speech.lang),
        tell("trend", speech.lang),
        tell("damped", speech.lang),
        speech("Model less best baseline, 90 % interval"),
        tell("80 % covers", speech.lang),
    ]
    return plain_table(speech(CAPTION_RECORD), [h[:1].upper() + h[1:] for h in headings], rows, texts=(0, 1))


def _signed(value: float, decimals: int = 3) -> str:
    return f"{value:+.{decimals}f}".replace("-", "−")


def _city_sentences(own: CityRecord | None, material: Material, speech: Speech) -> list[str]:
    name = city_name(material.spread, speech.lang)
    if material.record is None:
        return []
    if own is None:
        return [speech(CITY_UNKNOWN, city=name)]
    sentences = [speech(CITY_FITTED if own.fitted else "{city} took no part in the fit.", city=name)]
    errors = list(own.errors.values())
    if all(error < 0 for error in errors):
        sentences.append(speech(CITY_ALL_LOW, city=name))
    elif all(error > 0 for error in errors):
        sentences.append(speech(CITY_ALL_HIGH, city=name))
    if own.borders_changed:
        sentences.append(speech(CITY_BORDERS))
    return sentences


def _city_table(own: CityRecord, speech: Speech) -> Table:
    from math import expm1

    rows: list[list[str | Cell]] = [
        [
            tell(OUTCOME_NAMES[outcome], speech.lang),
            Cell(_signed(error, 2), error, "error"),
            Cell(speech.percent(expm1(error)), expm1(error), "share"),
        ]
        for outcome, error in own.errors.items()
    ]
    headings = [tell("Outcome", speech.lang), speech(CITY_ERROR), speech(CITY_SHARE)]
    return plain_table(speech("This city's own back-test, 2010 to 2020"), headings, rows, texts=(0,))


SHOWN = (
    (N_("Program"), "source"),
    (N_("Model"), "model"),
    (N_("Model, SHA-256"), "model_sha256"),
    (N_("Engine"), "engine"),
    (N_("National path"), "national_path"),
    (N_("National paths drawn from"), "national_paths"),
    (N_("Seed"), "seed"),
    (N_("Sampling"), "sampling"),
    (N_("Posterior, SHA-256"), "posterior"),
    (N_("Priors, SHA-256"), "priors"),
    (N_("Growth noise drawn for"), "process_noise"),
)


def provenance_table(material: Material, speech: Speech) -> Table:
    """Return versions, hashes and seed: what the forecast's dataset says of itself, and the packages."""
    spread = material.spread
    attrs = spread.attrs
    years = spread[TIME].values
    rows: list[list[str | Cell]] = [
        [speech("Years simulated"), Cell(f"{years[0]:g}–{years[-1]:g}")],
        [speech("Draws"), Cell(str(int(attrs.get("draws", spread.sizes[DRAW]))))],
    ]
    for key, name in SHOWN:
        if attrs.get(name) not in (None, ""):
            rows.append([speech(key), Cell(str(attrs[name]), kind="code")])
    rows += [[package, Cell(version or "–", kind="code")] for package, version in material.versions.items()]
    return plain_table(speech("Versions, seed and hashes"), [speech("What"), speech("Value")], rows)


def files_table(files: Mapping[str, str], speech: Speech) -> Table | None:
    """Return every file read, with its SHA-256."""
    if not files:
        return None
    rows: list[list[str | Cell]] = [[name, Cell(digest, kind="code")] for name, digest in files.items()]
    return plain_table(speech("Files read, with their hashes"), [speech("File"), "SHA-256"], rows)
