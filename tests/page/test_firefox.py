"""The page in Firefox: the same bits, no request, nothing said to the console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import browsers, firefox

pytestmark = pytest.mark.skipif(
    firefox.BROWSER is None, reason="no Firefox here (Debian: apt-get install firefox-esr)"
)


def test_firefox_gives_pythons_bits_and_asks_for_nothing(page: Path, tmp_path: Path) -> None:
    pytest.importorskip("websocket")
    asked = [
        {"city": "hefei", "scenario": "three_dimensional"},
        {"city": "handan", "scenario": "own_mix", "draws": 200},
    ]
    with firefox.firefox(tmp_path) as driver:
        driver.open(page)
        script = f"((...given) => new Promise((done) => {{ given.push(done); (function () {{ {browsers.PACKED} }})(...given) }}))"
        found = [
            json.loads(driver.value(f"{script}({json.dumps(one)}).then(JSON.stringify)")) for one in asked
        ]
        events = driver.events
    assert (
        browsers.differing(browsers.unpacked(found[0]), browsers.central("three_dimensional", "hefei"))[1]
        == []
    )
    own = page.with_name("own_mix.yaml")
    assert browsers.differing(browsers.unpacked(found[1]), browsers.drawn(own, "handan"))[1] == []
    addresses = [e["params"]["request"]["url"] for e in events if e["method"] == "network.beforeRequestSent"]
    assert [a for a in addresses if not a.startswith((page.as_uri(), "data:", "blob:"))] == []
    assert [e["params"]["text"] for e in events if e["method"] == "log.entryAdded"] == []
