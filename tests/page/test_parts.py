"""The page's parts in node: equations as a function of what they read, Shapley shares, quantiles."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.language import fixed, percent
from talent_sd.forecast.compare import beaten, ranking
from talent_sd.inputs.settings import years_in_force
from talent_sd.output.policies.policy_tables import no_ratio
from talent_sd.output.speech import digits, hundredth, signed, year_spans
from talent_sd.policies.policy_table import cost_ratio, ranked

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


def told_numbers() -> list[float]:
    """Return many numbers, of every size, with the halves among them that two languages would round apart."""
    generator = np.random.default_rng(20)
    sizes = 10.0 ** generator.uniform(-10, 17, 4000) * generator.choice([-1, 1], 4000)
    powers = [sign * 10.0**power for power in range(-10, 18) for sign in (-1, 1)]
    halves = [number / 8 for number in range(-2001, 2001)] + [100 * n / 1000 for n in range(1000)]
    return [*sizes.tolist(), *sizes.round(3).tolist(), *powers, *halves, 9.9999, 999.9999999999999, 0.0]


def costs_of_effects() -> list[tuple[list[float], list[float]]]:
    """Return yuan and what they add in 1 to 21 draws, in which none, some or all add something."""
    generator = np.random.default_rng(21)
    return [
        (generator.uniform(1, 9, draws).tolist(), (generator.normal(shift, 1, draws) * generator.integers(0, 4, draws)).tolist())
        for draws in range(1, 22)
        for shift in (-9, -1, 0, 1, 9)
    ]  # fmt: skip


def plans_with_ties() -> list[list[list[float]]]:
    """Return what plans add in each draw, with many that add the same."""
    generator = np.random.default_rng(22)
    return [
        generator.integers(0, 4, (plans, draws)).astype(float).tolist()
        for plans in (2, 3, 6)
        for draws in range(1, 41)
    ]


def test_the_page_and_python_write_every_number_and_every_run_of_years_the_same() -> None:
    if NODE is None:
        pytest.skip("no node here (Debian: apt-get install nodejs)")
    numbers, shares = told_numbers(), [one / 2000 for one in range(2001)]
    quarters = np.random.default_rng(20).integers(0, 40, (500, 4)) / 4
    times = [[2025 + a, 2027 + b, [2026 + c, 2026.5 + c + d]] for a, b, c, d in quarters.tolist()]
    costs, plans = costs_of_effects(), plans_with_ties()
    done = subprocess.run(
        [NODE, Path(__file__).with_name("told.mjs"), SOURCES], capture_output=True, text=True, timeout=60,
        input=json.dumps({"numbers": numbers, "shares": shares, "times": times, "costs": costs, "plans": plans}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["digits"] == list(map(digits, numbers))
    assert told["digits_2"] == [digits(one, 2) for one in numbers]
    assert told["signed"] == list(map(signed, numbers))
    assert told["fixed"] == [[fixed(one, decimals) for decimals in range(3)] for one in numbers]
    assert told["relative"] == [percent(one).removesuffix(" %") for one in numbers]
    assert told["hundredth"] == list(map(hundredth, shares))
    years = [years_in_force(start, end, tuple(pause)) for start, end, pause in times]
    assert told["years"] == [[year_spans(one, lang) for lang in ("en", "zh")] for one in years]
    for lists, shares_of, order in zip(plans, told["beaten"], told["order"], strict=True):
        assert shares_of == beaten(np.array(lists)).tolist()
        spread = xr.Dataset({"total talent": (("scenario", "draw", "time"), np.array(lists)[..., None])})
        spread = spread.assign_coords(scenario=[f"{number}" for number in range(len(lists))])
        assert order == np.argsort(ranking(spread, ["total talent"])["rank"].values[0]).tolist()
    for (yuan, added), (each, falls) in zip(costs, told["costs"], strict=True):
        ratio = float(ranked(cost_ratio(np.array(yuan), np.array(added)))[1])
        assert (np.inf if each is None else each) == pytest.approx(ratio, rel=1e-15)
        assert no_ratio(xr.DataArray(added, dims="draw"), "en") == ("takes away" if falls else "adds nothing")
    assert hundredth(0.985) == 99
    assert digits(0.125, 2) == "0.13"


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
