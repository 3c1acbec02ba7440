"""Small models with known answers, followed step by step."""

from pathlib import Path

import pytest

from talent_sd import attribution
from talent_sd.engine.runner import load_model
from talent_sd.loops.feedback_loops import study_loops
from talent_sd.loops.kept_run import follow
from talent_sd.loops.link_scores import LinkScores
from talent_sd.loops.loop_scores import VariableLinks

MODELS = Path(__file__).parent / "models"
SCENARIOS = ("baseline", "cash_subsidy_only", "hefei_combination")


def _links_of(name, **params):
    return VariableLinks(LinkScores(follow(load_model(MODELS / name), params)))


def _values_of(links, name):
    run = links.scores.trajectory
    return run.values[[slot.name for slot in run.program.slots].index(name), :, 0]


@pytest.fixture(scope="session")
def studies():
    """Loops of the shipped scenarios in Hefei; the baseline's combinations of switches are run once for all."""
    kept = []
    run = attribution.run_coalitions

    def run_once(model, params, inputs, keys, rows, outputs, years, **how):
        asked = (dict(params), keys, list(rows.ravel()), list(outputs), list(years), how)
        for known, found in kept:
            if known == asked and not inputs:
                return found
        kept.append((asked, run(model, params, inputs, keys, rows, outputs, years, **how)))
        return kept[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "run_coalitions", run_once)
        return {name: study_loops(name, "hefei") for name in SCENARIOS}


@pytest.fixture(name="links_of", scope="session")
def links_of_fixture():
    return _links_of


@pytest.fixture(name="values_of", scope="session")
def values_of_fixture():
    return _values_of
