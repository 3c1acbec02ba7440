"""Link and loop scores against known answers, brute force and another program."""

from pathlib import Path

import networkx
import numpy as np
import pytest

from talent_sd.loops.link_scores import LinkScores
from talent_sd.loops.loop_scores import VariableLinks, relative_scores

MODELS = Path(__file__).parent / "models"


def test_an_inflow_from_5_to_10_and_an_outflow_from_4_to_5_score_five_quarters_and_one_quarter(links_of):
    links = links_of("two_flows.mdl")
    assert links.score("inflow", "Level")[0, 0, :, 0].tolist() == [5 / 4, 0]
    assert links.score("outflow", "Level")[0, 0, :, 0].tolist() == [-1 / 4, 0]


def test_in_logistic_growth_the_balancing_loop_has_the_share_of_the_capacity_filled_at_every_step(
    links_of, values_of
):
    links = links_of("logistic.mdl")
    shares = relative_scores(
        {"R": links.loop_score(["Population", "growth"]),
         "B": links.loop_score(["Population", "room", "growth"])})  # fmt: skip
    filled = values_of(links, "Population")[:-1] / 1000
    np.testing.assert_allclose(shares["B"][:, 0], -filled, rtol=1e-9)
    np.testing.assert_allclose(shares["R"][:, 0], 1 - filled, rtol=1e-9)


@pytest.mark.parametrize(
    "route",
    [["People", "coming"], ["People", "total", "crowding", "going"], ["People", "going"],
     ["People", "appeal", "coming"], ["People", "total", "appeal", "coming"],
     ["total", "crowding", "appeal", "coming", "People"]],
    ids="-".join,
)  # fmt: skip
def test_the_trace_of_a_loop_equals_the_sum_over_all_its_element_circles(route, links_of):
    links = links_of("tiers.mdl")
    run = links.scores.trajectory
    graph = networkx.DiGraph(
        (cause, effect) for effect in range(len(run.program.slots)) for cause in links.scores.causes(effect)
    )
    total, count = np.zeros(len(run.times) - 1), 0
    for circle in networkx.simple_cycles(graph):
        visible = [run.program.slots[slot].variable for slot in circle if not run.program.slots[slot].hidden]
        turns = [visible[i:] + visible[:i] for i in range(len(visible))]
        if route in turns:
            pairs = zip(circle, circle[1:] + circle[:1], strict=True)
            total += np.prod([links.scores.score(a, b)[:, 0] for a, b in pairs], axis=0)
            count += 1
    if route == ["People", "coming"]:
        assert count == 0
        with pytest.raises(KeyError, match="no link"):
            links.loop_score(route)
        return
    assert count >= 2
    np.testing.assert_allclose(links.loop_score(route)[:, 0], total, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["logistic.mdl", "workforce.mdl"])
def test_scores_of_scalar_models_agree_with_pysimlin(name, links_of):
    simlin = pytest.importorskip("simlin")
    links = links_of(name)
    graph = links.graph()
    sim = simlin.load(MODELS / name).simulate(enable_ltm=True)
    sim.run_to_end()
    names = {variable.lower().replace(" ", "_"): variable for variable in graph}
    scored = [link for link in sim.get_links() if link.score is not None]
    moving = {effect for effect, causes in graph.items() if causes} & {c for cs in graph.values() for c in cs}
    assert len(scored) == sum(cause in moving for effect in moving for cause in graph[effect])
    for link in scored:
        ours = links.score(names[link.from_var], names[link.to_var])[0, 0, :, 0]
        np.testing.assert_allclose(ours, link.score[1:], rtol=1e-6, atol=1e-9)
    loops = sim.get_run().loops
    shares = relative_scores(
        {loop.id: links.loop_score(_in_order([names[v] for v in loop.variables], graph)) for loop in loops}
    )
    assert len(loops) >= 2
    for loop in loops:
        theirs = loop.behavior_time_series[1:]
        np.testing.assert_allclose(np.nan_to_num(shares[loop.id][:, 0]), theirs, rtol=1e-6, atol=1e-9)


def _in_order(variables, graph):
    """Order a loop's variables as they cause each other."""
    within = networkx.DiGraph((c, e) for e in variables for c in graph[e] if c in variables)
    return next(circle for circle in networkx.simple_cycles(within) if len(circle) == len(variables))


def test_a_model_at_rest_scores_nothing_whatever_its_rounding(links_of, values_of):
    links = links_of("rest.mdl")
    water = values_of(links, "Water")
    assert np.ptp(water) > 0, "the test needs rounding"
    score = links.loop_score(["Water", "draining"])
    assert not score.any()
    assert np.isnan(relative_scores({"B": score})["B"]).all()


def test_a_smooth_between_two_variables_is_one_link(links_of):
    links = links_of("tiers.mdl")
    assert links.graph()["appeal"] == ("crowding", "People", "total")
    delayed = links.score("People", "appeal")
    # at first nobody has noticed: the smooth's level stands still for a step
    assert delayed.shape == (2, 2, 32, 1)
    assert not delayed[0, :, :3].any()
    assert delayed[0, :, 3:].all()
    gains = links.loop_gain(["People", "appeal", "coming"])
    assert (gains > 0).all()


def test_windows_score_what_links_usually_do_and_overlook_a_turn_and_a_jump(links_of):
    """Where a stock's net flow turns, its loop's own score passes infinity; the window's does not."""
    links = links_of("logistic.mdl")
    steps = len(links.scores.trajectory.times) - 1
    one_each = tuple(np.array([step]) for step in range(steps))
    route = ["Population", "room", "growth"]
    same = VariableLinks(LinkScores(links.scores.trajectory, windows=one_each)).loop_score(route)
    np.testing.assert_array_equal(same, links.loop_score(route))
    turn = int(np.abs(links.loop_score(route)[:, 0]).argmax())
    near = np.arange(turn - 6, turn + 7)
    window = VariableLinks(LinkScores(links.scores.trajectory, windows=(near, near[:0]))).loop_score(route)
    assert abs(window[0, 0]) < 0.2 * abs(links.loop_score(route)[turn, 0])
    assert abs(window[0, 0]) > 0.5 * np.median(np.abs(links.loop_score(route)[near, 0]))
    assert window[1, 0] == 0
