"""The matrix of pairwise interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW
from talent_sd.inputs.labels import Labels
from talent_sd.output.numbers import Scale, digits, scale_for
from talent_sd.output.style import INK

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

RISE, FALL = "#004488", "#bb5566"
SILENT = 0.01
"""Interactions below this part of the largest are written as 0."""


def draw_pairs(axes: Axes, last: xr.Dataset, labels: Labels, lang: str) -> Scale:
    """Draw interactions below the diagonal, medians over draws; return the scale they are written in."""
    from matplotlib.colors import LinearSegmentedColormap

    order = np.argsort(-last["contribution"].median(DRAW).values, kind="stable")
    pairs = last["interaction"].median(DRAW).transpose("policy", "other").values[np.ix_(order, order)]
    largest = float(np.abs(pairs).max())
    scale = scale_for(largest, str(last["unit"].values), lang)
    shown = np.where(np.tril(np.ones(pairs.shape, bool), -1), pairs, np.nan)[1:, :-1] / scale.factor
    reach = largest / scale.factor or 1.0
    colours = LinearSegmentedColormap.from_list("pairs", [FALL, "white", RISE])
    axes.imshow(shown, cmap=colours, vmin=-1.3 * reach, vmax=1.3 * reach)
    for (row, column), value in np.ndenumerate(shown):
        if np.isfinite(value):
            _cell(axes, row, column, float(value), reach)
    names = [labels.element(str(policy), lang) for policy in last["policy"].values[order]]
    axes.set_yticks(range(len(names) - 1), names[1:], fontsize=7)
    axes.set_xticks(
        range(len(names) - 1), names[:-1], fontsize=7, rotation=35, ha="left", rotation_mode="anchor"
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return scale


def _cell(axes: Axes, row: int, column: int, value: float, reach: float) -> None:
    from matplotlib.patches import Rectangle

    silent = abs(value) < SILENT * reach
    hatch = "////" if value < 0 and not silent else None
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor="white", linewidth=0.8)
    )
    text = "0" if silent else f"{'+' if value > 0 else ''}{digits(value, 2)}"
    dark = value > 0.7 * reach
    axes.text(
        column,
        row,
        text,
        fontsize=6,
        ha="center",
        va="center",
        color="white" if dark else INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8} if hatch else None,
    )
