"""The page in a browser: Python's numbers to the last bit, no request, plans out and in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import talent_sd as ts
from talent_sd.cli.app import app
from talent_sd.output.page.write_page import Page, page_html

from . import browsers
from .test_view import press, wait


@pytest.mark.parametrize(("scenario", "city"), [("three_dimensional", "handan"), ("core_team_exit", "hefei")])
def test_a_single_run_is_pythons_to_the_last_bit(browser: Any, scenario: str, city: str) -> None:
    found = browsers.in_browser(browser, city=city, scenario=scenario)
    compared, wrong = browsers.differing(found, browsers.central(scenario, city))
    assert compared > 10_000
    assert wrong == []


def test_draws_are_pythons_to_the_last_bit(browser: Any) -> None:
    found = browsers.in_browser(browser, city="handan", scenario="cash_subsidy_only", draws=200)
    compared, wrong = browsers.differing(found, browsers.drawn("cash_subsidy_only", "handan"))
    assert compared > 400_000
    assert wrong == []


def test_a_scenario_of_ones_own_is_a_preset_with_its_draws(browser: Any, own_scenario: Path) -> None:
    found = browsers.in_browser(browser, city="hefei", scenario="own_mix", draws=200)
    assert browsers.differing(found, browsers.drawn(own_scenario, "hefei"))[1] == []


@pytest.mark.parametrize("city", ["hefei", "handan"])
def test_yuan_buy_in_each_city_what_they_buy_there(
    browser: Any, page: Path, city: str, tmp_path: Path
) -> None:
    ours = browsers.central(page.with_name("in_yuan.yaml"), city)
    assert browsers.differing(browsers.in_browser(browser, city=city, scenario="in_yuan"), ours)[1] == []
    told = browser.execute_script("return talentSD.yaml({city: arguments[0], scenario: 'in_yuan'})", city)
    assert "budget: {yuan per year: 1000000000, until: 2032}" in told
    file = tmp_path / "plan.yaml"
    file.write_text(told, encoding="utf-8")
    assert browsers.differing(browsers.in_browser(browser, city=city, yaml=told), ours)[1] == []
    alone = browsers.central(file, city)
    assert browsers.differing({str(n): ours[n].values for n in ours.data_vars}, alone)[1] == []


def test_what_is_asked_in_words_is_what_a_file_says(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "asked.yaml"
    file.write_text(
        "title: x\nextends: baseline\ncontext: national/low_growth\n"
        "policies: {industry_fund: {from: 2026, intensity: 0.05}, open_labs: on}\n"
        "assumptions:\n  arrival elasticity: {value: 0.8, why: x}\n  loop closed[brand]: {value: 0, why: x}\n"
    )
    asked = {
        "policies": {"industry_fund": {"from": 2026, "intensity": 0.05}, "open_labs": "on"},
        "assumptions": {"arrival elasticity": 0.8, "loop closed[brand]": 0},
        "national": "low_growth",
    }
    found = browsers.in_browser(browser, city="hefei", **asked)
    assert browsers.differing(found, browsers.central(file, "hefei"))[1] == []
    drawn = browsers.in_browser(browser, city="hefei", draws=200, **asked)
    assert browsers.differing(drawn, browsers.drawn(file, "hefei"))[1] == []


def test_a_file_with_sizes_in_yuan_runs_in_the_page_as_in_python(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "sized.yaml"
    file.write_text(
        "title: x\nextends: 不出台新政策\npolicies:\n  人才公寓: {size: 2.0e+8, pause: {from: 2029, until: 2030}}\n"
        "  cash_subsidy: {size: 1.5e+8, from: 2027}\n  Housing voucher: on\nbudget: {yuan per year: 1.0e+9}\n"
        "assumptions: {迁入弹性: {value: 0.9, why: x}, 薪酬权重: {value: {领军人才: 0.9}, why: x}}\n",
        encoding="utf-8",
    )
    for city in ("hefei", "handan"):
        found = browsers.in_browser(browser, city=city, yaml=file.read_text("utf-8"))
        assert browsers.differing(found, browsers.central(file, city))[1] == []


@pytest.mark.parametrize("scenario", ["own_mix", "three_dimensional", "core_team_exit"])
def test_the_plan_file_gives_the_same_numbers_in_python_and_back_in_the_page(
    browser: Any, scenario: str, tmp_path: Path
) -> None:
    text = browser.execute_script(
        "return talentSD.yaml({city: 'hefei', scenario: arguments[0], assumptions: {'settling time': 4.1}})",
        scenario,
    )
    file = tmp_path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    ours = browsers.central(file, "hefei")
    assert browsers.differing(browsers.in_browser(browser, city="hefei", yaml=text), ours)[1] == []
    asked = {"city": "hefei", "scenario": scenario, "assumptions": {"settling time": 4.1}}
    assert browsers.differing(browsers.in_browser(browser, **asked), ours)[1] == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("{city: 'nowhere'}", "no city 'nowhere' here. This page has hefei, handan."),
        ("{city: 'hefei', scenario: 'x'}", "No scenario 'x' is on this page."),
        ("{city: 'hefei', policies: {cash: 'on'}}", "Unknown policy 'cash'."),
        ("{city: 'hefei', policies: {cash_subsidy: {intensity: -1}}}", "cash_subsidy.intensity is -1, outside 0 to 1000000."),
        ("{city: 'hefei', assumptions: {nothing: 1}}", "Unknown constant 'nothing'."),
        ("{city: 'hefei', policies: {talent_apartments: {size: 2e14}}}", "talent_apartments.size is more than the policy takes here: "),
        ("{city: 'hefei', draws: 201}", "draws: 201. Give 1 to 200, or none."),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(browser: Any, asked: str, told: str) -> None:
    script = "const done = arguments[0]; talentSD.run(%s).then(() => done('ran'), (e) => done(e.message))"
    assert browser.execute_async_script(script % asked).startswith(told)


def test_the_page_asks_for_nothing_and_says_nothing_to_the_console(browser: Any, page: Path) -> None:
    browsers.opened(browser, page)
    for selector in (".languages button", ".choosing summary", ".controls summary", ".chart summary"):
        for element in browser.find_elements("css selector", selector):
            browser.execute_script("arguments[0].click()", element)
    assert browsers.requests(browser, page) == []
    assert browser.get_log("browser") == []


def test_a_page_in_another_reading_is_python_in_it(browser: Any, page: Path, tmp_path: Path) -> None:
    reading, file, plan = (tmp_path / name for name in ("mine.yaml", "page.html", "plan.yaml"))
    reading.write_text(
        "title: Mine\nsummary: s\nassumptions:\n  arrival elasticity: {value: 1.1, why: w}\n"
        "  culture weight: {value: {leading: 0.3, graduate: 0.4}, why: w}\n",
        encoding="utf-8",
    )
    ts.page(city="handan", reading=reading).save(file)
    browsers.opened(browser, file)
    try:
        scenario = "cash_subsidy_only"
        assert "Three dimensions together (Mine)" in browser.execute_script(
            "return document.body.textContent"
        )
        found = browsers.in_browser(browser, city="handan", scenario=scenario, draws=200)
        assert browsers.differing(found, browsers.drawn(scenario, "handan", reading=reading))[1] == []
        asked = "return talentSD.yaml({city: 'handan', scenario: arguments[0]})"
        plan.write_text(browser.execute_script(asked, scenario), encoding="utf-8")
        ours = browsers.central(scenario, "handan", reading)
        assert (
            browsers.differing(browsers.in_browser(browser, city="handan", scenario=scenario), ours)[1] == []
        )
        alone = browsers.central(plan, "handan")
        assert float(abs(alone["total talent"] - ours["total talent"]).max()) == 0
    finally:
        browsers.opened(browser, page)


def test_in_a_notebook_it_runs_in_a_frame_of_its_own(browser: Any, page: Path, tmp_path: Path) -> None:
    host, saved = tmp_path / "notebook.html", tmp_path / "saved"
    shown = Page(page.read_text("utf-8"))._repr_html_()
    host.write_text(f"<!DOCTYPE html><meta charset='utf-8'><title>notebook</title>{shown}", encoding="utf-8")
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(saved)})
    try:
        browser.get(host.as_uri())
        browser.switch_to.frame(browser.find_element("tag name", "iframe"))
        wait(lambda: browser.execute_script("return document.documentElement.dataset.ready === 'true'"))
        assert (
            browser.execute_script("return self.origin") == "null"
        )  # nothing of the notebook's is within reach
        found = browsers.in_browser(browser, city="handan", scenario="cash_subsidy_only", draws=200)
        assert browsers.differing(found, browsers.drawn("cash_subsidy_only", "handan"))[1] == []
        press(browser, "Save page with plan")
        file = wait(lambda: saved.exists() and [f for f in saved.iterdir() if f.suffix == ".html"])[0]
        assert browser.get_log("browser") == []
        browser.switch_to.default_content()
        browsers.opened(browser, file)
    finally:
        browser.switch_to.default_content()
        browsers.opened(browser, page)


def test_a_wrong_city_or_scenario_is_one_message(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    found = CliRunner().invoke(app, ["page", "no_such", "--city", "hefai", "--out", str(out)])
    assert found.exit_code == 2
    assert "hefei" in found.output
    assert not out.exists()


def test_a_page_needs_a_city() -> None:
    with pytest.raises(ts.InputError, match="name at least one"):
        page_html(cities=[])
