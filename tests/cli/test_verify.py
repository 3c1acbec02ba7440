"""`talent-sd verify` sets the native engine against PySD, and its exit code says whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from talent_sd.engine.runner import Model
from talent_sd.model_tests import verification
from talent_sd.model_tests.verification import verify_pairs

from .conftest import Outcome

Command = Callable[..., Outcome]


def test_a_pair_that_agrees_ends_with_0_and_a_table(talent_sd: Command, tmp_path: Path) -> None:
    outcome = talent_sd("verify", "baseline", "--city", "wuxi", "--until", "2023", "--out", tmp_path / "v")
    assert (outcome.code, outcome.err) == (0, "")
    assert "All 1 pairs agree to within rounding" in outcome.out
    table = pd.read_csv(tmp_path / "v" / "verify.csv")
    assert list(table) == ["scenario", "city", "variables", "worst_variable", "times_tolerance"]
    assert table[["scenario", "city"]].to_numpy().tolist() == [["baseline", "wuxi"]]
    assert table["variables"].item() > 300
    assert 0 <= table["times_tolerance"].item() <= 1
    assert table["worst_variable"].item() in outcome.out


def test_a_pair_that_differs_ends_with_1(talent_sd: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    # no two engines agree to the last bit: with next to no tolerance they must be found out
    monkeypatch.setattr(verification, "TOLERANCE", 1e-25)
    outcome = talent_sd("verify", "baseline", "--city", "wuxi", "--until", "2023", "--lang", "zh")
    assert (outcome.code, outcome.err) == (1, "")
    assert "1 组中有 1 组之差超出舍入误差" in outcome.out


def test_two_processes_find_what_one_finds() -> None:
    chosen = (["baseline", "hefei_combination"], ["hefei"])
    alone = verify_pairs(*chosen, until=2023, processes=1)
    counted: list[int] = []
    assert verify_pairs(*chosen, until=2023, processes=2, done=counted.append) == alone
    assert counted == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--city", "hefei", "--cities", "wuxi"),
            "--city and --cities exclude each other. Give one of them.",
        ),
        (("--cities", " , "), "--cities names no city. Give them as A,B,C."),
        (("--cities", "hefei,wuxy"), "unknown city 'wuxy'. Did you mean 'wuxi'?"),
        (("--city", "hefei", "--time-step", "0"), "time_step is 0. Give a number above 0."),
        (("--city", "hefei", "--until", "1999"), "final_time 1999 lies before initial_time 2022."),
    ],
)
def test_what_cannot_be_verified_is_refused(
    talent_sd: Command, options: tuple[str, ...], message: str
) -> None:
    outcome = talent_sd("verify", "baseline", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert outcome.err.rstrip().endswith("Nothing was simulated.")


def test_a_stopped_verification_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    stops_at = [2]

    def compared(model: object, reference: object, task: verification._Task) -> verification.Agreement:
        ran.append(task.scenario)
        if len(ran) in stops_at:
            raise KeyboardInterrupt
        return verification.Agreement(task.scenario, task.city, 300, "Talent", 0.25)

    # what is compared, and how, is tried above: here no engine is built
    monkeypatch.setattr(verification, "_compare", compared)
    monkeypatch.setattr(Model, "built_reference", lambda self, request: nullcontext())
    verify = partial(verify_pairs, ["baseline", "cash_subsidy_only"], ["hefei"], until=2023, processes=1)
    with pytest.raises(KeyboardInterrupt):
        verify()
    stops_at.clear()
    counted: list[int] = []
    with pytest.warns(verification.VerificationNotice, match=r"^1 pairs come from the run that was stopped;"):
        whole = verify(done=counted.append)
    assert [one.scenario for one in whole] == ["baseline", "cash_subsidy_only"]
    assert ran == ["baseline", "cash_subsidy_only", "cash_subsidy_only"]
    assert counted == [1, 1]
    # one that ended leaves nothing to go on from
    assert verify() == whole
    assert ran[3:] == ["baseline", "cash_subsidy_only"]
    # and another length of the runs is another verification
    stops_at.append(len(ran) + 2)
    with pytest.raises(KeyboardInterrupt):
        verify()
    verify(until=2024)
    assert ran[7:] == ["baseline", "cash_subsidy_only"]
