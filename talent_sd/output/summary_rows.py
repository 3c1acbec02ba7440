"""The rows of a summary: each output's numbers in full precision, and as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import listed, tell
from talent_sd.forecast.compare import RELATIVE, first_clear_year
from talent_sd.forecast.ensemble import PARAMETER
from talent_sd.inputs.labels import Labels
from talent_sd.output.headline_outputs import Output, headline_outputs, outputs_of
from talent_sd.output.policies.policy_tables import mix_numbers, no_ratio, policy_numbers
from talent_sd.output.speech import (
    NO_BREAK,
    Scale,
    chance,
    digits,
    interval,
    percent,
    scale_for,
    scenario_titles,
    signed,
    span,
)
from talent_sd.output.terminal_tables import since_text
from talent_sd.policies.policy_table import MIX, mix_of, ranked

if TYPE_CHECKING:
    import xarray as xr

MOST = 30
"""So many variables of a model without headline outputs are shown."""


FORECAST, COMPARISON, POLICIES, LOOPS = "forecast", "comparison", "policies", "loops"


def kind_of(result: xr.Dataset) -> str:
    """Return what a dataset is a result of.

    Raises
    ------
    InputError
        If it is none.
    """
    names = set(map(str, result.data_vars))
    told = {str(name) for name, one in result.data_vars.items() if {SCENARIO, DRAW, TIME} <= set(one.dims)}
    if "contribution" in names:
        return POLICIES
    if "share" in names:
        return LOOPS
    if any(name + RELATIVE in told for name in told):
        return COMPARISON
    if told and CITY not in result.dims:
        return FORECAST
    raise InputError(
        tell(
            "this dataset is none that simulate, ensemble, compare, attribute_policies or feedback_loops "
            "returns. Give one of those."
        )
    )


OF_MIX = ("mix_amount", "mix_cost_per")
HELD: dict[str, dict[str, tuple[str, ...]]] = {
    POLICIES: {
        **dict.fromkeys(("contribution", "alone"), (SCENARIO, "output", DRAW, "policy", TIME)),
        "interaction": (SCENARIO, "output", DRAW, "policy", "other", TIME),
        **dict.fromkeys(("total", "synergy", "synergy_budget"), (SCENARIO, "output", DRAW, TIME)),
        "present_cost": (SCENARIO, DRAW, "policy"), "mix_cost": (SCENARIO, DRAW),
        **dict.fromkeys(("amount", "cost_per"), ("measure", SCENARIO, DRAW, "policy")),
        **dict.fromkeys(OF_MIX, ("measure", SCENARIO, DRAW)), "unit": ("output",), "other": ("other",),
    },
    LOOPS: dict.fromkeys(("share", "adds"), ("loop", DRAW, TIME)),
}  # fmt: skip
"""Kind of result -> what is told of it, and along what."""
ATTRIBUTES = {COMPARISON: ("baseline",), POLICIES: ("exact", "draws", "discount_rate", "base_year")}
NUMBERS = ("forecast_from", "draws", "among", "discount_rate", "base_year")


def _lacking(result: xr.Dataset, kind: str) -> Iterator[str]:
    """Yield what a dataset that was changed after it was returned must hold and does not."""
    if not all(isinstance(name, str) for name in (*result.variables, *result.dims)):
        yield tell("text as the name of each variable")
    for name in ATTRIBUTES.get(kind, ()):
        if name not in result.attrs or name == "baseline" and not isinstance(result.attrs[name], str):
            yield tell("the attribute '{name}'", name=name)
    for name in NUMBERS:
        value = result.attrs.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            yield tell("a number as its attribute '{name}'", name=name)
    held = HELD.get(kind, {})
    held = held | {
        f"{name}_among": tuple("member" if dim == DRAW else dim for dim in dims)
        for name, dims in held.items()
        if f"{name}_among" in result
    }
    for name, dims in held.items():
        own = set(result[name].dims) if name in result else set()
        if not own >= set(dims) or own > set(dims) and name != "adds":
            yield tell("'{name}' along {dims}", name=name, dims=listed(dims))
    if kind == LOOPS and not result["share"].notnull().any():
        yield tell("numbers in '{name}'", name="share")
    for name, one in ((str(name), one) for name, one in result.data_vars.items()):
        beside = result.get(name + RELATIVE, one)
        if kind == COMPARISON and set(beside.dims) != set(one.dims):
            yield tell("'{name}' along {dims}", name=name + RELATIVE, dims=listed(map(str, one.dims)))
        if (name in held or kind not in HELD) and one.dtype.kind not in "iuf":
            yield tell("numbers in '{name}'", name=name)
    for dim in map(str, result.dims):
        index = result.indexes.get(dim)
        if dim in (DRAW, PARAMETER) or kind in HELD and dim in ("member", "kind"):
            continue
        apart = index is not None and index.is_unique and not index.hasnans
        if index is None or not apart or dim != TIME and not all(isinstance(one, str) for one in index):
            yield tell("a name of its own for each '{name}'", name=dim)
    if kind == POLICIES and not (
        result.indexes["policy"].equals(result.indexes["other"]) and "person" in result.indexes["measure"]
    ):
        yield tell("the names along '{name}' that it came with", name="policy")


def sound(result: xr.Dataset, kind: str) -> xr.Dataset:
    """Return what is told of a result.

    Raises
    ------
    InputError
        If it lacks what a result of its kind holds.
    """
    told = result
    if kind not in HELD:  # what users add, or take a mean of, stands aside
        told = result.drop_vars(
            [name for name, one in result.data_vars.items() if not {SCENARIO, DRAW, TIME} <= set(one.dims)]
        )
    told = told.drop_vars(
        [
            name
            for name, one in told.coords.items()
            if str(name).startswith("title_") and one.dims != (SCENARIO,)
        ]
    )
    if lacking := next(_lacking(told, kind), ""):
        raise InputError(
            "this dataset lacks {what}, which every such result holds. Give it as it was returned.",
            what=lacking,
        )
    return told


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
    # or what is left of it, where the user took a part
    start = float(
        np.clip(forecast.attrs.get("forecast_from", -np.inf), forecast[TIME].min(), forecast[TIME].max())
    )
    for scenario, title in scenario_titles(forecast, lang).items():
        for one in _outputs(forecast.sel({SCENARIO: scenario}), labels):
            told = one.last.told
            scale = scale_for(min(abs(told.middle), one.most), one.unit, lang)
            cells = {
                "output": one.title(labels, lang),
                "unit": scale.unit,
                "value": one.level(told.middle, scale, lang=lang),
                "interval": "–" if told.low != told.low else one.band(told.low, told.high, scale, lang),
                "since_start": since_text(one, start, scale, lang),
            }
            values = {"value": told.middle, "lower": told.low, "upper": told.high}
            values["since_start"] = one.since(start)[1]
            yield Record(title, cells, {"scenario": scenario, **_about(one), **values})


def comparison_records(change: xr.Dataset, labels: Labels, lang: str) -> Iterator[Record]:
    """Yield what each scenario changes in the last year, city by city where there are several."""
    for scenario, title in scenario_titles(change, lang).items():
        for city in map(str, change[CITY].values) if CITY in change.dims else [""]:
            place = {SCENARIO: scenario} | ({CITY: city} if city else {})
            own = change.sel(place)
            group = f"{title} · {own[f'{CITY}_{lang}'].item()}" if city else title
            for one in _outputs(own, labels):
                yield _compared(one, group, place, labels, lang)


def _compared(one: Output, group: str, place: Mapping[str, str], labels: Labels, lang: str) -> Record:
    told = one.last.told
    scale = scale_for(told.size, one.unit, lang)
    clear = float(first_clear_year(one.values)) if one.values.sizes[DRAW] > 1 else float("nan")
    cells = {
        "output": one.title(labels, lang),
        "unit": scale.unit,
        "change": signed(told.middle / scale.factor, beside=told.reach / scale.factor),
        "relative": percent(told.share, lang),
        "interval": _span(told.low, told.high, scale),
        "better": chance(told.better, lang).replace(NO_BREAK, " "),
        "clear": "–" if clear != clear else f"{clear:g}",
    }
    values = {
        "change": told.middle,
        "relative_change": told.share,
        "lower": told.low,
        "upper": told.high,
        "probability_better": told.better,
        "first_clear_year": clear,
    }
    return Record(group, cells, {**place, **_about(one), **values})


def policy_records(effects: xr.Dataset, labels: Labels, lang: str) -> Iterator[Record]:
    """Yield what each policy adds to the first output in the last year, and what it costs; then the mix."""
    output = str(effects["output"].values[0])
    for scenario, title in scenario_titles(effects, lang).items():
        of = mix_of(effects, scenario).isel({TIME: -1}).sel(output=output)
        scale = scale_for(float(abs(of["total"].median())), str(of["unit"].values), lang)
        money = scale_for(float(of["mix_cost"].median()), "yuan", lang)
        order = np.argsort(-of["contribution"].median(DRAW).values, kind="stable")
        for policy in map(str, of["policy"].values[order]):
            about = {"scenario": scenario, "policy": policy, "year": float(of[TIME])}
            numbers, label = policy_numbers(of.sel(policy=policy)), labels.element(policy, lang)
            yield _policy(title, label, about, numbers, scale, money, lang)
        about = {"scenario": scenario, "policy": MIX, "year": float(of[TIME])}
        yield _policy(title, tell("Whole mix", lang), about, mix_numbers(of), scale, money, lang)


def _policy(
    group: str,
    label: str,
    about: Mapping[str, Any],
    numbers: Iterable[xr.DataArray],
    scale: Scale,
    money: Scale,
    lang: str,
) -> Record:
    adds, alone, cost, per, amount = numbers
    low, high = interval(adds)
    ratio = float(ranked(per.sel(measure="person").values)[1])
    yuan = scale_for(abs(ratio), "yuan", lang)
    none = no_ratio(amount.sel(measure="person"), lang)
    values = {
        "adds": float(adds.median()),
        "lower": low,
        "upper": high,
        "alone": float(alone.median()),
        "present_cost": float(cost.median()),
        **dict(zip(("present_cost_lower", "present_cost_upper"), interval(cost), strict=True)),
        "cost_per_person": ratio,
    }
    ends = "" if low != low else f" ({_span(*interval(cost), money)})"
    cells = {
        "policy": label,
        "unit": scale.unit,
        "adds": signed(values["adds"] / scale.factor),
        "interval": _span(low, high, scale),
        "alone": signed(values["alone"] / scale.factor),
        "cost": _amount(values["present_cost"], money, lang) + ends,
        "per_person": _amount(ratio, yuan, lang) if np.isfinite(ratio) else none,
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
        middle, (low, high) = float(added.median()), interval(added)
        cells = {
            "loop": labels.element(str(name), lang),
            "share": percent(part, lang),
            "adds": signed(middle / scale.factor),
            "unit": scale.unit,
            "interval": _span(low, high, scale),
        }
        values = {"loop": str(name), "share": part, "adds": middle, "lower": low, "upper": high}
        yield Record("", cells, values)


def _outputs(dataset: xr.Dataset, labels: Labels) -> Iterator[Output]:
    """Yield the headline outputs; of a model that has none, its first variables."""
    drawn = dataset.drop_vars([name for name, one in dataset.items() if not {DRAW, TIME} <= set(one.dims)])
    found = list(headline_outputs(drawn, labels))
    names = [
        str(name) for name in drawn.data_vars if str(name).removesuffix(RELATIVE) not in set(drawn) - {name}
    ]
    yield from found or outputs_of(drawn, names[:MOST], labels)


def _about(one: Output) -> dict[str, Any]:
    year = float(one.values[TIME][-1])
    return {"variable": one.name, "subscript": one.element, "unit": one.unit, "year": year}


def _span(low: float, high: float, scale: Scale) -> str:
    if low != low:
        return "–"
    return span(low / scale.factor, high / scale.factor, max(abs(low), abs(high)) / scale.factor)


def _amount(value: float, scale: Scale, lang: str) -> str:
    return f"{digits(value / scale.factor)}{'' if lang == 'zh' else ' '}{scale.unit}"
