"""Figures a thousand times too large or small, negative or nought: never taken in silence."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError, OddFigure
from talent_sd.base.files import shipped_folder
from talent_sd.inputs import City, list_cities, load_city, read_mapping, read_national, read_panel
from talent_sd.inputs.city_files import read_provinces
from talent_sd.inputs.figure_bounds import odd_figures
from talent_sd.uncertainty.posterior import read_posterior

from .conftest import chosen

FACTORS = {"× −1": -1.0, "× 1000": 1e3, "/ 1000": 1e-3, "nought": 0.0}
CITIES = ("hefei", "shenzhen", "handan")
NUMBER = re.compile(r"(\d{4}: )([-+.0-9e]+)")
Attacked = Callable[[], None]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and name of each line of figures."""
    for number, line in enumerate(text.splitlines()):
        if found := re.match(r"\s+(\w+): \{unit.*(values|value):", line):
            yield number, found[1]


def _changed(line: str, factor: float, last: bool) -> str:
    """Return a line with all its values times a factor, or its last alone."""
    head, _, tail = line.rpartition("values: ")
    many = len(NUMBER.findall(tail))
    seen = 0

    def times(found: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        return f"{found[1]}{float(found[2]) * factor:.9g}" if not last or seen == many else found[0]

    return f"{head}values: {NUMBER.sub(times, tail)}"


def _is_told(read: Callable[[], object]) -> bool:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            read()
        except InputError:
            return True
    return any(issubclass(each.category, OddFigure) for each in caught)


def test_impossible_figures_of_cities(tmp_path: Path, attacked: Attacked) -> None:
    cases = []
    for city in CITIES:
        text = (shipped_folder("scenarios") / "cities" / f"{city}.yaml").read_text("utf-8")
        for number, name in _lines(text):
            several = len(NUMBER.findall(text.splitlines()[number].rpartition("values: ")[2])) > 1
            for told, factor in FACTORS.items():
                cases += [(city, text, number, name, told, factor, last) for last in {False, several}]
    silent = []
    for city, text, number, name, told, factor, last in chosen(cases, 20):
        lines = text.splitlines()
        lines[number] = _changed(lines[number], factor, last)
        file = tmp_path / f"{city}_x.yaml"
        file.write_text("\n".join(lines), encoding="utf-8")
        if not _is_told(lambda file=file: load_city(file)):
            silent.append((city, name, told, last))
        attacked()
    assert silent == []


SLIPS = {10: 0.02, 0.1: 0.02, 2: 0.3, 0.5: 0.45}
"""A slip's factor, and the part of figures in which it may pass in silence: cities do differ by half and double."""


def test_slips_of_cities_are_told(attacked: Attacked) -> None:
    kinds = read_mapping().content.figures
    cities = [name for name in list_cities() if name not in ("average", "hefei")]  # Hefei invents a few
    silent, all_of = Counter[float](), Counter[float]()
    files = {city: load_city(city) for city in cities}
    cases = [
        (file, name, factor, last)
        for file in files.values()
        for name, factor, last in product(file.figures, SLIPS, (False, True))
        if file.figures[name].origin.file == file.file and (not last or len(file.figures[name].values) > 1)
    ]
    for file, name, factor, last in chosen(cases, 150):
        figures = {key: one.values for key, one in file.figures.items()}
        latest = max(figures[name])
        slipped = {y: v * (factor if y == latest or not last else 1) for y, v in figures[name].items()}
        low, high = kinds[name].plausible
        told = odd_figures({**figures, name: slipped}, "city", file.province["zh"])
        silent[factor] += not told and all(low <= value <= high for value in slipped.values())
        all_of[factor] += 1
        attacked()
    assert {
        factor: silent[factor] / all_of[factor] < most for factor, most in SLIPS.items()
    } == dict.fromkeys(SLIPS, True)


YEARS = {
    "a census a year late": lambda year: year + 1,
    "a census ten years early": lambda year: year - 10,
    "a census a year early": lambda year: year - 1,
}


def test_wrong_places_and_years_of_cities_are_told(tmp_path: Path, attacked: Attacked) -> None:
    provinces = read_provinces().content.names.items()
    kinds, file, cases = read_mapping().content.figures, tmp_path / "x.yaml", []
    for city in (name for name in list_cities() if name != "average"):
        text = (shipped_folder("scenarios") / "cities" / f"{city}.yaml").read_text("utf-8")
        own = load_city(city).province["zh"]
        bare = re.sub(r"(?m)^  province_.*\n", "", text)
        for zh, en in (
            (zh, en)
            for zh, en in provinces
            if zh != own and en not in ("Nation", "Macao", "Hong Kong", "Taiwan")
        ):
            for given in (text, bare):
                cases.append((city, zh, re.sub(r"(?m)^province: .*", f"province: {en}", given)))
        for slip, year in YEARS.items():
            lines = [
                NUMBER.sub(lambda one, year=year: f"{year(int(one[1][:4]))}: {one[2]}", line)
                if (name := line.partition(":")[0].strip()) in kinds and kinds[name].is_counted else line
                for line in text.splitlines()
            ]  # fmt: skip
            cases.append((city, slip, "\n".join(lines)))
        for factor in (0.75, 1.5):
            for last in (False, True):
                lines = [
                    _changed(one, factor, last) if one.startswith("  residents:") else one
                    for one in text.splitlines()
                ]
                cases.append((city, f"residents × {factor}", "\n".join(lines)))
    silent = []
    for city, slip, text in chosen(cases, 20):
        file.write_text(text, encoding="utf-8")
        if not _is_told(lambda: load_city(file)):
            silent.append((city, slip))
        attacked()
    assert silent == []


FIVE = {low: f"age_{low}_{low + 4}" for low in range(5, 85, 5)}
PARTS_OF_CITIES = {
    "age_0_14": ["age_0", "age_1_4", FIVE[5], FIVE[10]],
    "age_20_34": [FIVE[20], FIVE[25], FIVE[30]],
    "age_15_59": ["age_20_34", *(FIVE[low] for low in range(15, 60, 5))],
    "age_60_plus": [*(FIVE[low] for low in range(60, 85, 5)), "age_85_plus"],
    "census_population": ["age_0_14", "age_15_59", "age_60_plus", "age_20_34", *FIVE.values(), "employed",
                          "tertiary_educated", "migrants_same_province", "migrants_other_province"],
    "tertiary_educated": ["bachelor_or_above"],
    "province_tertiary_educated": ["tertiary_educated"],
    "gdp": ["gdp_secondary", "gdp_tertiary", "fiscal_revenue"],
}  # fmt: skip
PARTS_OF_NATIONS = {
    "population": ["residents", "tertiary_educated", "aged_20_24", "aged_60_64"],
    "tertiary_share": ["bachelor_share"], "tertiary_educated": ["bachelor_or_above"],
    "share_0_14": ["share_0_4"], "share_15_59": ["share_15_19", "share_20_34", "share_55_59"],
    "jobs_knowledge": ["jobs_science"], "gdp": ["fiscal_revenue", "fiscal_expenditure", "land_revenue"],
}  # fmt: skip


def test_a_part_larger_than_its_whole_is_refused(tmp_path: Path, attacked: Attacked) -> None:
    text = (shipped_folder("scenarios") / "cities" / "hefei.yaml").read_text("utf-8")
    hefei, central, file = load_city("hefei").figures, read_national("central").variables, tmp_path / "x.yaml"
    taken = []
    cases = [("city", *pair) for pair in _pairs(PARTS_OF_CITIES)]
    cases += [("national", *pair) for pair in _pairs(PARTS_OF_NATIONS)]
    for kind, whole, part in chosen(cases, 9):
        year = 2020 if kind == "city" else min(central[name].known_until for name in (whole, part))
        most = 1.05 * (hefei[whole].values if kind == "city" else central[whole].values)[year]
        if kind == "city":
            line = rf"(\n  {part}: .*{year}: )[-+.0-9e]+"
            file.write_text(re.sub(line, rf"\g<1>{most:.9g}", text), encoding="utf-8")
        else:
            entry = f"  {part}:\n    past: {{{year}: {most:.9g}}}\n"
            file.write_text(f"title: x\nextends: central\nvariables:\n{entry}", encoding="utf-8")
        with contextlib.suppress(InputError):
            (load_city if kind == "city" else read_national)(file)
            taken.append((whole, part))
        attacked()
    assert taken == []


def _pairs(parts: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(whole, part) for whole, inner in parts.items() for part in inner]


def test_figures_of_years_to_come_are_told(tmp_path: Path) -> None:
    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
    yearly = [line for line in text.splitlines() if "Census" not in line]
    later = re.sub(r"\b20\d\d(?=: [\d.])", lambda year: str(int(year[0]) + 60), "\n".join(yearly))
    (tmp_path / "later.yaml").write_text(later, encoding="utf-8")
    with pytest.warns(OddFigure, match=r"residents in 208., .*: a year that is still to come") as told:
        load_city(tmp_path / "later.yaml")
    assert str(told[-1].message).startswith(f"{tmp_path / 'later.yaml'}: residents in 208")
    (tmp_path / "later.yaml").write_text(text.replace("2020:", "3020:"), encoding="utf-8")
    with pytest.raises(InputError, match=r"a key of residents\.values is 3020; give 2200 or less\."):
        load_city(tmp_path / "later.yaml")


def test_impossible_figures_of_national_paths(tmp_path: Path, attacked: Attacked) -> None:
    central = read_national("central")
    cases = [
        (name, told, factor, years)
        for name in central.variables
        for told, factor in FACTORS.items()
        for years in ("all", "last")
    ]
    silent = []
    for name, told, factor, years in chosen(cases, 12):
        series = central.variables[name]
        known = {year: value for year, value in series.values.items() if year <= series.known_until}
        past = {y: v * factor if years == "all" or y == max(known) else v for y, v in known.items()}
        inner = ", ".join(f"{year}: {value:.9g}" for year, value in past.items())
        file = tmp_path / "x.yaml"
        file.write_text(
            f"title: x\nextends: central\nvariables:\n  {name}:\n    past: {{{inner}}}\n", encoding="utf-8"
        )
        if not _is_told(lambda file=file: read_national(file)):
            silent.append((name, told, years))
        attacked()
    assert silent == []


def _tables(folder: Path) -> dict[str, list[list[str]]]:
    """Return tables of many cities, made of the shipped city files."""
    kinds = read_mapping().content.figures
    tables = {}
    cities = {name: load_city(name) for name in list_cities() if name != "average"}
    for table in ("panel", "census", "ages", "structure", "province"):
        columns = {column: key for key, kind in kinds.items() if (column := getattr(kind, table))}
        keys = ["province"] if table == "province" else ["city", "province", "region"]
        rows = [[*keys, "year", *columns]]
        seen = set()
        for city in cities.values():
            names = [city.province["zh"].rstrip("省市")] if len(keys) == 1 else [
                city.title["zh"], city.province["zh"], city.region["zh"]
            ]  # fmt: skip
            for year in sorted({year for key in columns.values() for year in _values(city, key)}):
                cells = []
                for key in columns.values():
                    scale = kinds[key].scale
                    times = scale.get(year, 1.0) if isinstance(scale, dict) else scale
                    cells.append(repr(_values(city, key)[year] / times) if year in _values(city, key) else "")
                if (names[0], year) not in seen:
                    rows.append([*names, str(year), *cells])
                seen.add((names[0], year))
        tables[table] = rows
        _write(folder / f"{table}.csv", rows)
    return tables


def _values(city: City, key: str) -> Mapping[int, float]:
    return city.figures[key].values if key in city.figures else {}


def _write(file: Path, rows: list[list[str]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def test_impossible_figures_of_tables(tmp_path: Path, attacked: Attacked) -> None:
    tables = _tables(tmp_path)

    def read() -> tuple[str, ...]:
        place = {kind: tmp_path / f"{kind}.csv" for kind in tables}
        return read_panel(
            place["panel"], place["census"], place["province"], ages_csv=place["ages"],
            structure_csv=place["structure"],
        ).dropped  # fmt: skip

    before = set(read())
    cases = []
    for kind, rows in tables.items():
        first = rows[0].index("year") + 1
        for column in range(first, len(rows[0])):
            filled = [number for number, row in enumerate(rows) if number and row[column]]
            places = {"one": filled[len(filled) // 2 : len(filled) // 2 + 1], "all": filled}
            cases += [
                (kind, column, *place, *factor) for place in places.items() for factor in FACTORS.items()
            ]
    silent = []
    for kind, column, many, filled, told, factor in chosen(cases, 3):
        rows = [list(row) for row in tables[kind]]
        for number in filled:
            rows[number][column] = repr(float(rows[number][column]) * factor)
        _write(tmp_path / f"{kind}.csv", rows)
        with contextlib.suppress(InputError):
            if not set(read()) - before:
                silent.append((kind, rows[0][column], told, many))
        _write(tmp_path / f"{kind}.csv", tables[kind])
        attacked()
    assert silent == []


def test_impossible_figures_of_a_posterior(tmp_path: Path, attacked: Attacked) -> None:
    told = json.loads((shipped_folder("models") / "posterior.json").read_text("utf-8"))
    noise = told["noise"]
    places = [(noise, "real_share"), (noise, "real_growth")]
    places += [(noise[key], row) for key in ("persistence", "freedom") for row in range(4)]
    places += [
        (noise[key][row], column) for key in ("province", "city") for row in range(4) for column in range(4)
    ]
    cases = [(*place, factor) for place in places for factor in FACTORS.values()]
    # a draw that changes its sign may well be a draw
    cases += [(one["draws"], draw, 1e3) for one in told["parameters"].values() for draw in (0, 500, 999)]
    silent = []
    for holder, key, factor in chosen(cases, 12):
        before = holder[key]
        holder[key] = before * factor
        (tmp_path / "p.json").write_text(json.dumps(told), encoding="utf-8")
        # a small variance times a thousand is one still; growth may last no longer than its year
        matrices = [*noise["province"], *noise["city"]]
        same = before * factor == before or (holder in matrices and 1e-6 <= before * factor <= 0.04)
        same = same or (holder is noise["persistence"] and 0 <= factor < 1)
        if not same and not _is_told(lambda: read_posterior(tmp_path / "p.json")):
            silent.append((key, before, factor))
        holder[key] = before
        attacked()
    assert silent == []
