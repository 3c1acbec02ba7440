"""Every law of models/laws.yaml, on the shipped model."""

from __future__ import annotations

import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.engine.runner import load_model
from talent_sd.inputs.strict_yaml import read_yaml
from talent_sd.laws.judge_laws import Judged, judge_laws, read_law_record
from talent_sd.laws.law_bench import Bench
from talent_sd.laws.law_files import read_laws
from talent_sd.laws.law_findings import FINDINGS

DRAWS = 40
"""Of the 100 that `talent-sd validate` takes, whose result ships with the model and is held to it below."""
LAWS = read_laws()


@pytest.fixture(scope="module")
def judged() -> dict[str, Judged]:
    return {one.law.id: one for one in judge_laws(Bench(load_model(), LAWS), DRAWS, FINDINGS)}


@pytest.mark.parametrize("name", [law.id for law in LAWS.laws])
def test_the_model_obeys_the_law(judged: dict[str, Judged], name: str) -> None:
    one = judged[name]
    wrong = [
        f"{row.city}: {row.value:g} ({row.why})" for row in one.rows if row.counts and row.verdict != "held"
    ]
    assert one.held, "; ".join(wrong)


def test_every_law_held_in_a_hundred_draws_of_this_model() -> None:
    record, held = read_law_record(), {"held"}
    assert record is not None
    assert (record.model_sha256, record.draws) == (load_model().structure.sha256, 100)
    counted = {law.id for law in LAWS.laws}
    assert counted <= record.laws.keys() | {law.id for law in LAWS.laws if law.finding}
    assert {
        name: cities for name, cities in record.laws.items() if {row[2] for row in cities.values()} != held
    } == {}


def test_the_lists_hold_every_tier_policy_and_loop_of_the_model() -> None:
    subscripts, lists = load_model().structure.subscripts, LAWS.content.lists
    assert set(lists["tier"]) == set(subscripts["tier"])
    assert set(lists["policy"]) == set(LAWS.content.policies) == set(subscripts["policy"])
    carried = {
        law.finding.removeprefix("loop_carries_")
        for law in LAWS.laws
        if law.finding.startswith("loop_carries_")
    }
    assert carried == set(subscripts["loop"])
    acting = {law.id.partition("_")[2] for law in LAWS.laws if law.id.startswith(("amplifies_", "dampens_"))}
    assert acting == set(subscripts["loop"])


def test_loops_amplify_or_dampen_by_their_polarity() -> None:
    told = read_yaml(shipped_folder("models") / "loops.yaml").plain()
    for law in LAWS.laws:
        verb, _, loop = law.id.partition("_")
        if verb in ("amplifies", "dampens"):
            assert told["loops"][loop]["polarity"] == {"amplifies": "R", "dampens": "B"}[verb], law.id  # type: ignore[index,call-overload]


def test_every_finding_is_known() -> None:
    findings = [law.finding for law in LAWS.laws if law.finding]
    assert findings
    assert [name for name in findings if not name.startswith(tuple(FINDINGS))] == []
