"""The search finds an optimum that is known, goes on after a stop to the same bits, and refuses what it does not know."""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.search import Asked, choose, tidied
from talent_sd.search.generations import Archive, Quest, losses, read_goal, search
from talent_sd.search.plans import Bench, Levers, Plans, make_levers

pytest.importorskip("pymoo", reason="needs pymoo: pip install 'talent_sd[optimise]'")

SMALL = Path(__file__).parent / "three_policies.mdl"
BUDGET, GAINS = 100.0, np.array([3.0, 4.0, 0.5])
BEST = 9 * np.sqrt(BUDGET * (GAINS**2).sum())
"""Each yuan does as much as any other where money goes by the squares of the gains: nine years of sqrt(B sum g^2)."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(ts.load_model(SMALL), {}, {}, {}, 1, ("shared_labs", "teaching", "advertising"))


@pytest.fixture(scope="module")
def levers(bench: Bench) -> Levers:
    return make_levers(bench, BUDGET, 2025, 2035)


def quest(levers: Levers, seeds: tuple[int, ...], generations: int = 25, risk: str = "median") -> Quest:
    nothing = Plans(*(np.full((1, 3), year) for year in (0.0, 2025.0, 2035.0)))
    goals = (read_goal("total talent", levers.bench.model, 2034.0),)
    base = levers.bench.values(nothing, goals)[0]
    return Quest(levers, goals, base, risk, None, seeds, 24, generations, nothing)


def test_the_search_finds_the_known_optimum_within_a_per_cent_from_every_of_ten_seeds(levers: Levers) -> None:
    asked = quest(levers, tuple(range(10)))
    found = search(asked)
    assert set(found.volume) == set(range(10))
    best = 1000 * np.array([volume[-1] for volume in found.volume.values()])
    assert best.max() <= BEST * (1 + 1e-6)
    assert (best >= 0.99 * BEST).all()


def test_the_money_of_the_best_plan_goes_by_the_squares_of_the_gains(levers: Levers) -> None:
    asked = quest(levers, (0,))
    found = search(asked)
    plan = tidied(asked, found.plans.pick(choose(asked, found, 1)))
    money = levers.bench.costs(plan)[0]
    np.testing.assert_allclose(money, BUDGET * GAINS**2 / (GAINS**2).sum(), atol=0.1 * BUDGET)
    np.testing.assert_array_equal(plan.start[plan.on], 2025)


def test_a_search_stopped_and_gone_on_with_is_the_same_bits(levers: Levers, tmp_path: Path) -> None:
    whole = search(quest(levers, (3, 4), 6), tmp_path / "whole")
    search(quest(levers, (3, 4), 3), tmp_path / "stopped")
    torn = tmp_path / "stopped" / "seed_4_generation_0002.npz"
    torn.write_bytes(torn.read_bytes()[:100])  # as if the disk had stopped too
    resumed = search(quest(levers, (3, 4), 6), tmp_path / "stopped")
    for name in ("intensity", "start", "end"):
        np.testing.assert_array_equal(getattr(resumed.plans, name), getattr(whole.plans, name))
    np.testing.assert_array_equal(resumed.values, whole.values)
    assert resumed.volume == whole.volume
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "stopped" / file.name).read_bytes()


def test_what_is_kept_is_read_and_not_run_again(
    levers: Levers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = quest(levers, (5,), 3)
    first = search(asked, tmp_path)
    monkeypatch.setattr(Bench, "values", lambda *_: pytest.fail("was run again"))
    np.testing.assert_array_equal(search(asked, tmp_path).values, first.values)


def test_a_folder_with_another_search_is_refused(levers: Levers, tmp_path: Path) -> None:
    search(quest(levers, (0,), 1), tmp_path)
    told = f"{tmp_path} holds a search of something else. Choose another --out, or remove it."
    with pytest.raises(ts.InputError, match=f"^{re.escape(told)}$"):
        search(quest(levers, (0,), 1, risk="p10"), tmp_path)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 40, None])
def test_a_damaged_name_of_a_search_is_mended_or_told(
    levers: Levers, tmp_path: Path, damage: bytes | None
) -> None:
    asked, file = quest(levers, (0,), 1), tmp_path / "search.json"
    search(asked, tmp_path)
    whole = file.read_bytes()
    changed = whole.replace(b"median", b"mediao") if damage is None else damage
    file.write_bytes(changed)
    search(asked, tmp_path)
    assert file.read_bytes() == whole
    file.write_bytes(changed)
    told = f"{tmp_path} holds a search that is damaged. Choose another --out, or remove it."
    with pytest.raises(ts.InputError, match=f"^{re.escape(told)}$"):
        search(quest(levers, (0,), 1, risk="p10"), tmp_path)


def test_a_folder_in_place_of_a_generation_is_named(levers: Levers, tmp_path: Path) -> None:
    search(quest(levers, (0,), 1), tmp_path)
    file = tmp_path / "seed_0_generation_0000.npz"
    file.unlink()
    file.mkdir()
    told = f"{file}: cannot be written (Is a directory). Choose another place."
    with pytest.raises(ts.TalentError, match=f"^{re.escape(told)}$"):
        search(quest(levers, (0,), 1), tmp_path)


def test_no_plan_costs_more_than_the_budget(levers: Levers) -> None:
    points = np.random.default_rng(0).random((200, levers.size))
    plans = levers.plans(points)
    assert levers.bench.wanted(plans).max() <= 1.0
    assert plans.end.max() <= 2035
    assert (plans.end > plans.start).all()


def test_a_kept_policy_is_in_every_plan_and_one_left_out_in_none(bench: Bench) -> None:
    levers = make_levers(bench, BUDGET, 2025, 2035, keep=["advertising"], without=["teaching"])
    on = levers.plans(np.random.default_rng(1).random((50, levers.size))).on
    assert on[:, 2].all()
    assert not on[:, 1].any()
    assert 0 < on[:, 0].sum() < 50


def test_unknown_policies_are_refused_with_the_nearest_name(bench: Bench) -> None:
    with pytest.raises(ts.InputError, match="^unknown policy 'teching'. Did you mean 'teaching'[?]$"):
        make_levers(bench, BUDGET, 2025, 2035, keep=["teching"])


def test_regret_looks_at_the_best_of_each_draw() -> None:
    gain = np.array([[[0.0], [4.0]], [[3.0], [3.0]]])
    best = gain.max(axis=0)
    assert losses(gain, "regret", best).ravel().tolist() == [0.9 * 3, 0.9 * 1.0]
    assert losses(gain, "median", best).ravel().tolist() == [-2.0, -3.0]
    np.testing.assert_allclose(losses(gain, "p10", best).ravel(), [-0.4, -3.0])


def test_goals_of_a_misspelt_output_or_a_year_outside_are_refused(bench: Bench) -> None:
    with pytest.raises(ts.InputError, match="^unknown goal 'total talents'. Did you mean 'total talent'[?]$"):
        read_goal("total talents", bench.model, 2034.0)
    with pytest.raises(
        ts.InputError, match="^the goal 'total talent@1999' is at no year of the plan: write "
    ):
        read_goal("total talent@1999", bench.model, 2034.0)


def test_settings_of_a_search_that_make_no_sense_are_refused_all_at_once() -> None:
    asked = Asked("hefei", -1.0, ("total talent", "total talent"), risk="mean", start=2034, population=2)
    with pytest.raises(ts.InputError) as refused:
        asked.refuse(2034)
    assert list(refused.value.problems) == [
        "the budget is -1 yuan a year. Give a number above 0, up to 1e+12.",
        "unknown risk 'mean'. Did you mean 'median'? Use one of median, p10, regret.",
        "name at least one goal, and each once.",
        "plans from 2034 to 2034: they must end after they start, and by 2034. Correct the years.",
        "draws, searches, generations and plans must be 1 or more, the population 4 or more.",
    ]


def test_a_setting_that_is_none_is_refused() -> None:
    with pytest.raises(ts.InputError, match="^unknown setting 'drawz'. Did you mean 'draws'[?]$"):
        ts.optimise("hefei", 1e9, drawz=3)


def test_an_archive_holds_arrays_and_seeds_alone(levers: Levers, tmp_path: Path) -> None:
    search(quest(levers, (7,), 1), tmp_path)
    with np.load(tmp_path / "seed_7_generation_0000.npz", allow_pickle=False) as kept:
        assert sorted(kept.files) == ["end", "generation", "intensity", "points", "seed", "start", "values"]
        assert int(kept["seed"]) == 7
    assert Archive(None, {}).read(0, 0, np.zeros((1, 1))) is None


def test_without_the_extra_one_sentence_says_how_to_get_it(
    levers: Levers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymoo.algorithms.moo.nsga2", None)
    told = (
        "the search needs pymoo, which is not installed. Install it with: pip install 'talent_sd[optimise]'"
    )
    with pytest.raises(ts.InputError, match=f"^{re.escape(told)}$"):
        search(quest(levers, (0,), 1))


def test_plans_start_next_year_unless_told() -> None:
    assert Asked("hefei", 1e9, ("total talent",)).start == date.today().year + 1
