"""How long a full attribution takes: 15 loops, one output, one scenario; the target is under 4 s on two cores."""

from talent_sd.attribution import attribute, switch_parts
from talent_sd.engine.runner import load_model
from talent_sd.inputs import resolve_scenario
from talent_sd.inputs.settings import LOOP_SWITCH


def test_a_full_attribution(benchmark):
    model = load_model()
    params = resolve_scenario("baseline", "hefei", model.structure).params()
    parts = switch_parts(model, LOOP_SWITCH)
    found = benchmark.pedantic(
        attribute, (model, params, LOOP_SWITCH, parts, "total talent", [2034.0]), rounds=3, warmup_rounds=1
    )
    assert found.sizes["part"] == 15
