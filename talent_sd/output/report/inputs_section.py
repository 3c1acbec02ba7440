"""What was asked, in the files' own words: questions, mixes, settings with file and line, sources."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import TIME
from talent_sd.base.language import N_
from talent_sd.inputs.city_figures import city_constants, read_mapping
from talent_sd.inputs.city_files import list_cities, load_city
from talent_sd.inputs.national_paths import lookup_name
from talent_sd.inputs.scenario_chain import read_notes
from talent_sd.inputs.setting_checks import PARTS, PAUSE
from talent_sd.inputs.settings import policy_key, split_key, years_in_force
from talent_sd.output.city_tables import CEILED, CEILING, NO_CEILING
from talent_sd.output.evidence_tables import statement
from talent_sd.output.report.html_pieces import Cell, Group, Row, Table, obtained, plain_table, quoted
from talent_sd.output.report.material import Material
from talent_sd.output.speech import Speech, digits, year_spans

if TYPE_CHECKING:
    from talent_sd.inputs import Resolved
    from talent_sd.inputs.city_figures import Value
    from talent_sd.inputs.figure_schemas import FigureToConstant
    from talent_sd.inputs.scenario_chain import Scenario
    from talent_sd.inputs.settings import Setting
    from talent_sd.laws.law_findings import PolicyCost
    from talent_sd.output.report.book_entries import Chapters

CAPTION_FACTS = N_("What the forecast starts from: the city's figures and the nation's path")
CAPTION_REASONS = N_("Reasons and sources given in the scenario files")
CAPTION_SETTINGS = N_("Every setting that differs, with file and line")
HOW = N_("How it was obtained, and its source")
SERIES = N_("series of {count} years")

_ELEMENT = re.compile(r"(?P<name>[^\[\]]+)\[(?P<element>[^\[\]]+)\]")
SETTINGS = {
    "ramp": N_("years to full strength: {value}"),
    "intensity": N_("intensity: {value}"),
    "targeting": N_("targeting: {value}"),
}
NUMBERED = ("from", "until", *PAUSE)
SIZE = "size"

RANGES = N_("What each policy costs or yields, paid from outside, beside the literature's range")
COUNTED = {"person_year": N_("thousand yuan per person and year"), "output": N_("yuan of GDP per yuan spent")}
INSIDE, OUTSIDE, ASSUMED = N_("inside", "range"), N_("outside.", "range"), N_(" [derived by assumption]")
REPEATED = N_("Which command makes each number, and what it needs")
ALONE, TABLES = N_("the package alone"), N_("the tables named by hash, which are not in the package")
REPEATS = (
    (N_("Central runs"), "talent-sd run baseline --city {city} --central", ALONE),
    (N_("Medians and bands of the forecast, and what the mix changes"),
     "talent-sd compare three_dimensional --city {city} --draws {draws} --seed 0", ALONE),
    (N_("A finding noted in a scenario file"), "talent-sd compare SCENARIO --city CITY --draws 200 --seed 0", ALONE),
    (N_("What loops do"), "talent-sd loops SCENARIO --city CITY", ALONE),
    (N_("The article's figures, checks, standard tests"), "talent-sd validate", ALONE),
    (N_("Laws, centrally and in draws"), "talent-sd validate --law all --draws 100", ALONE),
    (N_("Ranges of policies"), "talent-sd validate --policies", ALONE),
    (N_("Sensitivity, time step, what carries a result, all lists"), "talent-sd document --city {city}", ALONE),
    (N_("The free effects"), "talent-sd validate --refit", ALONE),
    (N_("The posterior and the growth noise"), "talent-sd calibrate …", TABLES),
    (N_("The back-test"), "talent-sd backtest …", TABLES),
    (N_("S, ρ, D and w of the fit"), "python .ci/fit_errors.py",
     N_("a copy of the source, and the tables named by hash, which are not in the package")),
)  # fmt: skip
"""Number -> the command that makes it anew, and what that needs."""


def mix_table(material: Material, say: Speech) -> Table | None:
    """Return the policies of all mixes side by side; None where no scenario has any."""
    titles = material.titles(say.lang)
    mixes = {name: mix_of(material.resolved[name].scenario) for name in material.names}
    if not mixes[material.baseline]:
        del mixes[material.baseline]
    policies = dict.fromkeys(policy for mix in mixes.values() for policy in mix)
    if not policies:
        return None
    rows: list[list[str | Cell]] = []
    last = float(material.spread[TIME][-1])
    for policy in policies:
        cells = [
            Cell(timing(policy, mix[policy], material.defaults, say, last) if policy in mix else "–")
            for mix in mixes.values()
        ]
        rows.append([say.element(policy), *cells])
    headings = [say("Policy"), *(titles[name] for name in mixes)]
    return plain_table(say("The mixes side by side"), headings, rows)


def mix_of(scenario: Scenario) -> dict[str, Mapping[str, Setting]]:
    """Return the policies that are on."""
    policies = scenario.policies
    return {name: own for name, own in policies.items() if "switch" in own and own["switch"].value is True}


def timing(
    policy: str,
    settings: Mapping[str, Setting],
    defaults: Mapping[str, float],
    say: Speech,
    last: float = np.inf,
) -> str:
    """Say in which years a policy runs, to the forecast's end (`last`), and what else its file sets.

    It has ended when the year of its `until` begins.
    """
    held = {policy_key(policy, PARTS[key]): float(settings[key].value) for key in NUMBERED if key in settings}
    start, end, *pause = (
        {**defaults, **held}.get(policy_key(policy, PARTS[key]), np.inf) for key in NUMBERED
    )
    known = start < np.inf and end < np.inf
    text = year_spans(years_in_force(start, end, (pause[0], pause[1]), last), say.lang) if known else ""
    sized = {key: one.value for key, one in settings.items() if key not in (*NUMBERED, "switch")}
    others = [
        say(SETTINGS[key], value=_number(value)) if key in SETTINGS else f"{key} {_number(value)}"
        for key, value in sized.items()
        if key != SIZE
    ]
    if SIZE in sized:
        others.append(say("{amount} a year", amount=say.amount(sized[SIZE], say.scale(sized[SIZE], "yuan"))))
    return say("; ").join([text, *others])


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def settings_table(material: Material, say: Speech) -> Table:
    """Return every setting in which a scenario differs from the baseline, with file and line."""
    base = material.resolved[material.baseline].values
    titles = material.titles(say.lang)
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
                Cell(_meaning(key, say)),
                Cell(_shown(base.get(key), material.defaults.get(key), say), column="baseline"),
                Cell(_shown(own.get(key), material.defaults.get(key), say), column="value"),
                Cell(_unit(shown.unit, say)),
                Cell(str(shown.origin), kind="code"),
            ]
            rows.append(Row(words, cells, {"scenario": name, "setting": key}))
        groups.append(Group(titles[name], rows))
    headings = [say("In the file's words"), say("Meaning"), say("In the baseline"), say("Here"), say("Unit"),
                say("File and line")]  # fmt: skip
    return Table(say(CAPTION_SETTINGS), headings, groups, frozenset(range(6)))


def _meaning(key: str, say: Speech) -> str:
    match = _ELEMENT.fullmatch(key)
    if not match:
        return say.variable(key)
    variable = say.variable(match["name"])
    return f"{variable}{say(': ')}{say.element(match['element'])}"


def _shown(value: Setting | None, default: float | None, say: Speech) -> str:
    """Write a value; where a file sets none, the model's own."""
    if value is None and default is None:
        return say("model's default")
    if value is None:
        return say("{value} (the model's own)", value=f"{default:g}")
    if isinstance(value.value, tuple):
        return say(SERIES, count=len(value.value[0]))
    return f"{value.value:g}"


def _unit(unit: str, say: Speech) -> str:
    return say.unit(say.scale(1.0, unit))


def reasons_table(material: Material, say: Speech) -> Table | None:
    """Return why each policy and assumption is as it is: reasons, sources, the figures cited."""
    titles = material.titles(say.lang)
    figures = {one.figure.id: one.figure for one in material.findings}
    groups = []
    for name in material.names:
        resolved = material.resolved[name]
        active = mix_of(resolved.scenario)
        rows = []
        for note in read_notes(resolved.scenario):
            if note.kind == "policy" and note.about not in active:
                continue
            label = (say.element if note.kind == "policy" else say.variable)(note.about)
            cited = [
                f"{ident} {statement(figures[ident], say.lang)}" if ident in figures else ident
                for ident in note.evidence
            ]
            why, source = (quoted(one, say.lang) or "–" for one in (note.why, note.source))
            cells = [Cell(why), Cell(source), Cell(say("; ").join(cited) or "–")]
            rows.append(Row(label, [*cells, Cell(str(note.origin), kind="code")]))
        if rows:
            groups.append(Group(titles[name], rows))
    if not groups:
        return None
    headings = [say("Setting"), say("Why"), say("Source"), say("Figures cited"), say("File and line")]
    return Table(say(CAPTION_REASONS), headings, groups, frozenset(range(5)))


def facts_table(resolved: Resolved, say: Speech, left_out: Container[str] = ()) -> Table:
    """Return the city's figures and the national path that a scenario starts from, with their sources."""
    rows: list[list[str | Cell]] = []
    for key, value in resolved.values.items():
        if key in left_out:
            continue
        number = value.value
        if isinstance(number, tuple):
            shown, unit = Cell(say(SERIES, count=len(number[0]))), _unit(value.unit, say)
        else:
            scale = say.scale(abs(number), value.unit)
            known = _figure(key, number, scale.factor, say)
            shown = Cell("–") if value.origin.text.startswith("not known") else Cell(known, number, "value")
            unit = say.unit(scale)
        where = Cell(str(value.origin), kind="code")
        rows.append([_meaning(key, say), shown, unit, obtained(value.origin.text, say.lang), where])
    headings = [say("Setting"), say("Value"), say("Unit"), say(HOW), say("File and line")]
    return plain_table(say(CAPTION_FACTS), headings, rows, texts=(0, 2, 3, 4))


def _figure(key: str, number: float, factor: float, say: Speech) -> str:
    """Write a figure by its unit's factor; a ceiling on residents so high that it is none is called that."""
    return say(NO_CEILING) if key == CEILED and number >= CEILING else digits(number / factor, 4)


MANY = 8
"""More cities than these are counted, not named."""


def _shipped_starts(resolved: Resolved) -> tuple[dict[str, FigureToConstant], dict[str, dict[str, Value]]]:
    """Return constant read from a city's figures -> its rule, and shipped city -> its values in the start year."""
    start, nation = int(resolved.start_year), resolved.national
    every = read_mapping().content.constants
    rules = {key: rule for key, rule in every.items() if not rule.after and rule.national is None}
    cities = {name: load_city(name) for name in list_cities()}
    return rules, {name: city_constants(one, start, nation, known_years=True) for name, one in cities.items()}


def starts_table(resolved: Resolved, chapters: Chapters) -> Table:
    """List what every shipped city starts from: a constant's value, and how it came about where it is not the year's own."""
    say, (rules, found) = chapters.say, _shipped_starts(resolved)
    rows: list[list[str | Cell]] = []
    for key in rules:
        cities: dict[str, list[str]] = {}
        for name, values in found.items():
            cities.setdefault(_start_told(key, values.get(key), say, int(resolved.start_year)), []).append(
                name
            )
        told = (
            f"{say('all others') if len(names) > MANY else say(', ').join(map(chapters.city, names))}{say(': ')}{value}"
            for value, names in sorted(cities.items(), key=lambda item: len(item[1]))
        )
        rows.append([chapters.link(key), say("; ").join(told)])
    caption = say(N_("What every shipped city starts from"))
    headings = [say("Constant"), say(N_("Value, in the model's unit"))]
    return plain_table(caption, headings, rows, (0, 1))


def _start_told(key: str, found: Value | None, say: Speech, start: int) -> str:
    """Return a value with the year and the factor that an older figure was carried by, or that it stands in."""
    if found is None:
        return say(N_("the model's own value stands in"))
    value = _figure(key, found.value, 1.0, say)
    if found.year is None:
        return say(N_("{value} stands in"), value=value)
    carried = re.search(r"× [\d.]+", found.how)
    return value if found.year == start else f"{value} ({found.year}{f' {carried[0]}' if carried else ''})"


def ages_table(resolved: Resolved, chapters: Chapters) -> Table:
    """List for every constant read from city figures how old a figure may be, and of which year each shipped city's is."""
    say, (rules, found) = chapters.say, _shipped_starts(resolved)
    rows: list[list[str | Cell]] = []
    for key, rule in rules.items():
        groups: dict[str, list[str]] = {}
        for name, values in found.items():
            year = values[key].year if key in values else None
            groups.setdefault(say("stands in") if year is None else f"{year}", []).append(name)
        told = say("; ").join(
            say("{year}: {cities}", year=year, cities=say("all cities") if len(names) == len(found)
                     else say("{count} cities", count=len(names)) if len(names) > MANY
                     else say(", ").join(map(chapters.city, names)))
            for year, names in sorted(groups.items())
        )  # fmt: skip
        series = chapters.model.structure.find(lookup_name(rule.carry)) if rule.carry else None
        own = (
            chapters.shown(series.name)
            if series
            else say("{figure} of the nation", figure=chapters.shown(split_key(key)[0]))
        )
        carried = say("with: {series}", series=own) if rule.carry else say("held")
        rows.append([chapters.link(key), f"{rule.max_age}", carried, told])
    headings = [say(one) for one in (
        N_("Constant"), N_("A figure may be so many years old"), N_("How an older one is carried"),
        N_("Year of the figure used, all shipped cities"),
    )]  # fmt: skip
    return plain_table(
        say(N_("How old a city's figure may be, and how old those in use are")), headings, rows, (0, 2, 3)
    )


def repeat_table(say: Speech, city: str, draws: int) -> Table:
    """Return which command makes each kind of number anew, and what it needs beside the package."""
    rows: list[list[str | Cell]] = [
        [say(what), Cell(command.format(city=city, draws=draws), kind="code"), say(needs)]
        for what, command, needs in REPEATS
    ]
    return plain_table(
        say(REPEATED), [say(N_("Number")), say(N_("Command")), say(N_("Needs"))], rows, (0, 1, 2)
    )


def ranges_table(costs: Sequence[PolicyCost], say: Speech) -> Table:
    """Return what each policy, paid from outside, costs or yields beside the literature's range; those outside first."""
    told = [(one, one.told) for one in costs if one.way == "gross" and one.told is not None]
    rows: list[list[str | Cell]] = []
    for one, own in sorted(told, key=lambda pair: pair[0].inside):
        scale = 1000.0 if own.per == "person_year" else 1.0
        middle, low, high = (
            digits(float(found) / scale) if np.isfinite(found) else "∞"
            for found in (one.judged, one.measured.min(), one.measured.max())
        )
        argued = f" {getattr(own.argued, say.lang)}" if own.argued and not one.inside else ""
        rows.append([
            say.element(one.policy), say(COUNTED[own.per]), middle, f"{low} … {high}",
            " … ".join(digits(end / scale) for end in own.range), say(INSIDE if one.inside else OUTSIDE) + argued,
            quoted(own.source, say.lang) + say(ASSUMED) * own.assumption,
        ])  # fmt: skip
    headings = (
        N_("Policy"), N_("Counted in"), N_("Median of the cities"), N_("Lowest … highest city"), N_("Literature's range"),
        N_("Verdict"), N_("Where the range comes from"),
    )  # fmt: skip
    return plain_table(say(RANGES), [say(one) for one in headings], rows, (0, 1, 5, 6))
