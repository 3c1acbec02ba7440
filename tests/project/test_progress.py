"""The progress bar appears late, on terminals only."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from talent_sd.base import progress
from talent_sd.base.progress import progress_bar


def _shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, patience: float, shown: bool = True) -> str:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "PATIENCE", patience)
    monkeypatch.setattr(
        "rich.console.Console", lambda **_: Console(file=screen, force_terminal=terminal, width=80)
    )
    with progress_bar("Counting", 3, shown=shown) as advance:
        advance(1)
        advance(2)
    return screen.getvalue()


def test_slow_work_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Counting" in _shown(monkeypatch, terminal=True, patience=-1)


def test_quick_work_files_and_the_silent_show_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _shown(monkeypatch, terminal=True, patience=60) == ""
    assert _shown(monkeypatch, terminal=True, patience=-1, shown=False) == ""
    assert "Counting" not in _shown(monkeypatch, terminal=False, patience=-1)
