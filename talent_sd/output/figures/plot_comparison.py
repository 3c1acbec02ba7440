"""Pictures of comparisons: the scenarios' paths, and their differences from the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, listed, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import Line
from talent_sd.output.figures.plot_forecast import Panel, compose
from talent_sd.output.headline_outputs import Output, headline_outputs
from talent_sd.output.numbers import scale_for
from talent_sd.output.speech import city_name, scenario_titles, source_line
from talent_sd.output.style import BASELINE, save_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

BANDS = N_(" Bands: 80 % of {draws} draws.")


def save_comparison_plots(
    spread: xr.Dataset,
    change: xr.Dataset,
    labels: Labels,
    lang: str,
    folder: Path,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Write `paths.png` and `differences.png`; `done(1)` is called after each."""
    save_figure(plot_paths(spread, labels, lang, change.attrs["baseline"]), folder / "paths.png")
    done(1)
    save_figure(plot_differences(change, labels, lang), folder / "differences.png")
    done(1)


def plot_paths(spread: xr.Dataset, labels: Labels, lang: str = "en", baseline: str = "baseline") -> Figure:
    """Draw the headline outputs of all scenarios, an output a panel, a scenario a line.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), as `simulate` gives it

    Raises
    ------
    InputError
        If it holds none of the headline variables.
    """
    styles = _styles(spread, baseline)
    panels = [_level_panel(one, styles, spread, labels, lang) for one in headline_outputs(spread, labels)]
    return compose(
        _some(panels, labels),
        tell(N_("Scenarios compared", "plot"), lang),
        city_name(spread, lang),
        source_line(spread, lang, BANDS),
        lang,
        spread.attrs.get("forecast_from"),
        key=panels[0].lines,
    )


def plot_differences(change: xr.Dataset, labels: Labels, lang: str = "en") -> Figure:
    """Draw what each scenario changes against the baseline, an output a panel.

    Changes are relative; of an output whose baseline is zero or a debt at times, and of
    years, absolute.

    Parameters
    ----------
    change : as `compare` gives it

    Raises
    ------
    InputError
        If it holds none of the headline variables.
    """
    styles = _styles(change, change.attrs["baseline"])
    panels = [
        Panel(_title(one, labels, lang), "%", _lines(one.relative * 100, styles, change, lang))
        if one.percent_means_something and one.relative is not None
        else _level_panel(one, styles, change, labels, lang)
        for one in headline_outputs(change, labels)
    ]
    baseline = change.attrs.get(f"baseline_title_{lang}", change.attrs["baseline"])
    return compose(
        _some(panels, labels),
        tell("Difference from the baseline ({baseline})", lang, baseline=baseline),
        city_name(change, lang),
        source_line(change, lang, BANDS),
        lang,
        change.attrs.get("forecast_from"),
        zero_line=True,
        key=panels[0].lines,
    )


def _some(panels: Sequence[Panel], labels: Labels) -> Sequence[Panel]:
    if not panels:
        raise InputError(
            "nothing to plot: the comparison has none of {headline}.", headline=listed(labels.headline)
        )
    return panels


def _styles(dataset: xr.Dataset, baseline: str) -> dict[str, int]:
    """Give the baseline its grey, the others colours in order; the same in every picture."""
    others = [name for name in map(str, dataset[SCENARIO].values) if name != baseline]
    return {**{name: number for number, name in enumerate(others)}, baseline: BASELINE}


def _title(one: Output, labels: Labels, lang: str) -> str:
    """Return an output's name, of one element of it the element's alone: panels are narrow."""
    return one.elements(labels, lang) or labels.variable(one.name, lang)


def _level_panel(
    one: Output, styles: dict[str, int], dataset: xr.Dataset, labels: Labels, lang: str
) -> Panel:
    scale = scale_for(one.largest, one.unit, lang)
    lines = _lines(one.values / scale.factor, styles, dataset, lang)
    return Panel(_title(one, labels, lang), scale.unit or tell("dimensionless", lang), lines)


def _lines(array: xr.DataArray, styles: dict[str, int], dataset: xr.Dataset, lang: str) -> tuple[Line, ...]:
    titles = scenario_titles(dataset, lang)
    values = array.transpose(SCENARIO, DRAW, TIME).values
    years = dataset[TIME].values
    return tuple(
        Line(title, years, own, styles[name])
        for (name, title), own in zip(titles.items(), values, strict=True)
    )
