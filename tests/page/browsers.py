"""A page opened in a real browser, and its numbers held against Python's."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import talent_sd as ts

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
PACKED = """
const [asked, done] = arguments
const run = asked.yaml ? talentSD.runFile(asked.yaml, asked) : talentSD.run(asked)
run.then(({ outputs, shape }) => {
  const names = Object.keys(outputs)
  const all = new Float64Array(names.reduce((sum, name) => sum + outputs[name].length, 0))
  let at = 0
  for (const name of names) all.set(outputs[name], at), (at += outputs[name].length)
  const bytes = new Uint8Array(all.buffer)
  let text = ''
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768))
  done({ names, shape, data: btoa(text) })
}).catch((error) => done({ error: String(error) }))
"""
"""Runs what is asked and gives every output as one text."""


@contextmanager
def chromium(profile: Path, width: int = 1400, height: int = 900) -> Iterator[Any]:
    """Give a headless Chromium with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(300)
    sized(driver, width, height)
    try:
        yield driver
    finally:
        driver.quit()


def sized(driver: Any, width: int, height: int, mobile: bool = False) -> None:
    """Give the browser another screen."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile},
    )


def opened(driver: Any, path: Path, fragment: str = "") -> Any:
    """Open a page anew and wait until it can run."""
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get_log("performance")
    driver.get(path.as_uri() + fragment)
    for _ in range(300):
        if driver.execute_script("return document.documentElement.dataset.ready === 'true'"):
            return driver
        time.sleep(0.1)
    raise AssertionError(driver.execute_script("return document.body.innerText.slice(0, 500)"))


def requests(driver: Any, path: Path) -> list[str]:
    """Return every address asked for beside the page itself and what it holds."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert any(address.startswith(path.as_uri()) for address in asked)  # the log works
    return [a for a in asked if not a.startswith((path.as_uri(), "data:", "blob:"))]


def in_browser(driver: Any, **asked: Any) -> dict[str, np.ndarray]:
    """Run a plan in the page: output -> (draw, time, ...)."""
    found = driver.execute_async_script(PACKED, asked)
    assert "error" not in found, found["error"]
    return unpacked(found)


def unpacked(found: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the outputs from the text that `PACKED` gives."""
    numbers = np.frombuffer(base64.b64decode(found["data"]), "<f8")
    outputs, at = {}, 0
    for name in found["names"]:
        size = int(np.prod(found["shape"][name]))
        outputs[name] = numbers[at : at + size].reshape(found["shape"][name])
        at += size
    return outputs


def differing(page: dict[str, np.ndarray], forecast: Any) -> tuple[int, list[str]]:
    """Return how many values were compared, and the outputs that are not the same to the last bit.

    Parameters
    ----------
    forecast : one scenario's dataset; every variable of it must be among the page's
    """
    compared, wrong = 0, []
    for name in map(str, forecast.data_vars):
        own, other = forecast[name].values, page[name]
        assert own.shape == other.shape, (name, own.shape, other.shape)
        nan = np.isnan(own)
        same = np.array_equal(nan, np.isnan(other)) and np.array_equal(
            own[~nan].view("i8"), np.ascontiguousarray(other)[~nan].view("i8")
        )
        compared += own.size
        if not same:
            wrong.append(name)
    return compared, wrong


@cache
def central(scenario: str | Path, city: str, reading: Path | None = None) -> Any:
    """Run a scenario once in Python."""
    return ts.simulate(scenario, city=city, reading=reading).isel(scenario=0)


@cache
def drawn(scenario: str | Path, city: str, draws: int = 200, reading: Path | None = None) -> Any:
    """Run a scenario in Python for the page's draws."""
    return ts.ensemble(scenario, city=city, draws=draws, progress=False, reading=reading).isel(scenario=0)
