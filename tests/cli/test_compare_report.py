"""`talent-sd compare` hands over a report, in the language asked for, and says how to repeat it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

from .conftest import Outcome

Ran = tuple[Outcome, Path]


def test_compare_writes_the_report_in_the_language_asked_for(compared: Ran) -> None:
    page = (compared[1] / "report.html").read_text(encoding="utf-8")
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh-Hans" data-lang="zh">')
    assert "<title>合肥：政策比较</title>" in page
    command = "talent-sd compare baseline cash_subsidy_only hefei_combination --city hefei --central"
    assert page.count(f'<pre tabindex="0">{command}</pre>') == 2


def test_what_the_numbers_do_not_show_stands_in_the_capsule_and_in_the_report(
    talent_sd: Callable[..., Outcome], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outcome = talent_sd(
        "compare",
        "three_dimensional",
        "--city",
        "zhengzhou",
        "--central",
        "--no-plots",
        "--no-policies",
        "--out",
        out,
    )
    assert outcome.code == 0, outcome.err
    notice, shared, carried = json.loads((out / "run.json").read_text(encoding="utf-8"))["notices"]
    assert outcome.err == f"{notice}\n{shared}\n{carried}\n".replace("\N{NO-BREAK SPACE}", " ")
    told = html.unescape((out / "report.html").read_text(encoding="utf-8"))
    assert f"<li>{notice}</li>" in told
    assert "<li>郑州无力全额支付“three_dimensional”" in told


def test_without_report_none_is_written(talent_sd: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = talent_sd(
        "compare", "cash_subsidy_only", "--central", "--no-plots", "--no-report", "--out", tmp_path / "out"
    )
    assert outcome.code == 0, outcome.err
    assert not (tmp_path / "out" / "report.html").exists()
