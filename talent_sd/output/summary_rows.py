"""The rows of a summary: each output's numbers in full precision, and as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.language import tell
from talent_sd.forecast.compare import RELATIVE, first_clear_year, probability_better
from talent_sd.inputs.labels import Labels
from talent_sd.output.numbers import Scale, digits, percent, scale_for
from talent_sd.output.titles import scenario_titles
from talent_sd.policies.policy_costs import ranked
from talent_sd.policies.policy_table import MIX, mix_of

if TYPE_CHECKING:
    import xarray as xr

INTERVAL = (0.1, 0.9)
MOST = 30
"""So many variables of a model without headline outputs are shown."""


@dataclass(frozen=True)
class Record:
    """One row.

    Parameters
    ----------
    group : heading of the rows it stands among
    cells : column -> text as shown
    values : column -> value in full precision, in the dataset's own units
    """

    group: str
    cells: Mapping[str, str]
    values: Mapping[str, Any]


def forecast_records(forecast: xr.Dataset, labels: Labels, lang: str) -> Iterator[Record]:
    """Yield each scenario's headline outputs in the last year, and their change since the forecast's start."""
    titles = scenario_titles(forecast, lang)
    start = float(forecast.attrs.get("forecast_from", forecast[TIME][0]))
    for scenario, title in titles.items():
        for where, label, array in _outputs(forecast.sel({SCENARIO: scenario}), labels, lang):
            last = array.isel({TIME: -1})
            middle, first = float(last.median()), float(array.sel({TIME: start}).median())
            # from a surplus to a debt, or from nothing, no percentage means anything
            since = middle / first - 1 if first * middle > 0 else float("nan")
            scale = scale_for(abs(middle), array.attrs.get("units", ""), lang)
            low, high = _interval(last)
            cells = {
                "output": label,
                "unit": scale.unit,
                "value": digits(middle / scale.factor),
                "interval": _span(low, high, scale),
                "since_start": _percent(since, lang),
            }
            values = {"value": middle, "lower": low, "upper": high, "since_start": since}
            yield Record(title, cells, {"scenario": scenario, **where, "year": float(last[TIME]), **values})


def comparison_records(change: xr.Dataset, labels: Labels, lang: str) -> Iterator[Record]:
    """Yield what each scenario changes in the last year, city by city where there are several."""
    titles = scenario_titles(change, lang)
    for scenario, title in titles.items():
        cities = [str(city) for city in change[CITY].values] if CITY in change.dims else [""]
        for city in cities:
            one = change.sel({SCENARIO: scenario, **({CITY: city} if city else {})})
            group = f"{title} · {one[f'{CITY}_{lang}'].item()}" if city else title
            for where, label, array in _outputs(one, labels, lang):
                about = {"scenario": scenario, **({"city": city} if city else {}), **where}
                yield _compared(one, array, label, group, about, labels, lang)


def _compared(
    one: xr.Dataset,
    array: xr.DataArray,
    label: str,
    group: str,
    about: Mapping[str, Any],
    labels: Labels,
    lang: str,
) -> Record:
    relative = one[f"{array.name}{RELATIVE}"]
    relative = relative.sel({dim: array[dim].item() for dim in relative.dims if dim not in array.dims})
    last = array.isel({TIME: -1})
    middle, share = float(last.median()), float(relative.isel({TIME: -1}).median())
    told = relative.attrs["baseline_minimum"] > 0 and array.attrs.get("units") != "year"
    low, high = _interval(last)
    reach = max(abs(middle), abs(low), abs(high)) if low == low else abs(middle)
    scale = scale_for(reach, array.attrs.get("units", ""), lang)
    better, clear = float("nan"), float("nan")
    if array.sizes[DRAW] > 1:
        better = float(probability_better(array, array.name in labels.lower_is_better).isel({TIME: -1}))
        clear = float(first_clear_year(array))
    cells = {
        "output": label,
        "unit": scale.unit,
        "change": _signed(middle / scale.factor, reach / scale.factor),
        "relative": _percent(share if told else float("nan"), lang),
        "interval": _span(low, high, scale),
        "better": "–" if better != better else f"{100 * better:.0f}{'' if lang == 'zh' else ' '}%",
        "clear": "–" if clear != clear else f"{clear:g}",
    }
    values = {
        "change": middle,
        "relative_change": share,
        "lower": low,
        "upper": high,
        "probability_better": better,
        "first_clear_year": clear,
    }
    return Record(group, cells, {**about, "year": float(last[TIME]), **values})


def policy_records(effects: xr.Dataset, labels: Labels, lang: str) -> Iterator[Record]:
    """Yield what each policy adds to the first output in the last year, and what it costs; then the mix."""
    output = str(effects["output"].values[0])
    for scenario, title in scenario_titles(effects, lang).items():
        one = mix_of(effects, scenario).isel({TIME: -1})
        of = one.sel(output=output)
        scale = scale_for(float(abs(of["total"].median())), str(of["unit"].values), lang)
        money = scale_for(float(one["mix_cost"].median()), "yuan", lang)
        order = np.argsort(-of["contribution"].median(DRAW).values, kind="stable")
        for policy in [*of["policy"].values[order], MIX]:
            whole = policy == MIX
            own = of if whole else of.sel(policy=policy)
            adds, cost = (
                (own["total"], own["mix_cost"]) if whole else (own["contribution"], own["present_cost"])
            )
            alone = of["alone"].sum("policy") if whole else own["alone"]
            per = own["mix_cost_per" if whole else "cost_per"].sel(measure="person")
            label = tell("Whole mix", lang) if whole else labels.element(str(policy), lang)
            about = {"scenario": scenario, "policy": str(policy), "year": float(one[TIME])}
            yield _policy(title, label, about, (adds, alone, cost, per), scale, money, lang)


def _policy(
    group: str,
    label: str,
    about: Mapping[str, Any],
    numbers: tuple[xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray],
    scale: Scale,
    money: Scale,
    lang: str,
) -> Record:
    adds, alone, cost, per = numbers
    low, high = _interval(adds)
    ratio = float(ranked(per.values)[1])
    yuan = scale_for(abs(ratio), "yuan", lang)
    values = {
        "adds": float(adds.median()),
        "lower": low,
        "upper": high,
        "alone": float(alone.median()),
        "present_cost": float(cost.median()),
        "cost_per_person": ratio,
    }
    cells = {
        "policy": label,
        "unit": scale.unit,
        "adds": _signed(values["adds"] / scale.factor),
        "interval": _span(low, high, scale),
        "alone": _signed(values["alone"] / scale.factor),
        "cost": _amount(values["present_cost"], money, lang),
        "per_person": _amount(ratio, yuan, lang) if np.isfinite(ratio) else tell("no effect", lang),
    }
    return Record(group, cells, {**about, **values})


def loop_records(loops: xr.Dataset, labels: Labels, lang: str) -> Iterator[Record]:
    """Yield each loop's mean share of the named loops' activity from the forecast's start on, and what it adds."""
    start = float(loops.attrs.get("forecast_from", loops[TIME][0]))
    share = loops["share"].sel({TIME: slice(start, None)}).mean(TIME).median(DRAW)
    adds = loops["adds"].isel({TIME: -1})
    adds = adds.sum([dim for dim in adds.dims if dim not in ("loop", DRAW)])
    unit = str(loops["adds"].attrs.get("units", loops.attrs.get("of_units", "")))
    scale = scale_for(float(abs(adds.median(DRAW)).max()), unit, lang)
    for name in share["loop"].values[np.argsort(-abs(share.values), kind="stable")]:
        part, added = float(share.sel(loop=name)), adds.sel(loop=name)
        middle, (low, high) = float(added.median()), _interval(added)
        cells = {
            "loop": labels.element(str(name), lang),
            "share": _percent(part, lang),
            "adds": _signed(middle / scale.factor),
            "unit": scale.unit,
            "interval": _span(low, high, scale),
        }
        values = {"loop": str(name), "share": part, "adds": middle, "lower": low, "upper": high}
        yield Record("", cells, values)


def _outputs(
    dataset: xr.Dataset, labels: Labels, lang: str
) -> Iterator[tuple[dict[str, str], str, xr.DataArray]]:
    """Yield (variable, subscript, unit), label and values (draw, time) of what is shown, element by element."""
    drawn = [
        str(name)
        for name, array in dataset.data_vars.items()
        if {DRAW, TIME} <= set(array.dims) and not str(name).endswith(RELATIVE)
    ]
    headline = [name for name in dict.fromkeys(("total talent", *labels.headline)) if name in drawn]
    for name in headline or drawn[:MOST]:
        array, unit = dataset[name], str(dataset[name].attrs.get("units", ""))
        extra = [dim for dim in array.dims if dim not in (DRAW, TIME)]
        label = labels.variable(name, lang)
        if not extra:
            yield {"variable": name, "subscript": "", "unit": unit}, label, array
            continue
        for element in array.stack(element=extra)["element"].values.tolist():
            parts = element if isinstance(element, tuple) else (element,)
            chosen = dict(zip(extra, parts, strict=True))
            told = ", ".join(labels.element(str(part), lang) for part in parts)
            about = {"variable": name, "subscript": ", ".join(map(str, parts)), "unit": unit}
            yield about, tell("{variable}: {element}", lang, variable=label, element=told), array.sel(chosen)


def _interval(values: xr.DataArray) -> tuple[float, float]:
    """Return the ends of the 80 % interval over draws; NaN of a single one."""
    if values.sizes.get(DRAW, 1) < 2:
        return float("nan"), float("nan")
    low, high = values.quantile(INTERVAL, DRAW).values.tolist()
    return low, high


def _span(low: float, high: float, scale: Scale) -> str:
    if low != low:
        return "–"
    beside = max(abs(low), abs(high)) / scale.factor
    return f"{digits(low / scale.factor, beside=beside)} … {digits(high / scale.factor, beside=beside)}"


def _signed(value: float, beside: float = 0.0) -> str:
    text = digits(value, beside=beside)
    return f"+{text}" if value > 0 and text != "0" else text


def _percent(share: float, lang: str) -> str:
    text = percent(share)
    return text.replace(" ", "") if lang == "zh" else text


def _amount(value: float, scale: Scale, lang: str) -> str:
    return f"{digits(value / scale.factor)}{'' if lang == 'zh' else ' '}{scale.unit}"
