"""The option for a report, and the command that it tells to repeat."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

ReportOption = Annotated[
    bool, typer.Option("--report/--no-report", help="Write report.html, one offline page to hand over.")
]


def command_line(name: str, arguments: Sequence[object], options: Mapping[str, object]) -> str:
    """Return a command as typed in a shell; options that are None are left out.

    >>> command_line("compare", ["my mix.yaml"], {"--city": "hefei", "--draws": None, "--seed": 1})
    "talent-sd compare 'my mix.yaml' --city hefei --seed 1"
    """
    given = [str(part) for pair in options.items() if pair[1] is not None for part in pair]
    return shlex.join(["talent-sd", name, *map(str, arguments), *given])
