"""What the READMEs say to type works, their code does what it shows, and their links lead somewhere."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

import talent_sd
from talent_sd.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
READMES = [README, *(ROOT / part / "README.md" for part in ("models", "scenarios", "talent_sd"))]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md"]
BY_NAME = {str(page.relative_to(ROOT)): page for page in PAGES}


def command_after(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.+?)\n```", README.read_text("utf-8"), re.DOTALL)
    assert found, marker
    return found.group(1)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.+?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def files_shown(page: Path, marker: str) -> list[tuple[str, str]]:
    """Names and texts of the YAML files that a page shows under a marker."""
    pattern = rf"<!-- {marker}: (\S+) -->\n```yaml\n(.+?)^```$"
    return re.findall(pattern, page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_code_in_the_readmes_does_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = {name: doctest.testfile(str(page), module_relative=False) for name, page in BY_NAME.items()}
    assert {name: result.failed for name, result in results.items()} == dict.fromkeys(BY_NAME, 0)
    assert results["README.md"].attempted >= 8
    assert (tmp_path / "differences.png").stat().st_size > 10_000


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 150


def test_the_two_commands_set_up_from_nothing_but_python_and_pip() -> None:
    for marker, last in (("run command", ".venv/bin/talent-sd run"), ("test command", ".venv/bin/pytest")):
        first, install, final = command_after(marker).split(" && ")
        assert first == "python3 -m venv .venv"
        assert install.startswith(".venv/bin/pip install ")
        assert final == last


@pytest.mark.parametrize("name", BY_NAME)
def test_every_command_shown_is_one_that_talent_sd_takes(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    lines = [line for block in blocks(BY_NAME[name], "sh") for line in block.splitlines()]
    shown = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("talent-sd ")]
    for words in shown:
        context = group.make_context("talent-sd", [*words])
        command, subcommand, rest = group.resolve_command(context, [*words])
        assert subcommand is not None, (command, words)
        subcommand.make_context(command, rest, parent=context)  # refuses what it does not know
    assert len(shown) >= {"README.md": 7, "scenarios/README.md": 7}.get(name, 0)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_command_named_exists_with_its_options(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for line in re.findall(r"`talent-sd ([^`\n]+)`", BY_NAME[name].read_text("utf-8")):
        command, *words = line.split()
        known = {word for p in group.commands[command].params for word in (*p.opts, *p.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, line


def test_the_files_that_the_scenarios_readme_shows_are_fine(tmp_path: Path) -> None:
    shown = files_shown(ROOT / "scenarios" / "README.md", "file")
    assert len(shown) == 2
    for name, text in shown:
        (tmp_path / name).write_text(text, encoding="utf-8")
        outcome = CliRunner().invoke(app, ["check", str(tmp_path / name)])
        assert (outcome.exit_code, outcome.stderr) == (0, "")


def test_the_refusal_that_the_scenarios_readme_shows_is_the_one_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ROOT / "scenarios" / "README.md"
    ((name, text),) = files_shown(page, "refused")
    (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(app, ["check", name])
    assert (outcome.exit_code, [outcome.stderr]) == (2, blocks(page, "text"))


def test_the_parts_described_are_those_that_the_layers_know_in_their_order() -> None:
    text = (ROOT / "talent_sd" / "README.md").read_text("utf-8")
    table = re.search(r"^\| part \|.+\n\|.+\n((?:\|.+\n)+)", text, re.MULTILINE)
    assert table
    described = re.findall(r"^\| `(\w+)` \|", table.group(1), re.MULTILINE)
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert described == [part for layer in reversed(contract["layers"]) for part in layer.split(" | ")]


def test_the_citation_has_the_version_and_the_article() -> None:
    cited = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {talent_sd.__version__}\n" in cited
    assert "人才流失危机，破解城市未来发展的留人难题" in cited


@pytest.mark.parametrize("name", BY_NAME)
def test_links_and_files_named_are_there(name: str) -> None:
    page = BY_NAME[name]
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE) if anchor else []
        slugs = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
        assert not anchor or anchor in slugs, target
    named = re.findall(r"`((?:models|scenarios|talent_sd|tests|docs|\.ci)/[\w./-]+)`", text)
    assert [file for file in named if not (ROOT / file).exists()] == []


def test_the_ci_script_runs_the_test_command_as_written() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    extraction = re.search(r"^command=\$\((.+)\)$", script, re.MULTILINE)
    assert extraction
    shell = subprocess.run(
        ["bash", "-c", extraction.group(1)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shell.stdout.strip() == command_after("test command")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_ci_script_is_sound_shell() -> None:
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)
