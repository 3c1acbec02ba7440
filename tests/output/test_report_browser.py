"""The report in a browser: no error, no request, both languages, the CSV's numbers, nothing obeyed."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from .conftest import POISON, CitiesPage, Page

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no Chromium with its driver here (Debian: apt-get install chromium chromium-driver)",
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One headless Chromium with a profile of its own."""
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_window_size(1280, 900)
    yield driver
    driver.quit()


def opened(browser: Any, path: Path) -> Any:
    """Open a file with the logs emptied before."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())
    return browser


def requests(browser: Any, path: Path) -> list[str]:
    """Return every address asked for beside the page itself and what it holds."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    addresses = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert path.as_uri() in addresses  # the log works
    return [address for address in addresses if address != path.as_uri() and not address.startswith("data:")]


def shown_language(browser: Any) -> tuple[str, str, list[str]]:
    """Return the root's language, the title, and the languages of the visible editions."""
    return tuple(
        browser.execute_script(
            "return [document.documentElement.lang, document.title, "
            "[...document.querySelectorAll('.edition')].filter(e => e.offsetHeight > 0).map(e => e.lang)]"
        )
    )  # type: ignore[return-value]


def test_the_page_has_no_error_and_asks_for_nothing(browser: Any, page: Page) -> None:
    opened(browser, page.path)
    for button in browser.find_elements("css selector", ".language, .open-all, .copy"):
        browser.execute_script("arguments[0].click()", button)
    assert browser.get_log("browser") == []
    assert requests(browser, page.path) == []


def test_the_switch_changes_the_language_of_the_whole_page(browser: Any, page: Page) -> None:
    opened(browser, page.path)
    assert shown_language(browser) == ("en", "Hefei: policies compared", ["en"])
    browser.find_element("css selector", ".language[data-lang=zh]").click()
    assert shown_language(browser) == ("zh-Hans", "合肥：政策比较", ["zh-Hans"])
    browser.find_element("css selector", ".language[data-lang=en]").click()
    assert shown_language(browser) == ("en", "Hefei: policies compared", ["en"])


def test_without_scripts_the_chosen_language_is_shown(browser: Any, hostile: Page) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, hostile.path)
        visible = [
            e.get_attribute("lang")
            for e in browser.find_elements("css selector", ".edition")
            if e.is_displayed()
        ]
        buttons = [b for b in browser.find_elements("css selector", "button") if b.is_displayed()]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert visible == ["zh-Hans"]
    assert buttons == []


def test_the_tables_in_the_browser_equal_the_csv(browser: Any, page: Page) -> None:
    opened(browser, page.path)
    found = browser.execute_script(
        "return [...document.querySelectorAll('.edition[data-lang=zh] td[data-column=change]')].map(cell => "
        "{ const row = cell.parentElement.dataset; "
        "return [row.scenario, row.year, row.variable, row.subscript, cell.dataset.value]; })"
    )
    with page.table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {tuple(row[:4]): float(row[4]) for row in found} == {
        (row["scenario"], row["year"], row["variable"], row["subscript"]): float(row["change"])
        for row in rows
    }
    assert len(found) == len(rows)


def test_a_table_is_copied_in_full_precision(browser: Any, page: Page) -> None:
    opened(browser, page.path)
    copied = browser.execute_async_script(
        "const done = arguments[0]; let text = ''; "
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (t) => { text = t; }}}); "
        "const row = document.querySelector('.edition[data-lang=en] td[data-column=change]'); "
        "const button = row.closest('.tablebox').querySelector('.copy'); button.click(); "
        "setTimeout(() => done([text, button.textContent]), 50);"
    )
    lines = [line.split("\t") for line in copied[0].splitlines()]
    assert copied[1] == "Copied"
    assert {len(line) for line in lines} == {13}
    assert lines[0][1:5] == [
        "Year",
        "Baseline, million people",
        "Scenario, million people",
        "Difference, thousand people",
    ]
    change = page.material.change["total talent"].sel(scenario="cash_subsidy_only").quantile(0.5, "draw")
    assert [float(line[4]) for line in lines[1:14]] == change.values.tolist()


def test_nothing_is_wider_than_a_telephone(browser: Any, page: Page) -> None:
    opened(browser, page.path)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        for lang in ("en", "zh"):
            browser.execute_script(f"document.querySelector('.language[data-lang={lang}]').click()")
            assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_hostile_texts_do_nothing_and_are_shown_as_they_are(browser: Any, hostile: Page) -> None:
    opened(browser, hostile.path)
    from selenium.webdriver.support.expected_conditions import alert_is_present

    assert not alert_is_present()(browser)
    assert browser.get_log("browser") == []
    assert requests(browser, hostile.path) == []
    counts, headings, handlers = browser.execute_script(
        "return [['script', 'style', 'img', 'iframe', 'object'].map(t => document.getElementsByTagName(t).length), "
        "[...document.querySelectorAll('.card h3')].map(e => e.textContent.trim()), "
        "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length]"
    )
    assert counts == [1, 1, 0, 0, 0]
    assert headings == [POISON, POISON]
    assert handlers == 0


def test_the_cities_page_has_no_error_asks_for_nothing_and_obeys_nothing(
    browser: Any, cities_page: CitiesPage
) -> None:
    opened(browser, cities_page.path)
    for button in browser.find_elements("css selector", ".language, .open-all, .copy"):
        browser.execute_script("arguments[0].click()", button)
    assert browser.get_log("browser") == []
    assert requests(browser, cities_page.path) == []
    counts = browser.execute_script(
        "return ['script', 'style', 'img', 'iframe', 'object'].map(t => document.getElementsByTagName(t).length)"
    )
    assert counts == [1, 1, 0, 0, 0]


def test_the_cities_page_speaks_both_languages(browser: Any, cities_page: CitiesPage) -> None:
    opened(browser, cities_page.path)
    assert shown_language(browser) == ("en", "2 cities: policies compared", ["en"])
    browser.find_element("css selector", ".language[data-lang=zh]").click()
    assert shown_language(browser) == ("zh-Hans", "2座城市：政策比较", ["zh-Hans"])


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("change", "change"),
        ("lower_80", "lower"),
        ("upper_95", "upper_95"),
        ("probability_better", "probability_better"),
        ("first_clear_year", "first_clear_year"),
        ("relative_change", "relative_change"),
    ],
)
def test_the_cities_tables_in_the_browser_equal_the_csv(
    browser: Any, cities_page: CitiesPage, column: str, name: str
) -> None:
    opened(browser, cities_page.path)
    found = browser.execute_script(
        f"return [...document.querySelectorAll('.edition[data-lang=zh] td[data-column={column}]')].map(cell => "
        "{ const row = cell.parentElement.dataset; "
        "return [row.city, row.scenario, row.variable, row.subscript, cell.dataset.value || '']; })"
    )
    with cities_page.table.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["year"] == "2034"]
    told = {tuple(row[:4]): float(row[4] or "nan") for row in found}
    expected = {
        (row["city"], row["scenario"], row["variable"], row["subscript"]): float(row[name] or "nan")
        for row in rows
    }
    assert told.keys() == expected.keys()
    assert len(found) == len(rows)
    assert all(told[key] == expected[key] or (isnan(told[key]) and isnan(expected[key])) for key in told)
