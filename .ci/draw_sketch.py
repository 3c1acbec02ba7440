"""Lay out the city model's diagrams, a view per sector, and write them below its equations.

    python .ci/draw_sketch.py [models/city.mdl]

Each view shows the sector's stocks, flows and auxiliaries, and in grey what reaches them from other
sectors. Constants, lookups and start values are left out: they would hide the structure, and Vensim
lists them under a variable's causes. Pysimlin does the layout. Run again when variables come, go or
change their causes (a test says when).
"""

from __future__ import annotations

import re
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import simlin

from talent_sd.model.mdl_text import SKETCH, split_blocks
from talent_sd.model.names import name_key
from talent_sd.model.read import read_structure
from talent_sd.model.structure import Structure

ROOT = Path(__file__).resolve().parents[1]
HEAD = f"{SKETCH} Sketch information - do not modify anything except names\n"
VERSION = "V300  Do not put anything below this section - it will be ignored\n"
FONT = "$192-192-192,0,Times New Roman|12||0-0-0|0-0-0|0-0-255|-1--1--1|-1--1--1|96,96,100,0\n"
SHADOW = "2,0,3,-1,0,0,0,128-128-128,0-0-0,|12||128-128-128"
TAIL = "///---\\\\\\\n:L<%^E!@\n15:0,0,0,0,0,0\n19:100,0\n27:0,\n34:0,\n4:Time\n24:{first}\n25:{last}\n26:{last}\n"
NET = " net flow"


@dataclass(frozen=True)
class Shown:
    """What one view shows: its own variables, and what reaches them from elsewhere."""

    own: tuple[str, ...]
    from_elsewhere: tuple[str, ...]
    piped: tuple[str, ...]  # stocks whose flows are variables of their own
    skeleton: str  # the same links as a small model, for the layout


def first_equations(text: str) -> dict[str, str]:
    """Return each variable's equation, of its first element where there are several."""
    found: dict[str, str] = {}
    for block in split_blocks(text):
        left, _, right = block.equation.partition("=")
        found.setdefault(left.split("[")[0].strip(), " ".join(right.split()))
    return found


def terms_of(integral: str) -> list[tuple[str, str]]:
    """Return the signed terms of INTEG's first argument, subscripts left out."""
    body = integral[integral.index("(") + 1 :]
    terms, depth, current, sign = [], 0, "", "+"
    for character in f"{body}":
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in "+-,":
            if current.strip():
                terms.append((sign, re.sub(r"\[[^\]]*\]", "", current).strip()))
            current, sign = "", character
            if character == ",":
                return terms
        else:
            current += character
    return terms


def shows(structure: Structure, equations: dict[str, str], name: str) -> bool:
    """Tell whether a view shows a variable: a stock or an auxiliary that moves."""
    variable = structure.variables[name]
    fixed = equations.get(name, "").startswith("INITIAL(")
    return variable.kind == "stock" or (variable.kind == "auxiliary" and not fixed)


def view_of(structure: Structure, equations: dict[str, str], group: str) -> Shown:
    """Return what the view of a sector shows."""
    own = [
        name
        for name, variable in structure.variables.items()
        if variable.group == group and shows(structure, equations, name)
    ]
    lines, elsewhere, piped = [], [], []
    for name in own:
        variable = structure.variables[name]
        causes = [c for c in variable.depends_on if c != name and shows(structure, equations, c)]
        if variable.kind == "stock":
            terms = terms_of(equations[name])
            if all(structure.find(t) and structure[t].kind == "auxiliary" for _, t in terms):
                piped.append(name)
                causes = [t for _, t in terms]
                lines.append(f"{name}= INTEG ({' '.join(f'{sign} {t}' for sign, t in terms)}, 0)")
            else:
                # one made-up flow, taken out again below: the causes point to the stock itself
                lines.append(f"{name}= INTEG ({'*'.join([*causes, '1', '1'])}, 0)")
        else:
            lines.append(f"{name}= {'+'.join(causes) or '1'}")
        elsewhere += [cause for cause in causes if cause not in own]
    elsewhere = list(dict.fromkeys(elsewhere))
    lines += [f"{name}= 1" for name in elsewhere]
    lines += ["INITIAL TIME= 0", "FINAL TIME= 1", "TIME STEP= 1", "SAVEPER= 1"]
    skeleton = "{UTF-8}\n" + "".join(f"{line}\n\t~\t\n\t~\t\n\t|\n" for line in lines)
    return Shown(tuple(own), tuple(elsewhere), tuple(piped), skeleton)


def laid_out(skeleton: str) -> list[list[str]]:
    """Return the lines of the layout's view, as fields."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder) / "view.mdl"
        file.write_text(skeleton, encoding="utf-8")
        project = simlin.load(str(file)).project
        project.auto_layout()
        text = project.to_mdl().decode("utf-8")
    lines = text.split(SKETCH, 1)[1].split("///---")[0].splitlines()
    return [line.split(",") for line in lines if re.match(r"\d+,", line)]


def drawn(shown: Shown, title: str) -> str:
    """Return a view as Vensim writes it."""
    names = {name_key(name): name for name in (*shown.own, *shown.from_elsewhere)}
    boxes = {name_key(name) for name in shown.own} - {name_key(name) for name in shown.piped}
    rows = laid_out(shown.skeleton)
    number_of = {name_key(row[2]): row[1] for row in rows if row[0] == "10"}
    # a made-up flow: its label, the valve before it, the clouds and pipes at the valve
    stock_of, gone = {}, set()
    for row in rows:
        if row[0] == "10" and name_key(row[2]) not in names:
            stock = name_key(row[2].removesuffix(NET))
            assert stock in boxes, row
            valve = str(int(row[1]) - 1)
            stock_of[row[1]] = number_of[stock]
            gone |= {row[1], valve}
            pipes = [pipe for pipe in rows if pipe[0] == "1" and pipe[2] == valve]
            gone |= {pipe[1] for pipe in pipes} | {pipe[3] for pipe in pipes if pipe[3] != number_of[stock]}
    out = []
    for row in rows:
        if row[1] in gone:
            continue
        if row[0] == "10":
            key = name_key(row[2])
            row[2] = names[key]
            if names[key] in shown.from_elsewhere:
                row = [*row[:8], *SHADOW.split(",")]
        elif row[0] == "1":
            row[3] = stock_of.get(row[3], row[3])
            if row[2] in gone or row[3] in gone or row[2] == row[3]:
                continue
        out.append(",".join(row))
    return HEAD + VERSION + f"*{title}\n" + FONT + "\n".join(out) + "\n"


def main(path: Path) -> None:
    """Draw all sectors of a model and write its file anew."""
    text = path.read_text(encoding="utf-8").split(SKETCH, 1)[0].rstrip("\n") + "\n\n"
    structure, equations = read_structure(path), first_equations(text)
    views = []
    for group in dict.fromkeys(variable.group for variable in structure.variables.values()):
        shown = view_of(structure, equations, group)
        if len(shown.own) > 1:
            views.append(drawn(shown, group))
    tail = TAIL.format(first=int(structure.time["INITIAL TIME"]), last=int(structure.time["FINAL TIME"]))
    path.write_text(text + "".join(views) + tail, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "models" / "city.mdl")
