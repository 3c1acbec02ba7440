"""Tables of what ships (cities, policies, scenarios, evidence, variables, loops), of why a number is so, of who beats whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, tell
from talent_sd.engine.runner import load_model, model_constants
from talent_sd.inputs.labels import Labels, shipped_labels
from talent_sd.inputs.settings import policy_key, years_in_force
from talent_sd.loops.why import CLOCK, TOGETHER, Cause
from talent_sd.model.read import shipped_structure
from talent_sd.model.structure import KINDS, Variable
from talent_sd.output.headline_outputs import TOTAL
from talent_sd.output.speech import (
    DIMENSIONLESS,
    chance,
    digits,
    scale_for,
    scenario_titles,
    signed,
    unit_label,
    year_spans,
)
from talent_sd.output.terminal_tables import explain, numbers, rich_table, short_place, words

EVIDENCE = N_("Evidence")
INTENSITY = N_("Intensity")
KIND = N_("Kind")
LABELLED = N_("{label}: {meaning}")
MEANING, NAME, TITLE, UNIT = N_("Meaning"), N_("Name"), N_("Title"), N_("Unit")

WHOLE = (N_("Id"), KIND, UNIT, N_("Role"), N_("Polarity"), EVIDENCE)
"""Columns that are not broken over lines."""
LONGEST_WORD = 14
"""Columns are kept wide enough for words of so many letters."""
if TYPE_CHECKING:
    import xarray as xr

Rows = tuple[Sequence[str], Iterable[Sequence[str]]]
"""Keys of the column headings, and the rows."""


def shelf_table(what: str, lang: str = "en", search: str = "", city: str | None = None) -> Table:
    """Make the table of one of the shelves.

    Parameters
    ----------
    what : cities, policies, scenarios, evidence, variables or loops
    search : only rows that hold this text, whatever its case
    city : of variables, show their values there instead of their evidence
    """
    headings, rows = SHELVES[what](lang)
    rows = [row for row in rows if search.casefold() in " ".join(row).casefold()]
    if city is not None and what == "variables":
        headings, rows = _with_values(headings, rows, city, lang)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    # a model's variables have long names; all others must come out in one piece, to be copied
    whole = WHOLE if what == "variables" else (NAME, *WHOLE)
    cells = list(rows)
    for number, heading in enumerate(headings):
        title = tell(heading, lang)
        words = (part for text in (title, *(row[number] for row in cells)) for part in text.split())
        least = min(max(map(cell_len, words)), LONGEST_WORD)
        table.add_column(title, no_wrap=heading in whole, overflow="fold", min_width=least)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _cities(lang: str) -> Rows:
    from talent_sd.inputs import list_cities, load_city

    def row(name: str) -> Sequence[str]:
        city = load_city(name)
        return name, city.title[lang], city.province[lang], city.region[lang]

    return (NAME, TITLE, N_("Province"), N_("Region")), map(row, list_cities())


def _scenarios(lang: str) -> Rows:
    from talent_sd.inputs import list_scenarios, load_scenario

    def row(name: str) -> Sequence[str]:
        scenario = load_scenario(name)
        return name, scenario.title[lang], scenario.question.get(lang, "")

    return (NAME, TITLE, N_("Question")), map(row, list_scenarios())


def _policies(lang: str) -> Rows:
    labels, model = shipped_labels(), load_model()
    own, structure = model_constants(model), model.structure

    def row(policy: str) -> Sequence[str]:
        """Return what the list tells of a policy."""
        start, end = own[policy_key(policy, "start")], own[policy_key(policy, "end")]
        years = year_spans(years_in_force(start, end), lang)
        told = policy, labels.element(policy, lang)
        intensity = structure.find(f"{policy.replace('_', ' ')} intensity")
        if intensity is None:
            return *told, "", years, ""
        low, high = ("" if limit is None else digits(limit) for limit in intensity.limits)
        unit = (
            ""
            if intensity.unit.strip().casefold() in DIMENSIONLESS
            else _unit(intensity.unit, lang).replace("/(", "/ (")
        )
        sources = ", ".join(intensity.citations)
        return *told, f"{low} … {high} {unit}".rstrip(), years, sources

    return (NAME, TITLE, INTENSITY, N_("Years unless set"), EVIDENCE), map(
        row, structure.subscripts["policy"]
    )


def _variables(lang: str) -> Rows:
    labels, structure = shipped_labels(), shipped_structure()

    def row(variable: Variable) -> Sequence[str]:
        """Return what the list tells of a variable."""
        label = labels.variable(variable.name, lang)
        meaning = variable.doc.split(". ")[0].rstrip(".")
        kind = tell(KINDS[variable.kind], lang)
        return (
            variable.name,
            kind,
            _unit(variable.unit, lang),
            meaning if label == variable.name else tell(LABELLED, lang, label=label, meaning=meaning),
            ", ".join(variable.citations),
        )

    return (NAME, KIND, UNIT, MEANING, EVIDENCE), map(row, structure.variables.values())


def _with_values(headings: Sequence[str], rows: Iterable[Sequence[str]], city: str, lang: str) -> Rows:
    """Put a city's values, at the forecast's start and end, in place of kind and evidence; of many elements their range."""
    from talent_sd.forecast.prepare import KNOWN_UNTIL, prepare
    from talent_sd.model.structure import KINDS as kinds

    prepared = prepare("baseline", city)
    rows = [
        row
        for row in rows
        if row[1] in {tell(kinds[kind], lang) for kind in ("stock", "auxiliary", "constant")}
    ]
    ends = [max(KNOWN_UNTIL, prepared.years[0]), prepared.years[-1]]
    run = prepared.model.run(params=prepared.first.params(), outputs=[row[0] for row in rows], times=ends)

    def told(name: str, year: float) -> str:
        """Return the least and the largest element in a year."""
        values = (
            run[name].sel(time=year).values.ravel() if "time" in run[name].dims else run[name].values.ravel()
        )
        return " … ".join(
            dict.fromkeys(digits(value) for value in (float(values.min()), float(values.max())))
        )

    made = [(row[0], *(told(row[0], year) for year in ends), row[2], row[3]) for row in rows]
    return (headings[0], *(f"{year:g}" for year in ends), headings[2], headings[3]), made


def _evidence(lang: str) -> Rows:
    from talent_sd.inputs.evidence_ledger import ROLES, cited_by, read_evidence
    from talent_sd.output.evidence_tables import UNCLEAN, statement, target_text

    cited = cited_by(shipped_structure())
    rows = (
        (
            figure.id,
            tell(ROLES[figure.role], lang) + (UNCLEAN if figure.unclean else ""),
            f"{target_text(figure)} {figure.unit}".strip(),
            statement(figure, lang),
            ", ".join(cited.get(figure.id, ())),
        )
        for figure in read_evidence()
    )
    return (N_("Id"), N_("Role"), N_("Value"), N_("Statement"), N_("Cited by")), rows


def _loops(lang: str) -> Rows:
    from talent_sd.loops.loop_names import read_loops

    loops = read_loops(shipped_structure()).loops
    rows = ((loop.name, loop.polarity, loop.label[lang], loop.story[lang]) for loop in loops)
    return (NAME, N_("Polarity"), TITLE, N_("Story")), rows


def _unit(unit: str, lang: str) -> str:
    """Return a unit as the model writes it, since it is copied from here; in Chinese in words. What has none is a number."""
    if unit.strip().casefold() in DIMENSIONLESS:
        return tell("dimensionless", lang)
    return unit if lang == "en" else unit_label(unit, lang)


SHELVES: dict[str, Callable[[str], Rows]] = {
    "cities": _cities,
    "policies": _policies,
    "scenarios": _scenarios,
    "evidence": _evidence,
    "variables": _variables,
    "loops": _loops,
}


BAR = 24
"""Characters of the longest bar of a strip."""
MOST_CAUSES, MOST_FIGURES = 10, 12
SEEN = 0.0005
"""Part of the strongest cause below which one could not be seen in numbers of three digits."""


def why_tables(found: Cause, labels: Labels, links: int, lang: str = "en") -> Iterator[Table | Text]:
    """Yield the strips of a variable and of the strongest cause of each in turn, then the figures on that way."""
    attrs = found.study.prepared.first
    where = {"city": attrs.city.title[lang], "scenario": attrs.scenario.title[lang]}
    head = tell(
        "{city}, {scenario}; one central run: every uncertain number at its central value, where `run` tells medians of draws",
        lang,
        **where,
    )
    if found.study.base is not None:
        head = tell("{first}, against {second}", lang, first=head, second=found.study.base_title[lang])
    yield Text(head, style="bold")
    way: list[Cause] = []
    one: Cause | None = found
    told: set[str] = set()
    while one is not None and len(way) < links and (one.strip or not way):
        way.append(one)
        table = _strip(one, labels, lang)
        passed = {each.name for each in way} | {CLOCK, TOGETHER}
        rose = one.now > one.before  # a fall is not explained by what alone would have raised it
        left = [c for c in one.strip if c.name not in passed and not _back(c, way)]
        going = sorted(left, key=lambda c: (c.effect > 0) != rose)
        if going and going[0] is not one.strip[0] and len(way) < links:
            others = [tell(SAME_WAY, lang)] * (going[0] is not left[0])
            explain(table, _passed_over(one.strip[0], going[0], labels, lang), *others, lang=lang)
        shown = {str(cell) for cell in table.columns[0].cells}
        heard = [labels.variable(c.name, lang) for c in one.strip if "(loop" in labels.variable(c.name, "en")]
        if marks := {name[max(map(name.rfind, "(（")) :] for name in shown.intersection(heard)} - told:
            told |= marks
            explain(table, tell(HEARD, lang, marks=" ".join(f"“{own}”" for own in sorted(marks))), lang=lang)
        yield table
        one = one.element_of(going[0]) if going else None
    yield _figures(way, labels, lang)


SAME_WAY = N_("It is the strongest of those left that moved it the same way.")
HEARD = N_("{marks} marks the value as one feedback loop takes it up: the same, unless that loop is cut.")


def _passed_over(first: Cause, followed: Cause, labels: Labels, lang: str) -> str:
    """Say why the strongest cause is not the one that is followed."""
    words_of = {"first": _why_name(first, labels, lang).plain, "name": labels.variable(followed.name, lang)}
    if first.effect * followed.effect < 0:
        return tell("Followed: {name}; “{first}” moved it the other way.", lang, **words_of)
    if first.name in (CLOCK, TOGETHER):
        return tell("Followed: {name}; “{first}” has no causes of its own.", lang, **words_of)
    return tell("Followed: {name}; “{first}” leads back to what stands above.", lang, **words_of)


def _back(cause: Cause, way: Sequence[Cause]) -> bool:
    """Return whether a cause leads back to what was told: the same number by another name, or moved by the same causes."""
    if any((cause.before, cause.now) == (each.before, each.now) for each in way):
        return True
    moved = {own.name for own in cause.strip}
    return len(moved) > 1 and any(moved == {own.name for own in each.strip} for each in way)


def _strip(one: Cause, labels: Labels, lang: str) -> Table:
    change = one.now - one.before
    scale = scale_for(max(abs(one.before), abs(one.now)), one.unit, lang)
    by = scale_for(max([abs(change), *(abs(cause.effect) for cause in one.strip)]), one.unit, lang)
    name, ends = labels.variable(one.name, lang), (one.before / scale.factor, one.now / scale.factor)
    if len(one.elements) == 1:
        name = f"{name}[{tell(', ', lang).join(labels.element(own, lang) for own in one.elements[0].split(','))}]"
    # as many digits as show that it moved
    many = next((n for n in range(4, 13) if digits(ends[0], n) != digits(ends[1], n)), 4)
    told = {
        "name": name,
        "before": digits(ends[0], many),
        "now": f"{digits(ends[1], many)}{' ' if lang == 'en' else ''}{scale.unit}".strip(),
        "first": f"{one.year - 1:g}",
        "last": f"{one.year:g}",
    }
    if one.study.base is None:
        title = tell("{name}: {before} in {first}, {now} in {last}", lang, **told)
    else:
        title = tell("{name} in {last}: {now}, against {before}", lang, **told)
    table = rich_table(
        title,
        *words(tell("What moved it", lang), overflow="fold"),
        *numbers(by.unit or tell("dimensionless", lang)),
        *words("", no_wrap=True),
    )
    largest = max((abs(cause.effect) for cause in one.strip), default=1.0)
    seen = [cause for cause in one.strip if abs(cause.effect) >= SEEN * largest]
    shown, rest = seen[:MOST_CAUSES], seen[MOST_CAUSES:]
    for cause in shown:
        bar = "█" * max(1, round(BAR * abs(cause.effect) / largest))
        table.add_row(
            _why_name(cause, labels, lang),
            signed(cause.effect / by.factor),
            Text(bar, "green" if cause.effect > 0 else "red"),
        )
    if rest:
        others = signed(sum(cause.effect for cause in rest) / by.factor)
        table.add_row(tell("{count} others", lang, count=len(rest)), others, "")
    table.add_section()
    table.add_row(tell("Together", lang), signed(change / by.factor), "")
    return table


def _why_name(cause: Cause, labels: Labels, lang: str) -> Text:
    if cause.name == CLOCK:
        return Text(tell("the passing of time: paths, dates", lang))
    if cause.name == TOGETHER:
        return Text(tell("causes acting together", lang))
    return Text(labels.variable(cause.name, lang))


def _figures(way: Sequence[Cause], labels: Labels, lang: str) -> Table:
    """Make the table of what a way rests on: paths over time and constants, the user's and the city's first."""
    table = rich_table(
        tell("Figures on this way", lang),
        *words(tell("Figure", lang), overflow="fold", min_width=22),
        *numbers(tell("Value", lang), overflow="fold", min_width=12),
        *words(tell(N_("Source", "in English"), lang), overflow="fold"),
    )
    near = [each for step in way for each in (step, *step.strip)]
    figures = {one.name: one for each in near for one in (each, *each.figures) if one.is_figure}
    given = set(way[0].study.prepared.first.params()) if way else set()
    moved = {name: one for name, one in figures.items() if one.before != one.now}
    figures = (
        moved or figures
    )  # what stood still moved nothing; where nothing moved, it says what the value rests on
    ranked = sorted(figures.values(), key=lambda one: not (one.table or {*_keys(one)} & given))
    for one in ranked[:MOST_FIGURES]:
        table.add_row(labels.variable(one.name, lang), _value(one, lang), Text(short_place(one.source)))
    curves = {name: source for step in way for name, source in step.tables.items() if name not in figures}
    for name, source in curves.items():
        table.add_row(labels.variable(name, lang), tell("a curve", lang), Text(short_place(source)))
    return table


def _value(one: Cause, lang: str) -> str:
    """Return a figure's value, both where it moves."""
    scale = scale_for(max(abs(one.before), abs(one.now)), one.unit, lang)
    precise = 3 if one.before == one.now else 4
    ends = dict.fromkeys(digits(value / scale.factor, precise) for value in (one.before, one.now))
    return f"{' → '.join(ends)} {scale.unit}".strip()


def _keys(one: Cause) -> Iterator[str]:
    yield one.name
    yield from (f"{one.name}[{element}]" for element in one.elements)


DUELS_TOLD = N_(
    "In order of how many others each beats in more than half of the {draws} draws. Regret: what is missed of the best, in "
    "nine draws of ten at most; {unit}."
)


def duels_table(ranks: xr.Dataset, spread: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of who beats whom in total talent, a row and a column a scenario, the best first.

    Parameters
    ----------
    ranks : as `talent_sd.forecast.compare.ranking` gives it
    """
    output = TOTAL if TOTAL in ranks["output"].values else str(ranks["output"].values[0])
    one = ranks.sel(output=output)
    one = one.isel({SCENARIO: np.argsort(one["rank"].values)})
    titles, names = scenario_titles(spread, lang), [str(name) for name in one[SCENARIO].values]
    told = {"output": labels.variable(output, lang), "year": f"{float(spread[TIME][-1]):g}"}
    scale = scale_for(float(one["regret"].max()), str(one["unit"].item()), lang)
    numbered = [str(number + 1) for number in range(len(names))]
    table = rich_table(
        tell("Who beats whom: {output}, {year}", lang, **told),
        *numbers(""),
        *words(tell("Scenario", lang), min_width=10, overflow="fold"),
        *numbers(*(tell("beats {plan}", lang, plan=number) for number in numbered)),
        *numbers(tell("Regret", lang)),
    )  # fmt: skip
    explain(table, tell(DUELS_TOLD, lang, draws=spread.sizes[DRAW], unit=scale.unit))
    for number, name in zip(numbered, names, strict=True):
        shares = {other: float(one["better"].sel({SCENARIO: name, "other": other})) for other in names}
        cells = ["" if other == name else chance(share, lang) for other, share in shares.items()]
        missed = float(one["regret"].sel({SCENARIO: name}).quantile(0.9))
        table.add_row(number, titles[name], *cells, digits(missed / scale.factor))
    return table
