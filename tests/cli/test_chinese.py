"""Everything the program says can be said in Chinese."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import talent_sd

from .conftest import Outcome

Command = Callable[..., Outcome]
PACKAGE = Path(talent_sd.__file__).parent
ERRORS = ("InputError", "ModelError", "UnitError", "TalentError", "UnsupportedError")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def raw(call: ast.Call) -> bool:
    """Whether an error is given a text that is not looked up: it has no `tell` and no values of its own."""
    texts = [part for part in call.args if isinstance(part, (ast.Constant, ast.JoinedStr))]
    return any(isinstance(part, ast.JoinedStr) or not call.keywords for part in texts)


def test_no_error_is_raised_with_a_text_that_cannot_be_translated() -> None:
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ERRORS
        and raw(node)
    }
    assert found == set()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("title: t\npolicies:\n  housing_vouchers: on\n", ["s.yaml:3: 没有名为“housing_vouchers”的政策。是否指“housing_voucher”？"]),
        ("title: t\npolicies:\n  现金补帖: on\n", ["s.yaml:3: 没有名为“现金补帖”的政策。是否指“cash_subsidy”？"]),
        ("title: t\npolicies:\n  industry_fund: {intensity: 3}\n", ["s.yaml:3: industry_fund.intensity 为 3，高于模型上限 0.2（按比例填写：3% 写作 0.03）。"]),
        ("title: t\npolicies:\n  cash_subsidy: {from: 2030, until: 2027}\n", ["s.yaml:3: cash_subsidy.until 为 2027，不晚于 from（2030）。请对调或更正。"]),
        ("title: t\nextends: baselin\n", ["s.yaml:2: 没有名为“baselin”的政策情景。是否指“baseline”？自带：baseline、cash_subsidy_only、core_team_exit、culture_capital、golden_blue_collar、hefei_combination、hometown_return、industry_upgrade、mass_recruitment、quality_city、talent_policy_3、three_dimensional；也可给出 .yaml 文件路径。"]),
        ("title: t\ntitel: u\n", ["s.yaml:2: 没有名为“titel”的键。是否指“title”？"]),
        ("title: t\ntitle: u\n", ["s.yaml:2: 键“title”重复（首次在第 1 行）。请只留一处。"]),
        ("title: t\npolicies:\n", ["s.yaml:2: policies 为空。请填写，或删去该键。"]),
        ("title: t\nassumptions:\n  policy budget share: 0.1\n", ["s.yaml:3: policy budget share: 假设须写明理由，写法为 {value: 0.1, why: ...}（现为0.1）。"]),
        ("title: t\nassumptions:\n  policy budget share: {value: 9, why: w}\n", ["s.yaml:3: policy budget share 为 9，高于模型上限 0.5（按比例填写：9% 写作 0.09）。"]),
        ("title: t\nshocks:\n  core_team_exit: {at: 1990, size: 0.2}\n", ["s.yaml:3: core_team_exit.at 为 1990，低于模型下限 2000 year。", "s.yaml:3: core_team_exit.at 为 1990，超出模拟期（2022 至 2034 之前）。请调整。"]),
        ("title: a: b\n", ["s.yaml:1: 不是有效的 YAML：此处不应有“键: 值”。请检查缩进、冒号与引号。"]),
        ("title: [t\n", ["s.yaml:1: 不是有效的 YAML：方括号未闭合，缺少“,”或“]”。请检查缩进、冒号与引号。"]),
        ("title: t\n", []),
    ],
)  # fmt: skip
def test_a_typical_mistake_is_told_in_chinese(talent_sd: Command, text: str, messages: list[str]) -> None:
    Path("s.yaml").write_text(text, "utf-8")
    outcome = talent_sd("check", "s.yaml", "--lang", "zh")
    assert outcome.err.splitlines() == messages
    assert outcome.code == (2 if messages else 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--city", "合非"), "没有名为“合非”的城市。是否指“合肥”？"),
        (("run", "missing.yaml"), "missing.yaml: 没有该文件。请检查路径。"),
        (("run", "--cluster", "x"), "--cluster 用于多次抽样。请加上 --draws，例如 --draws 1000。"),
        (("verify", "--city", "wuxi", "--cities", "hefei"), "--city 与 --cities 不能同时使用。请只给其一。"),
    ],
)
def test_a_mistyped_command_is_answered_in_chinese(
    talent_sd: Command, arguments: tuple[str, ...], message: str
) -> None:
    outcome = talent_sd(*arguments, "--lang", "zh")
    assert outcome.code == 2
    assert outcome.err.startswith(message)


def test_a_city_goes_by_its_chinese_name(talent_sd: Command) -> None:
    for name in ("合肥", "合肥市"):
        outcome = talent_sd("run", "合肥式组合拳", "--city", name, "--central", "--no-plots", "--lang", "zh")
        assert (outcome.code, outcome.out.splitlines()[0].strip()) == (0, "合肥：合肥式组合拳")


def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from talent_sd.cli import main; main()", *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False,
        env={"PATH": "", "PYTHONUTF8": "1", "COLUMNS": "100", **environment},
    )  # fmt: skip


def test_the_environment_makes_help_and_usage_errors_chinese() -> None:
    helped = run_program("--help", LANG="zh_CN.UTF-8")
    assert helped.returncode == 0
    assert "预测一座中国城市未来十年的人才及其带动的一切。" in helped.stdout
    assert not re.search(r"Usage|Options|Commands|Show", helped.stdout)
    wrong = run_program("run", "--citty", "hefei", TALENT_SD_LANG="zh")
    assert wrong.returncode == 2
    assert "没有选项 --citty" in wrong.stderr


def test_an_empty_folder_is_refused() -> None:
    outcome = run_program("run", "--out", "", "--lang", "zh")
    assert (outcome.returncode, outcome.stderr) == (2, "--out 为空。请给出文件夹；“.” 表示当前文件夹。\n")
    assert run_program("run", "--out=").returncode == 2
