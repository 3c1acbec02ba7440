"""Which feedback loops drive a city's forecast, and when; what each of them adds to an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd import __version__
from talent_sd.analysis.attribution import PART, attribute, switch_parts
from talent_sd.analysis.link_scores import LinkScores, follow
from talent_sd.analysis.loop_names import SWITCHES, LoopNames, read_loops
from talent_sd.analysis.loop_scores import VariableLinks, relative_scores
from talent_sd.analysis.loop_search import same_circle, strongest_loops
from talent_sd.analysis.provenance import KNOWN_UNTIL
from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.analysis.forecast import Prepared
    from talent_sd.engine.runner import Model

LOOP = "loop"
DEFAULT_OUTPUT = "total talent"
PERMUTATIONS = 12
"""Orders sampled for each draw, each walked both ways, where draws make the exact split too long."""


@dataclass(frozen=True)
class LoopStudy:
    """A scenario of a city taken apart by feedback loops.

    `shares` as `loop_shares` returns them; `adds` as `attribute` does, for the output `adds.of`: of the
    level against all loops cut, or of the change against the scenario `against`. `names` are
    the loops; `widths` (cause, effect) -> (draw, time) the weight of each variable link.
    """

    names: LoopNames
    shares: xr.Dataset
    adds: xr.Dataset
    widths: Mapping[tuple[str, str], np.ndarray]


def feedback_loops(
    scenario: str | Path = "baseline",
    city: str | Path = "hefei",
    *,
    of: str = DEFAULT_OUTPUT,
    against: str | Path | None = "baseline",
    draws: int | None = None,
    seed: int = 0,
    national: str | Path | None = None,
) -> xr.Dataset:
    """Score a scenario's named feedback loops and split an output by them.

    Parameters
    ----------
    scenario, city, national : as in `simulate`
    of : the output to split; elements of a subscripted one are split each
    against : scenario to compare with: loops are then scored and split by how they carry the change.
        The scenario itself, or None: by what they add to the same run with all of them cut
    draws : how many draws of the uncertain constants; None: the central ones alone
    seed : of the draws, and of sampled splits

    Returns
    -------
    `share` (loop, draw, time): part of the named loops' activity in the year from `time`, + where the
    loop reinforces, − where it balances, adding up to 1 in size; NaN where nothing moves.
    `share_published` the same in the form of 2023 (neither reference nor folding: see `link_scores`).
    `named` (draw, time): named loops' part of the activity of all loops found.
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
    study = study_loops(scenario, city, of=of, against=against, draws=draws, seed=seed, national=national)
    adds = study.adds.rename({PART: LOOP, "share": "adds", "standard_error": "adds_error"})
    merged = study.shares.reindex({TIME: adds[TIME].values})
    for name in ("adds", "adds_error", "without", "whole"):
        merged[name] = adds[name]
    merged.attrs |= {"of": adds.attrs["of"], "of_units": adds.attrs["units"], "exact": adds.attrs["exact"]}
    return merged


def study_loops(
    scenario: str | Path,
    city: str | Path,
    *,
    of: str = DEFAULT_OUTPUT,
    against: str | Path | None = "baseline",
    draws: int | None = None,
    seed: int = 0,
    national: str | Path | None = None,
    loops_file: str | Path | None = None,
    threads: int | None = None,
) -> LoopStudy:
    """Do what `feedback_loops` returns, and keep what its pictures need; parameters as there."""
    from talent_sd.analysis.forecast import prepare

    names = [scenario] if against is None or str(against) == str(scenario) else [scenario, against]
    prepared = prepare(names, city, national=national)
    model = prepared.model
    named = read_loops(model.structure, loops_file)
    _check_output(model, of)
    params, count = _with_draws(prepared, draws, seed)
    other = params[1] if len(params) > 1 else None
    shares, widths = loop_shares(model, named, params[0], other)
    years = shares[TIME].values
    parts = [loop.name for loop in named.loops]
    adds = attribute(
        model,
        params[0],
        SWITCHES,
        parts,
        of,
        [*years, years[-1] + 1],
        against=other,
        draws=count,
        permutations=None if count is None else PERMUTATIONS,
        seed=seed,
        threads=threads,
    )
    if count is None:
        adds = adds.expand_dims({DRAW: [0]}, axis=1)
    attrs = _about(prepared)
    shares.attrs |= attrs
    adds.attrs |= attrs
    return LoopStudy(named, shares, adds, widths)


def loop_shares(
    model: Model, names: LoopNames, params: Mapping[str, Any], against: Mapping[str, Any] | None = None
) -> tuple[xr.Dataset, dict[tuple[str, str], np.ndarray]]:
    """Score named loops on a run, year by year.

    Parameters
    ----------
    model : that the loops belong to
    names : the loops
    params : of the run, as in `Model.run`; may hold one value per draw
    against : of the run whose movement is taken as given; None: the same run with all loops cut

    Returns
    -------
    `share`, `share_published`, `polarity` (of the gain: 1, -1, or 0 where the loop is never active) and
    `named`, as in `feedback_loops`; and the weight of each link, (draw, time)
    """
    run = follow(model, params)
    cut = {SWITCHES: np.zeros(len(switch_parts(model, SWITCHES)))}
    reference = follow(model, {**params, **cut} if against is None else against)
    links = VariableLinks(LinkScores(run, reference, fold_own=True))
    published = VariableLinks(LinkScores(run))
    scores = {loop.name: _loop_score(links, loop.routes) for loop in names.loops}
    plain = {loop.name: _loop_score(published, loop.routes) for loop in names.loops}
    gains = {
        loop.name: np.sum([links.loop_gain(route) for route in loop.routes], axis=0) for loop in names.loops
    }
    years, place = _years(run.times)
    named, total = _coverage(links, names, scores)
    return _shares_dataset(scores, plain, gains, named, total, years, place), _widths(
        links, names, total, place
    )


def _loop_score(links: VariableLinks, routes: Sequence[Sequence[str]]) -> np.ndarray:
    return np.sum([links.loop_score(route) for route in routes], axis=0)


def _coverage(
    links: VariableLinks, names: LoopNames, scores: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the activity of named loops, and of all loops found, (steps, members)."""
    listed = [route for loop in names.loops for route in loop.routes]
    named = np.sum([np.abs(score) for score in scores.values()], axis=0)
    others = [
        np.abs(links.loop_score(route))
        for route in strongest_loops(links).routes
        if not any(len(route) == len(known) and same_circle(route, known) for known in listed)
    ]
    return named, named + np.sum(others, axis=0) if others else named


def _widths(
    links: VariableLinks, names: LoopNames, total: np.ndarray, place: np.ndarray
) -> dict[tuple[str, str], np.ndarray]:
    """Return for each link of the named loops how much activity runs through it, (members, years)."""
    weight: dict[tuple[str, str], np.ndarray] = {}
    for loop in names.loops:
        for route in loop.routes:
            score = np.abs(links.loop_score(route))
            for link in zip(route, (*route[1:], route[0]), strict=True):
                weight[link] = weight.get(link, 0.0) + score
    named = np.sum([np.abs(_loop_score(links, loop.routes)) for loop in names.loops], axis=0)
    return {link: _by_year(_part_of(score, named), place).T for link, score in weight.items()}


def _part_of(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _years(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole years of a run, and for each step the number of its year."""
    year = np.floor(times[:-1] + 1e-6)
    years = np.unique(year)
    return years, np.searchsorted(years, year)


def _by_year(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the mean over each year's steps at which something moves, (years, members); NaN if none does."""
    found = np.full((place.max() + 1, *values.shape[1:]), np.nan)
    for year in range(len(found)):
        own = values[place == year]
        moving = np.isfinite(own)
        count = moving.sum(axis=0)
        mean = np.where(moving, own, 0.0).sum(axis=0) / np.maximum(count, 1)
        found[year] = np.where(count > 0, mean, np.nan)
    return found


def _shares_dataset(
    scores: Mapping[str, np.ndarray],
    plain: Mapping[str, np.ndarray],
    gains: Mapping[str, np.ndarray],
    named: np.ndarray,
    total: np.ndarray,
    years: np.ndarray,
    place: np.ndarray,
) -> xr.Dataset:
    import xarray as xr

    def yearly(found: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.stack([_by_year(series, place).T for series in relative_scores(found).values()])

    signs = np.stack([np.sign(np.median(_first_active(gain), axis=0)) for gain in gains.values()])
    members = named.shape[1]
    dims = (LOOP, DRAW, TIME)
    data = {
        "share": (dims, yearly(scores)),
        "share_published": (dims, yearly(plain)),
        "polarity": ((LOOP, DRAW), signs),
        "named": ((DRAW, TIME), _by_year(_part_of(named, total), place).T),
    }
    coords = {LOOP: list(scores), DRAW: np.arange(members), TIME: years}
    return xr.Dataset(data, coords)


def _first_active(gain: np.ndarray) -> np.ndarray:
    """Return gains with points at which a loop is not active left out, all of them where it never is."""
    active = gain[np.any(gain != 0, axis=1)]
    return active if len(active) else gain[:1]


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


def _check_output(model: Model, of: str) -> None:
    found = model.structure[of]
    if found.kind == "lookup":
        raise InputError(f"'{of}' is a lookup: it has no value to split. Name a stock or an auxiliary.")


def _with_draws(prepared: Prepared, draws: int | None, seed: int) -> tuple[list[dict[str, Any]], int | None]:
    """Return each scenario's params, with the same draws of the uncertain constants for each."""
    params: list[dict[str, Any]] = [one.params() for one in prepared.resolved.values()]
    if draws is None or draws <= 1:
        return params, None
    from talent_sd.analysis.ensemble import prior_draws

    drawn = prior_draws(prepared, draws, seed)
    return [{**one, **drawn.params(one, 0, draws)} for one in params], draws
