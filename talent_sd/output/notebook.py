"""Results in a notebook: the headline numbers of a dataset as a table, and its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import LANGUAGES, N_, language, tell
from talent_sd.forecast.compare import RELATIVE, warn_of_not_finite
from talent_sd.inputs.labels import Labels, shipped_labels
from talent_sd.output.speech import city_name, scale_for
from talent_sd.output.summary_rows import (
    COMPARISON,
    FORECAST,
    LOOPS,
    POLICIES,
    Record,
    comparison_records,
    forecast_records,
    kind_of,
    loop_records,
    policy_records,
    sound,
)
from talent_sd.output.terminal_tables import run_note

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    from talent_sd.loops.why import Cause

CAUTION = N_("No policy's effect has been tested against what happened anywhere.")

MAKERS: dict[str, Callable[[xr.Dataset, Labels, str], Iterator[Record]]] = {
    FORECAST: forecast_records,
    COMPARISON: comparison_records,
    POLICIES: policy_records,
    LOOPS: loop_records,
}
HEADINGS = {
    "adds": N_("Adds"), "alone": N_("Alone", "notebook"), "better": N_("Draws doing better"),
    "change": N_("Difference"), "clear": N_("Clear from", "notebook"), "cost": N_("Present cost"),
    "interval": N_("80 % interval"), "loop": N_("Loop", "notebook"), "output": N_("Output"),
    "per_person": N_("Cost per person"), "policy": N_("Policy"), "relative": N_("Relative"),
    "share": N_("Share of activity"), "since_start": N_("Since the forecast's start"), "unit": N_("Unit"),
    "value": N_("Value"),
}  # fmt: skip
TITLES = {
    FORECAST: N_("{city}, {year}"),
    COMPARISON: N_("{city}, {year}: difference from the baseline ({baseline})", "notebook"),
    POLICIES: N_("{city}, {year}: what each policy adds to {output}, and what it costs"),
    LOOPS: N_("{city}, {year}: feedback loops, and what each adds to {output}"),
}
TEXT_WIDTH = 110
UNKNOWN = "–"


@dataclass(frozen=True)
class Summary:
    """The headline numbers of a result: a table in a notebook, text with `print`.

    Parameters
    ----------
    title : what the table tells, and of where
    notes : what the columns mean, and how far to trust them
    records : the rows
    lang : "en" or "zh"
    """

    title: str
    notes: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)
    lang: str = "en"

    @property
    def frame(self) -> pd.DataFrame:
        """The numbers in full precision, a row for each output, in the dataset's own units."""
        import pandas as pd

        return pd.DataFrame([dict(record.values) for record in self.records])

    @property
    def columns(self) -> list[str]:
        """Columns in which some row tells something."""
        every = dict.fromkeys(key for record in self.records for key in record.cells)
        return [key for key in every if any(r.cells.get(key, UNKNOWN) != UNKNOWN for r in self.records)]

    def _repr_html_(self) -> str:
        """Return the table as HTML; every text in it is escaped."""
        from html import escape

        columns = self.columns
        sides = [
            f' style="text-align:{"left" if number == 0 else "right"}"' for number in range(len(columns))
        ]
        head = "".join(
            f"<th{side}>{escape(tell(HEADINGS[key], self.lang))}</th>"
            for key, side in zip(columns, sides, strict=True)
        )
        rows, group = [], ""
        for record in self.records:
            if record.group != group:
                group = record.group
                rows.append(
                    f'<tr><th colspan="{len(columns)}" style="text-align:left">{escape(group)}</th></tr>'
                )
            cells = (
                f"<td{side}>{escape(record.cells.get(key, ''))}</td>"
                for key, side in zip(columns, sides, strict=True)
            )
            rows.append(f"<tr>{''.join(cells)}</tr>")
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return (
            f'<div lang="{tell("en", self.lang)}"><table>'
            f'<caption style="text-align:left;caption-side:top">{escape(self.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{notes}</div>"
        )

    def __str__(self) -> str:
        """Return the table as text."""
        import io

        from rich.console import Console
        from rich.text import Text

        from talent_sd.output.terminal_tables import numbers, rich_table, words

        first, *others = (tell(HEADINGS[key], self.lang) for key in self.columns)
        # names stay whole; of the rest what does not fit breaks
        columns = *words(first, no_wrap=True), *numbers(*others, overflow="fold")
        table = rich_table(self.title, *columns, style="")
        group = ""
        for record in self.records:
            if record.group != group:
                group = record.group
                table.add_section()
                table.add_row(Text(group))
            table.add_row(*(Text(record.cells.get(key, "")) for key in self.columns))
        stream = io.StringIO()
        console = Console(file=stream, width=TEXT_WIDTH, color_system=None, highlight=False, markup=False)
        console.print(table, *map(Text, self.notes), sep="\n")
        return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()).strip("\n")


@checked
def summary(result: xr.Dataset, lang: str | None = None) -> Summary:
    """Return the headline numbers of a result, for a notebook or for `print`.

    Parameters
    ----------
    result : what `simulate`, `ensemble`, `compare`, `attribute_policies` or `feedback_loops` returned
    lang : "en" or "zh"; that of `TALENT_SD_LANG` by default

    Returns
    -------
    Median and 80 % interval of each headline output in the last year; of a comparison also how many draws do
    better and from when on that is clear; of policies their shares and costs; of loops their
    shares of the activity. Its `frame` has the numbers in full precision.

    Raises
    ------
    InputError
        If the dataset is none of these, or the language is unknown.

    Examples
    --------
    >>> import talent_sd as ts
    >>> told = ts.summary(ts.simulate("baseline", city="wuxi", outputs=["City Brand"]), lang="en")
    >>> told.title
    'Wuxi, 2034'
    >>> told.frame.columns.tolist()
    ['scenario', 'variable', 'subscript', 'unit', 'year', 'value', 'lower', 'upper', 'since_start']
    """
    result = _whole(result)
    lang, kind, labels = _known(lang), kind_of(result), shipped_labels()
    result = sound(result, kind)
    if kind == FORECAST:
        warn_of_not_finite(result)
    records = tuple(MAKERS[kind](result, labels, lang))
    return Summary(_title(result, kind, labels, lang), _notes(result, kind, lang), records, lang)


@checked
def plot(result: xr.Dataset | xr.DataArray | Cause, lang: str | None = None) -> Figure:
    """Draw any result: paths, differences, policies, loops, causes, or the variables of a run.

    Parameters
    ----------
    result : what `simulate`, `ensemble`, `compare`, `attribute_policies` (its first scenario), `feedback_loops` or `why`
        returned, what `Model.run` did, or one variable of these
    lang : "en" or "zh"; that of `TALENT_SD_LANG` by default

    Returns
    -------
    A figure of its own, outside pyplot: a notebook shows it, `savefig` writes it.

    Raises
    ------
    InputError
        If it is none of these, or the language is unknown.
    """
    lang, labels = _known(lang), shipped_labels()
    if not hasattr(result, "dims"):
        return _shown_by_notebooks(plot_causes(cast("Cause", result), labels, lang))
    result = _whole(cast("xr.Dataset | xr.DataArray", result))
    kind = kind_of(result)
    result = sound(result, kind)
    if kind == FORECAST:
        warn_of_not_finite(result)
    if kind in (FORECAST, COMPARISON):
        from talent_sd.output.figures.plot_comparison import plot_differences, plot_paths

        if not any(name in result for name in labels.headline):
            names = [
                str(name) for name in result.data_vars if kind == FORECAST or not str(name).endswith(RELATIVE)
            ]
            labels = replace(labels, headline=tuple(names[:MOST_PANELS]))
        draw = plot_paths if kind == FORECAST else plot_differences
        return _shown_by_notebooks(draw(result, labels, lang))
    if kind == POLICIES:
        from talent_sd.output.policies.plot_policies import policy_pictures

        scenario = str(result[SCENARIO].values[0])
        return _shown_by_notebooks(policy_pictures(result, scenario, labels, lang)["cost"])
    from talent_sd.output.figures.plot_forecast import plot_shares

    return _shown_by_notebooks(plot_shares(result, labels, lang))


def plot_causes(found: Cause, labels: Labels, lang: str = "en") -> Figure:
    """Draw what moved a variable since the year before: a bar for each cause, the strongest on top."""
    from talent_sd.output.figures.panels import FALL, RISE
    from talent_sd.output.style import GREY, heading, house_style, new_figure

    shown = found.strip[::-1]
    scale = scale_for(max((abs(one.effect) for one in shown), default=0.0), found.unit, lang)
    with house_style():
        height = 1.0 + 0.27 * max(len(shown), 1)
        figure = new_figure(6.4, height)
        axis = figure.add_axes((0.4, 0.5 / height, 0.55, 1 - 0.95 / height))
        effects = [one.effect / scale.factor for one in shown]
        axis.barh(
            range(len(shown)),
            effects,
            color=[RISE if effect > 0 else FALL for effect in effects],
            height=0.62,
        )
        axis.set_yticks(range(len(shown)), [labels.variable(one.name, lang) for one in shown])
        axis.axvline(0, color=GREY, linewidth=0.7)
        axis.set_xlabel(scale.unit)
        years = f"{found.year - 1:g} → {found.year:g}"
        figure.text(
            0.02, 1 - 0.3 / height, f"{labels.variable(found.name, lang)}, {years}", fontsize=11, **heading()
        )
    return figure


MOST_PANELS = 12
"""So many variables are drawn of a result without headline outputs."""


def _whole(result: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Return a result, a variable of one, or a bare run as a dataset with axes of scenarios and draws."""
    bare = not hasattr(result, "data_vars")
    whole = cast("xr.Dataset", result.to_dataset(name=result.name or "value") if bare else result)  # type: ignore[union-attr, call-arg]
    over_time = TIME in whole.dims and "share" not in whole and "contribution" not in whole
    for dim, value in ((DRAW, 0), (SCENARIO, "run")) if over_time else ():
        if dim not in whole.dims:
            whole = whole.drop_vars(dim, errors="ignore").expand_dims({dim: [value]})
    return whole.sortby(TIME) if TIME in whole.indexes else whole


def _shown_by_notebooks(figure: Figure) -> Figure:
    """Return the figure with what a notebook asks for to show it, which a figure outside pyplot lacks."""
    import io

    from talent_sd.output.style import house_style

    def png() -> bytes:
        """Return the picture as PNG."""
        target = io.BytesIO()
        with house_style():
            figure.savefig(target, format="png")
        return target.getvalue()

    figure._repr_png_ = png  # type: ignore[attr-defined]
    return figure


def _known(lang: str | None) -> str:
    if lang is not None and lang not in LANGUAGES:
        raise InputError(
            "no language '{lang}': choose one of {names}.", lang=lang, names=", ".join(LANGUAGES)
        )
    return lang or language()


def _title(result: xr.Dataset, kind: str, labels: Labels, lang: str) -> str:
    return _full_title(result, kind, labels, lang).lstrip(", ，")


def _full_title(result: xr.Dataset, kind: str, labels: Labels, lang: str) -> str:
    of = str(result["output"].values[0]) if kind == POLICIES else str(result.attrs.get("of", ""))
    return tell(
        TITLES[kind],
        lang,
        city=city_name(result, lang),
        year=f"{float(result[TIME][-1]):g}",
        baseline=result.attrs.get(f"baseline_title_{lang}", result.attrs.get("baseline", "")),
        output=labels.variable(of, lang),
    )


def _notes(result: xr.Dataset, kind: str, lang: str) -> tuple[str, ...]:
    if kind == POLICIES:
        from talent_sd.output.policies.policy_tables import method_text

        return method_text(result, lang).strip(), tell(CAUTION, lang)
    notes = [run_note(result, lang), tell(CAUTION, lang) if kind == COMPARISON else ""]
    return tuple(filter(None, notes))
