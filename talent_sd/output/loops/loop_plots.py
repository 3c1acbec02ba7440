"""All the pictures of a loop study, written to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.inputs.labels import Labels
from talent_sd.output.loops.dominance import plot_dominance
from talent_sd.output.loops.loop_diagram import plot_loops
from talent_sd.output.loops.stock_flow_diagram import save_stock_flow
from talent_sd.output.loops.waterfall import plot_waterfall
from talent_sd.output.style import house_style, save_figure

if TYPE_CHECKING:
    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy


def save_loop_plots(
    study: LoopStudy, labels: Labels, lang: str, folder: Path, done: Callable[[int], None] = lambda _: None
) -> None:
    """Write feedback_loops.png and .svg, dominance.png, attribution.png and stock_and_flow.svg.

    Parameters
    ----------
    done : is told of each picture
    """
    _save_shared(study, labels, lang, folder)
    done(2)
    save_figure(plot_waterfall(study, labels, lang), folder / "attribution.png")
    done(1)
    save_stock_flow(study.stocks, labels, lang, folder / "stock_and_flow.svg")
    done(1)


def save_model_plots(study: ModelStudy, lang: str, folder: Path) -> None:
    """Write feedback_loops.png and .svg, dominance.png and stock_and_flow.svg of a model that is not the city's."""
    _save_shared(study, Labels(), lang, folder)
    if study.stocks:
        save_stock_flow(study.stocks, Labels(), lang, folder / "stock_and_flow.svg")


def _save_shared(study: LoopStudy | ModelStudy, labels: Labels, lang: str, folder: Path) -> None:
    if study.names.layout is not None:
        diagram = plot_loops(study, labels, lang)
        save_figure(diagram, folder / "feedback_loops.png")
        with house_style():
            # letters as shapes: the file looks the same on machines without our font
            diagram.savefig(folder / "feedback_loops.svg", metadata={"Date": None, "Creator": "talent_sd"})
    save_figure(plot_dominance(study, lang), folder / "dominance.png")
