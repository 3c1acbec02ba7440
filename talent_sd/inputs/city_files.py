"""City files: facts, each with unit, year and source."""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.arguments import checked
from talent_sd.base.errors import MOST, OddFigure, Problems
from talent_sd.base.files import shipped_folder, tellable
from talent_sd.base.language import apart, language, listed, tell
from talent_sd.inputs.checking import hint_of
from talent_sd.inputs.city_figures import City, DatedFigure, read_mapping
from talent_sd.inputs.figure_bounds import DRIFT, NEARBY, Figures, hold_to_bounds, near, years_to_come
from talent_sd.inputs.figure_schemas import figure_name
from talent_sd.inputs.file_kinds import read_kind
from talent_sd.inputs.schema_problems import UNKNOWN, StrictFile, read_strict
from talent_sd.inputs.settings import Origin, without_counts
from talent_sd.inputs.shipped_names import find_file, shipped_names
from talent_sd.model.units import after_number

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from talent_sd.inputs.city_figures import Mapped
    from talent_sd.inputs.figure_schemas import FigureKind, ProvincesFile
    from talent_sd.inputs.file_schemas import CityFile, Figure

EVERYWHERE = "全国"
"""The place of figures that all cities share."""
CENSUS, BETWEEN, SAMPLED = 2020, 10, 5
"""The last census; years from one to the next, and to the sample of one in a hundred between them."""
PEOPLE = ("residents", "census_population")
MORE = 1.05
"""People of a city over those whom all its province had in 2020, above which they cannot be: some provinces grow."""
HALF = 0.5
"""The same, above which they are out of the ordinary: Xining has two fifths of Qinghai."""
LEAST = 0.8
"""The same, below which a city that is a province cannot be."""
OF_PEOPLE, OF_OTHERS = 1.2, 1.5
"""How far a figure may be off that of the city of its name that ships, of people and of all else, before it is told."""
COUNTED, A_YEAR = 1.15, 1.03
"""How far the people of a city may be off those counted in the city of its name, and more for each year from the census."""
CLOSE, FAR, SAME = 1.03, 1.25, 1e-5
"""A figure of a province against the same of our table: told, and refused; and so near that it is the same."""


@cache
def read_provinces() -> StrictFile[ProvincesFile]:
    """Read the figures that all cities of a province share.

    Raises
    ------
    InputError
        If the file is not well formed.
    """
    from talent_sd.inputs.figure_schemas import ProvincesFile

    return read_strict(shipped_folder("models") / "provinces.yaml", ProvincesFile)


def figures_of_province(province: Mapping[str, str], mapping: Mapped) -> dict[str, DatedFigure]:
    """Return the figures that a city has from its province."""
    file, found = read_provinces(), {}
    for name, figure in file.content.figures.items():
        origin = Origin(file.file, file.line("figures", name))
        for place, values in figure.values.items():
            if place == EVERYWHERE or province["zh"].startswith(place):
                found[name] = DatedFigure(values, mapping.content.figures[name].unit, figure.source, origin)
    return found


def figures_of_its_own_province(province: Mapping[str, str]) -> frozenset[str]:
    """Return the figures of a province that are those of its only city; none of a province of several."""
    content = read_provinces().content
    places = [
        place
        for place, names in content.cities.items()
        if len(names) == 1 and province["zh"].startswith(place)
    ]
    return frozenset(name for name, one in content.figures.items() for place in places if place in one.values)


def _province(file: StrictFile[CityFile], problems: Problems) -> dict[str, str]:
    """Return a city's province by both its names; note names that are none, or of two provinces."""
    known = read_provinces().content.names
    called = {
        zh[: len(zh) - cut].casefold(): zh for zh in known for cut in range(len(zh) - 1)
    }  # 内蒙古, 辽宁
    called |= {en.casefold(): zh for zh, en in known.items()}
    given = file.content.province.model_dump()
    found = {text: called.get(text.strip().casefold()) for text in given.values()}
    at = file.at("province")
    for text in (text for text, name in found.items() if name is None and text != UNKNOWN):
        problems.say(
            "{at}'{name}' is no province of China.{hint} Name it in English or Chinese; a city of none names the Nation.",
            at=at, name=text, hint=hint_of(text, known.values() if text.isascii() else known),
        )  # fmt: skip
    if len(names := {name for name in found.values() if name}) > 1:
        problems.say(
            "{at}{names} are two provinces. Name the one that the city is in.",
            at=at,
            names=listed(sorted(names)),
        )
    name = min(names, default=EVERYWHERE)
    return {"en": known[name], "zh": name}


def list_cities() -> tuple[str, ...]:
    """Return the names of the cities that ship."""
    return shipped_names("city")


@checked
def load_city(name: str | Path, mapping: Mapped | None = None) -> City:
    """Read a city by shipped name or path.

    Parameters
    ----------
    name : "hefei", or a path to a city file
    mapping : knows the figures and their units; the shipped one by default

    Raises
    ------
    InputError
        With every problem of the file: unknown figures, units, implausible values.
    """
    from talent_sd.inputs.file_schemas import CityFile

    mapping = mapping or read_mapping()
    problems, odd = Problems(), Problems()
    file = read_kind(find_file(name, "city"), "city", CityFile, problems)
    figures = _figures(file, mapping, problems)
    own = {name: figure.values for name, figure in figures.items()}
    several = len(problems)
    province = _province(file, problems)
    typed = file.content
    title, region = typed.name.model_dump(), typed.region.model_dump()
    figures = {**figures_of_province(province, mapping), **figures}

    def at(key: str, _: int = 0) -> str:
        return str(figures[key].origin if key in own else Origin(file.file, file.line("province")))

    if several == len(problems):
        for key, wrong, text in (
            *odd_of_province(title, region, province, own),
            *(odd_censuses(own, mapping) if province["zh"] != EVERYWHERE else ()),
            *_beside_shipped(title, province, file.path, own, mapping),
        ):
            where = f"{file.file}:{file.line(key)}" if key in ("region", "province") else at(key)
            (problems if wrong else odd).append(f"{where}: {text}")
    held = {key: figure.values for key, figure in figures.items()}
    hold_to_bounds(held, "city", at, problems, place=province["zh"])
    problems.refuse()
    odd += _idle(figures, own, mapping)
    if later := years_to_come(own):
        odd.append(f"{file.file}: {later}")
    for text in odd:
        warnings.warn(text, OddFigure, stacklevel=2)
    return City(
        tellable(file.path.stem), title, province, region, figures, tuple(typed.notes), file.file,
        file.path.resolve(),
    )  # fmt: skip


def _converted(figure: Figure, unit: str) -> str:
    """Say how a figure in tens of thousands and the like is written in the unit wanted; "" of any other."""
    year, value = max(figure.series().items())
    number = without_counts(f"{value:.15g} {figure.unit}", of=unit)
    words = {"unit": unit, "year": year, "number": number}
    return tell(" Write unit: {unit}, and for {year} {number}.", **words) if number else ""


def _figures(file: StrictFile[CityFile], mapping: Mapped, problems: Problems) -> dict[str, DatedFigure]:
    """Return a city's own figures; note those that are unknown, in another unit or implausible."""
    kinds = mapping.content.figures
    figures: dict[str, DatedFigure] = {}
    for key, figure in file.content.figures.items():
        at, kind = file.at("figures", key), kinds.get(key)
        if kind is None:
            problems.say("{at}unknown figure '{key}'.{hint}", at=at, key=key, hint=hint_of(key, kinds))
            continue
        if figure.unit != kind.unit:
            problems.say(
                "{at}{key} is in '{figure_unit}'; give it in '{kind_unit}'.{hint}",
                at=at, key=figure_name(key), figure_unit=figure.unit, kind_unit=kind.unit,
                hint=_converted(figure, kind.unit),
            )  # fmt: skip
            continue
        low, high = kind.plausible
        values = figure.series()
        out = {year: value for year, value in values.items() if not low <= value <= high}
        for year, value in out.items():
            problems.say(
                "{at}{key} in {year} is {value:g}, outside the plausible {low:g} to {high:g}{unit}. "
                "Check its unit.",
                at=at, key=figure_name(key), year=year, unit=after_number(kind.unit), **apart(value=value, low=low, high=high),
            )  # fmt: skip
        origin = Origin(file.file, file.line("figures", key))
        if not out:
            figures[key] = DatedFigure(values, figure.unit, figure.source, origin)
    return figures | dict(_wholes(figures, kinds))


def _idle(figures: Mapping[str, DatedFigure], own: Container[str], mapping: Mapped) -> Iterator[str]:
    """Say which of a city's own figures count only beside others that it lacks."""
    content, lacking = mapping.content, defaultdict[tuple[str, ...], list[str]](list)
    summed = {part for name in figures if name in content.figures for part in content.figures[name].parts}
    beside = [ns for one in content.constants.values() for ns in ((*one.figure, *one.divisors), one.owned)]
    for name in (name for name in figures if name in own and name not in summed):
        gaps = [tuple(one for one in ns if one not in figures) for ns in beside if name in ns]
        if gaps and all(gaps):
            lacking[min(gaps, key=len)].append(name)
    for missing, idle in lacking.items():
        names = list(map(figure_name, dict.fromkeys(missing)))
        rest = [tell("{count} others", count=len(names) - MOST_NAMED)] if len(names) > MOST_NAMED else []
        yield tell(
            "{at}: without {missing} the model makes no use of {figures}. Give all of them, or none.",
            at=figures[idle[0]].origin, missing=listed(names[:MOST_NAMED] + rest), figures=listed(map(figure_name, idle)),
        )  # fmt: skip


MOST_NAMED = 3
"""So many missing figures are named."""


def _wholes(
    figures: Mapping[str, DatedFigure], kinds: Mapping[str, FigureKind]
) -> Iterator[tuple[str, DatedFigure]]:
    """Yield figures of which all parts are given, with the years in which they are: there it is their sum."""
    for key, kind in kinds.items():
        parts = [figures[part] for part in kind.parts if part in figures]
        if not parts or len(parts) < len(kind.parts):
            continue
        first, own = parts[0], figures.get(key)
        sums = {
            year: sum(part.values[year] for part in parts)
            for year in sorted(set.intersection(*(set(part.values) for part in parts)))
        }
        if own is None and sums:
            yield key, DatedFigure(sums, kind.unit, first.source, first.origin)
        elif own is not None and sums.keys() - own.values.keys():
            yield key, replace(own, values=dict(sorted((sums | dict(own.values)).items())))


def odd_censuses(figures: Figures, mapping: Mapped, last: bool = True) -> Iterator[tuple[str, bool, str]]:
    """Yield figures of censuses in years without one, and, if asked, those that lack the last."""
    counted = [key for key in figures if mapping.content.figures[key].is_counted]
    other = {key: odd for key in counted if (odd := {year for year in figures[key] if year % BETWEEN})}
    for wrong in (True, False):
        if keys := [key for key in other if (key == "census_population") is wrong]:
            years = sorted(set.union(*(other[key] for key in keys)))
            sampled = listed([str(year) for year in years if not year % SAMPLED])
            yield keys[0], wrong, tell(
                "{keys} in {years}: no census was then. The last was in {last}, the one before in {before}; its figures bear "
                "its year, not that of the book.{sampled} Check the years.",
                keys=listed(keys[:MOST]), years=listed(list(map(str, years))), last=CENSUS, before=CENSUS - BETWEEN,
                sampled=sampled and tell(" In {years} one person in a hundred was asked.", years=sampled),
            )  # fmt: skip
    late = {key: max(figures[key]) for key in counted if last and max(figures[key]) < CENSUS}
    if late:
        key = next(iter(late))
        yield key, False, tell(
            "{keys} end in {year}: a forecast carries the last figure on as the nation changed. Add those of the census of "
            "{last}.",
            keys=listed([*late][:MOST]), year=max(late.values()), last=CENSUS,
        )  # fmt: skip


def odd_of_province(
    title: Mapping[str, str], region: Mapping[str, str], province: Mapping[str, str], figures: Figures
) -> Iterator[tuple[str, bool, str]]:
    """Yield what a city's province disagrees with: the key or figure, whether it cannot be, and what is said of it."""
    known = read_provinces().content
    place = next((one for one in known.people if province["zh"].startswith(one)), None)
    if place is None:
        return
    here = _named(place)
    called = {text.strip().casefold() for text in region.values()}
    given = [
        one for zh, one in known.regions.items() if called & {zh, *(name.casefold() for name in one.also)}
    ]
    if given and not any(place in one.places for one in given):
        right = next(
            zh if language() == "zh" else one.also[0]
            for zh, one in known.regions.items()
            if place in one.places
        )
        yield "region", True, tell(
            "{province} is in the region '{right}', not in '{region}'. Correct the province or the region.",
            province=here, right=right, region=region[language()],
        )  # fmt: skip
    homes = [one for one, cities in known.cities.items() if _plain(title["zh"]) in map(_plain, cities)]
    homes = homes or [
        one for one, cities in known.cities.items() if _plain(title["en"]) in map(_plain, cities.values())
    ]
    if homes and place not in homes:
        yield "province", False, tell(
            "{city} is a city of {right}, not of {province}. Check the province.",
            city=title[language()], right=tell(" or ").join(map(_named, homes)), province=here,
        )  # fmt: skip
    if place in homes:
        yield from _beside_counted(title, place, figures)
    yield from _beside_province(place, figures)
    people, alone = known.people[place], len(known.cities[place]) == 1
    counts = [(v / people, v, y, key) for key in PEOPLE for y, v in figures.get(key, {}).items()]
    odd = [max(counts)] if counts and max(counts)[0] > MORE * (1 if alone else HALF) else []
    if alone and counts and max(counts, key=lambda one: one[2])[0] < LEAST:
        odd.append(max(counts, key=lambda one: one[2]))
    for part, value, year, key in odd:
        yield key, part > MORE or part < LEAST and alone, tell(
            "{key} in {year} is {value:.4g}; all of {province} had {people:.4g} residents in 2020. Check it, and the "
            "province.",
            key=key, year=year, value=value, province=here, people=people,
        )  # fmt: skip


def _beside_counted(
    title: Mapping[str, str], place: str, figures: Figures
) -> Iterator[tuple[str, bool, str]]:
    """Yield the people of a city that are not about as many as were counted in the city of its name."""
    known = read_provinces().content
    zh = next(
        zh
        for zh, en in known.cities[place].items()
        if _plain(title["zh"]) == _plain(zh) or _plain(title["en"]) == _plain(en)
    )
    counted = 1e3 * known.counted.get(zh, 0)
    for key in PEOPLE if counted else ():
        year, value = min(
            figures.get(key, {}).items(), key=lambda one: abs(one[0] - CENSUS), default=(CENSUS, counted)
        )
        room = COUNTED * A_YEAR ** abs(year - CENSUS)
        if not 1 / room <= value / counted <= room:
            yield key, False, tell(
                "{key} in {year} is {value:.4g}; {city} had {people:.4g} residents in {census}. Check it, and the name.",
                key=figure_name(key), year=year, value=value, city=title[language()], people=counted, census=CENSUS,
            )  # fmt: skip


def _beside_shipped(
    title: Mapping[str, str], province: Mapping[str, str], path: Path, figures: Figures, mapping: Mapped
) -> Iterator[tuple[str, bool, str]]:
    """Yield the figures of a city of which a file ships that are far from that file's, as `odd_of_province`."""
    here = [all_ for one, all_ in read_provinces().content.cities.items() if province["zh"].startswith(one)]
    called = {_plain(name): en for cities in here for zh, en in cities.items() for name in (zh, en)}
    name = _plain(called.get(_plain(title["zh"]), called.get(_plain(title["en"]), "")))
    folder = shipped_folder("scenarios").resolve() / "cities"
    if name not in list_cities() or path.resolve().is_relative_to(folder):
        return
    for key, theirs in load_city(folder / f"{name}.yaml", mapping).figures.items():
        own = {} if key.startswith("province_") else figures.get(key, {})
        most = OF_PEOPLE if theirs.unit == "person" else OF_OTHERS
        over = {
            year: (own[year] / value, most * DRIFT ** (0 if year in theirs.values else NEARBY))
            for year, value in near(theirs.values, set(own), NEARBY).items()
            if value
        }
        if odd := [year for year, (ratio, room) in over.items() if not 1 / room <= ratio <= room]:
            year = max(odd)
            yield key, False, tell(
                "{key} in {year} is {ratio:.3g} times what the file of {city} that ships has. Check its unit and its digits.",
                key=figure_name(key), year=year, ratio=over[year][0], city=title[language()],
            )  # fmt: skip


def _beside_province(place: str, figures: Figures) -> Iterator[tuple[str, bool, str]]:
    """Yield the city's figures of its province that are not what the province has."""
    for key, figure in read_provinces().content.figures.items():
        given, known = figures.get(key, {}), figure.values.get(place, {})
        over = {year: given[year] / known[year] for year in given if year in known}
        odd = [year for year, ratio in over.items() if not 1 / CLOSE <= ratio <= CLOSE]
        if not key.startswith("province_") or not odd:
            continue
        year = max(odd)
        same = [one for one, its in figure.values.items() if abs(its.get(year, 0) / given[year] - 1) < SAME]
        hint = tell(" {place} has that.", place=_named(same[0])) if same else ""
        yield key, any(not 1 / FAR <= over[one] <= FAR for one in odd), tell(
            "{key} in {year} is {value:.6g}; {province} has {known:.6g}.{hint} Correct the figure or the province.",
            key=key, year=year, value=given[year], province=_named(place), known=known[year], hint=hint,
        )  # fmt: skip


def _named(place: str) -> str:
    """Return a province's name, of the beginning of its Chinese one."""
    return next(
        zh if language() == "zh" else en
        for zh, en in read_provinces().content.names.items()
        if zh.startswith(place)
    )


def _plain(name: str) -> str:
    """Return a city's name as it is compared: 无锡市 as 无锡, Xi'an City as xian."""
    text = name.strip().casefold().replace("ü", "u").removesuffix("市").removesuffix("city")
    return "".join(letter for letter in text if letter.isalnum())
