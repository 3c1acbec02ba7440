"""One page of two cities and a scenario of the user's own, and a browser for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import talent_sd as ts

from . import browsers

OWN = """title: {en: Own mix, zh: 自拟组合}
extends: cash_subsidy_only
policies:
  cash_subsidy: off
  venture_fund: {from: 2026, until: 2031, ramp: 2, intensity: 0.015, pause: {from: 2028, until: 2029}}
  talent_apartments: on
assumptions:
  departure elasticity: {value: 1.1, why: a guess}
shocks:
  core_team_exit: {at: 2028, size: 0.1}
"""

IN_YUAN = """title: In yuan
extends: baseline
policies:
  talent_apartments: {size: 2.0e+8}
  housing_voucher: on
budget: {yuan per year: 1.0e+9, until: 2032}
"""


@pytest.fixture(scope="session")
def own_scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario file of the user's."""
    path = tmp_path_factory.mktemp("own") / "own_mix.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, own_scenario: Path) -> Path:
    """The page's file."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.with_name("own_mix.yaml").write_text(OWN, encoding="utf-8")
    sized = path.with_name("in_yuan.yaml")
    sized.write_text(IN_YUAN, encoding="utf-8")
    ts.page([own_scenario, sized], ["hefei", "handan"]).save(path)
    return path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, page: Path) -> Iterator[Any]:
    """One headless Chromium with the page in it; skips where there is none."""
    if not (browsers.BROWSER and browsers.DRIVER):
        pytest.skip("no Chromium with its driver here (Debian: apt-get install chromium chromium-driver)")
    pytest.importorskip("selenium")
    with browsers.chromium(tmp_path_factory.mktemp("profile")) as driver:
        browsers.opened(driver, page)
        yield driver
