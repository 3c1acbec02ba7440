"""How far to trust the forecast: the article's figures, the back-test, what is untested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.messages import word
from talent_sd.output.evidence_tables import in_language, number_text, statement, target_text, verdict_text
from talent_sd.output.report.html_pieces import Cell, Table, plain_table
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.output.titles import city_name

if TYPE_CHECKING:
    from talent_sd.backtest.track_record import CityRecord, Score
    from talent_sd.laboratory.findings import Finding

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
    told = [speech("record.none")] if record is None else _record_sentences(material, speech)
    return Trust(
        _evidence_sentences(material.findings, speech),
        _evidence_table(material.findings, speech) if material.findings else None,
        told,
        _record_table(record.scores, speech) if record else None,
        [speech.both(caveat) for caveat in record.caveats] if record else [speech("caveat.own_model")],
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
        return [speech("evidence.none")]
    fitted = [one for one in findings if one.figure.role == "calibrate"]
    held_out = [one for one in findings if one.figure.role == "holdout"]
    unclean = [one for one in held_out if one.figure.unclean and one.verdict == MET]
    clean = [one for one in held_out if one.verdict == MET and not one.figure.unclean]
    sentences = [
        speech(
            "evidence.fitted",
            all=len(fitted),
            met=sum(one.verdict == MET for one in fitted),
            alone=sum(one.figure.one_effect for one in fitted),
        ),
        speech(
            "evidence.held_out",
            all=len(held_out),
            met=len(clean) or speech("none"),
            missed=sum(one.verdict == MISSED for one in held_out),
        ),
    ]
    for one in unclean:
        why = in_language(one.figure, "unclean", speech.lang)
        sentences.append(speech("evidence.unclean", id=one.figure.id, why=why.rstrip(".。")))
    return [*sentences, word("validate.provenance", speech.lang)]


def _evidence_table(findings: Sequence[Finding], speech: Speech) -> Table:
    rows: list[list[str | Cell]] = []
    for one in findings:
        figure, value = one.figure, one.measurement.value
        rows.append(
            [
                figure.id,
                statement(figure, speech.lang),
                word(f"list.{figure.role}", speech.lang),
                Cell(target_text(figure) or "–"),
                Cell("–") if value is None else Cell(number_text(value), value, "measured"),
                figure.unit,
                _verdict(one, speech),
                _remark(one, speech),
            ]
        )
    headings = [
        *(word(f"list.{key}", speech.lang) for key in ("id", "statement", "role")),
        *(word(f"validate.{key}", speech.lang) for key in ("target", "measured")),
        speech("unit"),
        word("validate.verdict", speech.lang),
        speech("remark"),
    ]
    return plain_table(word("validate.evidence", speech.lang), headings, rows, texts=(0, 1, 2, 5, 6, 7))


def _verdict(one: Finding, speech: Speech) -> str:
    return verdict_text(one, speech.lang)


def _remark(one: Finding, speech: Speech) -> str:
    figure = one.figure
    if figure.unclean:
        return in_language(figure, "unclean", speech.lang)
    if one.verdict == MISSED:
        return in_language(figure, "miss", speech.lang)
    return speech("evidence.one_effect") if figure.one_effect else ""


def _record_sentences(material: Material, speech: Speech) -> list[str]:
    record = material.record
    assert record is not None
    sentences = [speech("record.how", cities=record.unseen_cities)]
    longest = [score for score in record.scores if score.years == record.scores[0].years]
    for verdict in ("better", "level", "worse"):
        names = [word(f"outcome.{one.outcome}", speech.lang) for one in longest if _kind(one) == verdict]
        if names:
            sentences.append(speech(f"record.{verdict}", names=word("plot.comma", speech.lang).join(names)))
    used = material.spread.attrs.get("posterior")
    if used and used != record.posterior_sha256:
        sentences.append(speech("record.other_posterior"))
    elif not used:
        sentences.append(speech("record.single"))
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
                word(f"outcome.{one.outcome}", speech.lang),
                *(Cell("–") if e is None else Cell(f"{e:.3f}", e, key) for key, e in errors.items()),
                Cell(f"{_signed(low)} … {_signed(high)}"),
                Cell(speech.chance(one.coverage_80), one.coverage_80, "coverage"),
            ]
        )
    headings = [
        speech("years"),
        *(word(f"quality.{key}", speech.lang) for key in ("variable", "model")),
        *(word(f"quality.{key}", speech.lang) for key in ("constant_share", "trend_share", "damped_trend")),
        speech("record.against_best"),
        word("quality.coverage", speech.lang),
    ]
    return plain_table(
        speech("caption.record"), [h[:1].upper() + h[1:] for h in headings], rows, texts=(0, 1)
    )


def _signed(value: float, decimals: int = 3) -> str:
    return f"{value:+.{decimals}f}".replace("-", "−")


def _city_sentences(own: CityRecord | None, material: Material, speech: Speech) -> list[str]:
    name = city_name(material.spread, speech.lang)
    if material.record is None:
        return []
    if own is None:
        return [speech("city.unknown", city=name)]
    sentences = [speech("city.fitted" if own.fitted else "city.unseen", city=name)]
    errors = list(own.errors.values())
    if all(error < 0 for error in errors):
        sentences.append(speech("city.all_low", city=name))
    elif all(error > 0 for error in errors):
        sentences.append(speech("city.all_high", city=name))
    if own.borders_changed:
        sentences.append(speech("city.borders"))
    return sentences


def _city_table(own: CityRecord, speech: Speech) -> Table:
    from math import expm1

    rows: list[list[str | Cell]] = [
        [
            word(f"outcome.{outcome}", speech.lang),
            Cell(_signed(error, 2), error, "error"),
            Cell(speech.percent(expm1(error)), expm1(error), "share"),
        ]
        for outcome, error in own.errors.items()
    ]
    headings = [word("quality.variable", speech.lang), speech("city.error"), speech("city.share")]
    return plain_table(speech("caption.city"), headings, rows, texts=(0,))


SHOWN = (
    ("provenance.source", "source"),
    ("provenance.model", "model"),
    ("provenance.model_hash", "model_sha256"),
    ("provenance.engine", "engine"),
    ("provenance.national", "national_path"),
    ("provenance.national_paths", "national_paths"),
    ("provenance.seed", "seed"),
    ("provenance.sampling", "sampling"),
    ("provenance.posterior", "posterior"),
    ("provenance.priors", "priors"),
    ("provenance.noise", "process_noise"),
)


def provenance_table(material: Material, speech: Speech) -> Table:
    """Return versions, hashes and seed: what the forecast's dataset says of itself, and the packages."""
    spread = material.spread
    attrs = spread.attrs
    years = spread[TIME].values
    rows: list[list[str | Cell]] = [
        [speech("provenance.years"), Cell(f"{years[0]:g}–{years[-1]:g}")],
        [speech("provenance.draws"), Cell(str(int(attrs.get("draws", spread.sizes[DRAW]))))],
    ]
    for key, name in SHOWN:
        if attrs.get(name) not in (None, ""):
            rows.append([speech(key), Cell(str(attrs[name]), kind="code")])
    rows += [[package, Cell(version or "–", kind="code")] for package, version in material.versions.items()]
    return plain_table(speech("caption.provenance"), [speech("what"), speech("value")], rows)


def files_table(files: Mapping[str, str], speech: Speech) -> Table | None:
    """Return every file read, with its SHA-256."""
    if not files:
        return None
    rows: list[list[str | Cell]] = [[name, Cell(digest, kind="code")] for name, digest in files.items()]
    return plain_table(speech("caption.files"), [speech("file"), "SHA-256"], rows)
