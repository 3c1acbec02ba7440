"""What each loop adds to an output, one after the other, from all cut to all closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.loops.loop_numbers import Row, output_name, split_rows, subtitle
from talent_sd.output.numbers import Scale, digits, scale_for
from talent_sd.output.style import FAINT, GREY, INK, heading, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from talent_sd.loops.feedback_loops import LoopStudy

EXACT = N_(
    "Source: {source}, model {model}. Exact Shapley shares from all {runs} combinations of the {loops} "
    "loop switches; they add up to the whole."
)
SAMPLED = N_(
    "Source: {source}, model {model}. Shapley shares of {loops} loops: means of {draws} draws (the median "
    "draw exact, the others from sampled orders); lines: middle 80 % of draws."
)
UNIT = N_("Unit: {unit}")
WATERFALL = N_("What each loop adds: {of}, {year}")
WATERFALL_CHANGE = N_("Which loops carry the change: {of}, {year}")

RISE, FALL = "#004488", "#bb5566"


def plot_waterfall(study: LoopStudy, labels: Labels, lang: str = "en", element: str | None = None) -> Figure:
    """Draw the split of the study's output in the last year.

    Parameters
    ----------
    study : with `adds` of one output
    labels : names of the output and its elements
    element : of a subscripted output; the sum over elements if not given
    """
    start, rows, end = split_rows(study, lang, element)
    with house_style():
        height = 1.75 + 0.235 * (len(rows) + 2)
        figure = new_figure(7.2, height)
        axes = figure.add_axes((0.3, 0.62 / height, 0.62, 1 - 1.62 / height))
        largest = max(abs(value) for _, value, _ in rows)
        scale = scale_for(largest, str(study.adds.attrs["units"]), lang)
        _bars(axes, start, rows, end, scale, study, lang)
        of = output_name(study, labels, lang)
        if element is not None:
            of = f"{of} · {labels.element(element, lang)}"
        year = int(study.adds["time"].values[-1])
        key = WATERFALL_CHANGE if study.shares.attrs["against"] else WATERFALL
        figure.text(
            0.03, 1 - 0.14 / height, tell(key, lang, of=of, year=year), fontsize=12, va="top", **heading()
        )
        figure.text(0.03, 1 - 0.42 / height, subtitle(study, lang), fontsize=8.5, color=GREY, va="top")
        figure.text(0.03, 1 - 0.62 / height, tell(UNIT, lang, unit=scale.unit or "1"), fontsize=7.5, color=GREY,
                    va="top")  # fmt: skip
        figure.text(0.03, 0.1 / height, _method(study, lang), fontsize=6, color=GREY, va="bottom")
    return figure


def _bars(
    axes: Axes, start: float, rows: list[Row], end: float, scale: Scale, study: LoopStudy, lang: str
) -> None:
    change = bool(study.shares.attrs["against"])
    names = [tell("Direct effect, all loops cut" if change else "All loops cut", lang)]
    names += [label for label, _, _ in rows] + [tell("Total change" if change else "All loops closed", lang)]
    here = start / scale.factor
    reach = [here, end / scale.factor] + ([0.0] if change else [])
    if change:
        axes.barh(0, here, height=0.62, color=GREY, zorder=2)
        axes.axvline(0, color=INK, linewidth=0.7, zorder=1.2)
    _write(axes, 0, here, digits(here), bold=True)
    for place, (_, value, spread) in enumerate(rows, 1):
        step = value / scale.factor
        axes.barh(place, step, left=here, height=0.62, color=RISE if step >= 0 else FALL, zorder=2,
                  hatch="" if step >= 0 else "////", edgecolor="white", linewidth=0.4)  # fmt: skip
        axes.plot([here, here], [place - 1.31 + 0.62, place + 0.31], color=GREY, linewidth=0.6, zorder=1)
        here += step
        if spread > 0:
            half = spread / scale.factor
            axes.plot([here - half, here + half], [place, place], color=INK, linewidth=1.0, zorder=3)
            reach += [here - half, here + half]
        reach.append(here)
        half = spread / scale.factor
        x = max(here, here - step, here + half) if step >= 0 else min(here, here - step, here - half)
        text = f"{'+' if step > 0 else '−' if step < 0 else ''}{digits(abs(step))}"
        _write(axes, place, x, text, left=step < 0)
    final = len(rows) + 1
    if change:
        axes.barh(final, here, height=0.62, color=INK, zorder=2)
    else:
        axes.plot([start / scale.factor] * 2, [-0.4, 0.4], color=INK, linewidth=2.5)
        axes.plot([here] * 2, [final - 0.4, final + 0.4], color=INK, linewidth=2.5)
    _write(axes, final, here, digits(here), bold=True)
    room = (max(reach) - min(reach)) or 1.0
    axes.set_xlim(min(reach) - 0.16 * room, max(reach) + 0.16 * room)
    axes.set_ylim(final + 0.6, -0.6)
    axes.set_yticks(range(final + 1), names)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.5)
    axes.spines["left"].set_visible(False)
    for tick in (axes.yaxis.get_ticklabels()[0], axes.yaxis.get_ticklabels()[-1]):
        tick.set(**heading())


def _write(axes: Axes, row: int, x: float, text: str, *, left: bool = False, bold: bool = False) -> None:
    look = heading() if bold else {"color": INK}
    axes.annotate(text, (x, row), xytext=(-4 if left else 4, 0), textcoords="offset points", fontsize=7.2, va="center",
                  ha="right" if left else "left", zorder=1.5, **look,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _method(study: LoopStudy, lang: str) -> str:
    about = study.shares.attrs
    key = EXACT if study.adds.attrs["exact"] else SAMPLED
    return tell(
        key,
        lang,
        source=about["source"],
        model=about["model"],
        loops=len(study.names.loops),
        draws=study.adds.sizes["draw"],
        runs=2 ** len(study.names.loops),
    )
