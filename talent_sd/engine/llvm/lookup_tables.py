"""Lookups on vectors: the points are data, so a compiled kernel serves any table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talent_sd.engine.ir import Table
from talent_sd.engine.llvm.writer import Writer, function

SEARCH_ABOVE = 24
"""Tables with more points are searched by halving; shorter ones from end to end."""


def pack_tables(tables: Sequence[Table]) -> tuple[np.ndarray, np.ndarray]:
    """Return all tables as one array, and where each lies in it.

    Returns
    -------
    data : (sum of 3 n,) float64: per table its n x, n y and n slopes to the next point
    index : (tables, 2) int64: start in `data`, n
    """
    parts: list[np.ndarray] = []
    index = np.zeros((max(1, len(tables)), 2), dtype=np.int64)
    start = 0
    for i, table in enumerate(tables):
        x = np.asarray(table.x, dtype=np.float64)
        y = np.asarray(table.y, dtype=np.float64)
        slope = np.zeros_like(x)
        if table.between == "linear" and len(x) > 1:
            slope[:-1] = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
        if table.outside == "extrapolate" and len(x) > 1:
            slope[-1] = slope[-2]
        index[i] = start, len(x)
        start += 3 * len(x)
        parts += [x, y, slope]
    return (np.concatenate(parts) if parts else np.zeros(1)), index


def table_call(w: Writer, x: str, table: int, clamp: bool) -> str:
    """Write the value of a table at x; `%tables` and `%table_index` are in scope."""
    start = w.load_scalar("%table_index", str(2 * table), "i64")
    count = w.load_scalar("%table_index", str(2 * table + 1), "i64")
    points = w.address("%tables", start)
    kind = "clamped" if clamp else "open"
    return w.let(f"call {w.real} @table_{kind}_{w.width}({w.real} {x}, ptr {points}, i64 {count})")


def functions(width: int) -> dict[str, str]:
    """Return the text of the functions that `table_call` calls, by name."""
    w = Writer(width, False)
    gather = f"llvm.masked.gather.{w.suffix}.v{width}p0"
    texts = {
        f"table_clamped_{width}": _define_table(width, clamp=True),
        f"table_open_{width}": _define_table(width, clamp=False),
        "llvm.ctlz.i64": "declare i64 @llvm.ctlz.i64(i64, i1)\n",
    }
    if width > 1:
        texts[gather] = f"declare {w.real} @{gather}(<{width} x ptr>, i32, {w.mask}, {w.real})\n"
    return texts


def _define_table(width: int, clamp: bool) -> str:
    w = Writer(width, False)
    x = "%x"
    last = w.let("sub i64 %n, 1")
    if clamp:
        first_x, last_x = w.load_uniform("%xs", "0"), w.load_uniform("%xs", last)
        x = w.select(w.compare("olt", x, first_x), first_x, x)
        x = w.select(w.compare("ogt", x, last_x), last_x, x)
    w.line(f"  %long = icmp ugt i64 %n, {SEARCH_ABOVE}")
    w.line("  br i1 %long, label %search, label %scan")
    _scan(w, x)
    _search(w, x)
    parameters = [f"{w.real} %x", "ptr %xs", "i64 %n"]
    kind = "clamped" if clamp else "open"
    return function(f"table_{kind}_{width}", w.real, parameters, w)


def _value(w: Writer, x: str, x0: str, y0: str, slope: str) -> str:
    return w.add(w.mul(slope, w.sub(x, x0)), y0)


def _scan(w: Writer, x: str) -> None:
    """Pass over all points, keeping the last that is not above x."""
    t = w.real
    w.line("scan:")
    starts = [w.load_uniform("%xs", "0"), w.load_uniform("%xs", "%n")]
    slopes = w.let("shl i64 %n, 1")
    starts.append(w.load_uniform("%xs", slopes))
    w.line("  %more = icmp ugt i64 %n, 1\n  br i1 %more, label %pass, label %found\npass:")
    w.line("  %j = phi i64 [ 1, %scan ], [ %j_next, %pass ]")
    kept = [f"%k{i}" for i in range(3)]
    for i in range(3):
        w.line(f"  {kept[i]} = phi {t} [ {starts[i]}, %scan ], [ %l{i}, %pass ]")
    here = w.load_uniform("%xs", "%j")
    beyond = w.compare("oge", x, here)
    y = w.load_uniform("%xs", w.let("add i64 %j, %n"))
    slope = w.load_uniform("%xs", w.let(f"add i64 %j, {slopes}"))
    for i, new in enumerate((here, y, slope)):
        w.line(f"  %l{i} = select {w.mask} {beyond}, {t} {new}, {t} {kept[i]}")
    w.line("  %j_next = add i64 %j, 1\n  %again = icmp ult i64 %j_next, %n")
    w.line("  br i1 %again, label %pass, label %found\nfound:")
    for i in range(3):
        w.line(f"  %f{i} = phi {t} [ {starts[i]}, %scan ], [ %l{i}, %pass ]")
    w.line(f"  ret {t} {_value(w, x, '%f0', '%f1', '%f2')}")


def _search(w: Writer, x: str) -> None:
    """Halve the interval until the last point not above x is found, lane by lane."""
    t, word = w.real, w.word
    w.line("search:")
    w.line("  %zeros = call i64 @llvm.ctlz.i64(i64 %n, i1 true)\n  %top = sub i64 63, %zeros")
    w.line("  %first = shl i64 1, %top\n  br label %halve\nhalve:")
    w.line("  %width = phi i64 [ %first, %search ], [ %width_next, %halve ]")
    zero = w.integer(0)
    w.line(f"  %at = phi {word} [ {zero}, %search ], [ %at_next, %halve ]")
    candidate = w.integers("add", "%at", w.broadcast("%width", "i64"))
    limit = w.broadcast(w.let("sub i64 %n, 1"), "i64")
    inside = w.icompare("ule", candidate, limit)
    there = w.gather("%xs", w.iselect(inside, candidate, zero))
    moves = w.masks("and", inside, w.compare("oge", x, there))
    w.line(f"  %at_next = select {w.mask} {moves}, {word} {candidate}, {word} %at")
    w.line("  %width_next = lshr i64 %width, 1\n  %on = icmp ne i64 %width_next, 0")
    w.line("  br i1 %on, label %halve, label %end\nend:")
    n = w.broadcast("%n", "i64")
    at_y = w.integers("add", "%at_next", n)
    at_slope = w.integers("add", at_y, n)
    x0, y0 = w.gather("%xs", "%at_next"), w.gather("%xs", at_y)
    w.line(f"  ret {t} {_value(w, x, x0, y0, w.gather('%xs', at_slope))}")
