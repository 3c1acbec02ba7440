"""The reviewer's book: its equations read back equal the model's file, every requirement has an answer, nothing is fetched."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.main import get_command

from talent_sd.attribution import attribute
from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.files import shipped_folder
from talent_sd.cli.app import app
from talent_sd.evidence import measure_evidence
from talent_sd.forecast.compare import compare
from talent_sd.forecast.ensemble import ensemble
from talent_sd.inputs import list_cities
from talent_sd.inputs.city_figures import LATER, read_mapping
from talent_sd.inputs.scenario_chain import list_scenarios
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.inputs.settings import loop_key
from talent_sd.laws.judge_laws import LawRecord, read_law_record
from talent_sd.laws.law_files import read_laws
from talent_sd.loops import feedback_loops
from talent_sd.model.names import name_key
from talent_sd.model.structure import build_structure
from talent_sd.model.syntax import kind_of
from talent_sd.model.translate import translate
from talent_sd.model_tests.behaviour_checks import Verdict
from talent_sd.model_tests.check_files import read_checks
from talent_sd.model_tests.standard_tests import StandardTest
from talent_sd.output.backtest_tables import OUTCOMES
from talent_sd.output.report import print_book
from talent_sd.output.report import write_book as book_page
from talent_sd.output.report.book_sources import INSTITUTION, NAMED_HERE, NO_NAME, WORK, References
from talent_sd.output.report.html_pieces import SOURCE, chinese, filled, plain_table
from talent_sd.output.report.inputs_section import starts_table
from talent_sd.output.report.mathematics import Mathematics, anchor
from talent_sd.output.report.policies_section import median_error
from talent_sd.output.report.trust_section import fit_errors, lost_words
from talent_sd.output.validation_tables import Validation

from .test_report_browser import browser, opened, requests  # noqa: F401 (a fixture)

MODELS = sorted((Path(__file__).parents[1] / "engine/models").glob("*/model.*"))
SHIPPED = shipped_folder("models") / "city.mdl"
STRESS = [
    "1.1",
    "1.2",
    "1.3a",
    "1.3b",
    "1.3c",
    "2.1",
    "2.2",
    "2.3",
    "2.4",
    "2.5",
    "3.1",
    "3.2",
    "3.3",
    "3.4",
    "4.1",
    "4.2",
    "4.3",
    "5.1",
    "5.2",
    "5.3",
    "5.4",
    "6.1",
]
REQUIRED = [f"M{n}" for n in range(1, 9)] + [f"S{n}" for n in range(1, 10)] + [f"C{n}" for n in range(1, 9)]

WORDS = {"t": "time", "lookup": "inline_lookups"}

# ---- an equation as nested tuples, whoever wrote it ---------------------------------------------------


def summed(parts: list[tuple[int, Any]]) -> Any:
    """Return a sum: the signed terms in no order, a sum within a sum opened."""
    terms: Counter[Any] = Counter()
    for sign, part in parts:
        if isinstance(part, tuple) and part[0] == "sum":
            for term, count in part[1]:
                terms[term] += sign * count
        else:
            terms[part] += sign
    if len(terms) == 1 and set(terms.values()) == {1}:
        return next(iter(terms))
    return "sum", frozenset(terms.items())


def multiplied(parts: list[tuple[int, Any]]) -> Any:
    """Return a product: each factor with its power, 1 above and -1 below; a product within it opened."""
    factors: Counter[Any] = Counter()
    for power, part in parts:
        if isinstance(part, tuple) and part[0] == "product":
            for factor, count in part[1]:
                factors[factor] += power * count
        else:
            factors[part] += power
    if len(factors) == 1 and set(factors.values()) == {1}:
        return next(iter(factors))
    return "product", frozenset(factors.items())


def from_tree(node: Any) -> Any:
    """Return a tree of the reader's in that form."""
    kind = kind_of(node)
    if kind == "number":
        return (
            summed([(-1, abs(float(node)))]) if float(node) < 0 else float(node) if node == node else ":NA:"
        )
    if kind == "array":
        return ("", *(from_tree(one) for one in node)) if node.ndim == 1 else ("lines", *map(from_tree, node))
    if kind == "Reference":
        return "name", name_key(node.reference), tuple(node.subscripts.subscripts if node.subscripts else ())
    if kind == "Arithmetic":
        first, *others = map(from_tree, node.arguments)
        if node.operators == ["negative"]:
            return summed([(-1, first)])
        if node.operators[0] in "+-":
            return summed(
                [
                    (1, first),
                    *((1 if s == "+" else -1, o) for s, o in zip(node.operators, others, strict=True)),
                ]
            )
        if node.operators[0] == "^":
            for other in others:
                first = ("power", first, other)
            return first
        return multiplied(
            [(1, first), *((1 if s == "*" else -1, o) for s, o in zip(node.operators, others, strict=True))]
        )
    if kind == "Logic":
        return "logic", tuple(node.operators), *map(from_tree, node.arguments)
    if kind == "Lookups":
        return "points", tuple(zip(map(float, node.x), map(float, node.y), strict=True))
    if kind == "Call":
        return "call", from_tree(node.function), *map(from_tree, node.arguments)
    if isinstance(node, str):
        return "text", node
    parts = [value for value in vars(node).values() if value is not None and value is not False]
    return "call", ("name", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower(), ()), *map(from_tree, parts)


class MathML:
    """Reads MathML with eyes of its own: tokens in reading order, then the ranks of the signs."""

    def __init__(self, element: ElementTree.Element) -> None:
        self.tokens = list(self.flat(element))
        self.at = 0

    def flat(self, element: ElementTree.Element) -> Iterator[Any]:
        tag, children = element.tag, list(element)
        text = "".join(element.itertext())
        if tag == "mfrac" and children[1].text == "dt":
            yield "value", "rate"
        elif tag == "mfrac":
            above, below = (MathML(child).whole() for child in children)
            yield "value", multiplied([(1, above), (-1, below)])
        elif tag == "msup":
            yield "value", ("power", *(MathML(child).whole() for child in children))
        elif tag == "msqrt":
            yield "value", ("call", ("name", "sqrt", ()), *(MathML(child).whole() for child in children))
        elif tag == "msub":
            name = MathML(children[0]).whole()
            yield "value", ("name", name[1], tuple(one.get("data-s", "") for one in children[1].iter("mi")))
        elif tag == "munder":
            yield "sign", "∑"
        elif tag == "mtable" and element.get("class") == "cases":
            rows = [[MathML(cell).whole() for cell in row] for row in children]
            found = rows[-1][0]
            for value, condition in reversed([row[:2] for row in rows[:-1]]):
                found = ("call", ("name", "if_then_else", ()), condition, value, found)
            yield "value", found
        elif tag == "mn":
            yield "value", float(text) if text != ":NA:" else text
        elif tag == "mo" and text != "{":
            yield "sign", text
        elif tag == "mtext" and element.get("class") == "except":
            yield "except", text
        elif tag == "mtext" and element.get("class") == "word":
            pass
        elif tag == "mtext" and children:
            yield "value", ("name", key_of(children[0].get("href", "")), ())
        elif tag == "mtext":
            yield "value", ("text", text)
        elif tag == "mi":
            yield "value", ("name", WORDS.get(text, text.replace(" ", "_")), ())
        else:
            for child in children:
                yield from self.flat(child)

    def sign(self, *wanted: str) -> str:
        if (
            self.at < len(self.tokens)
            and self.tokens[self.at][0] == "sign"
            and self.tokens[self.at][1] in wanted
        ):
            self.at += 1
            return str(self.tokens[self.at - 1][1])
        return ""

    def whole(self) -> Any:
        found = self.logic(("or",)) if self.tokens else None
        assert self.at == len(self.tokens), self.tokens[self.at :]
        return found

    def logic(self, signs: tuple[str, ...]) -> Any:
        lower = {"or": ("and",), "and": ("=", "≠", "<", ">", "≤", "≥")}.get(signs[0])
        below = (lambda: self.logic(lower)) if lower else self.added
        parts, found = [below()], []
        while sign := self.sign(*signs):
            found.append({"or": ":OR:", "and": ":AND:", "≠": "<>", "≤": "<=", "≥": ">="}.get(sign, sign))
            parts.append(below())
        return ("logic", tuple(found), *parts) if found else parts[0]

    def added(self) -> Any:
        if self.sign("not"):
            return "logic", (":NOT:",), self.added()
        parts = [(-1 if self.sign("−") else 1, self.product())]
        while sign := self.sign("+", "−"):
            parts.append((1 if sign == "+" else -1, self.product()))
        return summed(parts)

    def product(self) -> Any:
        parts = [(1, self.one())]
        while sign := self.sign("·", "×"):
            other = self.one()
            if sign == "×":  # a number with its power of ten
                parts[-1] = (1, float(f"{parts[-1][1]}e{int(other[2])}"))
            else:
                parts.append((1, other))
        return multiplied(parts)

    def one(self) -> Any:
        if self.sign("∑"):
            return "call", ("name", "sum", ()), self.product()
        if self.sign("("):
            found = self.arguments()
            if len(found) == 1:
                return found[0]
            return ("pair" if len(found) == 2 else "", *found)
        kind, value = self.tokens[self.at]
        assert kind == "value", self.tokens[self.at :]
        self.at += 1
        if isinstance(value, tuple) and value[0] == "name" and self.sign("("):
            return "call", value, *self.arguments()
        return value

    def arguments(self) -> list[Any]:
        found: list[Any] = []
        while not self.sign(")"):
            found.append(self.points() or self.logic(("or",)))
            self.sign(",")
        return found

    def points(self) -> Any:
        """Return pairs that follow one another without a sign between, None where there are none."""
        found, start = [], self.at
        while self.sign("("):
            try:
                pair = self.arguments()
            except (AssertionError, IndexError):
                break
            if len(pair) != 2 or not all(isinstance(one, float) or one[0] == "sum" for one in pair):
                break
            found.append(tuple(map(as_number, pair)))
            if self.at < len(self.tokens) and self.tokens[self.at] != ("sign", "(") and len(found) > 1:
                return "points", tuple(found)
            if self.at == len(self.tokens):
                return "points", tuple(found)
        self.at = start
        return None


def as_number(value: Any) -> float:
    return value if isinstance(value, float) else -next(iter(value[1]))[0]


KEYS: dict[str, str] = {}


def key_of(link: str) -> str:
    return KEYS[link.removeprefix("#")]


def right_sides(math: str) -> list[list[Any]]:
    """Return the tokens to the right of an equation's first "="; of a stock those of its rate and of its start."""
    root = ElementTree.fromstring(math)
    top = root[0]
    stock = any(one.text == "dt" for one in top.iter("mi"))
    lines = [MathML(row).tokens for row in top] if stock else [MathML(root).tokens]
    return [line[line.index(("sign", "=")) + 1 :] for line in lines]


def read(tokens: list[Any]) -> Any:
    """Return what tokens say: the points of a curve, or an expression."""
    reader = MathML.__new__(MathML)
    reader.tokens, reader.at = [token for token in tokens if token[0] != "except"], 0
    return reader.points() or reader.whole()


def numbers(tokens: list[Any]) -> list[float]:
    """Return the numbers of a list, each with its sign."""
    found: list[float] = []
    for place, (sort, value) in enumerate(tokens):
        if sort == "value" and tokens[place - 1] == ("sign", "×"):
            found[-1] = float(f"{found[-1]}e{int(value[2])}")
        elif sort == "value":
            found.append(-value if tokens[place - 1] == ("sign", "−") else value)
    return found


def agrees(name: str, math: str, component: Any) -> bool:
    """Tell whether an equation in MathML says what its tree says, and of what."""
    tree, told = component.ast, right_sides(math)
    subscripts, excepted = component.subscripts
    root = ElementTree.fromstring(math)
    left = next(value for _, value in MathML(root).tokens if value != "rate")
    if kind_of(tree) != "Integ" and left != ("name", name_key(name), tuple(subscripts)):
        return False
    words = [one.text for one in root.iter("mtext") if one.get("class") == "except"]
    if words != [f"except {', '.join(group)}" for group in excepted]:
        return False
    if kind_of(tree) == "array":
        return numbers(told[0]) == np.ravel(tree).tolist()
    if kind_of(tree) == "Integ":
        return [read(one) for one in told] == [from_tree(tree.flow), from_tree(tree.initial)]
    return read(told[0]) == from_tree(tree)


@pytest.mark.parametrize("path", [SHIPPED, *MODELS], ids=lambda path: path.parent.name)
def test_every_equation_in_the_book_equals_the_models_file(path: Path) -> None:
    source = translate(path)
    structure = build_structure(source)
    KEYS.clear()
    KEYS.update({anchor(name): name_key(name) for name in structure.variables})
    writer = Mathematics({name_key(name): (name, name) for name in structure.variables})
    made = [
        (element.name, str(writer.equation(element.name, component)), component)
        for element in source.model.sections[0].elements
        for component in element.components
    ]
    assert [name for name, math, component in made if not agrees(name, math, component)] == []
    assert len(made) >= len(structure.variables)
    # the reader would notice: no equation of another variable passes for this one
    (name, _, component), *others = made
    assert not any(agrees(name, math, component) for _, math, _ in others)


# ---- the whole book -----------------------------------------------------------------------------------


OPENED: set[str] = set()
"""Files that were opened while the book was gathered."""


@pytest.fixture(scope="module")
def book() -> Any:
    """The city's book with one law and few moves: what takes long is tried elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        few = read_laws().pick(["nation_value_added_ratio"])
        moves = book_page.constant_moves
        patch.setattr(book_page, "read_laws", lambda: few)
        patch.setattr(book_page, "constant_moves", lambda *given: moves(*given)[:20])
        patch.setattr(book_page, "DRAWS", 60)
        patch.setattr(book_page, "CASES", (("core_team_exit", "shenyang"),))
        tried = (StandardTest("units", True, "0 warnings", "every equation"),)
        patch.setattr(
            book_page,
            "validate",
            lambda model: Validation(findings=tuple(measure_evidence(model)), tests=tried),
        )
        # one study of loops stands for both, split by some orders of the loops: all combinations take seconds
        patch.setattr(
            feedback_loops, "attribute", lambda *given, **how: attribute(*given, **{**how, "permutations": 6})
        )
        study = cache(book_page.study_loops)
        patch.setattr(book_page, "study_loops", lambda *_: study("core_team_exit", "shenyang"))
        listening = [True]
        sys.addaudithook(
            lambda event, args: OPENED.add(str(args[0])) if event == "open" and listening else None
        )
        gathered = book_page.gather_book(None, "shenyang", "en")
        listening.clear()
        return gathered


@pytest.fixture(scope="module", params=["en", "zh"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, book: Any) -> Path:
    """The book in a language."""
    path = tmp_path_factory.mktemp("book") / "model.html"
    say = replace(book.say, lang=request.param)
    book_page.write_book(path, replace(book, chapters=replace(book.chapters, say=say)), "talent-sd document")
    return path


def places(html: str) -> set[str]:
    found = re.findall(r'\bid="([^"]*)"', html)
    assert len(found) == len(set(found)), [name for name, count in Counter(found).items() if count > 1]
    return {unescape(one) for one in found}


def test_every_requirement_has_an_answer_and_every_link_a_place(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    rows = dict(re.findall(r'<tr data-item="([^"]*)">(.*?)</tr>', html, re.DOTALL))
    assert list(rows) == STRESS + REQUIRED
    assert [name for name, row in rows.items() if 'href="#' not in row] == []
    links = {unescape(one) for one in re.findall(r'href="#([^"]*)"', html)}
    assert links - places(html) == set()
    structure = build_structure(translate(SHIPPED))
    assert {anchor(name) for name in structure.variables} <= places(html)
    assert len(re.findall(r"<math ", html)) == sum(
        len(e.components) for e in translate(SHIPPED).model.sections[0].elements
    )


def test_the_book_holds_nothing_that_is_fetched_or_obeyed(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    assert "<script" not in html
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html) == []
    assert "default-src 'none'" in html
    assert "script-src" not in html


def rows_of(table: Any) -> list[list[str]]:
    return [[re.sub(r"<[^>]+>", "", str(row.heading)), *(re.sub(r"<[^>]+>", "", str(cell.text)) for cell in row.cells)]
            for group in table.groups for row in group.rows]  # fmt: skip


def as_told(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def test_the_measures_of_loops_add_up_and_are_what_runs_give(book: Any) -> None:
    (case,) = book.cases
    told = {row[0]: row[1:] for row in rows_of(book.compared(case))}
    loops = [row for name, row in told.items() if name[:2] in ("R ", "B ")]
    assert len(loops) == len(case.study.names.loops)
    total, direct, whole = (
        as_told(told[key][-1]) for key in ("All named loops", "Direct effect, all loops cut", "Whole effect")
    )
    assert sum(as_told(row[-1]) for row in loops) == pytest.approx(total, rel=0.01)
    assert direct + total == pytest.approx(whole, rel=0.01)
    assert sum(as_told(row[0].split()[0]) for row in loops) == pytest.approx(100, abs=1)
    # of all activity is of the named, times what the named are of all
    assert all(as_told(row[1].split()[0]) <= as_told(row[0].split()[0]) for row in loops)
    from talent_sd.forecast.prepare import prepare

    name = "leaders_attract_teams"
    ends = [
        float(
            book.model.run(params={**one.params(), **cut}, outputs=["total talent"], times=[2034.0])[
                "total talent"
            ].item()
        )
        for cut in ({}, {loop_key(name): 0.0})
        for one in prepare(["baseline", "core_team_exit"], "shenyang").resolved.values()
    ]
    assert case.opened[name] == pytest.approx((ends[1] - ends[0]) - (ends[3] - ends[2]), rel=1e-9)


def test_what_a_scenario_gives_a_loop_is_what_runs_give(book: Any) -> None:
    from talent_sd.forecast.prepare import prepare

    (case,) = book.cases
    resolved = prepare(["baseline", "core_team_exit"], "shenyang").resolved.values()
    cut = {loop_key(loop.name): 0.0 for loop in case.study.names.loops}
    one = cut | {loop_key("jobs_and_wages"): 1.0}

    def run(name: str, given: dict[str, float]) -> list[Any]:
        return [book.model.run(params={**city.params(), **given}, outputs=[name], times=[2034.0])[name]
                for city in resolved]  # fmt: skip

    before, after = run("post ratio", cut)
    (push,) = case.pushes["jobs_and_wages"]
    assert push.elements == ("leading", "professional", "skilled", "graduate")
    assert push.cut == pytest.approx(np.ravel(after / before - 1), rel=1e-9)
    assert push.cut != pytest.approx(push.closed, rel=0.1)
    alone, without = (
        float((after - before).sum()) for before, after in (run("total talent", p)[::1] for p in (one, cut))
    )
    assert case.alone["jobs_and_wages"] == pytest.approx(alone - without, rel=1e-6)
    assert f"{100 * without / case.study.adds['whole'].values.ravel()[-1]:.0f}" in book.direct_words(case)
    assert case.direct == {}  # a shock has no policies


def test_a_loop_against_its_letter_is_told_with_what_it_is_given(book: Any) -> None:
    (case,) = book.cases
    last = case.study.adds["share"].isel(time=-1, draw=0)
    whole = float(case.study.adds["whole"].isel(time=-1, draw=0))
    odd = [
        one.label["en"]
        for one in case.study.names.loops
        if abs(float(last.sel(part=one.name)) / whole) >= 0.02
        and (float(last.sel(part=one.name)) * whole > 0) != (one.polarity == "R")
    ]
    told = book.contrary_words(case)
    assert [line.partition(" (")[0] for line in told] == odd
    flipped = replace(case, alone={name: -value for name, value in case.alone.items()})
    assert all(one != other for one, other in zip(told, book.contrary_words(flipped), strict=True))


def test_what_a_link_does_by_itself_is_told_apart_from_the_scenarios_push(book: Any) -> None:
    from talent_sd.forecast.prepare import prepare

    (case,) = book.cases
    one = {loop_key(loop.name): float(loop.name == "jobs_and_wages") for loop in case.study.names.loops}
    first, second = (
        own.params() for own in prepare(["baseline", "core_team_exit"], "shenyang").resolved.values()
    )
    assert book_page._level_part(book.model, "post ratio heard", one, [first, first], 2034.0) == 0
    # the shock falls on a link that stands still: nearly all of what leaders add is their own answer
    leaders = case.alone["leaders_attract_teams"]
    assert abs(case.levels["leaders_attract_teams"]) < 0.05 * abs(leaders)
    # the same baseline, its link given as a path, is the baseline: the rest of the effect is the link's
    whole = book_page._level_part(book.model, "post ratio heard", one, [first, second], 2034.0)
    assert case.levels["jobs_and_wages"] == pytest.approx(
        whole - float(case.study.adds["without"].values.ravel()[-1]), rel=1e-6
    )


def test_extreme_conditions_and_checks_are_named_with_what_became_of_them(book: Any) -> None:
    conditions = {row[0]: row for row in rows_of(book.extreme_conditions)}
    file = read_checks()
    assert len(conditions) == sum(not name.endswith(" alone") for name in file.settings)
    assert conditions["no jobs"][1] == "job loss time = 2025, job loss size = 1"
    assert len({row[1] for row in conditions.values()}) == len(conditions)  # each can be told from the others
    assert "[Leading] = 1" in conditions["leaders and professionals leave"][1]
    assert "[" not in conditions["everybody leaves"][1]
    ends = [
        float(book.model.run(params=given, outputs=["total talent"], times=[2034.0])["total talent"].item())
        for given in ({}, {"job loss time": 2025.0, "job loss size": 1.0})
    ]
    assert as_told(conditions["no jobs"][2].split("\N{NO-BREAK SPACE}")[0]) == pytest.approx(
        100 * (ends[1] / ends[0] - 1), abs=0.06
    )
    tried = [Verdict(one.id, one.sector, one.message, True, 9) for one in file.checks]
    told = {row[0]: row for row in rows_of(replace(book, checks=tried).checked)}
    assert [row for row in told.values() if not row[1] or row[2:] != ["9", "passed"]] == []
    assert "(2030): " not in told["rivals_answer_cash"][1]
    assert told["rivals_answer_cash"][1].endswith(
        "Rival Effort with “Cash subsidy alone”: higher than with “nothing changed” by more than 0.15 % (2030)"
    )


def test_laws_in_draws_are_told_with_the_model_that_was_tried(book: Any) -> None:
    (one,) = book.judged
    law = one.law.model_copy(update={"kind": "behaviour", "draws": "share"})
    rows = {
        "hefei": (0.97, 0.93, "held", 0.5),
        "handan": (1.0, 0.95, "held", 1.0),
        "wuxi": (1.0, 1.0, "held", 1.0),
    }
    record = LawRecord(
        book.model.structure.sha256, 50, {law.id: rows, "other": {"hefei": (0.1, 0.2, "failed", 0.0)}}
    )
    told = replace(book, judged=[replace(one, law=law)], law_record=record)
    assert told.law_words.startswith("In 50 draws from the posterior 1 of 2 laws hold.")
    assert "1 of these laws are identities or checks of inputs" in told.law_words
    assert "of this very model file" in told.law_words
    assert rows_of(told.laws_in_draws) == [
        [law.id, "Hefei", "twice the band", "97 %", "80 %", "93 %", "90 %", "holds"]
    ]
    assert "earlier state" in replace(told, law_record=replace(record, model_sha256="0" * 64)).law_words
    assert replace(book, law_record=None).law_words.startswith("No result of many draws")
    shipped = read_law_record()
    assert shipped is not None
    assert len({own.id for own in read_laws().laws} & set(shipped.laws)) > 100


def test_the_age_of_every_citys_figures_is_told_with_its_limit(book: Any) -> None:
    told = {row[0]: row for row in rows_of(book.ages)}
    start, rules = int(book.prepared.first.start_year), read_mapping().content.constants
    assert set(told) == {key for key, rule in rules.items() if not rule.after and rule.national is None}
    for key, rule in rules.items():
        years = [int(year) for year in re.findall(r"\b(20\d\d):", told.get(key, ["", "", "", ""])[3])]
        assert all(start - rule.max_age <= year <= start + LATER for year in years)
    assert "stands in" in told["residents ceiling"][3]
    starts = dict(rows_of(starts_table(book.prepared.first, book.chapters)))
    assert set(starts) == set(told)
    assert "Beijing: 23,000,000 (2017)" in starts["residents ceiling"]
    share = book.prepared.first.values["city tertiary share"]
    factor = share.origin.text.split("× ")[1].split(" ")[0]
    city = book.chapters.city(book.prepared.first.city.name)
    assert f"{city}: {share.value:.4f} (2020 × {factor})" in starts["city tertiary share"]
    for key in ("city value added", "city fiscal revenue", "city fiscal expenditure", "city deposits"):
        assert "none" not in starts[key]
        assert f"{city}: {book.prepared.first.values[key].value:,.0f}" in starts[key]
    assert book.stood_in_for <= {key for key in book.prepared.first.values}


def test_factors_are_marked_and_every_variable_is_counted(book: Any) -> None:
    named = {row[0].removesuffix(" ×"): row[0].endswith(" ×") for row in rows_of(book.drawn)}
    assert named == {key: book.chapters.priors[key].factor for key in named}
    assert {True, False} == set(named.values())
    assert "×" in book.drawn.note
    counted = [int(cell) for row in rows_of(book.boundary) for cell in row[1:] if cell != "–"]
    assert sum(counted) == len(book.model.structure.variables)
    assert {row[0]: row[3] for row in rows_of(book.evidence)}["E25"] == "–"


def test_works_are_told_in_full_and_laws_by_a_hair(book: Any) -> None:
    (units,) = rows_of(book.standard_tests)
    assert units[1:] == ["passed", "0 warnings", "every equation"]
    works = {unescape(row[0]): row for row in rows_of(book.references)}
    assert works["Forrester 1969"][1] == "Urban Dynamics. MIT Press"
    assert works["Song & Wu"][1].startswith("not known: remembered")
    assert works["Monks and others 2018"][2] == "this document"
    (law,) = book.judged
    edge = replace(law.rows[0], lower=law.rows[0].value - 1e-4, upper=law.rows[0].value + 1)
    near = replace(law, law=law.law.model_copy(update={"kind": "behaviour"}), rows=(edge,))
    tried = {law.law.id: {edge.city: (1.0, 1.0, "held", 0.42)}}
    record = LawRecord("0", 100, tried)
    (told,) = rows_of(replace(book, judged=[near], law_record=record).hairs)
    assert (told[0], told[-1]) == (law.law.id, "42 %")
    far = replace(near, rows=(replace(edge, lower=edge.value - 1),))
    assert rows_of(replace(book, judged=[far]).hairs) == []


def test_the_noise_and_the_national_paths_are_told_as_they_are_drawn(book: Any) -> None:
    noise = book.chapters.posterior.noise
    sizes, together = (rows_of(table) for table in book.noise)
    assert [row[0] for row in sizes] == [
        "tertiary growth noise", "residents growth noise", "value added growth noise", "revenue growth noise"
    ]  # fmt: skip
    assert [as_told(row[3]) for row in sizes] == pytest.approx(100 * np.sqrt(np.diag(noise.city)), abs=0.005)
    assert [as_told(row[5]) for row in sizes] == pytest.approx(noise.freedom, abs=0.05)
    drawn = (
        sum(
            noise.draw(0, 2000, ["x"], [name], 10, 0)["residents growth noise"][:, 0].sum(axis=1)
            for name in "ab"
        )
        / 2**0.5
    )
    plain = replace(noise, freedom=None)
    drawn = plain.draw(0, 2000, ["x"], ["y"], 10, 0)["residents growth noise"][:, 0].sum(axis=1)
    assert as_told(sizes[1][6]) == pytest.approx(100 * drawn.std(), rel=0.05)
    assert together[0][1] == "+1.00 / +1.00"
    nations = {row[0]: row for row in rows_of(book.nations)}
    gdp = nations["national gdp path"]
    assert as_told(gdp[5]) < as_told(gdp[4]) < as_told(gdp[6])
    assert as_told(gdp[5]) == pytest.approx(
        book.paths["low_growth"].variables["gdp"].values[2034] / 1e12, rel=1e-3
    )


def test_every_file_of_numbers_that_the_book_reads_is_hashed(book: Any) -> None:
    listed = book_page.book_files(book.prepared)
    folders = tuple(f"{shipped_folder(name)}/" for name in ("models", "scenarios"))
    names = {Path(one).name for one in OPENED if one.startswith(folders) and Path(one).is_file()}
    assert names  # what Python opened while the book was gathered, this process having read some files before
    assert names - {Path(name).name for name in listed} == set()
    assert {f"{name}.yaml" for name in (*list_scenarios(), *list_cities(), "central", "low_growth")} <= {
        Path(name).name for name in listed
    }
    assert len({*listed.values()}) == len(listed)


def test_the_forecast_told_is_that_of_its_draws(book: Any) -> None:
    last = book.forecast.spread["total talent"].isel(scenario=0, time=-1).values / 1e6
    told = next(row for row in rows_of(book.results_table) if row[0] == "total talent")
    low, middle, high = np.quantile(last, (0.1, 0.5, 0.9))
    assert [as_told(told[3]), *map(as_told, told[4].split(" … "))] == pytest.approx(
        [middle, low, high], rel=0.01
    )
    assert told[1] == "million people"
    # a median's standard error, as drawing the draws again gives it
    again = np.random.default_rng(0).choice(last, (400, len(last)))
    error = float(median_error(xr.DataArray(last, dims="draw")))
    assert error == pytest.approx(np.median(again, axis=1).std(), rel=0.5)
    assert f"total talent {100 * error / middle:.2g} %" in book.chance_words
    # each of a fifth as many posterior draws comes five times: what constants make of the variance is five times as uncertain
    fewer = replace(book.chapters.posterior, values=book.chapters.posterior.values[:12])
    told = replace(book, chapters=replace(book.chapters, posterior=fewer)).chance_words
    part = min(
        1.0, max(0.0, float(book.forecast.variance.set_index("variable")["parameters"]["total talent"]))
    )
    assert f"total talent {100 * error * (1 + 4 * part) ** 0.5 / middle:.2g} %" in told
    assert "12 posterior draws, of which each is used 5 times" in told
    for table in book.spread_tables:
        assert len(table.groups[0].rows) == len(book.forecast.variance)
        for row in rows_of(table):
            assert sum(as_told(part.removesuffix(" %")) for part in row[2:]) == pytest.approx(100, abs=2)
    changes = [one["total talent"].diff("scenario").isel(time=-1).values for one in book.forecast.steps]
    shares = np.diff([0.0, *(float(np.log(one).var() if (one > 0).all() else one.var()) for one in changes)])
    if len({(one > 0).all() for one in changes}) == 1:
        told = [as_told(part.removesuffix(" %")) for part in rows_of(book.spread_tables[1])[0][2:]]
        assert told == pytest.approx(100 * shares / shares.sum(), abs=0.51)


def test_what_carries_the_headline_is_told_in_figures_that_add_up(book: Any) -> None:
    own, (first, last) = book.carried_by, (2022.0, 2034.0)
    params = [one.params() for one in book.prepared.resolved.values()]
    cut = {loop_key(loop.name): 0.0 for loop in book.study.names.loops}
    runs = (params[0], {**params[0], **cut}, params[1])
    ends = [
        float(book.model.run(params=one, outputs=["total talent"], times=[last])["total talent"].item())
        for one in runs
    ]
    assert own.starts["total talent"][0] + sum(own.flows.values()) == pytest.approx(ends, rel=1e-9)
    assert own.cut["total talent"][0] == ends[1]
    funds = [float(book.model.run(params=one, outputs=["Fund"], times=[last])["Fund"].item()) for one in runs]
    assert own.fund + sum(own.money.values()) == pytest.approx(funds, rel=1e-9)
    outputs = [
        book.model.run(params=one, outputs=["value added"], times=[first, last])["value added"].values.ravel()
        for one in runs
    ]
    assert own.factors["value added"] == pytest.approx([end / start for start, end in outputs], rel=1e-12)
    parts = np.prod([sizes for name, sizes in own.factors.items() if name != "value added"], axis=0)
    assert parts == pytest.approx(own.factors["value added"], rel=2e-3)
    assert len(book.flowed) == 3
    assert ends[0] == book.results[0].values[0]
    nation = [float(book.model.run(params=params[0], outputs=["national tertiary ratio"], times=[year]).to_array().item())
              for year in (first, last)]  # fmt: skip
    assert own.as_nation == pytest.approx(own.starts["total talent"][0] * nation[1] / nation[0], rel=1e-12)
    for lang in ("en", "zh"):
        say = replace(book.say, lang=lang)
        told = replace(book, chapters=replace(book.chapters, say=say)).carried_words
        loops = say.amount(ends[0] - ends[1], say.scale(abs(ends[0] - ends[1]), "person"), sign=True)
        assert loops in told[0]
        assert say.amount(own.as_nation, say.scale(ends[0], "person")) in told[1]
        assert all(text and "{" not in text for text in told)
    rows = rows_of(book.carries)
    assert [row[0] for row in rows[:-1]] == [name for name, _ in book._named_results[:-1]]
    assert all(len(row) == len(book.carries.headings) for row in rows)


def test_what_no_draw_moves_is_named_with_what_it_could_do(book: Any) -> None:
    moved = {key.partition("[")[0] for move in book.moves for key in move.params}
    names = [name for name, *_ in book._stillest]
    assert not moved & set(names)
    assert not {key.partition("[")[0] for key in book.prepared.first.params()} & set(names)
    assert names[0] in re.sub("<[^>]+>", "", book.still_words)
    name, (lower, _), found, _, _ = book._stillest[0]
    run = book.model.run(
        params={**book.prepared.first.params(), **lower.params}, outputs=["total talent"], times=[2034.0]
    )
    assert found[0] == pytest.approx(
        float(run["total talent"].item()) / book.results[0].values[0] - 1, rel=1e-9
    )
    assert rows_of(book.still_table)[0][0] == name
    # what is drawn and moves nothing is named apart
    ends = [
        number
        for number, move in enumerate(book.moves, 1)
        if {key.partition("[")[0] for key in move.params} & set(book.idle)
    ]
    assert all(
        result.values[number] == pytest.approx(result.values[0], rel=1e-6)
        for number in ends
        for result in book.results
    )
    assert set(book.idle) < moved
    # weights stay weights: what one age gains another loses, by what the source says
    weights = [move.params for move in book.carried_by.still if move.name == "migrant age profile"]
    own = book.chapters.constants["migrant age profile"]
    apart = [{key: value - own[key.partition("[")[2][:-1]] for key, value in one.items()} for one in weights]
    assert [sorted(one.values()) for one in apart] == [pytest.approx([-0.05, 0.05])] * 2
    # Shenyang's fund is spent by the last year: what moves its years is no part of anything
    assert all(abs(size) < 10 for *_, size in book._stillest)


def test_each_policys_range_stands_beside_what_it_costs_those_outside_first(book: Any) -> None:
    told = {one.policy: one for one in book.costs if one.way == "gross"}
    content = read_laws().content
    assert set(told) == set(content.policies)
    assert {one.source for one in content.policies.values()} <= set(chinese())
    rows = {row[0]: row[1:] for row in rows_of(book.ranges)}
    outside = [book.say.element(name) for name, one in told.items() if not one.inside]
    assert list(rows)[: len(outside)] == outside
    for name, one in told.items():
        counted, middle, _, ends, verdict, source = rows[book.say.element(name)]
        scale = 1000 if counted.startswith("thousand yuan") else 1
        low, high = map(as_told, ends.split(" … "))
        assert (low * scale, high * scale) == pytest.approx(content.policies[name].range)
        assert as_told(middle) * scale == pytest.approx(one.judged, rel=0.01)
        assert (low <= as_told(middle) <= high) == verdict.startswith("inside")
        assert verdict.startswith("inside") or content.policies[name].argued.en in verdict
        assert source.endswith("[derived by assumption]") == content.policies[name].assumption
    law = next(one for one in read_laws().laws if one.id == "policies_inside")
    assert 'href="#ranges"' in book._says(law)


def test_every_command_that_repeats_a_number_is_one_of_the_programs(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    table = html[html.index('id="repeats"') : html.index('id="access"')]
    commands = [unescape(one) for one in re.findall(r'class="code"[^>]*>((?:talent-sd|python)[^<]*)<', table)]
    assert len(commands) == 12
    for name, *given in (one.split()[1:] for one in commands if one.startswith("talent-sd")):
        command = get_command(app).commands[name]
        known = {option for one in command.params for option in one.opts}
        assert {one for one in given if one.startswith("--")} <= known


def test_medians_told_are_those_of_the_command_named(book: Any) -> None:
    found = compare(ensemble(["baseline", "three_dimensional"], "shenyang", draws=60, seed=0))
    told = book.forecast.change["total talent"].isel(scenario=0, time=-1)
    assert float(found["total talent"].isel(scenario=0, time=-1).median()) == float(told.median())


def test_the_net_of_the_loops_is_told_with_what_lies_behind_it(book: Any) -> None:
    shares = book.study.adds["share"].isel(time=-1, draw=0).values
    words = book._loops_both_ways()
    for part in (shares[shares > 0].sum(), shares[shares < 0].sum()):
        assert book.say.amount(part, book.say.scale(abs(part), "person"), sign=True) in words


def test_the_fit_and_the_back_test_are_told_with_numbers_and_hashes(written: Path, book: Any) -> None:
    record = read_track_record()
    html = unescape(written.read_text(encoding="utf-8"))
    assert record.files
    assert [name for name, sha in record.files.items() if sha not in html] == []
    tables = book.chapters.posterior.note["data_sha256"]
    assert {name: record.files[name] for name in tables} == tables
    named = {one for other in record.others for one in re.findall(r"[\w/]+\.json", other.options)}
    assert named <= set(record.files)
    found = fit_errors(book.chapters.posterior, record, book.say)
    assert found is not None
    numbers = dict(re.findall(r"(N|n|ρ|D|N/D) = ([\d.]+)", found.words))
    effect = 1 + (float(numbers["n"]) - 1) * float(numbers["ρ"])
    assert effect == pytest.approx(float(numbers["D"]), rel=0.01)
    assert float(numbers["N"]) / effect == pytest.approx(float(numbers["N/D"]), rel=0.01)
    other = replace(book.chapters.posterior, sha256="0" * 64)
    assert fit_errors(other, record, book.say) is None  # measured for another fit


def test_cross_references_say_see_and_lead_to_a_section(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    chapters = re.findall(r'<section class="chapter" aria-labelledby="([^"]+)"', html)
    told = "".join(re.findall(r"<p>.*?</p>", html, re.DOTALL))
    assert re.findall(rf'<a href="#(?:{"|".join(chapters)})">', told) == []
    see = "见" if 'data-lang="zh"' in html else "See "
    rows = html[html.index("</nav>") :]
    rows = re.sub(r"<tr data-item.*?</tr>", "", rows, flags=re.DOTALL)
    assert [
        one for one in re.findall(r'(.{4})<a href="#[^"]+" class="paged">', rows) if not one.endswith(see)
    ] == []
    answers = re.findall(r'<tr data-item="[^"]*">.*?</tr>', html, re.DOTALL)
    beyond = [one for one in answers if set(re.findall('href="#([^"]*)"', one)) - set(chapters)]
    assert len(beyond) > 0.7 * len(answers)


def test_a_column_that_is_empty_in_every_row_is_left_out() -> None:
    table = filled(plain_table("", ["a", "b", "c", "d"], [["1", "–", "x", ""], ["2", "", "", "3"]], (0, 2)))
    assert list(table.headings) == ["a", "c", "d"]
    assert [[row.heading, *(cell.text for cell in row.cells)] for row in table.groups[0].rows] == [
        ["1", "x", ""],
        ["2", "", "3"],
    ]
    assert table.texts == {0, 1}
    assert list(filled(plain_table("", ["a", "b"], [])).headings) == ["a", "b"]


def test_central_run_and_medians_stand_side_by_side(book: Any) -> None:
    rows = rows_of(book.medians)
    assert len(rows) == len(book.results)
    central, *steps = map(as_told, rows[0][2:])
    assert central == pytest.approx(book.results[0].values[0] / 1e6, rel=1e-3)
    last = [one["total talent"].isel(scenario=0, time=-1).values for one in book.forecast.steps]
    assert steps == pytest.approx([np.median(one) / 1e6 for one in last], rel=1e-3)
    # constants alone stray least, and the mix's own row is what it adds
    assert last[0].std() < last[-1].std()
    gain = [float((one.isel(scenario=1) - one.isel(scenario=0)).isel(time=-1).median())
            for one in (step["total talent"] for step in book.forecast.steps)]  # fmt: skip
    assert [1e3 * as_told(one) for one in rows[-1][3:]] == pytest.approx(gain, rel=1e-3)
    for table in book.carriers:
        assert all(0 <= as_told(row[5].split()[0].rstrip("%")) <= 100 for row in rows_of(table))


def test_a_finding_tells_what_it_was_measured_on_and_a_figure_how_it_differs(book: Any) -> None:
    scenario = next(one for name, one, _ in book.scenarios if name == "hefei_combination")
    here = {"city": "hefei", "draws": 200, "seed": 0, "model": book.model.structure.sha256[:12]}
    assert book.measured_words(replace(scenario, measured=here)) == (
        f"Medians of 200 draws, seed 0, Hefei; model file {here['model']}: this one."
    )
    assert book.measured_words(replace(scenario, measured=here | {"model": "0" * 12})).endswith(
        "an earlier state of this one."
    )
    facts = {ident: dict(told) for ident, _, _, told in book.figures}
    assert "hefei_combination: the central run here, the median of 200 draws there" in str(
        facts["E11"]["Beside a scenario's finding"]
    )
    assert "Medical cluster" in re.sub("<[^>]+>", "", str(facts["E06"]["Runs"]))
    means = {ident: str(told["City by city"]) for ident, told in facts.items() if "City by city" in told}
    for one in book.findings:
        if one.figure.id in means:
            own = [
                value for city, value in one.measurement.shown.items() if city in (*list_cities(), "average")
            ]
            inside = sum(map(one.figure.met_by, own))
            assert f"alone {inside} of {len(own)}" in means[one.figure.id]
    assert "E13" in means


def test_every_loss_of_both_tables_is_told_before_them(book: Any) -> None:
    record = read_track_record()
    assert record is not None
    for lang in ("en", "zh"):
        say = replace(book.say, lang=lang)
        told = lost_words(record, say)
        for score in record.scores:
            rules = [
                one for one in (score.constant_share, score.trend, score.damped_trend) if one is not None
            ]
            way = f"{score.years[0]}→{score.years[1]}"
            outcome = say(OUTCOMES[score.outcome])
            named = [part for part in re.split("[;；。.:：]", told) if way in part and outcome in part]
            assert bool(named) >= (score.model >= min(rules)), (way, outcome)


def test_pictures_tables_and_equations_have_numbers_that_run_on(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    zh = 'data-lang="zh"' in html
    for tag, word in (("figcaption", "图" if zh else "Figure "), ("caption", "表" if zh else "Table ")):
        told = re.findall(rf"<{tag}>{word}(\d+)", html)
        assert list(map(int, told)) == list(range(1, html.count(f"<{tag}>") + 1))
    spans = re.findall(r'<span class="tag">\((\d+)(?:–(\d+))?\)', html)
    ends = [(int(first), int(last or first)) for first, last in spans]
    assert [first for first, _ in ends] == [1, *(last + 1 for _, last in ends[:-1])]
    assert ends[-1][1] == html.count("<math ")


def test_every_missed_figure_has_its_reason_and_every_stand_in_its_row(book: Any) -> None:
    told = {ident: "".join(unescape(str(text)) for _, text in facts) for ident, _, _, facts in book.figures}
    missed = [one.figure for one in book.findings if one.verdict == "missed" or one.differs]
    assert {"E03", "E11"} <= {figure.id for figure in missed}
    assert [figure.id for figure in missed if not figure.miss or figure.miss not in told[figure.id]] == []
    assert [
        one.figure.id
        for one in book.findings
        if one.figure.test not in re.sub("<[^>]+>", "", told[one.figure.id])
    ] == []
    stands = {row[0]: row for row in rows_of(book.gaps)}
    given = book.prepared.first.values
    assert "start fund years" not in given
    assert stands["start fund years"][2] == "the model's own value; the city's file gives no figure"
    assert "city value added" not in stands
    # what is large is no ceiling: a city's GDP carried from another year stands here too
    assert book._number("city value added", 1.5e12).startswith("1.5")
    assert book._number("residents ceiling", 1e9) == "none"


def test_the_book_says_whether_the_posterior_is_this_models(book: Any) -> None:
    same = book.chapters.posterior.note["model_sha256"] == book.model.structure.sha256
    assert book.fit_words(None).startswith("The posterior was made for this very" if same else "No, strictly")
    own = replace(
        book.chapters.posterior,
        note={**book.chapters.posterior.note, "model_sha256": book.model.structure.sha256},
    )
    other = replace(own, note={**own.note, "model_sha256": "0" * 64, "centre": {"convergence rate": 9.0}})
    told = [
        replace(book, chapters=replace(book.chapters, posterior=one)).fit_words(None) for one in (own, other)
    ]
    assert told[0].startswith("The posterior was made for this very model file")
    assert "these do not stand at the posterior's middle: convergence rate." in told[1]


def test_letters_of_pictures_are_six_points_on_the_printed_page(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    width = 210 - 2 * float(re.findall(r"@page\{margin:[\d.]+mm ([\d.]+)mm", html)[-1])
    height = float(re.findall(r"\.picture\{max-height:([\d.]+)mm", html)[-1])
    small = []
    for figure in re.findall(r"<figure>.*?</figure>", html, re.DOTALL):
        across, down = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', figure).groups())  # type: ignore[union-attr]
        scale = min(width / 25.4 * 72 / across, height / 25.4 * 72 / down)
        sizes = [scale * float(one) for one in re.findall(r'font-size="([\d.]+)px"', figure)]
        small += [(figure[-150:], min(sizes))] if min(sizes) < 6 else []
    assert small == []


TERMS = (
    ("Shapley", "沙普利"), ("R-hat", "R-hat"), ("Latin hypercube", "拉丁超立方"), ("Student's t", "学生t分布"),
    ("tandard error", "标准误"), ("ank correlation", "秩相关"), ("lasticity", "弹性"), ("osterior", "后验"),
    ("einforcing", "增强循环"), ("ack-test", "回测"), ("eld out", "留出"), ("resent value", "现值"),
    ("alkers?", "游走者"), ("tipped|Tipped", "因政策而改变"), ("CRPS", "CRPS"), ("azard", "离开率"), ("Tier", "层次"),
)  # fmt: skip
"""Terms of the trade, in English and in Chinese."""


def test_terms_of_the_trade_are_explained(written: Path) -> None:
    html = written.read_text(encoding="utf-8")
    told = unescape(re.sub("<[^>]+>", " ", html[html.index("<body") :]))
    words = html[html.index('id="words"') :]
    words = unescape(" ".join(re.findall("<dt>(.*?)</dt>", words[: words.index("</dl>")])))
    place = 0 if 'lang="en"' in html[:400] else 1
    assert [
        one[place] for one in TERMS if re.search(one[place], told) and not re.search(one[place], words)
    ] == []


MODEL_TEXTS = [*(SHIPPED.parent).glob("*.yaml"), *(SHIPPED.parent / "readings").glob("*.yaml"), SHIPPED]
BY_NAME = re.compile(
    r"\(([A-Z][a-zé’'-]+(?: & [A-Z][a-zé’'-]+)?)\)|((?:[A-Z][\w’'-]+, )*[A-Z][\w’'-]+ & [A-Z][\w’'-]+)(?! )"
)
"""A work named by its authors alone."""
NO_WORKS = {"Time", "Gompertz", "Euler", "Dongguan"}


def test_every_work_that_the_model_cites_is_in_the_list_and_the_reverse(book: Any) -> None:
    listed = read_strict(SHIPPED.parent / "references.yaml", References).content.works
    texts = {
        path.name: re.sub(r"\s*\\?\n[ \t#]*", " ", path.read_text(encoding="utf-8"))
        for path in MODEL_TEXTS
        if path.name != "references.yaml"
    }
    cited: set[str] = set()
    for text in texts.values():
        cited |= {f"{one[1]} {one[2]}" for one in WORK.finditer(INSTITUTION.sub("", text))
                  if not NO_NAME & set(re.findall(r"\w+", one[1]))}  # fmt: skip
        cited |= {name for one in BY_NAME.finditer(text) for name in one.groups() if name}
    unknown = {one for one in cited - NO_WORKS if not any(one in name or name in one for name in listed)}
    assert unknown == set()
    whole = " ".join(texts.values())
    assert [name for name in listed if name not in whole and name not in NAMED_HERE] == []
    outside = " ".join(text for name, text in texts.items() if name != "laws.yaml")
    rows = {row.heading for row in book.references.groups[0].rows}
    assert {escape(name) for name in listed if name in outside} <= set(map(str, rows))


def test_words_of_the_workshop_stay_out(written: Path) -> None:
    text = unescape(
        re.sub(r"<(style|svg).*?</\1>|<[^>]+>", "", written.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
    odd = ("`", "DESIGN", "second edition", "see policies in this file", "Told are")
    assert [word for word in odd if word in text] == []


def test_a_browser_shows_the_book_without_a_message_or_a_request(browser: Any, written: Path) -> None:  # noqa: F811
    opened(browser, written)
    assert browser.get_log("browser") == []
    assert requests(browser, written) == []
    wide = browser.execute_script(
        "return [...document.querySelectorAll('math')].filter(m => m.getBoundingClientRect().width > "
        "m.parentElement.clientWidth).map(m => m.closest('article').id)"
    )
    assert wide == []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    small = browser.execute_script(
        "return [...document.querySelectorAll('math mi, math mn, math mtext')].filter(m => "
        "parseFloat(getComputedStyle(m).fontSize) < 7.99).map(m => m.textContent)"  # 6 points are 8 pixels
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert small == []


def test_a_model_that_is_not_the_citys_says_what_it_can(tmp_path: Path) -> None:
    model = tmp_path / "bath & tub.mdl"
    model.write_text(
        "{UTF-8}\nLevel = INTEG(inflow - Level/time to drain, 10)\n\t~ litre\n\t~ Water <b>in</b> the tub. Source: [E08].|\n"
        "inflow = 5\n\t~ litre/minute\n\t~ |\ntime to drain = 4\n\t~ minute\n\t~ |\n"
        "INITIAL TIME = 0 ~~|\nFINAL TIME = 8 ~~|\nTIME STEP = 0.5 ~~|\nSAVEPER = 1 ~~|\n",
        encoding="utf-8",
    )
    book = book_page.gather_book(model, "hefei", "en")
    book_page.write_book(tmp_path / "model.html", book)
    html = (tmp_path / "model.html").read_text(encoding="utf-8")
    assert "Water &lt;b&gt;in&lt;/b&gt; the tub." in html
    rows = dict(re.findall(r'<tr data-item="([^"]*)">(.*?)</tr>', html, re.DOTALL))
    unanswered = [name for name, row in rows.items() if "ask its author" in row]
    assert set(unanswered) == {"1.1", "1.3a", "1.3c", "2.3", "3.2", "S8", *(f"C{n}" for n in range(1, 8))}
    assert {unescape(one) for one in re.findall(r'href="#([^"]*)"', html)} <= places(html)
    level = next(result for result in book.results if result.title == "Level")
    assert level.values[0] == pytest.approx(float(book.model.run(outputs=["Level"])["Level"][-1]))
    assert f"Level: {level.values[0]:.2f} litre as it is" in html


def test_moving_a_constant_is_what_a_run_with_it_gives() -> None:
    from talent_sd.forecast.prepare import prepare
    from talent_sd.forecast.spread import constant_moves, loop_moves, moved_runs
    from talent_sd.uncertainty.posterior import read_posterior

    prepared = prepare("baseline", "wuxi")
    moves = [*constant_moves(prepared, read_posterior())[-2:], loop_moves(prepared.model)[0]]
    found = moved_runs(prepared.model, prepared.first.params(), moves, ["total talent"], 2034.0)[
        "total talent"
    ]
    for number, params in enumerate([{}, *(move.params for move in moves)]):
        run = prepared.model.run(
            params={**prepared.first.params(), **params}, outputs=["total talent"], times=[2034.0]
        )
        assert found[number] == float(run["total talent"].item())
    assert len(set(found)) == 4


@pytest.mark.skipif(not any(map(shutil.which, print_book.BROWSERS)), reason="no browser here that prints")
def test_a_browser_prints_the_book(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<h2 id="one">First</h2><p>x</p><h3 id="sub">Under 一</h3><p style="break-after:page">y</p><h2 id="two">Second</h2>'
        '<a href="#one">a</a><a href="#sub">b</a><a href="#two" class="paged">c</a>',
        encoding="utf-8",
    )
    assert print_book.print_pdf(page, tmp_path / "page.pdf")
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    pages = print_book.pages_of(data)
    assert pages == {"one": 1, "sub": 1, "two": 2}
    assert print_book.with_pages(page.read_text(encoding="utf-8"), pages).endswith(
        '<a href="#two" class="paged">c</a> <span class="page">p. 2</span>'
    )
    assert print_book.pages_of(b"%PDF-1.7 of another form") == {}
    if shutil.which("pdftotext"):
        told = subprocess.run(
            ["pdftotext", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True
        )
        assert "p. 2" in told.stdout
    titles = [bytes.fromhex(one.decode()).decode("utf-16") for one in re.findall(rb"/Title <(\w+)>", data)]
    assert titles == ["First", "Under 一", "Second"]
    assert len(re.findall(rb"/Outlines \d+ 0 R", data)) == 1
    # the last table of places points to its objects
    start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    for number, offset in re.findall(rb"(\d+) 1\n(\d{10}) 00000 n", data[start:]):
        assert data[int(offset) :].startswith(number + b" 0 obj")
    if shutil.which("pdfinfo"):
        told = subprocess.run(["pdfinfo", tmp_path / "page.pdf"], capture_output=True, text=True, check=True)
        assert told.stderr == ""


def test_meanings_and_sources_of_the_model_have_their_chinese(book: Any) -> None:
    docs = [variable.doc for variable in book.model.structure.variables.values()]
    texts = {part for doc in docs for part in doc.split(SOURCE) if part}
    assert book.chapters.untranslated == len(texts - set(chinese())) <= 0.02 * len(texts)
    said = [
        name for name, told in chinese().items() if not re.search(r"[\u4e00-\u9fff]|\[E\d\d\]|\d{4}", told)
    ]
    assert said == []
    cited = {
        name: set(re.findall(r"\bE\d\d\b", name)) ^ set(re.findall(r"E\d\d", told))
        for name, told in chinese().items()
    }
    assert {name for name, apart in cited.items() if apart} == set()


@pytest.mark.parametrize("written", ["zh"], indirect=True)
def test_the_chinese_book_holds_no_english_sentence(book: Any, written: Path) -> None:
    page = re.sub(
        r"<(style|svg|math)\b.*?</\1>|<(\w+)[^>]*class=\"code\".*?</\2>",
        "",
        written.read_text("utf-8"),
        flags=re.DOTALL,
    )
    blocks = re.split(r"</?(?:tr|p|li|dd|dt|h\d|figcaption|caption|td|th|div|br)\b[^>]*>", page)
    told = {unescape(re.sub(r"<[^>]+>", "", block)).strip() for block in blocks}
    # conditions of experiments are told in the language of the run
    english = {text for text in told if text[:1] not in "✓✗" and re.search(r"[A-Za-z]{3,}(?:[ ,;:]+[A-Za-z]{2,}){3,}", text)
               and not re.search(r"[\u4e00-\u9fff]{2,}", text)}  # fmt: skip
    works = {unescape(row[1]) for row in rows_of(book.references)}
    docs = [one.doc for one in book.model.structure.variables.values()]
    new = {part for doc in docs for part in doc.split(SOURCE)} - set(chinese())
    assert {text for text in english - works if not any(part and part in text for part in new)} == set()
