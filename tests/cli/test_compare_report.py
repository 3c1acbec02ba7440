"""`talent-sd compare` hands over a report, in the language asked for, and says how to repeat it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .conftest import Outcome

Ran = tuple[Outcome, Path]


def test_compare_writes_the_report_in_the_language_asked_for(compared: Ran) -> None:
    page = (compared[1] / "report.html").read_text(encoding="utf-8")
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh-Hans" data-lang="zh">')
    assert "<title>合肥：政策比较</title>" in page
    command = "talent-sd compare baseline cash_subsidy_only hefei_combination --city hefei"
    assert page.count(f'<pre tabindex="0">{command}</pre>') == 2


def test_without_report_none_is_written(talent_sd: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = talent_sd(
        "compare", "cash_subsidy_only", "--no-plots", "--no-report", "--out", tmp_path / "out"
    )
    assert outcome.code == 0, outcome.err
    assert not (tmp_path / "out" / "report.html").exists()
