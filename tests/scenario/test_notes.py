"""Notes keep the files' words, and where they stand."""

from __future__ import annotations

from pathlib import Path

from talent_sd.inputs.scenario_chain import Note, load_scenario, read_notes


def test_a_note_keeps_reason_source_evidence_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: Mine\nextends: baseline\npolicies:\n  venture_fund: on\n"
        "  industry_fund: {from: 2025, why: a pledge, source: the plan, evidence: [E19]}\n"
        "assumptions:\n  retirement rate: {value: 0.024, why: local yearbook}\n"
    )
    scenario = load_scenario(file)
    found = read_notes(scenario)
    assert [(n.kind, n.about, n.why, n.source, n.evidence, n.origin.line) for n in found] == [
        ("policy", "industry_fund", "a pledge", "the plan", ("E19",), 5),
        ("assumption", "retirement rate", "local yearbook", "", (), 7),
    ]
    assert {n.origin.file for n in found} == {scenario.file}


def test_a_childs_note_takes_its_parents_place(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text("title: P\npolicies:\n  venture_fund: {from: 2025, why: first}\n")
    (tmp_path / "child.yaml").write_text(
        "title: C\nextends: parent.yaml\npolicies:\n  venture_fund: {from: 2026, why: then}\n"
    )
    found = read_notes(load_scenario(tmp_path / "child.yaml"))
    assert [(note.why, Path(note.origin.file).name) for note in found] == [("then", "child.yaml")]
    assert isinstance(found[0], Note)
