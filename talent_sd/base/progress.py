"""A progress bar for whatever takes longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 2.0
"""Seconds of work after which the bar appears."""


@contextmanager
def progress_bar(title: str, total: int, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the amount of work just done.

    The bar goes to stderr, only on a terminal, and only if the work is not done
    within `PATIENCE` seconds; nothing of it stays on the screen.

    Parameters
    ----------
    title : what is being done
    total : amount of work in all
    shown : False for silence
    """
    start, done = time.monotonic(), 0
    bar: Progress | None = None

    def advance(amount: int) -> None:
        """Count work as done; show the bar once the wait is long."""
        nonlocal bar, done
        done += amount
        if bar is None and shown and done < total and time.monotonic() - start > PATIENCE:
            bar = _started(title, total)
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _started(title: str, total: int) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar.add_task(title, total=total)
    bar.start()
    return bar
