"""Tables of evidence: what the model says to each figure, which checks hold, what cites what."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from talent_sd.base.language import N_, tell
from talent_sd.evidence import scenarios_citing
from talent_sd.inputs.evidence_ledger import ROLES, Figure, cited_by, paths_between
from talent_sd.model.mdl_text import split_blocks
from talent_sd.model.names import name_key
from talent_sd.output.speech import digits
from talent_sd.output.terminal_tables import rich_table, words

if TYPE_CHECKING:
    from rich.table import Table

    from talent_sd.inputs.readings import Reading
    from talent_sd.laboratory.cases import Experiment
    from talent_sd.laboratory.findings import Finding
    from talent_sd.model.structure import Structure
    from talent_sd.model_tests.behaviour_checks import Verdict
    from talent_sd.model_tests.standard_tests import StandardTest

BROKEN = N_("Conditions that do not hold:")
CHECKS = N_("Behaviour checks by sector")
PATH = N_("Equation parts between them and what the experiment reads")

READINGS = N_(
    "Of the {all} figures {first} come out in the evidence's reading, {second} in “{title}”, which moves {moved} constants."
)
APART = N_("Come out alone, not beside the others: {figures}.")

ONE_EFFECT = " *"
"""Marks figures whose value is no test, since one free effect was fitted to each."""
UNCLEAN = " †"
"""Marks figures held out of the fit whose structure was changed after they had been looked at."""
VERDICTS = {
    "met": N_("met"), "passed": N_("passed"), "missed": N_("missed"), "failed": N_("failed"),
    "shown": N_("shown"), "not_tried": N_("not tried"), "told": N_("told, not judged"),
}  # fmt: skip
SECTORS = (
    N_("Accounts"), N_("Attractiveness"), N_("City brand"), N_("City figures"), N_("Control"), N_("Culture"),
    N_("Economy and taxes"), N_("Housing"), N_("Innovation"), N_("Jobs and cluster"), N_("Loops"),
    N_("National"), N_("Policies and budget"), N_("Public services"), N_("Residents"),
    N_("Rest of the country"), N_("Social security"), N_("Talent"), N_("Universities and schooling"),
)  # fmt: skip
SIGNS = {"at_least": "≥ ", "at_most": "≤ "}
COLOURS = {
    "met": "green", "passed": "green", "missed": "yellow", "failed": "red", "shown": "dim", "told": "dim",
    "not_tried": "yellow", "unclean": "yellow", "differs": "dim",
}  # fmt: skip


def evidence_table(
    findings: Iterable[Finding], lang: str = "en", beside: Sequence[Finding] = (), name: str = ""
) -> Table:
    """Make the table of figures: target, tolerance, measured value, verdict, role.

    Parameters
    ----------
    beside, name : the same figures in another reading, and what the column is called
    """
    columns = (N_("Id"), N_("Statement"), N_("Target"), N_("Measured"), N_("Verdict"))
    table = _table(N_("The article's figures, measured on the model"), columns, lang)
    others = {one.figure.id: one for one in beside}
    if others:
        table.add_column(name, no_wrap=True, max_width=10)
    # what is claimed takes the room that numbers leave: a stranger reads it in 80 columns too
    table.columns[1].ratio, table.columns[2].max_width, table.columns[4].max_width = 1, 17, 12
    table.padding, table.expand = (0, 1, 0, 0), True
    table.columns[3].no_wrap = True
    for finding in findings:
        figure = finding.figure
        allowance = "" if math.isnan(figure.allowance) else f" ± {digits(figure.allowance)}"
        table.add_row(
            figure.id,
            Text(statement(figure, lang)),
            Text(f"{target_text(figure)}{allowance}\n{figure.unit}".strip()),
            "" if finding.measurement.value is None else number_text(finding.measurement.value),
            Text.assemble(
                (
                    verdict_text(finding, lang) + _marks(figure),
                    COLOURS["failed" if finding.fails else counted(finding)],
                ),
                (f"\n{tell(ROLES[figure.role], lang)}", "dim"),
            ),
            *([_other(others[figure.id], lang)] if others else []),
        )
    return table


def _other(finding: Finding, lang: str) -> Text:
    """Return what a figure comes to in another reading, and whether it comes out."""
    value, verdict = finding.measurement.value, "met" if finding.comes_out else "missed"
    told = "" if value is None else f"{number_text(value)}\n"
    return Text.assemble(told, (tell(VERDICTS[verdict], lang), COLOURS[verdict]))


def readings_compared(
    findings: Sequence[Finding], beside: Sequence[Finding], reading: Reading, lang: str
) -> list[str]:
    """Return how many figures come out in each reading, and why those that cannot do not."""
    lines = [
        tell(
            READINGS,
            lang,
            all=len(findings),
            first=sum(one.comes_out for one in findings),
            second=sum(one.comes_out for one in beside),
            title=getattr(reading.title, lang),
            moved=len({key.partition("[")[0] for key in reading.assumptions}),
        )
    ]
    out = {one.figure.id for one in beside if one.comes_out}
    kept = [one.figure for one in beside if one.figure.id in reading.cannot and one.figure.id not in out]
    lines += [f"{figure.id}: {forbidden_by(reading, figure, lang)}" for figure in kept]
    apart = [ident for ident in reading.apart if ident not in out]
    return [*lines, tell(APART, lang, figures=", ".join(apart))] if apart else lines


def forbidden_by(reading: Reading, figure: Figure, lang: str) -> str:
    """Return why no constants bring a figure out: by the reading, else by the ledger; "" of one that can come out."""
    if figure.id not in reading.cannot:
        return ""
    because = reading.cannot[figure.id].because
    return str(getattr(because, lang)) if because else in_language(figure, "miss", lang)


def counted(finding: Finding) -> str:
    """Return how a finding counts: its verdict, but for two that would mislead.

    "unclean": a figure kept out comes out, but not in a clean test. "differs": a start value that is only
    shown, where the city's own figures say something else than the article.
    """
    if finding.verdict == "met" and finding.figure.unclean:
        return "unclean"
    return "differs" if finding.differs else finding.verdict


def verdict_text(finding: Finding, lang: str) -> str:
    """Return the verdict in words: what comes out of an unclean test is not told as a success."""
    if counted(finding) == "differs":
        return tell("data differ", lang)
    told = tell(VERDICTS[finding.verdict], lang)
    return tell("{verdict}, not counted", lang, verdict=told) if counted(finding) == "unclean" else told


def _marks(figure: Figure) -> str:
    return (ONE_EFFECT if figure.one_effect else "") + (UNCLEAN if figure.unclean else "")


def checks_table(checks: Sequence[Verdict], lang: str = "en") -> Table:
    """Make the table of checks: how many hold in each sector, what failed, what was never tried."""
    table = _table(CHECKS, (N_("Sector"), N_("Held"), N_("Failure")), lang)
    for sector in dict.fromkeys(check.sector for check in checks):
        own = [check for check in checks if check.sector == sector]
        verdicts = [check.verdict for check in own]
        worst = next(one for one in ("failed", "not_tried", "passed") if one in verdicts)
        held = Text(f"{verdicts.count('passed')}/{len(own)}", style=COLOURS[worst])
        told = [f"{check.message}: {check.failure}" for check in own if check.verdict != "passed"]
        table.add_row(sector_name(sector, lang), held, Text("; ".join(told)))
    return table


def sector_name(sector: str, lang: str) -> str:
    """Return what a sector of checks is called; a user's own keeps its name."""
    return tell(sector, lang) if sector in SECTORS else sector


def standard_tests_table(tests: Iterable[StandardTest], lang: str = "en") -> Table:
    """Make the table of the standard tests, each with what backs it."""
    columns = (N_("Test"), N_("Verdict"), N_("Finding"), N_("Backed by"))
    table = _table(N_("Standard tests of system dynamics"), columns, lang)
    for test in tests:
        shown = Text(tell(VERDICTS[test.verdict], lang), style=COLOURS[test.verdict])
        table.add_row(test.question[lang], shown, Text(test.finding), Text(test.backed_by))
    return table


def misses(findings: Iterable[Finding], lang: str = "en") -> list[str]:
    """Return a line for each figure missed or said otherwise by data: its broken conditions, and why."""
    lines = []
    for finding in findings:
        if finding.verdict == "missed" or finding.differs:
            parts = [f"{finding.figure.id}:"]
            if finding.measurement.broken:
                parts += [tell(BROKEN, lang), "; ".join(finding.measurement.broken) + "."]
            lines.append(" ".join([*parts, in_language(finding.figure, "miss", lang)]).strip())
    return lines


def unclean_holdouts(figures: Iterable[Figure], lang: str = "en") -> list[str]:
    """Return a line for each figure held out that is no clean hold-out, with the reason."""
    return [f"{figure.id}: {in_language(figure, 'unclean', lang)}" for figure in figures if figure.unclean]


def in_language(figure: Figure, what: str, lang: str) -> str:
    """Return a text of a figure (`statement`, `miss`, `unclean`) in a language, English where there is no other."""
    own = getattr(figure, f"{what}_zh") if lang == "zh" else ""
    return str(own or getattr(figure, what))


def figure_trace(figure: Figure, experiment: Experiment, structure: Structure, lang: str = "en") -> str:
    """Return everything behind a figure: claim, reading, experiment, and the equation parts that yield it.

    Parameters
    ----------
    experiment : of the figure
    structure : of the city model
    """
    cited = cited_by(structure).get(figure.id, ())
    path: dict[str, None] = {}
    for effect in experiment.reads:
        for name in paths_between(structure, cited, effect):
            path[name] = None
    rows = [
        f"{figure.id}  {statement(figure, lang)}",
        _line(N_("Role"), tell(ROLES[figure.role], lang), lang),
    ]
    if figure.unclean:
        rows.append(f"{tell('No clean holdout.', lang)} {in_language(figure, 'unclean', lang)}")
    if figure.named_source:
        rows.append(_line(N_("Named source"), figure.named_source, lang))
    rows += [
        _line(N_("Target"), f"{target_text(figure)} {figure.unit}".strip(), lang),
        _line(N_("Reading"), figure.reading, lang),
        _line(N_("Experiment"), f"{figure.experiment}: {figure.test}", lang),
        _line(N_("The experiment reads"), ", ".join(experiment.reads), lang),
    ]
    scenarios = scenarios_citing(figure.id)
    if scenarios:
        rows.append(_line(N_("Scenarios that cite it"), ", ".join(scenarios), lang))
    fitted = [f"{name} = {value:g}" for name, value in fitted_for(figure.id).items()]
    if fitted:
        rows.append(_line(N_("Fitted for it"), ", ".join(fitted), lang))
    rows += ["", _heading(N_("Variables that cite it"), lang), *_with_equations(cited, structure)]
    between = [name for name in path if name not in cited]
    if between:
        rows += ["", _heading(PATH, lang), *_with_equations(between, structure)]
    return "\n".join(rows)


def variable_trace(name: str, structure: Structure, figures: Mapping[str, Figure], lang: str = "en") -> str:
    """Return a variable's equation, meaning and causes, and the figures that it cites.

    Parameters
    ----------
    figures : by id
    """
    variable = structure.variables[name]
    rows = [_variable_line(name, structure).strip(), "", *_equation_lines(name, structure), ""]
    cited = [
        f"  {ident}  {statement(figures[ident], lang)}" for ident in variable.citations if ident in figures
    ]
    if cited:
        rows += [_heading(N_("Figures it cites"), lang), *cited]
    if variable.depends_on:
        rows += ["", _heading(N_("Direct causes"), lang)]
        rows += [_variable_line(cause, structure) for cause in variable.depends_on]
    return "\n".join(rows)


def _equation_lines(name: str, structure: Structure) -> list[str]:
    """Return a variable's equations as its file writes them, each line set in."""
    blocks = split_blocks(Path(structure.path).read_text(encoding="utf-8-sig"))
    own = [block.equation for block in blocks if not block.macro and _bare(block.name) == name_key(name)]
    return [f"    {line.strip()}" for equation in own for line in equation.splitlines() if line.strip()]


def _bare(name: str) -> str:
    return name_key(name.partition("[")[0])


def fitted_for(ident: str) -> dict[str, float]:
    """Return the constants that the fit chose for a figure, with their values."""
    from talent_sd.evidence import read_fit

    return {
        name: value
        for effect in read_fit().effects.values()
        if effect.figure == ident and effect.value is not None
        for name, value in effect.values(effect.value).items()
    }


def statement(figure: Figure, lang: str) -> str:
    """Return the claim in a language, the English one where there is no other."""
    return in_language(figure, "statement", lang)


def target_text(figure: Figure) -> str:
    """Return a figure's value as text: a number, a range, or nothing."""
    if figure.value is None:
        return ""
    if isinstance(figure.value, tuple):
        return "–".join(digits(value) for value in figure.value)
    return f"{SIGNS.get(figure.bound, '')}{digits(figure.value)}"


def number_text(value: float) -> str:
    """Return a measured number as text; one without end is told as "∞".

    >>> number_text(float("inf"))
    '∞'
    """
    return digits(value) if math.isfinite(value) else "∞"


def _line(key: str, text: str, lang: str) -> str:
    return tell("{name}: {meaning}", lang, name=tell(key, lang), meaning=text)


def _heading(key: str, lang: str) -> str:
    return _line(key, "", lang).rstrip()


def _variable_line(name: str, structure: Structure) -> str:
    """Return a variable with its place and its sentence."""
    variable = structure.variables[name]
    return f"  {structure.place(name)}  {name} ({variable.unit}): {variable.doc}"


def _with_equations(names: Iterable[str], structure: Structure) -> list[str]:
    """Return the lines of several variables, each with its equation."""
    return [
        line
        for name in names
        for line in (_variable_line(name, structure), *_equation_lines(name, structure))
    ]


def _table(title: str, columns: Sequence[str], lang: str) -> Table:
    return rich_table(tell(title, lang), *words(*(tell(c, lang) for c in columns), overflow="fold"), style="")
