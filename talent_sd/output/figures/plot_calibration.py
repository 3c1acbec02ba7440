"""What the data changed: prior against posterior of every fitted constant."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.style import GREY, heading, house_style, line_look, new_figure, save_figure
from talent_sd.uncertainty.fitted_constants import Beliefs
from talent_sd.uncertainty.posterior import Posterior

PRIOR_AND_POSTERIOR = N_("What the data changed: prior against posterior")

COLUMNS = 4
BINS = 32
"""Bars of each histogram: a thousand draws show their shape, not their chance."""
BLUE = str(line_look(0)["color"])


def save_calibration_plots(beliefs: Beliefs, posterior: Posterior, folder: Path, lang: str = "en") -> None:
    """Draw `prior_and_posterior.png` into a folder."""
    count = len(beliefs.names)
    rows = -(-count // COLUMNS)
    chance = (np.arange(4000)[:, None] + 0.5) / 4000 * np.ones(count)
    prior = beliefs.spread(chance)
    with house_style():
        figure = new_figure(9, 1.45 * rows + 0.7)
        axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for column, name in enumerate(beliefs.names):
            axis = axes[column]
            inside = np.quantile(
                np.concatenate([prior[:, column], posterior.values[:, column]]), [0.001, 0.999]
            )
            edges = np.linspace(inside[0], inside[1], BINS + 1)
            for values, colour, key in (
                (prior[:, column], GREY, N_("prior")),
                (posterior.values[:, column], BLUE, N_("posterior")),
            ):
                axis.hist(values, edges, density=True, color=colour, alpha=0.55, label=tell(key, lang))
            axis.set_xlim(*inside)
            axis.set_yticks([])
            axis.grid(visible=False)
            axis.set_title(shipped_labels().variable(name, lang), fontsize=7.5, loc="left")
            axis.locator_params(axis="x", nbins=4)
        for axis in axes[count:]:
            axis.set_axis_off()
        figure.suptitle(tell(PRIOR_AND_POSTERIOR, lang), x=0.01, ha="left", **heading())
        figure.legend(*axes[0].get_legend_handles_labels(), loc="upper right", ncols=2, frameon=False)
        figure.tight_layout(rect=(0, 0, 1, 0.97))
        save_figure(figure, folder / "prior_and_posterior.png")
