"""Which feedback loops drive a city's forecast, and when; what each of them adds to an output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution import PART, attribute
from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW, TIME, name_axes
from talent_sd.base.errors import InputError, nearest
from talent_sd.base.version import __version__
from talent_sd.engine.lanes import Params, picked, stack_lanes
from talent_sd.forecast.prepare import KNOWN_UNTIL
from talent_sd.inputs.file_kinds import MODEL_ENDINGS
from talent_sd.inputs.labels import name_in
from talent_sd.inputs.settings import LOOP_SWITCH
from talent_sd.loops.loop_names import LoopNames, read_loops
from talent_sd.loops.loop_shares import LOOP, LinkPicture, joined_links, loop_shares
from talent_sd.loops.stocks_and_flows import StockFlows, stock_flows

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared


@dataclass(frozen=True)
class DrawGroup:
    """Draws that one run can hold together.

    Attributes
    ----------
    params : of the scenario, as in `Model.run`
    against : of the scenario compared with, or None
    inputs : noise, the same for both
    places : numbers of the draws
    size : how many; None for a single run with the central constants
    """

    params: Params
    against: Params | None
    inputs: Params
    places: np.ndarray
    size: int | None

    def one(self, draw: int) -> DrawGroup:
        """Return one of the draws alone, by its number, as a single run."""
        where = int(np.flatnonzero(self.places == draw)[0])

        def alone(given: Params) -> Params:
            return {name: picked(value, where) for name, value in given.items()}

        against = None if self.against is None else alone(self.against)
        return DrawGroup(alone(self.params), against, alone(self.inputs), np.array([draw]), None)


def draw_groups(prepared: Prepared, draws: int | None, seed: int) -> tuple[list[DrawGroup], int | None]:
    """Return the runs of one or two prepared scenarios, and how many draws there are; None for none.

    Draw i has the same constants, noise and national path in both scenarios, and is draw i
    of an `ensemble` of as many draws.
    """
    fixed: list[dict[str, Any]] = [one.params() for one in prepared.resolved.values()]
    if draws is None or draws <= 1:
        return [DrawGroup(fixed[0], fixed[1] if len(fixed) > 1 else None, {}, np.array([0]), None)], None
    from talent_sd.forecast.ensemble import prior_draws, with_draws

    drawn = prior_draws(prepared, draws, seed)
    # one run holds draws that are told the same national path
    lanes = [stack_lanes(prepared.model.structure, *with_draws(one, drawn, 0, draws)) for one in fixed]
    groups = []
    for parts in zip(*(one.groups() for one in lanes if one is not None), strict=True):
        places, own, noise = parts[0]
        groups.append(DrawGroup(own, parts[1][1] if len(parts) > 1 else None, noise, places, len(places)))
    return groups, draws


DEFAULT_OUTPUT = "total talent"
PERMUTATIONS = 12
"""Orders sampled for each draw, each walked both ways, where draws make the exact split too long."""

LONG_NAMES = {
    "share": ("1", "part of the named loops' activity in the year, + reinforcing, − balancing"),
    "share_published": ("1", "share in the published form, neither reference nor folding"),
    "polarity": ("1", "sign of the loop's gain: 1 reinforcing, −1 balancing"),
    "named": ("1", "named loops' part of the activity of all loops found"),
    "activity": ("1", "part of the activity of all loops, by kind"),
    "adds": ("", "what the loop adds to the output"),
    "adds_error": ("", "standard error of what the loop adds"),
    "without": ("", "output with all named loops cut"),
    "whole": ("", "output with all loops closed"),
}
"""Unit and name of each variable of `feedback_loops`; "" is the unit of the output that is split."""


@dataclass(frozen=True)
class LoopStudy:
    """A scenario of a city taken apart by feedback loops.

    `shares` as `loop_shares` returns them; `adds` as `attribute` does, for the output `adds.of`: of the
    level against all loops cut, or of the change against the scenario `against`. `names` are
    the loops, `links` what a diagram shows of the links they pass, `stocks` the model's stocks and flows.
    """

    names: LoopNames
    shares: xr.Dataset
    adds: xr.Dataset
    links: LinkPicture
    stocks: tuple[StockFlows, ...]


@checked
def feedback_loops(
    scenario: str | Path = "baseline",
    city: str | Path = "hefei",
    *,
    of: str = DEFAULT_OUTPUT,
    against: str | Path | None = "baseline",
    draws: int | None = None,
    seed: int = 0,
    national: str | Path | None = None,
    reading: str | Path | None = None,
) -> xr.Dataset:
    """Score a scenario's named feedback loops and split an output by them.

    Parameters
    ----------
    scenario, city, national, reading : as in `simulate`. In place of a scenario any model file (.mdl, .xmile), whose
        strongest loops are found, named R1, B1, ... and scored; nothing else applies to it
    of : the output to split; elements of a subscripted one are split each
    against : scenario to compare with: loops are then scored and split by how they carry the change.
        The scenario itself, or None: by what they add to the same run with all of them cut
    draws : how many draws of the uncertain constants, as in `ensemble`: from the posterior, with
        its growth noise and over the national paths; None: the central ones alone
    seed : of the draws, and of sampled splits

    Returns
    -------
    `share` (loop, draw, time): part of the named loops' activity in the year from `time`, + where the
    loop reinforces, − where it balances, adding up to 1 in size; NaN where nothing moves.
    `share_published` the same in the form of 2023 (neither reference nor folding: see `link_scores`).
    A year's share is taken from how links usually move in it and in the years next to it (see
    `link_scores`). `named` (draw, time): named loops' part of the activity of all loops found; `activity`
    (kind, draw, time) that of all kinds of loops, see `loop_classes`.
    `adds` and `adds_error` (loop, draw, time[, ...]) in the output's unit; `without`, `whole` what they lie
    between, at the start of each year; the last point of time has values, but no year after it.

    Raises
    ------
    InputError
        With every problem of the files at once; if the scenario changes nothing against the other.

    Examples
    --------
    >>> import talent_sd as ts
    >>> loops = ts.feedback_loops("baseline", city="shenyang")
    >>> float(abs(loops["share"]).sum("loop").isel(draw=0, time=0).round(6))
    1.0
    """
    if Path(scenario).suffix.lower() in MODEL_ENDINGS:
        return _loops_of_file(scenario)
    study = study_loops(
        scenario, city, of=of, against=against, draws=draws, seed=seed, national=national, reading=reading
    )
    adds = study.adds.rename({PART: LOOP, "share": "adds", "standard_error": "adds_error"})
    merged = study.shares.reindex({TIME: adds[TIME].values})
    for name in ("adds", "adds_error", "without", "whole"):
        merged[name] = adds[name]
    merged.attrs |= {"of": adds.attrs["of"], "of_units": adds.attrs["units"], "exact": adds.attrs["exact"]}
    return named_loops(merged)


def _loops_of_file(model: str | Path) -> xr.Dataset:
    """Return the strongest loops of any model file, with what they pass."""
    from talent_sd.loops.loops_of_model import study_model

    found = study_model(model)
    passes = (LOOP, [loop.story["en"] for loop in found.names.loops])
    return name_axes(found.shares.assign_coords(passes=passes))


def named_loops(loops: xr.Dataset) -> xr.Dataset:
    """Return loops with unit and long name on every variable and axis."""
    named = name_axes(loops)
    for name, (unit, text) in LONG_NAMES.items():
        if name in named:
            named[name].attrs |= {"units": unit or str(loops.attrs["of_units"]), "long_name": text}
    return named


def study_loops(
    scenario: str | Path,
    city: str | Path,
    *,
    of: str = DEFAULT_OUTPUT,
    against: str | Path | None = "baseline",
    draws: int | None = None,
    seed: int = 0,
    national: str | Path | None = None,
    reading: str | Path | None = None,
    loops_file: str | Path | None = None,
    threads: int | None = None,
) -> LoopStudy:
    """Do what `feedback_loops` returns, and keep what its pictures need; parameters as there."""
    from talent_sd.forecast.prepare import prepare

    # a file called like the other scenario is that scenario
    alone = against is None or str(against) in (str(scenario), Path(scenario).stem)
    names = [scenario] if alone or against is None else [scenario, against]
    prepared = prepare(names, city, national=national, reading=reading)
    model = prepared.model
    named = read_loops(model.structure, loops_file)
    output, elements = split_output(model, of)
    groups, count = draw_groups(prepared, draws, seed)
    split = {"parts": [loop.name for loop in named.loops], "of": output, "threads": threads}
    studies = [_study_group(model, named, group, split, seed) for group in groups]
    shares = _joined([found for found, _, _ in studies], groups)
    adds = _joined([found for _, _, found in studies], groups)
    if count is not None:
        adds = _exact_median(model, groups, adds, split)
    # the rows of one element add up by themselves
    adds = adds.sel({dim: [element] for dim, element in elements.items()})
    sectors = {name: variable.group for name, variable in model.structure.variables.items()}
    links = joined_links([found for _, found, _ in studies], [group.places for group in groups])
    attrs = _about(prepared)
    shares.attrs |= attrs
    adds.attrs |= attrs
    return LoopStudy(named, shares, adds, links, stock_flows(model.program, sectors)[0])


def _study_group(
    model: Model, names: LoopNames, group: DrawGroup, split: dict[str, Any], seed: int
) -> tuple[xr.Dataset, LinkPicture, xr.Dataset]:
    """Return shares, links and the split of draws that are told the same national path."""
    shares, links = loop_shares(model, names, group.params, group.against, group.inputs)
    adds = attribute(
        model,
        group.params,
        LOOP_SWITCH,
        against=group.against,
        inputs=group.inputs,
        years=years_of(shares),
        draws=group.size,
        # one run is split exactly; many draws by sampled orders, with their standard errors
        permutations=None if group.size is None else PERMUTATIONS,
        seed=seed,
        **split,
    )
    if group.size is None:
        adds = adds.expand_dims({DRAW: [0]}).transpose(PART, "other", DRAW, TIME, ..., missing_dims="ignore")
    return shares, links, adds


def _exact_median(
    model: Model, groups: Sequence[DrawGroup], adds: xr.Dataset, split: dict[str, Any]
) -> xr.Dataset:
    """Split the median draw exactly; the other draws' shares stay means over sampled orders."""
    last = adds["whole"].isel({TIME: -1})
    size = last.sum([dim for dim in last.dims if dim != DRAW]).values
    median = int(np.argsort(size, kind="stable")[len(size) // 2])
    one = next(group.one(median) for group in groups if median in group.places)
    exact = attribute(
        model,
        one.params,
        LOOP_SWITCH,
        against=one.against,
        inputs=one.inputs,
        years=adds[TIME].values.tolist(),
        **split,
    )
    for name in ("share", "standard_error"):
        adds[name].loc[{DRAW: median}] = exact[name].transpose(*(d for d in adds[name].dims if d != DRAW))
    return adds.assign_attrs(median_draw=median)


def years_of(shares: xr.Dataset) -> list[float]:
    """Return the starts of the years that shares are of, and the end of the last."""
    years = shares[TIME].values
    return [*years, 2 * years[-1] - years[-2]]


def _joined(found: Sequence[xr.Dataset], groups: Sequence[DrawGroup]) -> xr.Dataset:
    """Put the draws of groups together, in the order of their numbers."""
    import xarray as xr

    if len(found) == 1:
        return found[0]
    parts = [
        one.drop_vars("interaction", errors="ignore").assign_coords({DRAW: group.places})
        for one, group in zip(found, groups, strict=True)
    ]
    return (
        xr.concat(parts, DRAW, combine_attrs="override").sortby(DRAW).transpose(*found[0]["share"].dims, ...)
    )


def _about(prepared: Prepared) -> dict[str, Any]:
    """Return what a study says of itself: model, city, scenarios."""
    names, found = list(prepared.resolved), list(prepared.resolved.values())
    structure, city = prepared.model.structure, found[0].city
    attrs: dict[str, Any] = {
        "source": f"talent_sd {__version__}",
        "model": Path(structure.path).name,
        "model_sha256": structure.sha256,
        "city": city.name,
        "scenario": names[0],
        "against": names[1] if len(names) > 1 else "",
        "forecast_from": min(max(KNOWN_UNTIL, found[0].start_year), found[0].final_year),
    }
    for lang in ("en", "zh"):
        attrs[f"city_{lang}"] = city.title[lang]
        attrs[f"scenario_{lang}"] = found[0].scenario.title[lang]
        attrs[f"against_{lang}"] = found[1].scenario.title[lang] if len(found) > 1 else ""
    return attrs


def split_output(model: Model, of: str) -> tuple[str, dict[str, str]]:
    """Take an output's name apart: `Talent[leading]` is the element leading of Talent.

    Returns
    -------
    Name as the model spells it, and subscript -> element, empty where the whole output is meant

    Raises
    ------
    InputError
        If it is a lookup, or an element that the variable does not have.
    KeyError
        If the model has no such variable; the message names the nearest.
    """
    of = name_in(model.structure.find, of)
    name, bracket, inside = of.strip().partition("[")
    found = model.structure[name.strip() if bracket else of]
    if found.kind == "lookup":
        raise InputError("'{of}' is a lookup: it has no value to split. Name a stock or an auxiliary.", of=of)
    if not bracket:
        return found.name, {}
    told = [element.strip() for element in inside.rstrip().removesuffix("]").split(",")]
    subscripts = model.structure.subscripts
    if len(told) != len(found.dims):
        raise InputError(
            "'{of}': {name} has {count} subscripts ({dims}). Write as many elements, or the name alone.",
            of=of,
            name=found.name,
            count=len(found.dims),
            dims=", ".join(found.dims) or "–",
        )
    for dim, element in zip(found.dims, told, strict=True):
        if element not in subscripts[dim]:
            raise InputError(
                "'{of}': {dim} has no element '{element}'.{hint} It has: {elements}.",
                of=of,
                dim=dim,
                element=element,
                hint=nearest(element, subscripts[dim]),
                elements=", ".join(subscripts[dim]),
            )
    return found.name, dict(zip(found.dims, told, strict=True))
