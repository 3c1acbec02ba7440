"""Money: a budget in yuan caps what policies spend, and a policy's size in yuan is what the city's run spends on it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.forecast.money import sized, worth, yearly_cost
from talent_sd.forecast.prepare import prepare
from talent_sd.forecast.scenario_diff import scenario_differences
from talent_sd.inputs import resolve_scenario

Write = Callable[[str, str], Path]
WISHED = ["desired spending", "policy level", "policy budget", "total policy spending"]


def central(file: Path, city: str = "wuxi") -> tuple[xr.Dataset, dict[str, object]]:
    prepared = prepare(file, city)
    params = prepared.first.params()
    return prepared.model.run(params, outputs=WISHED, times=np.arange(2022, 2034.1, 0.25)), params


def test_a_budget_is_the_same_real_money_in_each_of_its_years_and_the_share_of_old_outside(
    write: Write,
) -> None:
    file = write(
        "b.yaml",
        "title: t\nextends: baseline\n"
        "budget: {yuan per year: 7.0e8, from: 2026, until: 2030, price_basis: 2023}\n",
    )
    run, params = central(file)
    plain = central(Path("baseline"))[0]["policy budget"]
    real = run["policy budget"] * worth(params, run["time"].values)
    inside = (run["time"] >= 2026) & (run["time"] < 2030)
    np.testing.assert_allclose(real.where(inside, drop=True), 7e8, rtol=1e-5)
    np.testing.assert_array_equal(
        run["policy budget"].where(~inside, drop=True), plain.where(~inside, drop=True)
    )


def test_what_policies_want_beyond_the_budget_is_not_paid(write: Write) -> None:
    text = "title: t\nextends: three_dimensional\nbudget: {yuan per year: 3.0e8}\n"
    run, params = central(write("b.yaml", text))
    real = (run["total policy spending"] * worth(params, run["time"].values)).sel(time=slice(2026, 2033.9))
    np.testing.assert_allclose(real, 3e8, rtol=1e-5)


@pytest.mark.parametrize("policy", ["cash_subsidy", "skill_certification", "open_labs", "talent_apartments"])
def test_a_size_in_yuan_is_what_the_central_run_would_spend_a_year(write: Write, policy: str) -> None:
    run, params = central(write("s.yaml", f"title: t\npolicies:\n  {policy}: {{from: 2026, size: 2.5e8}}\n"))
    assert float(yearly_cost(run, params).sel(policy=policy)) == pytest.approx(2.5e8, rel=1e-4)


def test_a_size_replaces_a_parents_intensity_and_an_intensity_a_parents_size(write: Write) -> None:
    write("a.yaml", "title: a\npolicies:\n  open_labs: {intensity: 0.004}\n")
    write("b.yaml", "title: b\nextends: a.yaml\npolicies:\n  open_labs: {size: 1.0e8}\n")
    file = write("c.yaml", "title: c\nextends: b.yaml\npolicies:\n  open_labs: {intensity: 0.005}\n")
    middle = prepare(Path("b.yaml"), "wuxi").first.values["open labs intensity"]
    assert middle.origin.text == "size: 1e+08 yuan/year"
    assert middle.value != 0.004
    assert prepare(file, "wuxi").first.values["open labs intensity"].value == 0.005


def test_a_size_beyond_what_the_policy_takes_is_refused_with_what_it_takes(write: Write) -> None:
    file = write("s.yaml", "title: t\npolicies:\n  talent_apartments:\n    size: 9.0e11\n")
    told = r"s\.yaml:4: talent_apartments\.size is 9e\+11 yuan a year, more than the policy takes in Handan: [\d.e+]+ at its highest intensity, 1\. Lower it\."
    with pytest.raises(ts.InputError, match=f"^{told}$"):
        prepare(file, "handan")


def test_a_size_and_an_intensity_together_are_refused(write: Write) -> None:
    file = write("s.yaml", "title: t\npolicies:\n  open_labs: {size: 1.0e8, intensity: 0.01}\n")
    told = "give either `intensity` or `size` (yuan a year), not both."
    with pytest.raises(ts.InputError, match=rf"^s\.yaml:3: open_labs: {re.escape(told)}$"):
        prepare(file, "wuxi")


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ("{from: 2025}", "b.yaml:2: the key 'yuan per year' is missing in budget. Add it."),
        ("{yuan per year: -5}", "b.yaml:2: budget.yuan per year: Input should be greater than 0 (it is -5)."),
        (
            "{yuan per year: 1.0e9, from: 2030, until: 2026}",
            "b.yaml:2: budget.until is 2026, not after from, 2030. Swap or mend them.",
        ),
        (
            "{yuan per year: 1.0e9, form: 2030}",
            "b.yaml:2: unknown key 'form' in budget. Did you mean 'from'?",
        ),
    ],
)
def test_a_wrong_budget_is_told_with_its_line(write: Write, budget: str, told: str) -> None:
    file = write("b.yaml", f"title: t\nbudget: {budget}\n")
    with pytest.raises(ts.InputError, match=f"^{re.escape(told)}$"):
        prepare(file, "wuxi")


def test_a_size_that_no_run_has_turned_into_an_intensity_is_refused(write: Write) -> None:
    model = ts.load_model()
    resolved = resolve_scenario(
        write("s.yaml", "title: t\npolicies:\n  open_labs: {size: 1.0e8}\n"), "wuxi", model.structure
    )
    with pytest.raises(ts.InputError, match=r"^s\.yaml:3: a size in yuan becomes an intensity by a run"):
        resolved.params()
    assert sized(model, resolved).params()["policy switch[open_labs]"] == 1


def test_a_diff_tells_sizes_and_budgets(write: Write) -> None:
    write("a.yaml", "title: a\npolicies:\n  open_labs: {intensity: 0.004}\n")
    file = write(
        "b.yaml", "title: b\npolicies:\n  open_labs: {size: 1.0e8}\nbudget: {yuan per year: 1.0e9}\n"
    )
    found = scenario_differences(Path("a.yaml"), file, ts.load_model())[2]
    assert [(one.key, one.old, one.new) for one in found] == [
        ("open_labs.intensity", 0.004, None),
        ("open_labs.size", None, 1e8),
        ("yuan per year", None, 1e9),
    ]


def test_a_run_writes_what_each_policy_was_paid_in_each_year(write: Write) -> None:
    from talent_sd.forecast.money import write_spending_table
    from talent_sd.forecast.simulate import run_prepared

    file = write("s.yaml", "title: t\npolicies:\n  open_labs: {from: 2026, until: 2029, size: 1.0e8}\n")
    prepared = prepare(file, "wuxi")
    assert write_spending_table(prepared, run_prepared(prepared), Path("spending.csv"))
    with Path("spending.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["policy"], row["year"]) for row in rows] == [
        ("open_labs", y) for y in ("2026", "2027", "2028")
    ]
    # it ramps up in its first year; a share of a growing budget grows with it
    real = [float(row["paid_in_year_real"]) for row in rows]
    assert real[0] < 0.6e8
    assert np.mean(real[1:]) == pytest.approx(1e8, rel=0.02)
