"""Small models with known answers, followed step by step."""

from pathlib import Path

import pytest

from talent_sd.analysis.link_scores import LinkScores, follow
from talent_sd.analysis.loop_scores import VariableLinks
from talent_sd.engine.equations import build_program
from talent_sd.engine.plan import make_plan
from talent_sd.engine.request import build_request
from talent_sd.model.structure import build_structure
from talent_sd.model.translate import translate

MODELS = Path(__file__).parent / "models"


def _links_of(name, **params):
    source = translate(MODELS / name)
    structure, program = build_structure(source), build_program(source)
    request = build_request(structure, params)
    plan = make_plan(program, structure, request)
    return VariableLinks(LinkScores(follow(program, plan, request.times, request.time_step)))


def _values_of(links, name):
    run = links.scores.trajectory
    return run.values[[slot.name for slot in run.program.slots].index(name), :, 0]


@pytest.fixture(name="links_of", scope="session")
def links_of_fixture():
    return _links_of


@pytest.fixture(name="values_of", scope="session")
def values_of_fixture():
    return _values_of
