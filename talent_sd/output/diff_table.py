"""The table of what two scenarios set differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from talent_sd.base.labels import Labels
from talent_sd.base.words import word
from talent_sd.output.numbers import unit_label

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from talent_sd.forecast.scenario_diff import Difference

PARTS = ("policies", "assumptions", "shocks", "context", "city")
LARGE = 1e6
"""Numbers from here on are cut to six digits, so that two stand side by side."""


def diff_table(
    differences: Sequence[Difference], titles: tuple[str, str], labels: Labels, lang: str = "en"
) -> Table:
    """Make the table: a part after the other, each value above the place where it was written.

    Parameters
    ----------
    titles : what the two scenarios are called
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = word("diff.title", lang, first=titles[0], second=titles[1])
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(word("diff.key", lang), overflow="fold")
    for text in titles:
        table.add_column(Text(text), overflow="fold")
    for part in PARTS:
        rows = [item for item in differences if item.part == part]
        if not rows:
            continue
        table.add_row(Text(word(f"diff.{part}", lang), style="bold"))
        switched = {item.key for item in rows if "." not in item.key}
        for item in rows:
            sides = (_side(item.old, item.old_origin, lang), _side(item.new, item.new_origin, lang))
            table.add_row(_key(item, switched, labels, lang), *sides)
        table.add_section()
    return table


def _key(item: Difference, switched: set[str], labels: Labels, lang: str) -> Text:
    """Name what is set as the file does, short below a policy's own row; beneath it label and unit."""
    from rich.text import Text

    name, dot, rest = item.key.partition(".")
    below = item.part == "policies" and bool(dot) and name in switched
    label = ""
    if item.part == "policies" and not below:
        label = labels.element(name, lang)
    elif item.part in ("assumptions", "city"):
        label = labels.variable(name.split("[")[0], lang)
    elif item.part == "context" and item.year:
        label = labels.variable(f"national {name.replace('_', ' ')}", lang)
        label = "" if label.startswith("national ") else label
    key = f"  .{rest}" if below else item.key
    key = word("diff.curve", lang, variable=key, year=item.year) if item.year else key
    # an English label only repeats the name, and a year needs no unit
    label = "" if lang == "en" else label
    unit = "" if item.unit == "year" else unit_label(item.unit, lang)
    note = word("plot.comma", lang).join(filter(None, (label, unit)))
    return Text.assemble(key, (f"\n{'  ' * below}{note}" if note else "", "dim"))


def _side(value: float | str | bool | None, origin: str, lang: str) -> Text:
    """Write a value, and below it where it stands."""
    from rich.text import Text

    if value is None:
        return Text(word("diff.none", lang), style="dim")
    if isinstance(value, bool):
        text = word("diff.on" if value else "diff.off", lang)
    else:
        text = value if isinstance(value, str) else f"{value:.6g}" if abs(value) >= LARGE else f"{value:.12g}"
    return Text.assemble(text, (f"\n{_short(origin)}", "dim"))


def _short(origin: str) -> str:
    """Name a shipped file without its folder; the user's own as it is."""
    return origin.rsplit("/", 1)[-1] if origin.startswith("scenarios/") else origin
