"""Pictures of a mix's policies: cost against effect, from the parts to the mix, who helps whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import foot_lines
from talent_sd.output.policies.policy_panels import (
    MIX,
    draw_key,
    draw_over_time,
    draw_pairs,
    draw_plane,
    draw_shares,
)
from talent_sd.output.policies.policy_tables import excess_text, method_text
from talent_sd.output.speech import Scale, city_name, scale_for, scenario_titles
from talent_sd.output.style import BASELINE, GREY, heading, house_style, new_figure, save_figure
from talent_sd.policies.policy_table import mix_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

INTERACTIONS_NOTE = N_(
    "How much more two policies do together than apart, on average over the rest of the mix ({unit}). "
    "Blue: they help each other; red, hatched: one does what the other has done, or takes its money."
)
MEDIANS = N_("Medians of {draws} draws and the middle 80 %, as in the tables; medians need not add up. ")
PLANE_NOTE = N_(
    "Point: median of {draws} draws. Cross: the middle 80 % of costs and of effects. Grey lines: the same cost "
    "per unit."
)

WIDTH = 7.2


def save_policy_plots(
    effects: xr.Dataset, labels: Labels, lang: str, folder: Path, done: Callable[[int], None] = lambda _: None
) -> None:
    """Write the pictures of each scenario as `policies_<scenario>_<picture>.png`; `done(1)` after each scenario."""
    for name in map(str, effects[SCENARIO].values):
        for picture, figure in policy_pictures(effects, name, labels, lang).items():
            save_figure(figure, folder / f"policies_{name}_{picture}.png")
        done(1)


def policy_figures(effects: xr.Dataset, labels: Labels, lang: str) -> dict[str, list[tuple[str, Figure]]]:
    """Return scenario -> captions and figures of its policies, for the report."""
    found: dict[str, list[tuple[str, Figure]]] = {}
    first = effects.isel(output=0)
    for name in map(str, effects[SCENARIO].values):
        pictures = policy_pictures(effects, name, labels, lang).items()
        found[name] = [(_title(picture, first, labels, lang), figure) for picture, figure in pictures]
    return found


def policy_pictures(
    effects: xr.Dataset, scenario: str, labels: Labels, lang: str = "en", output: str | None = None
) -> dict[str, Figure]:
    """Draw one scenario's pictures: `cost`; and `contributions` and `interactions` of several policies.

    Parameters
    ----------
    effects : as `policy_effects` gives them
    output : what policies add to; the first of the effects by default
    """
    mix = mix_of(effects, scenario)
    of = mix.sel(output=str(mix["output"].values[0]) if output is None else output)
    plots = {"cost": _plane}
    if of.sizes["policy"] > 1:
        plots["contributions"] = _contributions
        if of["interaction"].notnull().all():
            plots["interactions"] = _interactions
    under = f"{city_name(of, lang)} · {scenario_titles(of, lang)[scenario]}"
    pictures = {}
    for picture, plot in plots.items():
        with house_style():
            figure, note = plot(of, labels, lang)
            height = figure.get_figheight()
            title = _title(picture, of, labels, lang)
            figure.text(0.03, 1 - 0.14 / height, title, fontsize=12, va="top", **heading())
            figure.text(0.03, 1 - 0.42 / height, under, fontsize=8.5, color=GREY, va="top", parse_math=False)
            _foot(figure, note)
        pictures[picture] = figure
    return pictures


def _plane(of: xr.Dataset, labels: Labels, lang: str) -> tuple[Figure, str]:
    """Draw each policy's present cost against its share in the last year, and the mix beside the sum of its parts."""
    people, money = _scales(of, lang)
    height = max(5.1, 4.2 + 0.162 * of.sizes["policy"])
    figure = new_figure(WIDTH, height)
    left = figure.add_axes((0.085, 0.95 / height, 0.53, 1 - 1.95 / height))
    right = figure.add_axes((0.785, 0.95 / height, 0.155, 1.35 / height))
    entries = draw_plane(left, right, of.isel({TIME: -1}), labels, lang, people, money)
    draw_key(figure, 0.755, 1 - 1.0 / height, entries)
    if of.sizes["policy"] > 1:
        mix = [(tell("Whole mix", lang), MIX), (tell("Sum of its policies alone", lang), BASELINE)]
        draw_key(figure, 0.755, 2.95 / height, mix)
    note = tell(PLANE_NOTE, lang, draws=of.sizes[DRAW]) if of.sizes[DRAW] > 1 else ""
    return figure, f"{note} {method_text(of, lang)}".strip()


def _contributions(of: xr.Dataset, labels: Labels, lang: str) -> tuple[Figure, str]:
    """Draw how the policies one by one make up the mix in the last year, and the shares over time."""
    (people, _), last = _scales(of, lang), of.isel({TIME: -1})
    height = 2.1 + 0.21 * max(of.sizes["policy"] + 4, 8)
    figure = new_figure(WIDTH, height)
    bottom, top = 1.05 / height, 1 - 0.95 / height
    left = figure.add_axes((0.215, bottom, 0.29, top - bottom))
    right = figure.add_axes((0.575, bottom, 0.215, top - bottom))
    draw_shares(left, last, labels, lang, people)
    draw_over_time(right, of, labels, lang, people)
    note = tell(MEDIANS, lang, draws=of.sizes[DRAW]) if of.sizes[DRAW] > 1 else ""
    return figure, f"{note}{excess_text(last, people, lang)} {method_text(of, lang)}"


def _interactions(of: xr.Dataset, labels: Labels, lang: str) -> tuple[Figure, str]:
    """Draw the matrix of pairwise interactions in the last year."""
    count = of.sizes["policy"] - 1
    side = max(0.42 * count, min(0.8 * count, 2.0))  # few cells are large ones, so that no page is blank
    width, height = max(side + 2.9, 4.6), side + 2.1
    figure = new_figure(width, height)
    axes = figure.add_axes((1.75 / width, 0.55 / height, side / width, side / height))
    scale = draw_pairs(axes, of.isel({TIME: -1}), labels, lang)
    return figure, tell(INTERACTIONS_NOTE, lang, unit=scale.unit or tell("dimensionless", lang))


def _scales(of: xr.Dataset, lang: str) -> tuple[Scale, Scale]:
    last = of.isel({TIME: -1})
    people = scale_for(float(abs(last["total"]).median()), str(of["unit"].values), lang)
    return people, scale_for(float(of["mix_cost"].median()), "yuan", lang)


TITLES = {
    "cost": N_("What each policy adds for its money: {output}, {year}"),
    "contributions": N_("What each policy adds: {output}"),
    "interactions": N_("Which policies help each other: {output}, {year}"),
}


def _title(picture: str, of: xr.Dataset, labels: Labels, lang: str) -> str:
    year, output = f"{float(of[TIME][-1]):g}", labels.variable(str(of["output"].values), lang)
    return tell(TITLES[picture], lang, output=output, year=year)


def _foot(figure: Figure, text: str) -> None:
    """Write the note below, broken to the figure's width."""
    lines = foot_lines(text, figure.get_figwidth())
    figure.text(0.03, 0.08 / figure.get_figheight(), "\n".join(lines), fontsize=6, color=GREY, va="bottom")
