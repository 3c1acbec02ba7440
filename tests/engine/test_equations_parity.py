"""The flat program equals PySD, function by function; and the builder's refusals."""

from pathlib import Path

import numpy as np
import pytest

from talent_sd.base import cache
from talent_sd.engine.equations import build_program
from talent_sd.engine.evaluate import evaluate
from talent_sd.engine.pysd_reference import built_reference
from talent_sd.engine.request import build_request
from talent_sd.engine.slot_plan import assemble, make_plan
from talent_sd.model.structure import build_structure
from talent_sd.model.translate import translate
from talent_sd.model_tests.verification import deviations, largest_addends

# lookups are read beyond their points on purpose
pytestmark = pytest.mark.filterwarnings("ignore::talent_sd.base.errors.RangeNotice")

MODELS = sorted(path for path in (Path(__file__).parent / "models").glob("*/model.*"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_the_flat_program_equals_pysd_on_every_variable_at_every_time(path):
    source = translate(path)
    structure = build_structure(source)
    program = build_program(source)
    request = build_request(structure)
    plan = make_plan(program, structure, request)
    values = evaluate(program, plan.constants, plan.series, request.times, tables=plan.tables,
                      outputs=plan.outputs, save=request.save)  # fmt: skip
    ours = assemble(program, structure, request.outputs, values)
    with built_reference(source, structure, request) as built:
        reference = built.run(request)
    assert len(request.save) >= 9
    found = deviations(ours, reference, largest_addends(program, structure, request, plan))
    assert {name: worst for name, worst in found.items() if worst > 1} == {}
    assert all(np.isfinite(value).any() for value in reference.values())


def test_nothing_is_left_beside_the_model():
    assert {path.name for model in MODELS for path in model.parent.iterdir()} <= {"model.mdl", "model.xmile"}
