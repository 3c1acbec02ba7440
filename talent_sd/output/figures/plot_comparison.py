"""Pictures of comparisons: the scenarios' paths, and their differences from the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, listed, tell
from talent_sd.forecast.compare import RELATIVE
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import Line
from talent_sd.output.figures.plot_forecast import Panel, compose
from talent_sd.output.numbers import scale_for
from talent_sd.output.style import BASELINE, save_figure
from talent_sd.output.titles import city_name, scenario_titles, source_line

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


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
    names = [str(name) for name in spread[SCENARIO].values]
    styles = _styles(names, baseline)
    panels = []
    for title, array in _outputs(spread, labels, lang):
        scale = scale_for(float(abs(array.median(DRAW)).max()), array.attrs.get("units", ""), lang)
        panels.append(
            Panel(
                title,
                scale.unit or tell("dimensionless", lang),
                _lines(array / scale.factor, styles, spread, lang),
            )
        )
    start = spread.attrs.get("forecast_from")
    return compose(
        _some(panels, labels),
        tell(N_("Scenarios compared", "plot"), lang),
        city_name(spread, lang),
        source_line(spread, lang, N_(" Bands: 80 % of {draws} draws.")),
        lang,
        start,
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
    names = [str(name) for name in change[SCENARIO].values]
    styles = _styles(names, change.attrs["baseline"])
    panels = []
    for title, array in _outputs(change, labels, lang):
        relative = _relative_of(change, array)
        if relative.attrs["baseline_minimum"] > 0 and array.attrs.get("units") != "year":
            panels.append(Panel(title, "%", _lines(relative * 100, styles, change, lang)))
        else:
            scale = scale_for(float(abs(array.median(DRAW)).max()), array.attrs.get("units", ""), lang)
            panels.append(
                Panel(
                    title,
                    scale.unit or tell("dimensionless", lang),
                    _lines(array / scale.factor, styles, change, lang),
                )
            )
    baseline = change.attrs.get(f"baseline_title_{lang}", change.attrs["baseline"])
    return compose(
        _some(panels, labels),
        tell("Difference from the baseline ({baseline})", lang, baseline=baseline),
        city_name(change, lang),
        source_line(change, lang, N_(" Bands: 80 % of {draws} draws.")),
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


def _styles(names: Sequence[str], baseline: str) -> dict[str, int]:
    """Give the baseline its grey, the others colours in order; the same in every picture."""
    others = [name for name in names if name != baseline]
    return {**{name: number for number, name in enumerate(others)}, baseline: BASELINE}


def _outputs(dataset: xr.Dataset, labels: Labels, lang: str) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield title and values (scenario, draw, time) of each headline output, element by element."""
    for name in labels.headline:
        if name not in dataset:
            continue
        array = dataset[name]
        extra = [dim for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)]
        if not extra:
            yield labels.variable(name, lang), array
            continue
        for element in array[extra[0]].values:
            yield labels.element(str(element), lang), array.sel({extra[0]: element})


def _relative_of(change: xr.Dataset, array: xr.DataArray) -> xr.DataArray:
    relative = change[f"{array.name}{RELATIVE}"]
    return relative.sel({dim: array.coords[dim].item() for dim in relative.dims if dim not in array.dims})


def _lines(array: xr.DataArray, styles: dict[str, int], dataset: xr.Dataset, lang: str) -> tuple[Line, ...]:
    titles = scenario_titles(dataset, lang)
    values = array.transpose(SCENARIO, DRAW, TIME).values
    years = dataset[TIME].values
    names = [str(name) for name in dataset[SCENARIO].values]
    return tuple(Line(titles[name], years, values[number], styles[name]) for number, name in enumerate(names))
