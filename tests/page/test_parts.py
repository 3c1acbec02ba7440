"""The page's parts in node: equations as a function of what they read, Shapley shares, quantiles."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import talent_sd as ts

NODE = shutil.which("node")
SOURCES = Path(ts.__file__).parent / "output" / "page" / "web" / "src"


@pytest.fixture(scope="module")
def found(page: Path) -> Any:
    """What `parts.mjs` finds."""
    if NODE is None:
        pytest.skip("no node here (Debian: apt-get install nodejs)")
    script = Path(__file__).with_name("parts.mjs")
    done = subprocess.run([NODE, script, SOURCES, page], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_equation_gives_from_a_runs_values_what_the_run_gave(found: Any) -> None:
    assert found["equal"] > 8_000
    assert found["differ"] == []


def test_causes_of_a_sum_add_up_and_lead_to_what_the_plan_sets(found: Any) -> None:
    assert found["changed"] > 10_000
    assert found["sum"] == pytest.approx(found["changed"])
    assert abs(found["rest"]) < 1e-6 * found["changed"]
    assert found["reached"] > 100
    assert "policy switch[venture_fund]" in found["set"]


def test_every_factor_of_a_product_has_its_part_in_the_change(found: Any) -> None:
    product = found["product"]
    moved = [cause for cause in product["causes"] if cause["now"] != cause["before"]]
    assert len(moved) >= 3
    assert all(cause["effect"] != 0 for cause in moved)
    assert abs(product["rest"]) < 0.15 * abs(product["changed"])
    parts = sum(cause["effect"] for cause in product["causes"])
    assert parts + product["rest"] + product["clock"] == pytest.approx(product["changed"])


def test_shapley_shares_are_exact_up_to_eight_policies_and_add_up_beyond(found: Any) -> None:
    assert found["shares"] == pytest.approx([4.0, 5.0, 4.0])
    assert found["sizes"]["exact"] == 8
    assert found["sizes"]["sampled"] < 250
    assert sum(found["means"]) == pytest.approx(13.5)
    assert found["means"][2] == pytest.approx(4.0)
    assert found["means"][0] == pytest.approx(4.0, abs=2.0)


def test_quantiles_are_numpys(found: Any) -> None:
    assert found["quantiles"] == pytest.approx(np.quantile([5, 1, 4, 2, 3, 9], [0.1, 0.5, 0.975]).tolist())
