"""City figures become constants, and the future never shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talent_sd.base.errors import InputError, OddFigure
from talent_sd.base.files import shipped_folder
from talent_sd.inputs import (
    City,
    DatedFigure,
    city_constants,
    list_cities,
    load_city,
    read_mapping,
    read_national,
    resolve_scenario,
)
from talent_sd.inputs.city_figures import Bridge
from talent_sd.model.read import shipped_structure
from talent_sd.output.city_tables import bridges

Write = Callable[[str, str], Path]
NATIONAL = read_national("central")
WUXI = load_city("wuxi")


def bare(city: City) -> dict[str, dict[int, float]]:
    return {name: dict(figure.values) for name, figure in city.figures.items()}


def test_a_figure_of_the_start_year_is_taken_as_it_is() -> None:
    value = city_constants(WUXI, 2010, NATIONAL)["city value added"]
    assert value.value == WUXI.figures["gdp"].values[2010]
    assert (value.how, value.year, value.unit) == ("gdp 2010", 2010, "yuan/year")


def test_an_older_figure_is_carried_by_the_nation() -> None:
    value = city_constants(WUXI, 2022, NATIONAL)["city tertiary share"]
    figures = WUXI.figures
    share = figures["tertiary_educated"].values[2020] / figures["census_population"].values[2020]
    growth = NATIONAL.value("tertiary_share", 2022) / NATIONAL.value("tertiary_share", 2020)
    assert value.value == share * growth
    assert value.how == (
        "tertiary_educated / census_population 2020, × 1.108 as national tertiary_share to 2022"
    )


def test_two_figures_are_summed_before_they_are_divided() -> None:
    value = city_constants(WUXI, 2020, NATIONAL)["city migrant share"]
    figures = {
        name: WUXI.figures[name].values[2020] for name in WUXI.figures if 2020 in WUXI.figures[name].values
    }
    movers = figures["migrants_same_province"] + figures["migrants_other_province"]
    assert value.value == movers / figures["census_population"]


@pytest.mark.parametrize("city", list_cities())
@pytest.mark.parametrize("year", [2010, 2012, 2022])
def test_every_shipped_city_starts_in_any_of_these_years(city: str, year: int) -> None:
    found = {name: value.value for name, value in city_constants(load_city(city), year, NATIONAL).items()}
    rules = read_mapping().content.constants
    # no look into the future, and nothing made up where the model's own value stands
    assert set(found) == {name for name, rule in rules.items() if not rule.after and not rule.optional}
    ages = [found[f"city share aged {band}"] for band in ("0 to 14", "15 to 59", "60 and over")]
    assert sum(ages) == pytest.approx(1, abs=1e-12)
    assert found["city share aged 20 to 34"] < ages[1]
    assert found["city bachelor share"] < found["city tertiary share"] < 0.8


def test_what_a_yearbook_gives_besides_goes_before_what_stands_in() -> None:
    plain = city_constants(WUXI, 2022, NATIONAL)
    figures = bare(WUXI)
    residents = figures["residents"][2022]
    figures |= {
        "births": {2022: 0.008 * residents},
        "jobs": {2022: 0.55 * residents},
        "invention_patents_granted": {2021: 4000.0, 2022: 5000.0, 2023: 9000.0},
        "pension_fund_balance": {2021: 6e10},
        "pension_fund_payments": {2021: 5e10},
    }
    found = city_constants(figures, 2022, NATIONAL)
    young = 0.008 * NATIONAL.value("share_0_4", 2022) / NATIONAL.value("birth_rate", 2022)
    assert found["city share aged 0 to 4"].value == pytest.approx(young, rel=1e-12)
    assert found["city employed share"].value == pytest.approx(0.55, rel=1e-12)
    assert (found["start fund years"].value, found["start fund years"].year) == (1.2, 2021)
    # the model gives a city its part of the province's patents: these are then the city's own
    grants, educated = found["province invention grants"], found["province tertiary educated"].value
    part = found["city residents"].value * found["city tertiary share"].value / educated
    assert grants.value * part == pytest.approx(5000, rel=1e-12)
    assert grants.how == (
        "invention_patents_granted 2022 × province tertiary educated / city residents / city tertiary share"
    )
    own = {"city share aged 0 to 4", "city employed share", "start fund years", "province invention grants"}
    assert {name for name in found if name not in plain or found[name].value != plain[name].value} == own
    # alone it is the same: what it is reckoned with is found though nobody asked for it
    alone = city_constants(figures, 2022, NATIONAL, only={"province invention grants"})
    assert alone == {"province invention grants": grants}


def test_what_a_yearbook_gives_besides_is_not_used_when_too_old() -> None:
    figures = bare(WUXI)
    figures |= {"pension_fund_balance": {2017: 6e10}, "pension_fund_payments": {2017: 5e10}}
    figures |= {"births": {2017: 60000.0}, "jobs": {2017: 4e6}, "invention_patents_granted": {2017: 4000.0}}
    found = city_constants(figures, 2022, NATIONAL)
    assert found == city_constants(bare(WUXI), 2022, NATIONAL)


@settings(deadline=None)
@given(st.data())
def test_later_figures_change_nothing(data: st.DataObject) -> None:
    start = data.draw(st.sampled_from([2010, 2012, 2016, 2022]))
    before = city_constants(bare(WUXI), start, NATIONAL)
    figures = bare(WUXI)
    for values in figures.values():
        for year in [year for year in values if year > start]:
            if data.draw(st.booleans()):
                values[year] = data.draw(st.floats(1, 1e12))
            else:
                del values[year]
        values[start + data.draw(st.integers(1, 5))] = data.draw(st.floats(1, 1e12))
    assert city_constants(figures, start, NATIONAL) == before


def test_a_figure_too_old_is_not_used() -> None:
    figures = bare(WUXI)
    figures["house_price"] = {2016: 10000.0}
    value = city_constants(figures, 2022, NATIONAL)["city house price"]
    assert value.value == NATIONAL.value("house_price", 2022)
    assert value.how == "default national house_price 2022"
    assert value.source == "assumption: few cities have a price before 2015"
    figures["house_price"] = {2017: 10000.0}
    assert city_constants(figures, 2022, NATIONAL)["city house price"].year == 2017


def test_a_forecast_takes_uncounted_years_between_counted_ones_and_a_back_test_does_not() -> None:
    figures = bare(WUXI)
    figures["residents"] = {2020: 7.0e6, 2023: 7.3e6}
    nation = {year: NATIONAL.value("residents", year) for year in (2020, 2022, 2023)}
    blind = city_constants(figures, 2022, NATIONAL)
    assert blind["city residents"].value == 7.0e6 * nation[2022] / nation[2020]
    assert "known residents[first]" not in blind
    found = city_constants(figures, 2022, NATIONAL, known_years=True)
    first, last = 7.0e6 / nation[2020], 7.3e6 / nation[2023]
    between = found["city residents"]
    assert between.value == pytest.approx(first ** (1 / 3) * last ** (2 / 3) * nation[2022], rel=1e-12)
    assert between.bridges == (Bridge("residents", 2022, 2020, 2023),)
    assert between.how == "residents 2022, between 2020 and 2023, along the nation's"
    assert found["known residents[first]"].value == 7.3e6
    assert found["known residents[first]"].bridges == ()
    assert found["known residents[second]"].value == 0


def test_a_city_with_later_figures_alone_has_a_forecast_carried_back_from_them() -> None:
    figures = bare(WUXI)
    figures["gdp"], figures["deposit_balance"] = {2023: 1.5e12}, {2024: 3.0e12}
    found = city_constants(figures, 2022, NATIONAL, known_years=True)
    nation = {year: NATIONAL.value("gdp", year) for year in (2022, 2023, 2024)}
    assert found["city value added"].value == pytest.approx(1.5e12 * nation[2022] / nation[2023], rel=1e-12)
    assert found["known value added[first]"].value == 1.5e12
    deposits = found["city deposits"]
    assert (deposits.value, deposits.year) == (3.0e12 * (nation[2022] / nation[2024]), 2024)
    assert carried(figures) == {
        Bridge("gdp", 2022, None, 2023),
        Bridge("deposit_balance", 2022, None, 2024),
        Bridge("average_wage", 2022, 2021, None),
    }
    with pytest.raises(InputError, match="has no gdp for 2019 to 2022"):
        city_constants(figures, 2022, NATIONAL)
    figures["gdp"] = {2027: 1.5e12}
    with pytest.raises(InputError, match="no gdp for 2019 to 2024, .* Add the figure of one of these years"):
        city_constants(figures, 2022, NATIONAL, known_years=True)


def carried(figures: dict[str, dict[int, float]]) -> set[Bridge]:
    """Return what is told of a city of these figures."""
    city = replace(WUXI, figures={name: DatedFigure(values) for name, values in figures.items()}, file="")
    return set(bridges(city, 2022, NATIONAL))


def test_figures_carried_on_from_an_earlier_year_are_told_but_not_those_of_the_last_census() -> None:
    figures = bare(WUXI)
    figures["gdp"] = {2021: 1.4e12}
    figures["invention_patents_granted"] = {2020: 9000.0}
    assert carried(figures) == {
        Bridge("gdp", 2022, 2021, None),
        Bridge("gdp_secondary / gdp", 2022, 2021, None),
        Bridge("average_wage", 2022, 2021, None),
        Bridge("invention_patents_granted", 2022, 2020, None, held=True),
    }
    del figures["tertiary_educated"][2020]
    share = Bridge("tertiary_educated / census_population", 2022, 2010, None)
    assert share in carried(figures)


def test_a_part_is_held_against_its_whole_of_another_year() -> None:
    figures = bare(WUXI)
    figures["gdp_secondary"], figures["gdp"] = {2022: 7e11}, {2021: 1.4e12}
    found = city_constants(figures, 2022, NATIONAL, known_years=True)["city secondary share"]
    grown = NATIONAL.value("gdp", 2022) / NATIONAL.value("gdp", 2021)
    assert found.value == pytest.approx(0.5 / grown, rel=1e-12)
    assert found.bridges == (Bridge("gdp", 2022, 2021, None),)
    figures["gdp_secondary"] = {2020: 7e11}  # before the whole: a back-test may see 2021 from 2022
    found = city_constants(figures, 2022, NATIONAL)["city secondary share"]
    back = NATIONAL.value("gdp", 2021) / NATIONAL.value("gdp", 2020)
    aged = NATIONAL.value("secondary_share", 2022) / NATIONAL.value("secondary_share", 2020)
    assert found.value == pytest.approx(0.5 * back * aged, rel=1e-12)
    figures["births"], figures["residents"] = {2022: 50000.0}, {2020: 7.4e6}
    assert "births / residents 2022" in city_constants(figures, 2022, NATIONAL)["city share aged 0 to 4"].how
    figures["residents"] = {2018: 7.4e6, 2023: 7.5e6}  # a back-test looks into no later year
    how = city_constants(figures, 2022, NATIONAL)["city share aged 0 to 4"].how
    assert "residents 2022 from 2018" in how


def test_who_has_no_bachelors_has_the_nations_part_of_those_with_a_degree() -> None:
    figures = bare(WUXI)
    del figures["bachelor_or_above"]
    found = city_constants(figures, 2022, NATIONAL)
    rule = read_mapping().content.constants["city bachelor share"].default
    assert rule is not None
    part = NATIONAL.value("bachelor_share", 2022) / NATIONAL.value("tertiary_share", 2022)
    expected = rule.times * part * found["city tertiary share"].value
    share = found["city bachelor share"]
    assert (share.value, share.year) == (pytest.approx(expected, rel=1e-12), None)
    assert rule.ends(share.value) == (rule.range[0] * share.value, rule.range[1] * share.value)
    del figures["tertiary_educated"]
    with pytest.raises(InputError) as caught:
        city_constants(figures, 2022, NATIONAL, known_years=True)
    assert len(caught.value.problems) == 1


def test_a_city_has_its_provinces_figures_where_it_gives_none(write: Write) -> None:
    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8").splitlines()
    without = load_city(write("w.yaml", "\n".join(line for line in text if "  province_" not in line)))
    for name in ("province_tertiary_educated", "province_invention_patents_granted"):
        ours, shared = WUXI.figures[name].values, without.figures[name].values
        assert shared
        assert shared == {year: pytest.approx(ours[year], rel=1e-5) for year in shared}


@pytest.mark.parametrize(("granted", "told"), [(700, "0.076"), (7000, ""), (583, "0.063"), (21000, "2.3")])
def test_an_own_figure_unlike_what_would_stand_in_is_told(
    granted: int, told: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
    own = f"  invention_patents_granted: {{unit: patent/year, source: x, values: {{2022: {granted}}}}}\n"
    (path := tmp_path / "mine.yaml").write_text(text + own, "utf-8")
    resolve_scenario("baseline", path, shipped_structure())
    assert [str(one.message) for one in recwarn if "stands in where" in str(one.message)] == [
        f"{path}:{text.count(chr(10)) + 1}: invention_patents_granted is {told} times what stands in where a city gives "
        "none (province_invention_patents_granted 2022); 0.2 to 2 is usual. Check its unit and its digits."
    ][: bool(told)]


@pytest.mark.filterwarnings("error:.*stands in where")
@pytest.mark.parametrize("city", ["shenzhen", "beijing", "shanghai"])
def test_no_shipped_citys_own_figure_is_told_as_odd(city: str) -> None:
    resolve_scenario("baseline", city, shipped_structure())


def test_missing_figures_are_told_together_and_only_where_they_are_wanted() -> None:
    figures = bare(WUXI)
    del figures["residents"], figures["deposit_balance"]
    with pytest.raises(InputError) as caught:
        city_constants(figures, 2022, NATIONAL)
    assert caught.value.problems == (
        "the city has no residents for 2018 to 2022, which 'city residents' needs. "
        "Add the figure, or start in a year it covers.",
        "the city has no deposit_balance for 2018 to 2022, which 'city deposits' needs. "
        "Add the figure, or start in a year it covers.",
    )
    assert set(city_constants(figures, 2022, NATIONAL, only={"city house price"})) == {"city house price"}


def test_a_part_is_never_more_than_its_whole(write: Write) -> None:
    path = write(
        "mine.yaml",
        """\
        name: Mine
        province: Hebei
        region: R
        figures:
          census_population: {unit: person, source: census, value: 7.0e6, year: 2020}
          tertiary_educated: {unit: person, source: census, value: 7.1e6, year: 2020}
          share_manufacturing: {unit: "1", source: census, values: {2010: 0.5, 2020: 0.8}}
          share_education: {unit: "1", source: census, values: {2010: 0.1, 2020: 0.3}}
        """,
    )
    with pytest.raises(InputError) as caught:
        load_city(path)
    assert caught.value.problems == (
        "mine.yaml:6: tertiary_educated / census_population in 2020 is 1.014. It can only be 0 to 1: a part of "
        "the residents counted. Check it.",
        "mine.yaml:7: share_manufacturing + share_education in 2020 is 1.1. It can only be 0 to 1.001: the "
        "industries are parts of all jobs. Check it.",
    )


def test_constants_may_have_elements_sums_below_and_the_nations_own_value(write: Write) -> None:
    shipped = read_mapping().path.read_text(encoding="utf-8")
    own = """
  city ages[young]: {unit: "1", figure: [age_0, age_1_4], per: [age_0, age_1_4, age_5_9], max_age: 12, group: two}
  city ages[old]: {unit: "1", figure: [age_5_9], per: [age_0, age_1_4, age_5_9], max_age: 12, group: two}
  nation births: {unit: 1/year, national: birth_rate}
"""
    mapping = read_mapping(write("figures.yaml", shipped.split("constants:")[0] + "constants:" + own))
    found = city_constants(WUXI, 2020, NATIONAL, mapping, only={"city ages", "nation births"})
    figures = {name: WUXI.figures[name].values[2020] for name in ("age_0", "age_1_4", "age_5_9")}
    young = (figures["age_0"] + figures["age_1_4"]) / sum(figures.values())
    assert found["city ages[young]"].value == pytest.approx(young, rel=1e-12)
    assert found["city ages[old]"].value == pytest.approx(1 - young, rel=1e-12)
    assert found["city ages[young]"].how == "(age_0 + age_1_4) / (age_0 + age_1_4 + age_5_9) 2020"
    births = found["nation births"]
    assert (births.value, births.how) == (NATIONAL.value("birth_rate", 2020), "national birth_rate 2020")
    with pytest.raises(
        InputError, match=r"both\.yaml:\d+: nation births: give either `figure` or `national`"
    ):
        read_mapping(
            write(
                "both.yaml",
                shipped.split("constants:")[0]
                + "constants:"
                + own.replace("national: birth_rate", "national: birth_rate, figure: [gdp]"),
            )
        )


def test_a_city_file_is_checked_figure_by_figure(write: Write) -> None:
    path = write(
        "mine.yaml",
        """\
        name: Mine
        province: Hebei
        region: R
        figures:
          residents: {unit: 万人, source: yearbook, value: 750, year: 2022}
          gpd: {unit: yuan/year, source: yearbook, value: 1e12, year: 2022}
          gdp: {unit: yuan/year, source: yearbook, values: {2021: 1.2e12, 2022: 14000}}
          average_wage: {unit: yuan/(person*year), source: yearbook, value: 100000}
        """,
    )
    with pytest.raises(InputError) as caught:
        load_city(path)
    assert caught.value.problems == (
        "mine.yaml:8: average_wage: give either `value` and `year`, or `values: {year: value}`.",
        "mine.yaml:5: residents is in '万人'; give it in 'person'. Write unit: person, and for 2022 750e4.",
        "mine.yaml:6: unknown figure 'gpd'. Did you mean 'gdp'?",
        "mine.yaml:7: gdp in 2022 is 14000, outside the plausible 1e+08 to 1e+13 yuan/year. Check its unit.",
    )


def test_a_count_of_zeros_in_words_is_told_as_the_number_to_write(write: Write) -> None:
    figures = "\n".join(
        f"  {key}: {{unit: {unit}, source: yearbook, value: {value}, year: 2022}}"
        for key, unit, value in (
            ("gdp", "yuan/year", "8457.84亿元"),
            ("fiscal_revenue", "yuan/year", '"517.4 billion"'),
            ("residents", "person", "901.5 万人"),
        )
    )
    head = "name: {en: Mine, zh: 我}\nprovince: {en: Jiangsu, zh: 江苏}\nregion: {en: east, zh: 东部}\nfigures:\n"
    with pytest.raises(InputError) as caught:
        load_city(write("mine.yaml", head + figures))
    assert caught.value.problems == (
        "mine.yaml:5: gdp.value is the text '8457.84亿元': a number has no words. Write 8457.84e8.",
        "mine.yaml:6: fiscal_revenue.value is the text '517.4 billion': a number has no words. Write 517.4e9.",
        "mine.yaml:7: residents.value is the text '901.5 万人': a number has no words. Write 901.5e4.",
    )


@pytest.mark.parametrize("whole", ["age_0_14", "age_15_59", "age_20_34", "age_60_plus"])
def test_an_age_group_whose_parts_are_all_given_is_their_sum(whole: str, tmp_path: Path) -> None:
    parts = read_mapping().content.figures[whole].parts
    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
    without = "".join(line for line in text.splitlines(True) if not line.startswith(f"  {whole}:"))
    assert without != text
    (tmp_path / "wuxi.yaml").write_text(without)
    figures = load_city(tmp_path / "wuxi.yaml").figures
    for year, value in figures[whole].values.items():
        assert value == sum(figures[part].values[year] for part in parts)
    # one part less, and nothing is made up
    missing = "".join(line for line in without.splitlines(True) if not line.startswith(f"  {parts[1]}:"))
    (tmp_path / "wuxi.yaml").write_text(missing)
    with pytest.warns(OddFigure, match=f"without {parts[1]} the model makes no use of .*employed"):
        assert whole not in load_city(tmp_path / "wuxi.yaml").figures


def test_the_mapping_may_only_use_figures_it_knows(write: Write) -> None:
    path = write(
        "map.yaml",
        """\
        figures:
          gdp: {unit: yuan/year, plausible: [1, 1e13]}
        constants:
          city value added: {unit: yuan/year, figure: [gpd], max_age: 3}
        """,
    )
    with pytest.raises(InputError) as caught:
        read_mapping(path)
    assert caught.value.problems == (
        "map.yaml:4: 'city value added' uses unknown figure 'gpd'. Did you mean 'gdp'?",
    )


def test_an_assumption_in_the_mapping_needs_a_range(write: Write) -> None:
    path = write(
        "map.yaml",
        """\
        figures:
          gdp: {unit: yuan/year, plausible: [1, 1e13]}
        constants:
          city value added: {unit: yuan/year, figure: [gdp], max_age: 3, default: {value: 1, why: guess}}
        """,
    )
    with pytest.raises(
        InputError, match=r"^map\.yaml:4: the key .range. is missing in city value added\.default"
    ):
        read_mapping(path)


@pytest.mark.parametrize("name", list_cities())
def test_a_jump_of_residents_has_its_note(name: str) -> None:
    city = load_city(name)
    values = city.figures["residents"].values
    jumps = [y for y in values if y > 2010 and y - 1 in values and abs(values[y] / values[y - 1] - 1) > 0.1]
    assert [year for year in jumps if not any(f"{year}" in note for note in city.notes)] == []
    said = any("2011-2019 were revised" in note for note in city.notes)
    assert not (said and {year for year in jumps if year < 2021} & set(range(2019, 2021)))


def test_a_province_is_known_by_either_name_or_refused(write: Write) -> None:
    text = (shipped_folder("scenarios") / "cities" / "shenyang.yaml").read_text("utf-8")

    def pensioners(province: str) -> float:
        file = write("mine.yaml", re.sub(r"(?m)^province: .*", f"province: {province}", text))
        city = load_city(file)
        assert city.province == {"en": "Liaoning", "zh": "辽宁省"}
        return city.figures["pensioners_against_nation"].values[2020]

    assert {
        pensioners(one) for one in ("Liaoning", "liaoning", "辽宁", "辽宁省", "{en: Liaoning, zh: 辽宁}")
    } == {1.5}
    for wrong, said in {
        "{en: Liao-ning, zh: 辽寧省}": "mine.yaml:3: 'Liao-ning' is no province of China. Did you mean 'Liaoning'?",
        "Narnia": "mine.yaml:3: 'Narnia' is no province of China. Known: Beijing, Tianjin,",
        "{en: Jiangxi, zh: 江苏省}": "mine.yaml:3: 江苏省, 江西省 are two provinces.",
    }.items():
        with pytest.raises(InputError, match=re.escape(said)):
            pensioners(wrong)
