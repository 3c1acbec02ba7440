"""A city's figures with their sources, and what stands in for those that it lacks, for terminal and workbook."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from talent_sd.base.language import N_, fixed, tell
from talent_sd.forecast.what_if import COVER, MOVED, NOTHING, SHORT, Gap
from talent_sd.inputs.city_figures import Bridge, City, city_constants, read_mapping
from talent_sd.inputs.figure_bounds import Beside, beside_others
from talent_sd.inputs.figure_schemas import FIGURES, figure_name
from talent_sd.inputs.labels import Labels, shipped_labels
from talent_sd.inputs.shipped_names import folder_of
from talent_sd.inputs.typed_settings import SAID
from talent_sd.output.speech import digits, percent, scale_for
from talent_sd.output.terminal_tables import explain, numbers, rich_table, words

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs.national_paths import NationalPath


def city_tables(
    prepared: Prepared, missing: Sequence[Gap], labels: Labels, lang: str = "en"
) -> Iterator[Table | Text]:
    """Yield a city's figures with their sources, and its gaps."""
    city = prepared.first.city
    table = rich_table(
        tell("{city}: its figures ({file})", lang, city=city.title[lang], file=city.file),
        *words(tell("Figure", lang), overflow="fold"),
        *numbers(tell("Latest", lang), tell("Year", lang), overflow="fold"),
        *numbers(tell("Source", lang)),
    )
    sources: dict[str, int] = {}
    for name, figure in city.figures.items():
        year = max(figure.values)
        scale = scale_for(abs(figure.values[year]), figure.unit, lang)
        value = f"{digits(figure.values[year] / scale.factor)} {scale.unit}".strip()
        number = sources.setdefault(figure.source, len(sources) + 1)
        label = name if lang == "en" else f"{tell(FIGURES[name], lang)}\n  {name}"
        table.add_row(Text(label), value, _years(figure.values), f"[{number}]")
    yield table
    yield from (Text(f"[{number}] {source}") for source, number in sources.items())
    yield from map(Text, city.notes)
    if told := bridges_line(prepared, lang):
        yield Text(told)
    yield gaps_table(prepared, missing, labels, lang)


def _years(values: Iterable[int]) -> str:
    """Write years, one after the other where some between are missing and they are few.

    >>> _years([2020, 2023]), _years([2020, 2021, 2022]), _years([2020])
    ('2020, 2023', '2020–2022', '2020')
    """
    years = sorted(values)
    if len(years) < years[-1] - years[0] + 1 and len(years) <= 3:
        return ", ".join(map(str, years))
    return "–".join(map(str, dict.fromkeys((years[0], years[-1]))))


@dataclass(frozen=True)
class ToldGaps:
    """What stands in for the figures that a city lacks: a table for terminal, report and page.

    Parameters
    ----------
    rows : the figures' names, any of which would do; lines on what stands in; for each output its ends
    notes : sentences below it, on the figures that move nothing first
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Sequence[str], Sequence[Sequence[str]]]]
    notes: Sequence[str]

    def cells(self, lang: str) -> list[list[str]]:
        """Return the rows as cells of one line each."""
        return [
            [tell(", ", lang).join(figure_name(name, lang) for name in names), " ".join(stands), *map(" … ".join, moves)]
            for names, stands, moves in self.rows
        ]  # fmt: skip


def told_gaps(
    prepared: Prepared, missing: Sequence[Gap], labels: Labels, lang: str = "en"
) -> ToldGaps | None:
    """Return what is told of figures that a city lacks, those that move the last year first; None where none does."""
    if not any(gap.moving for gap in missing):
        return None
    city, year = prepared.first.city.title[lang], f"{prepared.years[-1]:g}"
    rows = []
    for gap in (gap for gap in missing if gap.moving):
        unused = [tell(gap.unused, lang)] * (gap.unused != "")
        names = [*gap.figures[:2], *["…"] * (len(gap.figures) > 2), *unused]
        moves = [*(_ends(gap.moves[name], lang) for name in MOVED), _longer(gap.cover)]
        rows.append((names, _stands(gap, lang), moves))
    still = [_in_words(gap.figures[0], lang) for gap in missing if not gap.moving]
    notes = [
        *[tell("Missing too, but moving none of these results ({count}): {names}.", lang, count=len(still),
               names=tell(", ", lang).join(still))] * bool(still),
        tell("In brackets the range tried, which a forecast draws from. Central runs, one figure moved at a time.", lang),
        *[tell("* Its province's or the nation's.", lang)] * any(gap.shared for gap in missing if gap.moving),
    ]  # fmt: skip
    outputs = (labels.variable(name, lang) for name in (*MOVED, COVER))
    headings = [tell("Missing", lang), tell("Stands in", lang), *outputs]
    title = N_("{city}: what stands in for missing figures, and how far it moves {year}")
    return ToldGaps(tell(title, lang, city=city, year=year), headings, rows, notes)


def _stands(gap: Gap, lang: str) -> list[str]:
    """Say what stands in for a figure, and the range tried."""
    if gap.constant == CEILED and gap.value >= CEILING:
        return [tell("no ceiling", lang)]
    scale = scale_for(max(abs(gap.low), abs(gap.high)), gap.unit, lang)
    found = [f"{digits(gap.value / scale.factor)} {scale.unit}".strip()]
    if gap.low < gap.high:
        found.append(f"({digits(gap.low / scale.factor)} … {digits(gap.high / scale.factor)})")
    return [*found[:-1], found[-1] + " *" * gap.shared]


def gaps_table(prepared: Prepared, missing: Sequence[Gap], labels: Labels, lang: str = "en") -> Table | Text:
    """Make the table of figures that a city lacks: what stands in, and how far the last year may move for it."""
    told = told_gaps(prepared, missing, labels, lang)
    if told is None:
        text = NONE_MOVES if missing else N_("{city} lacks no figure that the model asks for.")
        return Text(tell(text, lang, city=prepared.first.city.title[lang]))
    table = rich_table(
        told.title,
        *words(told.headings[0], no_wrap=True),
        *words(told.headings[1], overflow="fold", min_width=NARROW),
        *numbers(*told.headings[2:], overflow="fold"),
        padding=0,
    )
    for names, stands, moves in told.rows:
        # a long unit breaks where it is divided, not within a word
        value, *others = stands
        if max(map(len, value.split())) > NARROW:
            value = value.replace("/", "/\n")
        first = [_figure(name, lang) if name in FIGURES else name for name in names]
        table.add_row(Text("\n".join(first)), "\n".join([value, *others]), *map("\n".join, moves))
    explain(table, "\n".join(told.notes))
    return table


NONE_MOVES = N_("What {city} lacks moves none of the results that are told.")
LONGEST_NAME, NARROW = 15, 11
CEILED, CEILING, NO_CEILING = "residents ceiling", 1e9, N_("none", "ceiling")
"""Residents from which on a ceiling is none."""


def _figure(name: str, lang: str) -> str:
    """Name a figure as its file does, a long one on two lines; in Chinese by its label above."""
    parts, lines = name.split("_"), [""]
    for number, part in enumerate(parts):
        piece = part + "_" * (number < len(parts) - 1)
        lines = [*lines, piece] if len(lines[-1] + piece) > LONGEST_NAME else [*lines[:-1], lines[-1] + piece]
    if lang == "en":
        return "\n".join(lines)
    return "\n".join([*wrap(tell(FIGURES[name], lang), LONGEST_NAME // 2), *lines])


def _share(share: float, lang: str) -> str:
    return percent(share, lang).lstrip("+")


def _ends(ends: tuple[float, float], lang: str) -> list[str]:
    if max(map(abs, ends)) <= NOTHING:
        return ["0"]
    return [percent(end, lang) if abs(end) > NOTHING else "0" for end in sorted(ends)]


def _longer(ends: tuple[float, float]) -> list[str]:
    """Tell by how many years the fund's end moves, earlier first.

    >>> _longer((0.31, -0.2)), _longer((0.0, 4.2)), _longer((0.01, 0.0))
    (['−0.2', '+0.3'], ['0', '+4.2'], ['0'])
    """
    if max(map(abs, ends)) < SHORT:
        return ["0"]
    return [fixed(end, 1, "+").replace("-", "−") if abs(end) >= SHORT else "0" for end in sorted(ends)]


def bridges(city: City, start: int, national: NationalPath) -> tuple[Bridge, ...]:
    """Return the uncounted years that a forecast takes from counted ones of the city's file; not of its last census."""
    values = city_constants(city, start, national, known_years=True).values()
    found = dict.fromkeys(bridge for value in values for bridge in value.bridges)
    return tuple(bridge for bridge in found if bridge.where.file == city.file)


def bridges_line(prepared: Prepared, lang: str = "en") -> str:
    """Say which years a forecast takes between counted ones, or from a later one; "" where there are none."""
    first = prepared.first
    found = bridges(first.city, int(first.start_year), first.national)
    told = [
        tell("{figure} {year} between {before} and {after} ({where})" if one.before and one.after
             else "{figure} {year} as in {before} ({where})" if one.held
             else "{figure} {year} from {before} ({where})",
             lang, figure=_in_words(one.figure, lang), year=one.year, before=one.before or one.after,
             after=one.after, where=one.where)
        for one in found
    ]  # fmt: skip
    if not told:
        return ""
    known = {"city": first.city.title[lang], "told": tell("; ", lang).join(told)}
    return tell(
        "Not counted in {city}, taken along the nation's change: {told}. Give these years themselves if you have them.",
        lang, **known,
    )  # fmt: skip


def _beside(city: City) -> list[Beside]:
    """Return a city's figures beside those of cities like it."""
    return list(beside_others({key: one.values for key, one in city.figures.items()}, city.province["zh"]))


def _beside_numbers(one: Beside, lang: str) -> tuple[str, str]:
    """Write a figure, and the range of cities like it."""
    scale = scale_for(one.value, one.unit, lang)
    factor, unit = (0.01, "%") if one.unit == "1" else (scale.factor, scale.unit)
    for many in range(2, 13):
        value, low, high = (digits(number / factor, many) for number in (one.value, one.low, one.high))
        if one.is_common or value not in (low, high):
            break  # what is outside is written so that it can be seen
    unit = unit if lang == "zh" and unit == "%" else f" {unit}".rstrip()
    return f"{value}{unit}", f"{low}–{high}{unit}"


def beside_table(city: City, lang: str = "en") -> Table:
    """Make the table of a city's figures beside those of cities like it."""
    table = rich_table(
        tell("{city}'s figures beside those of cities like it", lang, city=city.title[lang]),
        *words(tell("Figure", lang), overflow="fold"),
        *numbers(
            tell("Year", lang), tell("In the file", lang), tell("Nine in ten cities", lang), overflow="fold"
        ),
        padding=0,
    )
    beside = _beside(city)
    for one in beside:
        value, others = _beside_numbers(one, lang)
        table.add_row(
            Text(" /\n".join(figure_name(name, lang) for name in (one.name, one.per) if name)),
            str(one.year),
            value + " *" * (not one.is_common),
            others,
        )
    usual = tell(
        "Nine in ten of some 200 cities whose other figures are like these, in the same province, have figures in this range.",
        lang)  # fmt: skip
    outside = tell("* Outside it: one city in ten is. Check its unit, its year and its digits.", lang)
    odd = not all(one.is_common for one in beside)
    explain(table, "\n".join([usual, *[outside] * odd]))
    return table


def beside_line(city: City, lang: str = "en") -> str:
    """Say which figures of a city that does not ship are unlike those of nine in ten cities like it; "" where none is."""
    ships = city.path is None or city.path.is_relative_to(folder_of("city").resolve())
    odd = [] if ships else [one for one in _beside(city) if not one.is_common]
    if not odd:
        return ""
    told = [
        tell("{name} in {year} is {value} (others {range})", lang, year=one.year,
             name=" / ".join(_in_words(name, lang) for name in (one.name, one.per) if name),
             **dict(zip(("value", "range"), _beside_numbers(one, lang), strict=True)))
        for one in odd
    ]  # fmt: skip
    return tell(
        "Unlike nine in ten cities like {city}: {told}. Check unit, year and digits. All of them: `talent-sd check {file}`.",
        lang, city=city.title[lang], told=tell("; ", lang).join(told), file=city.file,
    )  # fmt: skip


def gap_lines(prepared: Prepared, missing: Sequence[Gap], lang: str = "en") -> list[str]:
    """Return what is said of figures that a city lacks, of years that were not counted, and of those unlike other cities'."""
    return [*lacking_lines(prepared, missing, lang), *figure_lines(prepared, missing, lang)]


def lacking_lines(prepared: Prepared, missing: Sequence[Gap], lang: str = "en") -> list[str]:
    """Return what is said of figures that a city lacks where no table tells it."""
    return [*filter(None, [gaps_line(prepared, missing, lang), shared_line(prepared, missing, lang)])]


def figure_lines(prepared: Prepared, missing: Sequence[Gap], lang: str = "en") -> list[str]:
    """Return what is said beside a table of the figures that a city lacks."""
    others = (bridges_line(prepared, lang), beside_line(prepared.first.city, lang))
    return list(filter(None, [_under_settings(prepared, missing, lang), *others]))


def _under_settings(prepared: Prepared, missing: Sequence[Gap], lang: str) -> str:
    """Say that what figures move was measured with what a user set; "" where nothing was, or nothing moves."""
    typed = any(one.origin.file.startswith(("--", SAID)) for one in prepared.first.values.values())
    if not typed or not any(gap.moving for gap in missing):
        return ""
    return tell(
        "How far missing figures move a result was measured with your --set and --policy in force.", lang
    )


THEMES = {
    N_("ages and births"): ("age_", "births", "life_expectancy", "national_oldest"),
    N_("migrants"): ("migrants_",),
    N_("work and pay"): ("jobs", "employed", "share_", "average_wage", "gdp_"),
    N_("homes and their prices"): ("house_price", "home_area", "residents_ceiling"),
    N_("degrees and patents"): ("bachelor", "invention", "province_"),
    N_("pensions"): ("pension",),
}
"""What figures are about -> how their names begin."""


def themes_line(prepared: Prepared, missing: Sequence[Gap], lang: str = "en") -> str:
    """Say in a sentence what is not the city's own, and how far each may move the last year; "" where all is."""
    alike: dict[str, list[Gap]] = defaultdict(list)
    for gap in missing:
        if about := next((one for one, begin in THEMES.items() if gap.figures[0].startswith(begin)), None):
            alike[about].append(gap)
    told = [
        tell("{about} ({most})", lang, about=tell(about, lang), most=_most(some, lang))
        for about, some in alike.items()
    ]
    if not told:
        return ""
    return tell(
        "Not {city}'s own, but the nation's or assumed: {told}. In brackets the result of {year} that each group moves most, "
        "and by how much.",
        lang,
        city=prepared.first.city.title[lang],
        told=tell("; ", lang).join(told),
        year=f"{prepared.years[-1]:g}",
    )


def _most(alike: Sequence[Gap], lang: str) -> str:
    """Say what gaps move most and how far: the share of an output, and the years that the fund lasts."""
    gap, years = max(alike, key=lambda one: one.most), max(abs(end) for one in alike for end in one.cover)
    told = [
        tell("{output} {share}", lang, output=shipped_labels().variable(gap.where, lang), share=_share(gap.most, lang))
    ] * (gap.most > NOTHING)  # fmt: skip
    if years >= SHORT:
        told.append(
            tell("{output} by {years:.1f}", lang, output=shipped_labels().variable(COVER, lang), years=years)
        )
    return tell(", ", lang).join(told) or tell("next to nothing", lang)


def shared_line(prepared: Prepared, missing: Sequence[Gap], lang: str = "en") -> str:
    """Say which figures the province or the nation gives, and how far each may move the end; "" where none moves."""
    told = [
        tell("{figure} ({most})", lang, figure=_in_words(gap.figures[0], lang), most=_most([gap], lang))
        for gap in missing
        if gap.shared and gap.moving
    ]
    if not told:
        return ""
    return tell(
        "The province's or the nation's stand in for {city}'s own {told}. In brackets how far each may move {year}. With "
        "draws, the 80 % intervals allow for them; give the city's own, and they narrow.",
        lang, city=prepared.first.city.title[lang], told=tell("; ", lang).join(told),
        year=f"{prepared.years[-1]:g}",
    )  # fmt: skip


def _in_words(name: str, lang: str) -> str:
    """Name a figure in a sentence: as its file does, in English without underscores, ages as "15–19"."""
    named = figure_name(name, lang)
    return re.sub(r"(?<=\d)_(?=\d)", "–", named).replace("_", " ") if lang == "en" else named


def _needed(gap: Gap, lang: str) -> str:
    """Name the figure that would fill a gap, and how many must stand beside it."""
    named, others = _in_words(gap.figures[0], lang), len(gap.figures) - 1
    if not others or read_mapping().content.constants[gap.constant].owned:
        return named
    if others == 1:
        return tell("{figure} (with one other figure; both are needed)", lang, figure=named)
    return tell("{figure} (with {count} other figures, all needed)", lang, figure=named, count=others)


def gaps_line(prepared: Prepared, missing: Sequence[Gap], lang: str = "en") -> str:
    """Say in a sentence how many figures a city lacks and which matters most; "" where none does."""
    lacking = [gap for gap in missing if not gap.shared]
    if not lacking or lacking[0].most <= NOTHING:
        return ""
    most = lacking[0]
    return tell(
        "{city} lacks figures for {count} inputs; defaults stand in. Most hangs on {figure}: up to {share} of {output} in "
        "{year}. With draws, the 80 % intervals allow for them. All of them: `talent-sd list cities --of {name}`.",
        lang, city=prepared.first.city.title[lang], count=len(lacking), figure=_needed(most, lang),
        share=_share(most.most, lang), output=shipped_labels().variable(most.where, lang),
        year=f"{prepared.years[-1]:g}", name=prepared.first.city.file,
    )  # fmt: skip
