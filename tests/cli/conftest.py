"""Run `talent-sd` as a user does, and share one real run among the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talent_sd.cli.app import app


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code and what it printed."""

    code: int
    out: str
    err: str


def _talent_sd(*arguments: str | Path) -> Outcome:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, [str(argument) for argument in arguments])
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(name="talent_sd", scope="session")
def talent_sd_fixture() -> Callable[..., Outcome]:
    """Give the command: arguments in, outcome out."""
    return _talent_sd


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """One `talent-sd run` with the shipped baseline, plots and all."""
    out = tmp_path_factory.mktemp("run") / "forecast"
    return _talent_sd("run", "--central", "--out", out), out


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """One `talent-sd compare` of the three shipped scenarios, in Chinese."""
    out = tmp_path_factory.mktemp("compare") / "comparison"
    arguments = (
        "compare",
        "baseline",
        "cash_subsidy_only",
        "hefei_combination",
        "--city",
        "hefei",
        "--central",
        "--lang",
        "zh",
    )
    return _talent_sd(*arguments, "--out", out), out
