"""What was asked, in the files' own words: questions, mixes, settings with file and line, sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talent_sd.base.language import N_
from talent_sd.inputs.evidence_ledger import Figure
from talent_sd.inputs.scenario_chain import read_notes
from talent_sd.output.numbers import digits
from talent_sd.output.report.html_pieces import Cell, Group, Row, Table, plain_table
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.output.titles import scenario_titles

if TYPE_CHECKING:
    from talent_sd.inputs import Resolved
    from talent_sd.inputs.settings import Setting

CAPTION_FACTS = N_("What the forecast starts from: the city's figures and the nation's path")
CAPTION_REASONS = N_("Reasons and sources given in the scenario files")
CAPTION_SETTINGS = N_("Every setting that differs, with file and line")
HOW = N_("How it was obtained, and its source")
SERIES = N_("series of {count} years")

_ELEMENT = re.compile(r"(?P<name>[^\[\]]+)\[(?P<element>[^\[\]]+)\]")
NUMBERED = ("from", "until")


@dataclass(frozen=True)
class Asked:
    """A scenario in its file's own words."""

    title: str
    question: str
    claim: str
    finding: str
    file: str
    chain: str


def asked(material: Material, speech: Speech) -> list[Asked]:
    """Return what each scenario's file says of itself, the baseline first."""
    titles = scenario_titles(material.spread, speech.lang)
    parts = []
    for name in (material.baseline, *material.compared):
        scenario = material.resolved[name].scenario
        parts.append(
            Asked(
                titles[name],
                speech.both(scenario.question),
                speech.both(scenario.claims),
                speech.both(scenario.finding),
                scenario.file,
                " → ".join(scenario.chain),
            )
        )
    return parts


def mix_table(material: Material, speech: Speech) -> Table | None:
    """Return the policies of all mixes side by side; None where no scenario has any."""
    names = [material.baseline, *material.compared]
    titles = scenario_titles(material.spread, speech.lang)
    mixes = {name: _mix(material.resolved[name]) for name in names}
    if not mixes[material.baseline]:
        del mixes[material.baseline]
    policies = dict.fromkeys(policy for mix in mixes.values() for policy in mix)
    if not policies:
        return None
    rows: list[list[str | Cell]] = []
    for policy in policies:
        cells = [Cell(_timing(mix[policy], speech) if policy in mix else "–") for mix in mixes.values()]
        rows.append([material.labels.element(policy, speech.lang), *cells])
    headings = [speech("Policy"), *(titles[name] for name in mixes)]
    return plain_table(speech("The mixes side by side"), headings, rows)


def _mix(resolved: Resolved) -> dict[str, Mapping[str, Setting]]:
    """Return the policies that are on."""
    policies = resolved.scenario.policies
    return {name: own for name, own in policies.items() if "switch" in own and own["switch"].value is True}


def _timing(settings: Mapping[str, Setting], speech: Speech) -> str:
    """Say when a policy runs, and what else its file sets."""
    start, end = (settings[key].value if key in settings else None for key in NUMBERED)
    if start is not None and end is not None:
        text = f"{_number(start)}–{_number(end)}"
    elif start is not None:
        text = speech("from {year}", year=_number(start))
    elif end is not None:
        text = speech("until {year}", year=_number(end))
    else:
        text = speech("on")
    others = [
        f"{key} {_number(one.value)}" for key, one in settings.items() if key not in (*NUMBERED, "switch")
    ]
    return speech(", ").join([text, *others])


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def settings_table(material: Material, speech: Speech) -> Table:
    """Return every setting in which a scenario differs from the baseline, with file and line."""
    base = material.resolved[material.baseline].values
    titles = scenario_titles(material.spread, speech.lang)
    groups = []
    for name in material.compared:
        own = material.resolved[name].values
        rows = []
        for key in dict.fromkeys((*own, *base)):
            # as a run sees them: a value that is the model's own is no difference from leaving it out
            sides = [side[key].value if key in side else material.defaults.get(key) for side in (own, base)]
            if sides[0] is not None and sides[0] == sides[1]:
                continue
            shown = own.get(key) or base[key]
            words = shown.origin.text if key in own else key
            cells = [
                Cell(_meaning(key, material, speech)),
                Cell(_shown(base.get(key), material.defaults.get(key), speech), column="baseline"),
                Cell(_shown(own.get(key), material.defaults.get(key), speech), column="value"),
                Cell(_unit(shown.unit, speech)),
                Cell(str(shown.origin), kind="code"),
            ]
            rows.append(Row(words, cells, {"scenario": name, "setting": key}))
        groups.append(Group(titles[name], rows))
    headings = [
        speech("In the file's words"),
        speech("Meaning"),
        speech("In the baseline"),
        speech("Here"),
        speech("Unit"),
        speech("File and line"),
    ]
    return Table(speech(CAPTION_SETTINGS), headings, groups, frozenset(range(6)))


def _meaning(key: str, material: Material, speech: Speech) -> str:
    match = _ELEMENT.fullmatch(key)
    if not match:
        return material.labels.variable(key, speech.lang)
    variable = material.labels.variable(match["name"], speech.lang)
    return f"{variable}{speech(': ')}{material.labels.element(match['element'], speech.lang)}"


def _shown(value: Setting | None, default: float | None, speech: Speech) -> str:
    """Write a value; where a file sets none, the model's own."""
    if value is None and default is None:
        return speech("model's default")
    if value is None:
        return speech("{value} (the model's own)", value=f"{default:g}")
    if isinstance(value.value, tuple):
        return speech(SERIES, count=len(value.value[0]))
    return f"{value.value:g}"


def _unit(unit: str, speech: Speech) -> str:
    return speech.unit(speech.scale(1.0, unit))


def reasons_table(material: Material, figures: Mapping[str, Figure], speech: Speech) -> Table | None:
    """Return why each policy and assumption is as it is: reasons, sources, the figures cited."""
    titles = scenario_titles(material.spread, speech.lang)
    groups = []
    for name in (material.baseline, *material.compared):
        resolved = material.resolved[name]
        active = _mix(resolved)
        rows = []
        for note in read_notes(resolved.scenario):
            if note.kind == "policy" and note.about not in active:
                continue
            label = (
                material.labels.element(note.about, speech.lang)
                if note.kind == "policy"
                else material.labels.variable(note.about, speech.lang)
            )
            cited = [f"{ident} {_statement(figures.get(ident), speech)}".strip() for ident in note.evidence]
            cells = [Cell(note.why or "–"), Cell(note.source or "–"), Cell(speech("; ").join(cited) or "–")]
            rows.append(Row(label, [*cells, Cell(str(note.origin), kind="code")]))
        if rows:
            groups.append(Group(titles[name], rows))
    if not groups:
        return None
    headings = [
        speech("Setting"),
        speech("Why"),
        speech("Source"),
        speech("Figures cited"),
        speech("File and line"),
    ]
    return Table(speech(CAPTION_REASONS), headings, groups, frozenset(range(5)))


def _statement(figure: Figure | None, speech: Speech) -> str:
    if figure is None:
        return ""
    return figure.statement_zh if speech.lang == "zh" and figure.statement_zh else figure.statement


def facts_table(material: Material, speech: Speech) -> Table:
    """Return the city's figures and the national path that the baseline starts from, with their sources."""
    rows: list[list[str | Cell]] = []
    for key, value in material.resolved[material.baseline].values.items():
        number = value.value
        if isinstance(number, tuple):
            shown, unit = Cell(speech(SERIES, count=len(number[0]))), _unit(value.unit, speech)
        else:
            scale = speech.scale(abs(number), value.unit)
            shown, unit = Cell(digits(number / scale.factor, 4), number, "value"), speech.unit(scale)
        where = Cell(str(value.origin), kind="code")
        rows.append([_meaning(key, material, speech), shown, unit, value.origin.text, where])
    headings = [speech("Setting"), speech("Value"), speech("Unit"), speech(HOW), speech("File and line")]
    return plain_table(speech(CAPTION_FACTS), headings, rows, texts=(0, 2, 3, 4))
