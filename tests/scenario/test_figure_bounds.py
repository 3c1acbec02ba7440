"""One table says what figures can be and usually are; what ships keeps to it."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError, OddFigure
from talent_sd.base.files import shipped_folder
from talent_sd.inputs import list_cities, load_city, read_mapping, read_national, read_panel
from talent_sd.inputs.city_files import odd_of_province, read_provinces
from talent_sd.inputs.city_panel import AMONG_MANY
from talent_sd.inputs.figure_bounds import Beside, beside_others, bounds, odd_figures
from talent_sd.output.city_tables import _beside_numbers, beside_line, beside_table

Write = Callable[[str, str], Path]
DATA = Path(os.environ.get("TALENT_SD_DATA") or Path(__file__).parents[3] / "shared" / "data")
FIVE_YEARS = {"age_0", "age_1_4", "age_85_plus", *(f"age_{low}_{low + 4}" for low in range(5, 85, 5))}


def test_every_figure_has_bounds() -> None:
    known = {"city": read_mapping().content.figures, "national": read_national("central").variables}
    for kind, names in known.items():
        held = {name for rule in getattr(bounds(), kind) for name in rule.of_these(names)}
        held |= {name for rule in getattr(bounds(), kind) for name in rule.per}
        assert set(names) - held == set(), kind


def test_bounds_are_ranges_and_what_is_usual_can_be() -> None:
    for rules in (bounds().city, bounds().national, bounds().posterior):
        for rule in rules:
            usual = [*rule.each.values(), *([rule.usual] if rule.usual else [])]
            assert rule.can[0] < rule.can[1]
            assert all(rule.can[0] <= low < high <= rule.can[1] for low, high in usual), rule


def test_likely_figures_are_known_ones_and_their_ranges_hold_what_is_likely() -> None:
    known = read_mapping().content.figures
    for rule in bounds().likely:
        assert {rule.of, *rule.like} <= set(known)
        assert rule.yearly or rule.usual[0] < 1 < rule.usual[1], rule


def test_an_unusual_figure_is_told_and_taken(write: Write) -> None:
    text = """\
        name: Mine
        province: Hebei
        region: R
        figures:
          gdp: {unit: yuan/year, source: yearbook, values: {2021: 5.0e11, 2022: 1.1e12, 2023: 1.2e12}}
          fiscal_revenue: {unit: yuan/year, source: yearbook, values: {2022: 4.0e11, 2023: 4.8e11}}
        """
    with pytest.warns(OddFigure) as caught:
        load_city(write("mine.yaml", text))
    assert sorted(str(each.message) for each in caught) == [
        "mine.yaml:5: gdp in 2022, over the year before, is 2.2, out of the ordinary 0.53 to 1.9: even a new count "
        "of the economy does not do more. Check it.",
        "mine.yaml:6: fiscal_revenue / gdp in 2022 is 0.3636, out of the ordinary 0.019 to 0.31: nobody can raise "
        "more than is earned. Check it. Other years like it: 1.",
    ]


def test_a_change_over_several_years_is_taken_a_year() -> None:
    def found(last: float) -> list[str]:
        return [str(odd) for odd in odd_figures({"registered_population": {2010: 1e6, 2020: last}}, "city")]

    assert found(1e8) == []
    assert [text[:52] for text in found(1e10)] == ["registered_population in 2020, over the year before,"]


def test_a_national_path_that_cannot_be_is_refused_at_its_line(write: Write) -> None:
    path = write("p.yaml", "title: x\nextends: central\nvariables:\n  death_rate:\n    past: {2024: 10}\n")
    with pytest.raises(InputError) as caught:
        read_national(path)
    assert caught.value.problems[0] == (
        "p.yaml:5: death_rate in 2024 is 10. It can only be 0 to 0.1: a tenth of all people in a year has never "
        "been seen. Check it."
    )


@pytest.mark.skipif(not (DATA / "city_panel.csv").is_file(), reason="the tables of many cities are not here")
def test_what_is_usual_holds_the_tables_of_many_cities() -> None:
    panel = read_panel(
        DATA / "city_panel.csv", DATA / "city_census.csv", DATA / "province_panel.csv",
        ages_csv=DATA / "city_ages.csv", structure_csv=DATA / "city_structure.csv",
    )  # fmt: skip
    told = [line.partition(", the first of them ") for line in panel.dropped if " cities, " in line]
    # slips of the yearbooks: in a few cities, and each is told
    assert all(int(where.split(" in ")[-1].split()[0]) <= 6 for where, _, _ in told)
    # what is likely was fitted to these; one has no price of the census's year, and that of the nearest does not go with it
    assert [line[:17] for _, _, line in told if "Chinese cities" in line] == ["山南市: homes_bought"]
    figures = {key: one.values for key, one in panel.cities["邢台市"].figures.items()}
    tripled = {
        **figures,
        "fiscal_revenue": {year: value / 3 for year, value in figures["fiscal_revenue"].items()},
    }
    assert [odd_figures(one, "city", "河北省", AMONG_MANY) == () for one in (figures, tripled)] == [
        True,
        False,
    ]
    wrong = {line.partition(": ")[2].partition(" in ")[0] for _, _, line in told if "can only be" in line}
    assert wrong == {"loan_balance", "deposit_balance"}


OCCUPATIONS = (
    "share_professional_occupations", "share_leaders", "share_clerks", "share_service_workers", "share_farmers",
    "share_production_workers",
)  # fmt: skip
SLIPS = {
    ("deposit_balance", 2015): 10, ("average_wage", 2015): 3, ("fiscal_revenue", 2015): 3, ("fiscal_expenditure", 2015): 1 / 3,
    ("loan_balance", 2015): 1 / 3, ("gdp", 2015): 3, ("gdp_secondary", 2015): 1 / 3, ("age_25_29", 2020): 1 / 3,
    ("loan_balance", 2023): 1 / 3, ("fiscal_expenditure", 2023): 3, ("house_price", 2023): 3, ("deposit_balance", 2023): 2,
    ("share_manufacturing", 2020): 0.1, ("share_finance", 2020): 1 / 3, ("share_education", 2020): 1 / 3, ("share_health", 2020): 3,
    ("share_information", 2020): 0.1, ("share_administration", 2020): 0.1, ("share_construction", 2020): 0.1,
    ("share_business_services", 2020): 10, ("share_property", 2020): 10, ("share_science", 2020): 10,
    ("age_0", 2020): 3, ("employed", 2020): 1.48, ("residents", 2024): 1.6, ("residents", 2023): 1.5, ("fiscal_revenue", 2001): 1.5,
}  # fmt: skip


def test_a_slip_in_one_year_is_told() -> None:
    figures = {name: dict(figure.values) for name, figure in load_city("wuxi").figures.items()}
    assert list(odd_figures(figures, "city")) == []
    for (name, year), factor in SLIPS.items():
        slipped = {**figures, name: {**figures[name], year: figures[name][year] * factor}}
        assert list(odd_figures(slipped, "city")), (name, year)
    occupations = {name: {2020: figures[name][2020] / 2} for name in figures if name in OCCUPATIONS}
    assert len(occupations) == len(OCCUPATIONS)
    told = [str(odd) for odd in odd_figures({**figures, **occupations}, "city")]
    assert any("the six occupations are all jobs" in text for text in told)
    short = {key: {y: v * 0.9 for y, v in old.items()} for key, old in figures.items() if key in FIVE_YEARS}
    assert any(odd.wrong for odd in odd_figures({**figures, **short}, "city"))
    for name, factor in {
        "deposit_balance": 10,
        "loan_balance": 0.1,
        "fiscal_expenditure": 10,
        "homes_bought": 0.1,
    }.items():
        scaled = {year: factor * value for year, value in figures[name].items()}
        (told,) = odd_figures(
            {**figures, name: scaled}, "city"
        )  # one, not every figure that hangs together with it
        assert "in Chinese cities" in str(told) or name in told.names, told
    gdp = figures["gdp"][2020]
    for more in ({"residents_ceiling": {2020: 3e6}}, {"pension_fund_balance": {2020: 8 * gdp}}):
        assert list(odd_figures({**figures, **more}, "city")), more


def test_a_doubled_year_of_a_national_series_is_told() -> None:
    central = read_national("central").variables
    paths = {name: dict(one.values) for name, one in central.items()}
    for name in set(paths) - {"divergence"}:  # what it was in any year is an assumption
        year = min(central[name].known_until, 2020)
        doubled = {**paths, name: {**paths[name], year: 2 * paths[name][year]}}
        assert list(odd_figures(doubled, "national")), name


YEARLY = ("residents", "gdp", "fiscal_revenue", "fiscal_expenditure", "deposit_balance")
WUXI = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
PLACE = "province: {en: Jiangsu, zh: 江苏省}"
OF_CENSUS = re.compile(r"(?m)^  (?=\w+: .*Population Census).*")


def _told(file: Path) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            load_city(file)
        except InputError as error:
            return list(error.problems)
    return [str(one.message) for one in caught]


def _of(kind: str, text: str, *changes: tuple[str, str]) -> str:
    """Return a city's text with the lines of a figure, or of all of censuses, changed."""
    lines = OF_CENSUS if kind == "census" else re.compile(rf"(?m)^  {kind}: .*")
    for old, new in changes:
        text = lines.sub(lambda line, old=old, new=new: line[0].replace(old, new), text)
    return text


def test_a_province_that_a_city_cannot_be_in_is_told(write: Write) -> None:
    bare = "\n".join(line for line in WUXI.splitlines() if not line.startswith("  province_"))
    nameless = bare.replace("{en: Wuxi, zh: 无锡}", "Mine")
    for text, province, said in (
        (WUXI, "Liaoning", "wuxi.yaml:72: province_tertiary_educated in 2020 is 1.58168e+07; Liaoning has 7.75834e+06. "
         "Jiangsu has that. Correct the figure or the province."),
        (bare, "Liaoning", "wuxi.yaml:3: Wuxi is a city of Jiangsu, not of Liaoning. Check the province."),
        (nameless, "Hubei", "wuxi.yaml:4: Hubei is in the region 'Centre', not in 'East'. Correct the province or the region."),
        (nameless.replace("East, zh: 东部", "Here, zh: 这里"), "Qinghai", "wuxi.yaml:10: residents in 2024 is 7.505e+06; all of "
         "Qinghai had 5.924e+06 residents in 2020. Check it, and the province."),
        (nameless.replace("East, zh: 东部", "Here, zh: 这里"), "Hainan", "wuxi.yaml:3: province_tertiary_educated / "
         "tertiary_educated in 2020 is 0.8599. It can only be 0.98 to 1000: the city is a part of its province. Check it."),
    ):  # fmt: skip
        assert said in _told(write("wuxi.yaml", text.replace(PLACE, f"province: {province}"))), province


@pytest.mark.parametrize(
    "names", [("Suzhou", "Anhui"), ("Xi'an City", "Shaanxi"), ("Ürümqi", "Xinjiang"), ("苏州市", "江苏")]
)
def test_a_city_of_a_name_that_several_bear_may_be_in_each(names: tuple[str, str]) -> None:
    city, province = names
    zh = next(
        zh for zh, en in read_provinces().content.names.items() if en == province or zh.startswith(province)
    )
    both = {"en": city, "zh": city}
    assert list(odd_of_province(both, {"en": "R", "zh": "R"}, {"en": province, "zh": zh}, {})) == []


def test_figures_of_a_census_bear_the_year_of_one(write: Write) -> None:
    a_year_late = (("{2010:", "{2011:"), (" 2020:", " 2021:"))
    earlier = (("{2010:", "{2000:"), (" 2020:", " 2010:"))
    assert _told(write("wuxi.yaml", _of("census_population", WUXI, *a_year_late))) == [
        "wuxi.yaml:22: census_population in 2011, 2021: no census was then. The last was in 2020, the one before in 2010; its "
        "figures bear its year, not that of the book. Check the years."
    ]
    (told,) = _told(write("wuxi.yaml", _of("tertiary_educated", WUXI, *a_year_late)))
    assert told.startswith("wuxi.yaml:23: tertiary_educated in 2011, 2021: no census was then.")
    sampled = (("{2010:", "{2015:"), (" 2020:", " 2025:"))
    for figure in ("tertiary_educated", "age_0_14", "share_finance", "household_size"):
        (told, *_) = _told(write("wuxi.yaml", _of(figure, WUXI, *sampled)))
        assert told.endswith(f"{figure} in 2015, 2025: no census was then. The last was in 2020, the one before in 2010; its "
                             "figures bear its year, not that of the book. In 2015, 2025 one person in a hundred was asked. "
                             "Check the years.")  # fmt: skip
    told = _told(write("wuxi.yaml", _of("census", WUXI, *earlier)))
    assert told[0].startswith(
        "wuxi.yaml:22: census_population / residents in 2010 is 1.17, out of the ordinary 0.9 to 1.12"
    )
    assert told[1].startswith("wuxi.yaml:22: census_population, tertiary_educated, ")
    assert told[1].endswith("end in 2010: a forecast carries the last figure on as the nation changed. Add those of the census "
                            "of 2020.")  # fmt: skip


def test_residents_are_held_to_the_census_nearby(write: Write) -> None:
    late = re.sub(r"(?m)^(  residents: .*values: ).*", r"\1{2022: 1.12e7, 2023: 1.125e7}}", WUXI)
    assert _told(write("wuxi.yaml", late))[0] == (
        "wuxi.yaml:22: census_population / residents in 2020 is 0.6663, out of the ordinary 0.9 to 1.12: both count the same "
        "residents, at most four years apart. Check it."
    )
    assert _told(write("wuxi.yaml", late.replace("1.12e7", "7.49e6").replace("1.125e7", "7.5e6"))) == []


@pytest.mark.parametrize("name", [name for name in list_cities() if name != "average"])
def test_a_file_of_the_seven_figures_tells_a_slip_in_those_with_a_degree(name: str) -> None:
    """Even where the yearbook's figures are of another year than the census."""
    city = load_city(name)
    figures, place = city.figures, city.province["zh"]
    small = {key: {y: v for y, v in figures[key].values.items() if y in (2022, 2023)} for key in YEARLY}
    small |= {key: {2020: figures[key].values[2020]} for key in ("census_population", "tertiary_educated")}
    assert odd_figures(small, "city", place) == ()
    for factor in (0.1, 3.5):
        slipped = {2020: factor * small["tertiary_educated"][2020]}
        (told,) = odd_figures({**small, "tertiary_educated": slipped}, "city", place)
        assert "tertiary_educated" in str(told)


def test_a_known_year_of_a_national_path_is_held_to_the_one_that_ships(write: Write) -> None:
    def told(text: str) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read_national(write("p.yaml", text))
        return [str(one.message) for one in caught]

    text = (shipped_folder("scenarios") / "national" / "central.yaml").read_text("utf-8")
    assert told(text) == []
    assert told(text.replace("2025: 857919", "2025: 1286878")) == [
        "p.yaml:516: invention_patents_granted in 2025 is 1.287e+06, 1.50 times what the path that ships has. Check its "
        "unit and its digits."
    ]
    later = "title: x\nextends: central\nvariables:\n  gdp:\n    past: {2025: VALUE}\n    future: {growth: {2026: 0.04}, "
    later += "range: [0, 0.1], why: guess}\n"
    assert told(later.replace("VALUE", "1.31e14")) == []
    assert [one[:30] for one in told(later.replace("VALUE", "1.55e14"))] == ["p.yaml:5: gdp in 2025 is 1.55e"]
    assumed = (
        "title: x\nextends: central\nvariables:\n  gdp:\n    future: {growth: {2026: VALUE, 2030: VALUE}, "
    )
    assumed += "range: [-1, 1], why: guess}\n"
    assert told(assumed.replace("VALUE", "0.05")) == []
    assert told(assumed.replace("VALUE", "0.005")) == [
        "p.yaml:5: growth of gdp in 2026 is 0.005, outside 0.015 to 0.08, which the path that ships calls plausible. "
        "Check its unit and its sign. Other years like it: 1."
    ]


def test_figures_are_held_to_the_nation_and_to_the_nearest_years(write: Write) -> None:
    shenzhen = (
        "name: Mine\nprovince: Guangdong\nregion: East\nfigures:\n"
        "  average_wage: {unit: yuan/(person*year), source: x, values: {2021: WAGE}}\n"
        "  residents: {unit: person, source: x, values: {2022: 17661800}}\n"
        "  gdp: {unit: yuan/year, source: x, values: {2022: 3.23877e12}}\n"
    )
    assert _told(write("mine.yaml", shenzhen.replace("WAGE", "155563"))) == []
    assert _told(write("mine.yaml", shenzhen.replace("WAGE", "12964"))) == [
        "mine.yaml:5: average_wage × residents / gdp, in 2021 and the years nearest to it, is 0.0707. It can only be 0.091 to 22: "
        "a wage against GDP per resident. Check it.",
    ]
    assert _told(write("mine.yaml", shenzhen.replace("WAGE", "466689"))) == [
        "mine.yaml:5: average_wage / the nation's average_wage in 2021 is 4.751, out of the ordinary 0.38 to 2.75: a year's wage in a "
        "city and in the nation; a month's is a twelfth. Check it.",
    ]


def test_a_city_of_which_a_file_ships_is_held_to_it(write: Write) -> None:
    assert _told(write("mine.yaml", WUXI)) == []
    tripled = re.sub(r"(?m)^(  residents: .*values: ).*", r"\1{2022: 7490800, 2023: 9.8e6}}", WUXI)
    assert _told(write("mine.yaml", tripled))[-1] == (
        "mine.yaml:10: residents in 2023 is 1.31 times what the file of Wuxi that ships has. Check its unit and its digits."
    )
    assert not any(
        "that ships" in one
        for one in _told(write("mine.yaml", tripled.replace("{en: Wuxi, zh: 无锡}", "Mine")))
    )
    handan = (shipped_folder("scenarios") / "cities" / "handan.yaml").read_text("utf-8")
    mine = handan.replace("{en: Handan, zh: 邯郸}", "Xingtai")
    assert (
        "mine.yaml:10: residents in 2020 is 9.414e+06; Xingtai had 7.111e+06 residents in 2020. Check it, and the name."
        in _told(write("mine.yaml", mine))
    )
    shanghai = (shipped_folder("scenarios") / "cities" / "shanghai.yaml").read_text("utf-8")
    shanghai = re.sub(r"(?m)^(  residents: .*values: ).*", r"\1{2022: 2.4758e6}}", shanghai)
    assert _told(write("mine.yaml", shanghai))[0] == (
        "mine.yaml:11: residents in 2022 is 2.476e+06; all of Shanghai had 2.487e+07 residents in 2020. Check it, and the province."
    )


def test_figures_are_told_beside_those_of_cities_like_it(write: Write) -> None:
    few = {key: one.values for key, one in load_city("wuxi").figures.items()}
    told = {one.name: one for one in beside_others(few, "江苏省")}
    assert list(told)[:6] == [
        "residents",
        "gdp",
        "fiscal_revenue",
        "fiscal_expenditure",
        "deposit_balance",
        "tertiary_educated",
    ]
    revenue = told["fiscal_revenue"]
    assert (revenue.per, revenue.unit, revenue.year, revenue.is_common) == ("gdp", "1", 2023, True)
    assert revenue.value == pytest.approx(1.195422e11 / 1.54562e12)
    nowhere = {one.name: one for one in beside_others(few, "全国")}
    assert nowhere["gdp"].high / nowhere["gdp"].low == pytest.approx(
        told["gdp"].high / told["gdp"].low * 1.3**2, rel=0.01
    )
    mine = write(
        "mine.yaml",
        re.sub(r"(?m)^(  fiscal_expenditure: .*values: ).*", r"\1{2023: 2.0e11}}", WUXI).replace(
            "{en: Wuxi, zh: 无锡}", "Mine"
        ),
    )
    city = load_city(mine)
    assert beside_line(load_city("wuxi")) == ""
    assert re.fullmatch(
        r"Unlike nine in ten cities like Mine: (.*; )?fiscal expenditure / gdp in 2023 is 13 % \(others [\d.]+–[\d.]+ %\).* Check unit, "
        r"year and digits\. All of them: `talent-sd check mine\.yaml`\.",
        beside_line(city),
    )
    cells = [str(one) for one in beside_table(city).columns[0].cells]
    assert cells[:2] == ["residents", "gdp /\nresidents"]
    for value in (0.1371, 0.1396, 0.13999, 0.24901, 0.2495):  # outside 0.14 to 0.249: so it reads
        told, others = _beside_numbers(Beside("tertiary_educated", "", "1", 2020, value, 0.14, 0.249), "en")
        low, high = map(float, others.split()[0].split("–"))
        assert (float(told.split()[0]) < low, float(told.split()[0]) > high) == (value < 0.14, value > 0.249)


@pytest.mark.parametrize(
    ("name", "year", "ratio", "told"),
    [
        ("gdp_secondary", 2012, 1.1, []), ("gdp_secondary", 2012, 1.2, [False]), ("gdp_secondary", 2012, 1.5, [True]),
        ("gdp_secondary", 2019, 1.05, [True]), ("fiscal_revenue", 2001, 1.3, []), ("fiscal_revenue", 2002, 1.3, [False]),
    ],
)  # fmt: skip
def test_what_was_revised_later_is_held_to_its_time(
    name: str, year: int, ratio: float, told: list[bool]
) -> None:
    """GDP was revised down and its parts were not, up to 2018; income taxes went to the centre in 2002."""
    whole = "gdp" if name == "gdp_secondary" else "fiscal_expenditure"
    odd = odd_figures({whole: {year: 1e11}, name: {year: ratio * 1e11}}, "city")
    assert [one.wrong for one in odd if one.names == [name]] == told


@pytest.mark.parametrize(("year", "told"), [(2018, True), (2019, False), (2020, True)])
def test_parts_of_gdp_counted_anew_are_held_to_their_year(year: int, told: bool) -> None:
    odd = odd_figures({"gdp_secondary": {year - 1: 1e11, year: 0.4e11}}, "city")
    assert bool(odd) == told
