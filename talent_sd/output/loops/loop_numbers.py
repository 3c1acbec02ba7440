"""Numbers and names of loops as pictures and words show them, and the list of loops under a diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.attribution import PART
from talent_sd.base.dims import BAND, DRAW, TIME
from talent_sd.base.language import N_, fixed, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.loop_names import LoopNames
from talent_sd.loops.loop_shares import KIND, KINDS
from talent_sd.output.figures.sheet import foot_lines
from talent_sd.output.loops.loop_arrows import draw_badge
from talent_sd.output.speech import broken, sentences
from talent_sd.output.style import FAINT, GREY, INK, heading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy

AGAINST = N_("{city}, {scenario} against {against}: what carries the change")
ALONE = N_("{city}, {scenario}: what feedback adds to the same run with all loops cut")
SOURCE = N_(
    "Source: {source}, model {model} ({hash}). Method: Loops That Matter 2023 over three-year windows, "
    "against the reference run; stocks' own adjustment folded in."
)
SOURCE_MODEL = N_("Source: {source}, model {model} ({hash}). Method: Loops That Matter 2023.")


def loop_sign(names: LoopNames, number: int) -> str:
    """Return R1, R2, ..., B1, ...: polarity and count among its kind, in the file's order."""
    loop = names.loops[number]
    return f"{loop.polarity}{sum(other.polarity == loop.polarity for other in names.loops[: number + 1])}"


def output_name(study: LoopStudy, labels: Labels, lang: str) -> str:
    """Return what the split output is called, with its elements if not all of them are meant."""
    adds = study.adds
    name = labels.variable(str(adds.attrs["of"]), lang)
    chosen = [dim for dim in adds["share"].dims if dim not in (PART, DRAW, TIME) and adds.sizes[dim] == 1]
    return " · ".join([name, *(labels.element(str(adds[dim].values[0]), lang) for dim in chosen)])


def subtitle(study: LoopStudy | ModelStudy, lang: str) -> str:
    """Return city and scenario, and what they are held against."""
    about = study.shares.attrs
    if "city" not in about:
        return tell("{model}: its strongest feedback loops", lang, model=about["model"])
    city, scenario, against = (about[f"{what}_{lang}"] for what in ("city", "scenario", "against"))
    if against:
        return tell(AGAINST, lang, city=city, scenario=scenario, against=against)
    return tell(ALONE, lang, city=city, scenario=scenario)


def loops_source(study: LoopStudy | ModelStudy, lang: str, inches: float, size: float, more: str = "") -> str:
    """Return where a picture's numbers come from, and of how many draws they are means, broken to a width."""
    about = study.shares.attrs
    key = SOURCE if "city" in about else SOURCE_MODEL
    line = tell(key, lang, source=about["source"], model=about["model"], hash=about["model_sha256"][:8])
    draws = study.shares.sizes["draw"]
    if draws > 1:
        line += tell(" Means of {draws} draws.", lang, draws=draws)
    elif "city" in about:
        line = sentences(lang, line, tell("One central run.", lang))
    return "\n".join(foot_lines(line + more, inches, size))


SMALL = 0.03
"""Loops that add less than this part of the largest are put together."""
Row = tuple[str, float, float]
"""Label, what it adds, half width of its 80 % interval or standard error (0: exact)."""


def mean_size(share: np.ndarray) -> np.ndarray:
    """Return the mean over draws of a share's size, (time,); NaN where nothing moves.

    >>> mean_size(np.array([[0.2, np.nan], [-0.4, np.nan]])).tolist()
    [0.30000000000000004, nan]
    """
    moving = np.isfinite(share)
    mean = np.where(moving, np.abs(share), 0.0).sum(axis=0) / np.maximum(moving.sum(axis=0), 1)
    return np.where(moving.any(axis=0), mean, np.nan)


def kind_parts(study: LoopStudy | ModelStudy) -> dict[str, np.ndarray]:
    """Return kind of loop -> (time,) part of the activity of all loops found, mean over draws."""
    activity = study.shares["activity"].transpose(KIND, DRAW, TIME)
    return {kind: mean_size(activity.sel({KIND: kind}).values) for kind in KINDS}


def percent_of(share: np.ndarray, lang: str = "en") -> str:
    """Write the mean size of a share's draws in whole percent; – where nothing moves.

    >>> percent_of(np.array([-0.123])), percent_of(np.array([0.002])), percent_of(np.array([np.nan]))
    ('12 %', '<1 %', '–')
    >>> percent_of(np.array([0.12]), "zh")
    '12%'
    """
    size = float(mean_size(share[:, None])[0]) * 100
    if np.isnan(size):
        return "–"
    number = fixed(size) if size >= 1 else "<1" if size > 0 else "0"
    return f"{number}{'' if lang == 'zh' else ' '}%"


def three_years(study: LoopStudy | ModelStudy) -> list[tuple[int, str]]:
    """Return three years to show, as (index, year): the first that moves, the middle, the last.

    Years before the forecast are left out, unless nothing else moves.
    """
    moving = np.flatnonzero(np.isfinite(study.shares["share"].values).any(axis=(0, 1))).tolist()
    years = study.shares["time"].values
    since = study.shares.attrs.get("forecast_from", years[0])
    chosen = [index for index in moving if years[index] >= since] or moving or [0]
    return [(i, f"{years[i]:g}") for i in dict.fromkeys((chosen[0], chosen[len(chosen) // 2], chosen[-1]))]


def split_rows(
    study: LoopStudy, lang: str, element: str | None = None, *, together: bool = True
) -> tuple[float, list[Row], float]:
    """Return the value with all loops cut, what each loop adds (largest first), and the value with all closed.

    Parameters
    ----------
    element : of a subscripted output; the sum over its elements if not given
    together : whether small loops are put together
    """
    last = study.adds.isel(time=-1)
    extra = [dim for dim in last["share"].dims if dim not in ("part", "draw")]
    if extra:
        last = last.sel({extra[0]: element}) if element is not None else last.sum(extra)
    rows: list[Row] = []
    for number, loop in enumerate(study.names.loops):
        own = last["share"].sel(part=loop.name).values
        error = float(last["standard_error"].sel(part=loop.name).values.mean())
        spread = float(np.diff(np.quantile(own, BAND))[0]) / 2 if len(own) > 1 else error
        rows.append((f"{loop_sign(study.names, number)} {loop.label[lang]}", float(own.mean()), spread))
    rows.sort(key=lambda row: -abs(row[1]))
    least = SMALL * abs(rows[0][1])
    small = [row for row in rows if abs(row[1]) < least or row[1] == 0]
    if together and len(small) > 1:
        rows = [row for row in rows if row not in small]
        label = tell("{count} other loops together", lang, count=len(small))
        rows.append((label, sum(value for _, value, _ in small), 0.0))
    return float(last["without"].mean()), rows, float(last["whole"].mean())


SHARE_IN = N_("Share of the named loops' activity in")
SHARE_AT = N_("Share of the activity of the loops shown at")

LEFT, BREADTH = 0.04, 0.93
ROW = 0.375
"""Inches that a loop takes: its name and two lines of its story."""
LETTERS = 68
"""In a line of a story; a Chinese character counts as two."""
WIDE, APART = 0.955, 0.09


def rows_of(study: LoopStudy | ModelStudy) -> int:
    """Return how many rows the list has."""
    return max(min(4, len(study.names.loops)), (len(study.names.loops) + 1) // 2)


def list_height(rows: int) -> float:
    """Return how high the list is, with its heading, in inches."""
    return (rows + 0.55) * ROW


def draw_list(
    figure: Figure, study: LoopStudy | ModelStudy, lang: str, bottom: float, rows: int, page: float
) -> None:
    """List the loops in two columns.

    Parameters
    ----------
    bottom : of the list, as a part of the page's height
    page : the page's height, inches
    """
    axes = figure.add_axes((LEFT, bottom, BREADTH, list_height(rows) / page))
    axes.set_xlim(0, 2)
    axes.set_axis_off()
    loops, years = study.names.loops, three_years(study)
    axes.set_ylim(rows, -0.55)
    part = tell(SHARE_IN if "city" in study.shares.attrs else SHARE_AT, lang)
    rights = [WIDE - APART * (len(years) - 1 - place) for place in range(len(years))]
    for column in (0, 1)[: 1 + (len(loops) > rows)]:
        for right, (_, year) in zip(rights, years, strict=True):
            axes.text(column + right, -0.25, year, fontsize=6.7, ha="right", va="center", color=GREY)
        axes.text(column, -0.25, part, fontsize=6.7, va="center", color=GREY)
        axes.plot([column, column + WIDE], [0, 0], color=FAINT, linewidth=0.8)
    for number, loop in enumerate(loops):
        column, row = divmod(number, rows)
        draw_badge(axes, (column + 0.022, row + 0.47), loop.polarity, loop_sign(study.names, number))
        axes.text(column + 0.06, row + 0.22, loop.label[lang], fontsize=7.4, va="center", **heading())
        share = study.shares["share"].sel(loop=loop.name).values
        for right, (index, _) in zip(rights, years, strict=True):
            axes.text(column + right, row + 0.22, percent_of(share[:, index], lang), fontsize=7.4, ha="right", va="center",
                      color=INK)  # fmt: skip
        story = "\n".join(shortened(broken(loop.story[lang], LETTERS / 2), 2))
        axes.text(column + 0.06, row + 0.46, story, fontsize=6.7, va="top", color=GREY, linespacing=1.0)


def shortened(lines: list[str], most: int) -> list[str]:
    """Return so many lines at most, the last one ending in an ellipsis if there were more.

    >>> shortened(["a", "b", "c"], 2)
    ['a', 'b …']
    """
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1] + " …"]
