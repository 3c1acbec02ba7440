"""A core team that leaves: at its time, in its size, and lost faster than won back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

QUARTERS = np.arange(2022.0, 2046.25, 0.25)
AT = 2027.0


@pytest.fixture(scope="module")
def gap(run: Any) -> xr.Dataset:
    """Return the relative gap to the baseline in Shenyang, quarter by quarter, to 2046."""
    own, base = (
        run(scenario, "shenyang", times=QUARTERS, final_time=2046.0)
        for scenario in ("core_team_exit", "baseline")
    )
    names = ["Talent", "invention grants", "supporting investment", "City Brand", "value added"]
    return own[names] / base[names] - 1


def years_of_half_fall_and_half_recovery(gap: xr.DataArray) -> tuple[float, float]:
    """Return the years from the shock to half the trough, and from the trough until half is won back."""
    years, values = gap["time"].values, gap.values
    trough = int(values.argmin())
    down = np.nonzero(values <= values[trough] / 2)[0]
    back = np.nonzero(values[trough:] > values[trough] / 2)[0]
    return years[down[0]] - AT, (years[trough + back[0]] - years[trough]) if len(back) else np.inf


def test_nothing_moves_before_it_and_the_stated_share_leaves(gap: xr.Dataset, run: Any) -> None:
    before = gap.sel(time=slice(None, AT))
    assert all(float(np.abs(before[name]).max()) == 0 for name in before)
    steps = run("core_team_exit", "shenyang", times=np.arange(AT, AT + 1, 1 / 16), final_time=AT + 1)
    lost = (steps["newcomer shock losses"] + steps["settled shock losses"]).sum("time") / 16
    # of those who were there and of those who came meanwhile
    assert float((lost / steps["Talent"][0]).sel(tier="leading")) == pytest.approx(0.2, abs=0.02)
    assert float((lost / steps["Talent"][0]).sel(tier="professional")) == pytest.approx(0.004, abs=0.0004)
    assert -0.2 <= float(gap["Talent"].sel(tier="leading", time=AT + 1)) < -0.15


def test_the_posts_of_those_who_left_stand_open_and_draw_others(run: Any) -> None:
    years = np.arange(2022.0, 2036.0, 0.25)
    own, base = (
        run(name, "shenyang", times=years, final_time=2036.0) for name in ("core_team_exit", "baseline")
    )
    open_posts = (own["post ratio"] / base["post ratio"] - 1).sel(tier="leading")
    assert float(np.abs(open_posts.sel(time=slice(None, AT))).max()) == 0
    assert float(open_posts.sel(time=AT + 1)) > 0.1
    assert float(open_posts.sel(time=AT + 7)) < 0.5 * float(open_posts.sel(time=AT + 1))
    arrivals = (own["arrivals"] / base["arrivals"] - 1).sel(tier="leading")
    assert float(arrivals.sel(time=AT + 1)) > 0.1


def test_not_everybody_is_at_work_at_the_start_and_fewer_posts_leave_fewer_at_work(run: Any) -> None:
    start = run("baseline", "hefei").isel(time=0)
    part = float(start["talent at work"].squeeze() / start["total talent"].squeeze())
    assert 0.6 < part < 0.85
    lost = run("baseline", "hefei", {"job loss time": 2025.0, "job loss size": 0.05})
    base = run("baseline", "hefei")
    for name in ("talent at work", "value added", "tax base"):
        assert float(lost[name].sel(time=2027) / base[name].sel(time=2027)) < 0.999, name


def test_leading_talent_is_lost_at_least_twice_as_fast_as_it_comes_back(gap: xr.Dataset) -> None:
    fall, half = years_of_half_fall_and_half_recovery(gap["Talent"].sel(tier="leading"))
    assert fall <= 0.75
    assert half >= 2 * fall


def test_patents_follow_after_the_grant_lag(gap: xr.Dataset) -> None:
    grants = gap["invention grants"]
    assert abs(float(grants.sel(time=AT + 1))) < 0.1 * float(np.abs(grants).sel(time=AT + 5))
    # a sixth of the leaders missing, at an elasticity of investment of a third
    assert float(gap["supporting investment"].sel(time=AT + 1)) < -0.05


def test_suppliers_and_the_name_fall_at_least_twice_as_fast_as_they_rise(run: Any) -> None:
    haste = float(run()["haste of decline"][0])

    def rate(ratio: float) -> float:  # of a stock over what supports it, as in the model's equations
        return abs(1 - ratio**haste) / haste

    assert rate(1.3) >= 2 * rate(0.7)
    assert rate(1.01) == pytest.approx(rate(0.99), rel=0.03)  # and without a kink


@pytest.mark.parametrize("city", ["hefei", "handan"])
def test_a_shock_of_no_size_is_no_shock(run: Any, city: str) -> None:
    none = run("core_team_exit", city, {"core team exit size": 0.0})
    base = run("baseline", city)
    for name in ("Talent", "value added", "City Brand"):
        xr.testing.assert_identical(none[name], base[name])


def test_a_larger_exit_does_more_harm_and_a_total_one_leaves_nothing_negative(run: Any) -> None:
    left = [run("core_team_exit", "shenyang", {"core team exit size": size}) for size in (0.1, 0.2, 0.5, 1.0)]
    output = [float(data["value added"][-1]) for data in left]
    assert output == sorted(output, reverse=True)
    worst = left[-1]
    assert float(worst["Talent"].min()) >= 0
    assert all(np.isfinite(worst[name]).all() for name in worst)


def test_a_smaller_step_takes_the_same_people_away(run: Any) -> None:
    lost = []
    for step in (0.0625, 0.015625):
        data = run("core_team_exit", "shenyang", time_step=step, times=[2027.0, 2028.0])
        lost.append(float(data["Talent"].sel(tier="leading", time=2028)))
    assert lost[0] == pytest.approx(lost[1], rel=2e-3)


def test_losing_years_count_at_year_end_and_the_premium_falls_15_percent_a_year_after_three(run: Any) -> None:
    # a steady loss of people: the noise on talent's growth, held at its own figure
    data = run(
        "baseline", "shenyang", {"tertiary growth noise": -0.08}, times=np.arange(2022.0, 2030.01, 0.25),
        final_time=2030.0,
    )  # fmt: skip
    premium, losing = data["Recruitment Premium"], data["Losing Years"]
    noticed = float(losing.time[np.nonzero(losing.values >= 3)[0][0]])
    assert noticed == pytest.approx(2025.25)
    np.testing.assert_array_equal(premium.sel(time=slice(2022, 2025)), 1)
    later = premium.sel(time=[2025.25, 2026.25, 2027.25]).values
    assert later[1] / later[0] == pytest.approx(0.85, abs=0.025)
    assert later[2] > float(data["lowest premium"][0])
