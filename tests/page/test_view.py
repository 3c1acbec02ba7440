"""The page as a person meets it: nothing cut, all within reach, plans kept and sent, the words' numbers true."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import talent_sd as ts

from . import browsers
from .conftest import IN_YUAN, OWN

AXE = Path(ts.__file__).parent / "output" / "page" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": (1440, 900, False), "tablet": (820, 1180, True), "phone": (390, 844, True)}
CUT = """
const shown = (e) => e.checkVisibility() && e.type !== 'file' && !e.closest('.hidden, .skip, svg, canvas, .u-wrap, option')
return [...document.querySelectorAll('body *')].filter((e) => shown(e) && e.clientWidth && !e.children.length
  && !['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && getComputedStyle(e).display !== 'inline'
  && e.scrollWidth > e.clientWidth + 1).map((e) => e.className + ': ' + e.textContent.slice(0, 60))
"""
"""Texts that are wider than their box."""
OVER = """
const boxes = [...document.querySelectorAll('button, summary, h2, h3, input, select, .button, .trust')]
  .filter((e) => e.checkVisibility() && !e.closest('.hidden, .skip, .jump') && e.type !== 'file')
  .map((e) => [e, e.getBoundingClientRect()])
const met = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2
return boxes.flatMap(([e, a], i) => boxes.slice(i + 1).filter(([f, b]) => !e.contains(f) && !f.contains(e)
  && e.closest('.controls, .charts, .result, .bar') === f.closest('.controls, .charts, .result, .bar') && met(a, b))
  .map(([f]) => (e.textContent || e.className) + ' / ' + (f.textContent || f.className)))
"""
"""Pairs of things to press or read that lie on one another."""


ROWS = """
return [...document.querySelectorAll(arguments[0] + ' tr')].map((row) => [...row.children].map((cell) => cell.innerText.trim()))
"""
"""The cells of a table's rows."""


INKS = """
const done = arguments[0]
dispatchEvent(new Event('beforeprint'))
requestAnimationFrame(() => {
  const canvas = document.querySelector('.chart canvas')
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  const seen = new Set()
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.subarray(i, i + 3).join())
  dispatchEvent(new Event('afterprint'))
  done([...seen].map((one) => one.split(',').map(Number)))
})
"""
"""The opaque colours of the first chart as it is printed."""


@pytest.fixture
def view(browser: Any, page: Path) -> Iterator[Any]:
    """The page as it opens, on a desk."""
    browsers.sized(browser, *SIZES["desktop"][:2])
    yield settled(browsers.opened(browser, page))
    browsers.sized(browser, *SIZES["desktop"][:2])


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """What `talent-sd compare` writes of two of the page's presets in the page's draws."""
    from talent_sd.cli.app import app

    out = tmp_path_factory.mktemp("compared") / "out"
    asked = ["compare", "hefei_combination", "culture_capital", "--city", "hefei", "--draws", "200"]
    outcome = CliRunner().invoke(app, [*asked, "--no-plots", "--out", str(out)])
    assert outcome.exit_code == 0, outcome.output
    names = ("comparison", "forecast", "policies", "ranking")
    return {name: pd.read_csv(out / f"{name}.csv") for name in names}


def settled(driver: Any) -> Any:
    """Wait until the fans and the shares of the present plan are drawn."""
    wait(
        lambda: driver.execute_script(
            "return !!document.querySelector('.shares:not(.stale), .sentence') && !document.querySelector('.shares.stale') && document.querySelectorAll('.chart canvas').length > 0"
        )
    )
    return driver


def wait(met: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return what `met` gives as soon as that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = met()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def text(driver: Any, selector: str) -> str:
    """Return the text of the first element."""
    return str(
        driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
    )


def number(cell: str) -> float:
    """Return the number that a cell tells."""
    return float(cell.replace(",", "").replace("−", "-"))


def press(driver: Any, word: str) -> None:
    """Press the button of that name."""
    driver.execute_script(
        "[...document.querySelectorAll('button')].find((b) => b.textContent.trim() === arguments[0]).click()",
        word,
    )


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_and_nothing_overlaps_in_either_language(view: Any, size: str, tmp_path: Path) -> None:
    width, height, mobile = SIZES[size]
    browsers.sized(view, width, height, mobile)
    for number in (2, 1):
        view.execute_script(f"document.querySelector('.languages button:nth-child({number})').click()")
        time.sleep(0.3)
        assert view.execute_script("return document.documentElement.scrollWidth") <= width
        if size == "desktop":  # its parts scroll, each by itself: below them there is nothing to see
            assert view.execute_script("return document.documentElement.scrollHeight") <= height
        assert view.execute_script(CUT) == []
        assert view.execute_script(OVER) == []
        picture = base64.b64decode(view.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])
        (tmp_path / f"{size}_{number}.png").write_bytes(picture)
        assert len(picture) > 20_000


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here (npm ci in talent_sd/output/page/web)")
def test_axe_finds_nothing(view: Any) -> None:
    view.execute_script(AXE.read_text("utf-8"))
    run = (
        "const done = arguments[0]; axe.run().then((r) => done(r.violations.map((v) => "
        "[v.id, v.impact, v.nodes.map((n) => n.html.slice(0, 120))])))"
    )
    assert view.execute_async_script(run) == []
    view.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    time.sleep(0.5)
    assert view.execute_async_script(run) == []
    press(view, "Why?")
    assert view.execute_async_script(run) == []


def test_the_sentence_and_the_tables_tell_the_commands_numbers(
    view: Any, tables: dict[str, pd.DataFrame]
) -> None:
    press(view, "No policies")
    wait(lambda: "No policy is on" in text(view, ".sentence"))
    view.execute_script(
        "const s = document.querySelectorAll('.choice select')[1]; s.value = 'culture_capital';"
        "s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    sentence = wait(lambda: "by 2034" in (found := text(view, ".sentence")) and found)
    change = last_row(tables["comparison"], "culture_capital")
    low, middle, high = (change[end] / 1e3 for end in ("lower", "change", "upper"))
    told = [float(n.replace(",", "")) for n in re.findall(r"[+−]([\d,.]+)", sentence)]
    assert told[0] == pytest.approx(middle, rel=0.006)
    assert told[1:] == pytest.approx([low, high], rel=0.01)
    assert f"{round(100 * change['probability_better'])}\xa0% of draws" in sentence
    # a number and its range share one unit, and the draws are told
    assert len(set(re.findall(r"(\w+)\syuan", sentence))) == 1, sentence
    assert "median of 200 draws (seed 0)" in text(view, ".legend")
    opened_tables(view)
    row = view.execute_script("return document.querySelector('.chart tbody tr:last-child').textContent")
    levels = levels_of(tables, "culture_capital", "total talent") / 1e6
    assert all(f"{value:.2f}" in row for value in levels)


def last_row(table: pd.DataFrame, scenario: str, variable: str = "total talent", **more: str) -> pd.Series:
    """Return a table's only row of a scenario and output without elements in the last year it has of them."""
    rows = table[(table["scenario"] == scenario) & (table["variable"] == variable)]
    if "subscript" in rows:
        rows = rows[rows["subscript"].isna()]
    for column, value in more.items():
        rows = rows[rows[column] == value]
    rows = rows[rows["year"] == 2034] if "year" in rows else rows
    (place,) = rows.index
    return rows.loc[place]


def levels_of(tables: dict[str, pd.DataFrame], scenario: str, variable: str) -> np.ndarray:
    """Return low, median and high of an output in the last year, as `forecast.csv` has them."""
    table = tables["forecast"]
    return np.array(
        [
            last_row(table[table["quantile"] == chance], scenario, variable)["value"]
            for chance in (0.1, 0.5, 0.9)
        ]
    )


def test_levels_of_the_page_are_the_tables(view: Any, tables: dict[str, pd.DataFrame]) -> None:
    names = ["total talent", "Residents", "value added", "tax base", "invention grants", "years of balance"]
    for scenario in ("hefei_combination", "culture_capital"):
        found = browsers.in_browser(view, city="hefei", scenario=scenario, draws=200)
        for name in names:
            told = np.quantile(found[name][:, -1], [0.1, 0.5, 0.9])
            np.testing.assert_allclose(told, levels_of(tables, scenario, name), rtol=1e-9, err_msg=name)


def opened_tables(driver: Any) -> None:
    """Open every chart's table."""
    driver.execute_script("for (const s of document.querySelectorAll('.chart summary')) s.click()")
    wait(lambda: len(driver.find_elements("css selector", ".chart tbody")) == 4)


def test_every_chart_has_its_table(view: Any) -> None:
    opened_tables(view)
    counts = view.execute_script(
        "return [...document.querySelectorAll('.chart')].map((c) => [c.querySelectorAll('canvas').length, c.querySelectorAll('tbody tr').length])"
    )
    assert counts == [[2, 13]] * 4  # the fans, and the line above them


def test_a_slider_moves_by_keys_and_undo_takes_it_back(view: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    before = text(view, ".policy.on .native output")
    slider = view.find_element("css selector", ".policy.on .size input[type=range]")
    slider.send_keys(Keys.ARROW_RIGHT * 30)
    assert text(view, ".policy.on .native output") != before
    slider.send_keys(Keys.CONTROL + "z")
    for _ in range(30):  # keys that a busy machine hears late are steps of their own
        if text(view, ".policy.on .native output") != before:
            press(view, "Undo")
    assert text(view, ".policy.on .native output") == before


def test_between_two_fans_the_line_moves_with_the_slider(view: Any) -> None:
    pictures, fans = view.execute_async_script(
        """
        const done = arguments[0], seen = new Set(), start = talentSD.timing.fan.length
        const slider = document.querySelector('.policy.on .size input[type=range]')
        const line = document.querySelector('.chart canvas.line')
        let step = 0
        function frame() {
          slider.value = String(300 + 10 * step++)
          slider.dispatchEvent(new Event('input', { bubbles: true }))
          seen.add(line.toDataURL())
          step < 40 ? requestAnimationFrame(frame) : done([seen.size, talentSD.timing.fan.length - start])
        }
        frame()
        """
    )
    assert pictures > 20
    assert pictures > fans + 5


def test_presets_are_compared_here_and_what_is_off_is_offered(
    view: Any, tables: dict[str, pd.DataFrame]
) -> None:
    view.execute_script("document.querySelector('.choices ~ details summary').click()")
    table = wait(
        lambda: (
            len(rows := view.execute_script(ROWS, ".controls .shares tbody")) == 14 and rows
        )  # one's own too
    )
    titles = {
        "hefei_combination": "Hefei-style combination",
        "culture_capital": "Culture as capital",
    }
    order = [row[0] for row in table if row[0] in titles.values()]
    ranks = {title: last_row(tables["ranking"], scenario)["rank"] for scenario, title in titles.items()}
    assert order == sorted(titles.values(), key=lambda title: ranks[title])
    for scenario, title in titles.items():
        shown = next(number(row[1]) for row in table if row[0] == title)
        assert shown == pytest.approx(last_row(tables["comparison"], scenario)["change"] / 1e3, rel=0.006)
    name, adds, costs = next(row for row in table if row[0] == "Hefei-style combination")
    press(view, name)
    wait(lambda: text(view, ".sentence").startswith(f"{adds}\xa0thousand people by 2034") and settled(view))
    assert name in text(view, ".result h2")
    *parts, total = view.execute_script(ROWS, ".result .shares:not(.offers) tbody")
    assert [total[1], total[2]] == [adds, costs]
    split = tables["policies"]
    whole = last_row(split, "hefei_combination", policy="mix")
    assert number(total[1]) == pytest.approx(whole["contribution"] / 1e3, rel=0.005)
    assert number(total[2].split("\n")[-1]) == pytest.approx(whole["cost_per_person"] / 1e3, rel=0.005)
    told = re.search(
        r"Costs (\S+)\sbillion yuan in all, present value \((\S+) to (\S+)\s", text(view, ".sentence")
    )
    for shown, end in zip(told.groups(), ("", "_lower", "_upper"), strict=True):  # type: ignore[union-attr]
        assert float(shown) == pytest.approx(whole[f"present_cost{end}"] / 1e9, abs=0.06)
    policies = {
        policy
        for policy in split.loc[split["scenario"] == "hefei_combination", "policy"]
        if not policy.startswith("mix")
    }
    labels = {policy: policy.replace("_", " ").capitalize() for policy in policies}
    assert {row[0] for row in parts} == set(labels.values())
    for policy, label in labels.items():
        row = last_row(split, "hefei_combination", policy=policy)
        shown = next(cells for cells in parts if cells[0] == label)
        assert number(shown[1]) == pytest.approx(row["contribution"] / 1e3, rel=0.005)
        assert number(shown[2].split("\n")[-1]) == pytest.approx(row["cost_per_person"] / 1e3, rel=0.005)
    press(view, "No policies")
    offers = wait(lambda: len(rows := view.execute_script(ROWS, ".offers[open] tbody")) == 18 and rows)
    press(view, offers[0][0])
    parts = wait(
        lambda: len(rows := view.execute_script(ROWS, ".result .shares:not(.offers) tbody")) == 2 and rows
    )
    assert parts[0][0] == offers[0][0]
    assert (
        len(wait(lambda: len(r := view.execute_script(ROWS, ".offers:not(.stale) tbody")) == 17 and r)) == 17
    )


def test_everything_is_within_reach_of_the_keyboard(view: Any) -> None:
    out_of_reach = view.execute_script(
        "return [...document.querySelectorAll('button, input, select, summary, a')]"
        ".filter((e) => e.checkVisibility() && e.tabIndex !== 0 && !e.disabled).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert out_of_reach == []


def test_yuan_a_year_are_the_size_of_a_plan_file(view: Any) -> None:
    of = "document.querySelector('#policy-talent_apartments %s')"
    box = f"return Number({of % '.money input'}.value)"
    view.execute_script(
        "const s = [...document.querySelectorAll('select')].find((s) => [...s.options].some((o) => o.value === 'in_yuan')); "
        "s.value = 'in_yuan'; s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    assert "In yuan" in wait(lambda: (t := text(settled(view), ".result h2")).startswith("In yuan") and t)
    size = float(re.findall(r"size: ([\de.+]+)", IN_YUAN)[0]) / 1e6
    assert view.execute_script(box) == pytest.approx(size, rel=1e-3)
    native = text(view, "#policy-talent_apartments .native output")
    for yuan in (size / 2, size):
        view.execute_script(
            f"const i = {of % '.money input'}; i.value = arguments[0]; i.dispatchEvent(new Event('change', {{ bubbles: true }}))",
            str(yuan),
        )
        wait(lambda asked=yuan: view.execute_script(box) == pytest.approx(asked, rel=1e-3))
        assert (text(view, "#policy-talent_apartments .native output") == native) is (yuan == size)


def test_a_link_brings_the_plan_back_and_another_editions_says_so(view: Any, page: Path) -> None:
    press(view, "Compare another")
    fragment = wait(lambda: (f := view.execute_script("return location.hash")).startswith("#plan=") and f)
    time.sleep(0.5)
    fragment = view.execute_script("return location.hash")
    sentence = text(settled(view), ".sentence")
    settled(browsers.opened(view, page, fragment))
    assert len(view.find_elements("css selector", ".plans .plan")) == 2
    assert wait(lambda: text(view, ".sentence")) == sentence
    assert text(view, ".notice") == ""
    told = json.loads(base64.urlsafe_b64decode(fragment.removeprefix("#plan=") + "=="))
    told["m"] = "0" * 12
    told["plans"][0]["s"]["no such constant"] = 1
    other = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    browsers.opened(view, page, f"#plan={other}")
    assert "from another edition" in text(view, ".notice")
    assert "no such constant" in text(view, ".notice")
    browsers.opened(view, page, "#plan=abc")
    assert "no plan that can be read" in text(view, ".notice")


def test_files_are_saved_and_opened(view: Any, tmp_path: Path) -> None:
    view.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    press(view, "CSV")
    press(view, "PNG")
    press(view, "Save plan (YAML)")
    press(view, "Save page with plan")
    files = wait(
        lambda: len(found := [f for f in tmp_path.iterdir() if f.suffix != ".crdownload"]) == 4 and found
    )
    kinds = {file.suffix: file for file in files}
    assert kinds[".png"].read_bytes().startswith(b"\x89PNG")
    assert "q0.975" in kinds[".csv"].read_text("utf-8-sig").splitlines()[0]
    plan = kinds[".yaml"].read_text("utf-8")
    assert (
        browsers.differing(
            browsers.in_browser(view, city="hefei", yaml=plan), browsers.central(kinds[".yaml"], "hefei")
        )[1]
        == []
    )
    title = text(view, ".result h2")
    dropped = plan.replace("Own mix", "Dropped mix")
    drop = """
    const data = new DataTransfer()
    data.items.add(new File([arguments[0]], 'plan.yaml'))
    document.querySelector('.page').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }))
    """
    view.execute_script(drop, dropped)
    wait(lambda: "Dropped mix" in text(view, ".result h2"))
    view.execute_script(drop, "policies: {cash: on}")
    wait(lambda: "Unknown policy 'cash'" in text(view, ".notice"))
    settled(browsers.opened(view, kinds[".html"]))
    assert text(view, ".result h2") == title


def test_paper_shows_the_plan_and_whole_charts(view: Any) -> None:
    pdf = view.execute_cdp_cmd(
        "Page.printToPDF", {"printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69}
    )
    assert base64.b64decode(pdf["data"]).startswith(b"%PDF")
    view.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert (
            view.execute_script("return getComputedStyle(document.querySelector('.printed')).display")
            == "block"
        )
        assert view.execute_script("return document.querySelector('.controls').offsetParent") is None
        # on one canvas, which is opaque on paper: no other lies on it, and it holds fans and line
        assert view.execute_script("return document.querySelector('canvas.line').offsetParent") is None
        colours = view.execute_async_script(INKS)
        assert [0, 68, 136] in colours
        assert len(colours) > 20
    finally:
        view.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_reading_lays_its_assumptions_under_the_plan(view: Any, tmp_path: Path) -> None:
    view.execute_script(
        "const s = document.querySelectorAll('.choice select')[3]; s.value = 'article';"
        "s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    wait(lambda: "The article's world" in text(view, ".warnings"))
    view.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    press(view, "Save plan (YAML)")
    (file,) = wait(lambda: [f for f in tmp_path.iterdir() if f.suffix == ".yaml"])
    ours = browsers.central(file, "hefei")
    own = tmp_path / "own_mix.yaml"
    own.write_text(OWN, encoding="utf-8")
    read = ts.simulate(own, city="hefei", reading="article").isel(scenario=0)
    assert browsers.differing({str(n): ours[n].values for n in ours.data_vars}, read)[1] == []
