"""The shipped model's named loops: in its own graph, with the polarity they claim."""

import re
from functools import reduce
from operator import mul

import numpy as np
import pytest

from talent_sd.attribution import attribute
from talent_sd.base.errors import InputError, ModelError
from talent_sd.engine.runner import load_model
from talent_sd.inputs import resolve_scenario
from talent_sd.inputs.settings import LOOP_SWITCH
from talent_sd.loops.kept_run import follow
from talent_sd.loops.link_scores import LinkScores
from talent_sd.loops.loop_names import cut_links, read_loops
from talent_sd.loops.loop_scores import VariableLinks
from talent_sd.model.translate import translate


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def names(model):
    return read_loops(model.structure)


@pytest.fixture(scope="module")
def runs(model):
    """Runs in which every loop is active: a poor city's fund, and policies beyond their budget."""
    busy = resolve_scenario("hefei_combination", "hefei", model.structure).params()
    on = {f"policy switch[{name}]": 1.0 for name in model.structure.subscripts["policy"]}
    poor = resolve_scenario("baseline", "shenyang", model.structure).params() | {"start fund years": 0.3}
    busy |= on | {"policy budget share": 0.005}
    return [VariableLinks(LinkScores(follow(model, params))) for params in (busy, poor)]


def test_every_switch_of_the_model_has_its_loop_and_story(model, names):
    switches = model.structure.subscripts[model.structure[LOOP_SWITCH].dims[0]]
    assert sorted(loop.name for loop in names.loops) == sorted(switches)
    for loop in names.loops:
        assert re.search("[一-鿿]", loop.label["zh"])
        assert re.search("[一-鿿]", loop.story["zh"])
        assert loop.label["en"] != loop.label["zh"]


@pytest.mark.parametrize("number", range(15))
def test_each_loop_has_the_polarity_it_claims(number, names, runs):
    loop = names.loops[number]
    signs = set()
    for links in runs:
        for route in loop.routes:
            gain = links.loop_gain(route)
            signs |= set(np.sign(gain[gain != 0]).tolist())
    assert signs == {1.0 if loop.polarity == "R" else -1.0}, loop.name


def test_each_switch_cuts_every_route_of_its_loop(model, names):
    for loop in names.loops:
        params = resolve_scenario("hefei_combination", "hefei", model.structure).params()
        assert f"{LOOP_SWITCH}[{loop.name}]" not in params
        closing = model.structure[loop.closes]
        assert LOOP_SWITCH in closing.depends_on or all(
            any(LOOP_SWITCH in model.structure[variable].depends_on for variable in route)
            for route in loop.routes
        )


def test_every_reader_of_a_switch_is_a_link_that_it_cuts_with_what_it_carries_then(model, names):
    links = cut_links(translate(model.path))
    readers = {name for name, one in model.structure.variables.items() if LOOP_SWITCH in one.depends_on}
    assert {link for cut in links.values() for link in cut} == readers
    assert len(readers) > len(names.loops)
    assert all(loop.closes in links[loop.name] for loop in names.loops)
    cut = {f"{LOOP_SWITCH}[{name}]": 0.0 for name in links}
    params = resolve_scenario("hefei_combination", "hefei", model.structure).params() | cut
    told = {link: stead for one in links.values() for link, stead in one.items()}
    outputs = list({*told, *(name for stead in told.values() for name in stead)})
    run = model.run(params=params, outputs=outputs, times=[2024.0, 2034.0])
    for link, stead in told.items():
        carried = reduce(mul, (run[name] for name in stead))
        assert np.allclose(run[link] - carried, 0.0, atol=1e-9 * float(abs(carried).max())), link


def test_a_loop_file_is_refused_with_every_problem_and_its_line(model, tmp_path):
    file = tmp_path / "loops.yaml"
    file.write_text(
        "segments: {go: [arrivals]}\n"
        "loops:\n"
        "  brand:\n"
        "    polarity: R\n"
        "    label: Brand\n"
        "    story: A name brings people.\n"
        "    closes: brand heard\n"
        "    passes:\n"
        "      - [City Brand, brand herd]\n"
        "      - [City Brand, Residents]\n"
        "      - [City Brand, {any: [zzz]}]\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_loops(model.structure, file)
    problems = caught.value.problems
    name = str(file)
    assert f"{name}:9: the model has no variable 'brand herd'. Did you mean 'brand heard'?" in problems
    assert (
        f"{name}:10: 'brand': 'Residents' does not depend on 'City Brand'. It depends on Residents by Age."
        in problems
    )
    assert f"{name}:11: unknown segment 'zzz'." in problems
    assert any("the model's loop 'innovation' is missing. Add it." in problem for problem in problems)


def test_policies_split_the_same_way_with_their_interactions(model):
    params = resolve_scenario("hefei_combination", "hefei", model.structure).params()
    on = ["industry_fund", "venture_fund", "talent_apartments"]
    split = attribute(model, params, "policy switch", on, "total talent", [2034.0])
    assert split["share"].dims == ("part", "time")
    effect = float(split["whole"][0] - split["without"][0])
    assert float(split["share"].sum()) == pytest.approx(effect, rel=1e-9)
    baseline = model.run(resolve_scenario("baseline", "hefei", model.structure).params(), times=[2034.0])
    assert float(split["without"][0]) == pytest.approx(float(baseline["total talent"][0]), rel=1e-12)
    pairs = split["interaction"].values[:, :, 0]
    np.testing.assert_array_equal(pairs, pairs.T)
    assert pairs.any()


def test_an_unknown_switch_is_refused_with_those_there_are(model):
    with pytest.raises(
        ModelError, match=r"^city.mdl: 'loop closed' has no switch brands. It has innovation, "
    ):
        attribute(model, {}, LOOP_SWITCH, ["brands"], "total talent", [2034.0])
