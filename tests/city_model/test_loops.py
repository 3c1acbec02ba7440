"""Opening a named loop moves nothing at the start and something later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from talent_sd.engine.runner import Model

OUTPUTS = ("total talent", "value added", "invention grants", "City Brand", "Fund", "fiscal revenue")
LOOPS = (
    "innovation", "cluster_depth", "fiscal_services", "brand", "pension_squeeze", "culture",
    "leaders_attract_teams", "graduate_pipeline", "jobs_follow_people", "jobs_and_wages", "housing",
    "service_congestion", "policy_budget", "saturation", "rival_response",
)  # fmt: skip
# Where a loop has work to do: a fund that runs dry, a culture programme, a drive that rivals answer.
BUSY = {
    "pension_squeeze": ("baseline", "mianyang"),
    "culture": ("culture_capital", "hangzhou"),
    "brand": ("culture_capital", "hangzhou"),
    "rival_response": ("mass_recruitment", "hefei"),
}


def opened(loop: str) -> dict[str, float]:
    return {f"loop closed[{loop}]": 0.0}


def test_the_loops_are_those_of_the_model(model: Model) -> None:
    assert model.structure.subscripts["loop"] == LOOPS


@pytest.mark.parametrize("loop", LOOPS)
def test_cutting_it_moves_nothing_at_the_start_and_something_later(run: Any, model: Model, loop: str) -> None:
    case = BUSY.get(loop, ("three_dimensional", "zhengzhou"))
    whole, cut = run(*case), run(*case, opened(loop))
    for name, variable in model.structure.variables.items():
        if variable.kind in ("stock", "auxiliary") and name in whole:
            np.testing.assert_allclose(
                cut[name].isel(time=0), whole[name].isel(time=0), rtol=1e-12, atol=1e-9, err_msg=name
            )
    moved = [abs(float(cut[name][-1] / whole[name][-1]) - 1) for name in OUTPUTS]
    assert max(moved) > 5e-4


@pytest.mark.parametrize("loop", LOOPS)
def test_its_switch_enters_one_link_or_two(model: Model, loop: str) -> None:
    text = model.path.read_text("utf-8")
    heard = text.count(f"loop closed[{loop}]*")
    open_side = text.count(f"(1 - loop closed[{loop}])*")
    assert heard in (1, 2)
    assert open_side == heard


# Where the theory gives a sign for what a loop does to a change that a policy or a shock has brought.
@pytest.mark.parametrize(
    ("loop", "scenario", "output", "amplifies"),
    [
        ("innovation", "industry_upgrade", "invention grants", True),
        ("leaders_attract_teams", "core_team_exit", "total talent", True),
        ("cluster_depth", "industry_upgrade", "Cluster Maturity", True),
        ("culture", "culture_capital", "total talent", True),
        ("brand", "culture_capital", "total talent", True),
        ("graduate_pipeline", "core_team_exit", "total talent", True),
        ("fiscal_services", "core_team_exit", "total talent", True),
        ("jobs_and_wages", "mass_recruitment", "total talent", False),
        ("housing", "mass_recruitment", "total talent", False),
        ("service_congestion", "mass_recruitment", "total talent", False),
        ("rival_response", "mass_recruitment", "total talent", False),
        ("policy_budget", "talent_policy_3", "total talent", False),
        ("saturation", "mass_recruitment", "total talent", False),
    ],
)
def test_it_amplifies_or_dampens_a_change(
    run: Any, loop: str, scenario: str, output: str, amplifies: bool
) -> None:
    gains = []
    for changes in ({}, opened(loop)):
        own, base = run(scenario, "zhengzhou", changes), run("baseline", "zhengzhou", changes)
        gains.append(abs(float(own[output][-1] / base[output][-1]) - 1))
    assert gains[0] > 1e-3
    assert (gains[0] > gains[1]) == amplifies
