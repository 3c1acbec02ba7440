"""What settings laid over a scenario change and why one may change nothing; what a city's missing figures may change."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND, DRAW
from talent_sd.base.language import N_, digits, listed, percent, tell
from talent_sd.forecast.compare import RELATIVE, compare
from talent_sd.forecast.ensemble import DRAWN, PARAMETER, Options, run_ensemble
from talent_sd.forecast.prepare import Prepared
from talent_sd.forecast.simulate import run_prepared
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.settings import POLICY_SWITCH, split_key
from talent_sd.uncertainty.priors import assumed_figures

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.inputs.figure_schemas import FigureToConstant
    from talent_sd.inputs.resolved_inputs import Resolved
    from talent_sd.uncertainty.prior_draws import Draws

CHANGED, PLAIN = "changed", "unchanged"
SMALL = 0.005
"""A change of every headline output by less than this in the last year is told as next to nothing."""
MOST_READERS = 3
LONGEST_PATH = 5


@dataclass(frozen=True)
class WhatIf:
    """A forecast with settings laid over it beside the same forecast without them.

    Parameters
    ----------
    prepared : "changed" and "unchanged"
    change : as `compare` gives it, draw by draw
    spread : of both, what `change` was taken from
    """

    prepared: Prepared
    change: xr.Dataset
    spread: xr.Dataset


def what_if(changed: Prepared, plain: Prepared, drawn: Draws | None, *, engine: str = "auto") -> WhatIf:
    """Run a scenario with and without settings laid over it, in the same draws; None: one central run of each."""
    both = Prepared(changed.model, {PLAIN: plain.first, CHANGED: changed.first})
    outputs = list(shipped_labels().headline)
    if drawn is None:
        spread = run_prepared(both, engine=engine, outputs=outputs)
    else:
        spread = run_ensemble(both, drawn, Options(progress=False), engine=engine, outputs=outputs)
    return WhatIf(both, compare(spread, baseline=PLAIN), spread)


def explanations(found: WhatIf, lang: str) -> list[str]:
    """Say of each setting what it replaced, and, where next to nothing comes of it, where its effect is lost."""
    plain, changed = found.prepared.resolved[PLAIN], found.prepared.resolved[CHANGED]
    before, after = plain.values, changed.values
    keys = [
        key for key, setting in after.items() if not setting.origin.line and setting is not before.get(key)
    ]
    keys = [key for key in keys if key not in before or before[key].value != after[key].value]
    told = [_replaced(found, key, before, after, lang) for key in keys]
    if not _moves(found.change):
        runs = run_prepared(found.prepared)
        for key in (key for key in keys if key in changed.scenario.assumptions):
            told += _lost(found, key, runs, lang)
    nothing = N_(
        "Nothing that was set changes anything: it has that value already, or nothing reads it here."
    )
    moves = any(a.values.any() for name, a in found.change.items() if not str(name).endswith(RELATIVE))
    return list(filter(None, told)) or [tell(nothing, lang)] * (not moves)


def _moves(change: xr.Dataset) -> bool:
    last = change.isel(time=-1)
    names = [str(name) for name in last.data_vars if str(name).endswith(RELATIVE)]
    return any(float(np.abs(last[name].median(DRAW)).max()) > SMALL for name in names)


def _replaced(found: WhatIf, key: str, before: Mapping[str, Any], after: Mapping[str, Any], lang: str) -> str:
    """Say what a constant was before: drawn, set in a file, or the model's own."""
    drawn = found.spread.coords.get(DRAWN)
    value = _told(key, after[key].value, lang)
    if drawn is not None and key not in before and key in drawn[PARAMETER].values:
        low, middle, high = drawn.sel({PARAMETER: key}).quantile([BAND[0], 0.5, BAND[1]]).values
        return tell(
            "{name} = {value} in every draw; otherwise it is drawn, {middle:.3g} in the median with 80 % from {low:.3g} to "
            "{high:.3g} ({own:.3g} in a central run, as `why` tells).",
            lang, name=_named(key, lang), value=value, middle=middle, low=low, high=high, own=_own(found, key).mean(),
        )  # fmt: skip
    if key in before:
        old, origin = [float(before[key].value)], str(before[key].origin)
    else:
        old = np.unique(_own(found, key)).tolist()
        origin = found.prepared.model.structure.place(split_key(key)[0])
    if old == [after[key].value]:
        return ""
    ends = " … ".join(_told(key, one, lang) for one in dict.fromkeys((old[0], old[-1])))
    return tell("{name} = {value} in place of {old} ({origin}).", lang, name=_named(key, lang), value=value,
                old=ends, origin=origin)  # fmt: skip


def _own(found: WhatIf, key: str) -> np.ndarray:
    """Return the model's own value of a constant, or of all its elements."""
    name, element = split_key(key)
    own = found.prepared.model.run(outputs=[name])[name]
    return np.asarray(own if element is None else own.sel({own.dims[-1]: element}), float)


@dataclass(frozen=True)
class _Shift:
    """What a setting does to one element of a variable in one year of the central run."""

    name: str
    place: Mapping[str, str]
    before: float
    after: float

    @property
    def size(self) -> float:
        """Return the change as a share of what it was, without sign; of what it became where there was nothing."""
        return abs(self.after - self.before) / (abs(self.before) or abs(self.after) or 1.0)

    def told(self, lang: str) -> str:
        """Say from what to what, with sign."""
        elements = listed(shipped_labels().element(one, lang) for one in self.place.values())
        name = _label(self.name, lang) + (tell(": ", lang) + elements if elements else "")
        before, after = digits(self.before), digits(self.after)
        if not self.size:
            return tell("{name} stays at {before}", lang, name=name, before=before)
        if self.before <= 0 or self.after < 0:  # a per cent of nothing, or of a deficit, is no number
            return tell("{name} from {before} to {after}", lang, name=name, before=before, after=after)
        share = percent(self.after / self.before - 1, lang)
        words = {"name": name, "before": before, "after": after, "share": share}
        return tell("{name} from {before} to {after} ({share})", lang, **words)


def _lost(found: WhatIf, key: str, runs: xr.Dataset, lang: str) -> Iterator[str]:
    """Follow a setting that moves next to nothing along what reads it, to where its effect is lost, and say why there.

    All of a way is told of one year, the last one if anything moves then, and of one element wherever variables share it.
    """
    name, element = split_key(key)
    readers = _readers(found, name, runs)
    dims = found.prepared.model.structure[name].dims
    near = {dims[-1]: element} if element else {}
    for at in (-1, *range(runs.sizes["time"])):
        moved = [_shift(runs, reader, at, near) for reader in readers]
        if any(one.size for one in moved):
            break
    for first in sorted(moved, key=lambda one: -one.size)[:MOST_READERS]:
        path = [first]
        while (last := path[-1]).size > SMALL and len(path) < LONGEST_PATH:
            passed = {name, *(one.name for one in path)}
            following = [
                _shift(runs, one, at, last.place)
                for one in _readers(found, last.name, runs)
                if one not in passed
            ]
            if not following:
                break
            path.append(max(following, key=lambda one: one.size))
        yield tell(
            "What {name} does in the central run, {year}: {path}{held}.",
            lang,
            year=f"{float(runs['time'][at]):g}",
            name=_named(key, lang),
            path=tell("; ", lang).join(one.told(lang) for one in path),
            held=""
            if last.size > SMALL
            else _held(found, {name, *(one.name for one in path)}, last, runs.isel(time=at), lang),
        )
    if not moved:
        yield tell("{name} is read only where the run starts.", lang, name=_named(key, lang))


def _shift(runs: xr.Dataset, name: str, at: int, near: Mapping[str, str]) -> _Shift:
    """Return the change of a variable in a year: of the element asked for, as far as it has one, and that moved most."""
    array = runs[name].isel(time=at) if "time" in runs[name].dims else runs[name]
    array = array.sel({dim: element for dim, element in near.items() if dim in array.dims}).squeeze(DRAW)
    plain, changed = (array.sel(scenario=one) for one in (PLAIN, CHANGED))
    scale = np.where(plain.values != 0, np.abs(plain.values), np.abs(changed.values))
    moved = np.divide(
        np.abs(changed.values - plain.values), scale, out=np.zeros(plain.shape), where=scale > 0
    )
    most = np.unravel_index(int(moved.argmax()), plain.shape)
    place = {str(dim): str(plain[dim].values[one]) for dim, one in zip(plain.dims, most, strict=True)}
    kept = {dim: element for dim, element in near.items() if dim in runs[name].dims} | place
    return _Shift(name, kept, float(plain.values[most]), float(changed.values[most]))


def _readers(found: WhatIf, name: str, runs: xr.Dataset) -> list[str]:
    variables = found.prepared.model.structure.variables.values()
    return [one.name for one in variables if name in one.depends_on and one.name in runs]


def _held(found: WhatIf, passed: set[str], last: _Shift, runs: xr.Dataset, lang: str) -> str:
    """Say what else the last of a path reads: what is 0 then, else values in that year, of the same element."""
    reads = found.prepared.model.structure[last.name].depends_on
    others = {one: runs[one] for one in reads if one in runs and one not in passed}
    others = {
        one: array.sel({dim: e for dim, e in last.place.items() if dim in array.dims})
        for one, array in others.items()
    }
    still = [_label(one, lang) for one, array in others.items() if not array.values.any()]
    if still:
        return tell(", because {names} is 0", lang, names=listed(still))
    beside = {one: array.sel(scenario=PLAIN) for one, array in others.items()}
    told = [
        f"{_label(one, lang)} {digits(array.values.item())}"
        for one, array in beside.items()
        if array.size == 1
    ]
    return tell(" (beside {names})", lang, names=listed(told[:MOST_READERS])) if told else ""


def _told(key: str, value: float, lang: str) -> str:
    """Write a constant's value; a policy is on or off."""
    switch = split_key(key)[0] == POLICY_SWITCH
    return tell(N_("on", "difference") if value else "off", lang) if switch else f"{value:g}"


def _named(key: str, lang: str) -> str:
    """Name a constant as it was typed, in Chinese by its label; what is a policy's, with the policy's name before it."""
    name, element = split_key(key)
    own = shipped_labels().element(element, lang) if element else ""
    if own and name.startswith("policy "):
        return tell("{variable}: {element}", lang, variable=own, element=_label(name, lang))
    return key if lang == "en" else _label(name, lang) + (f"[{own}]" if own else "")


def _label(name: str, lang: str) -> str:
    return shipped_labels().variable(name, lang)


@dataclass(frozen=True)
class Gap:
    """A figure that a city's file lacks, what stands in for it, and how much that can move the last year.

    Parameters
    ----------
    constant : of the model
    figures : any of which would fill the gap, in the order preferred: those that the city lacks, else those that are of no use
    value, unit : what stands in
    how : the reckoning, as `Value` has it; "" of the model's own value
    low, high : range tried: the assumption's own
    moves : output -> relative change of its value in the last year at the low and the high end
    cover : change of the years that the pension fund lasts, at the low and the high end
    unused : why the city's own figures are of no use, "" if it lacks some
    shared : whether its province's or the nation's own figure stands in, not an assumption
    """

    constant: str
    figures: tuple[str, ...]
    value: float
    unit: str
    how: str
    low: float
    high: float
    moves: Mapping[str, tuple[float, float]]
    cover: tuple[float, float]
    unused: str = ""
    shared: bool = False

    @property
    def most(self) -> float:
        """Return the largest change of any output, as a share."""
        return max(map(abs, self.moves[self.where]))

    @property
    def where(self) -> str:
        """Return the output that moves most."""
        return max(self.moves, key=lambda name: max(map(abs, self.moves[name])))

    @property
    def moving(self) -> bool:
        """Whether it moves anything that is told."""
        return self.most > NOTHING or max(map(abs, self.cover)) >= SHORT


MOVED, COVER = ("total talent", "Residents", "value added", "invention grants"), "years of balance"
NOTHING, SHORT = 0.0005, 0.05
"""A gap that moves every output by less than this share, and the fund's end by less than these years, moves nothing."""


def gaps(prepared: Prepared) -> tuple[Gap, ...]:
    """Return the figures that are not the city's own, those that move the last year most first: two central runs for each."""
    mapping, first, model = read_mapping(), prepared.first, prepared.model
    priors = assumed_figures(first, model, cancelling=True)
    if not priors:
        return ()
    # what stands in, and the ends of its range
    ranges = {prior.key: (prior.centre, prior.low, prior.high) for prior in priors}
    lacking = {key for key in ranges if key in first.values and first.values[key].origin.file == mapping.file}
    shared = ranges.keys() - lacking
    followers = _followers(prepared, lacking)
    end, most = float(prepared.years[-1]), shipped_labels().told_up_to[COVER]
    given = [*ranges, *(name for name in followers if name not in ranges)]
    run = prepared.model.plain(given, [*MOVED, COVER], first.params(), few=True, times=[end], final_time=end)
    centre = np.array([ranges[key][0] if key in ranges else float(first.values[key].value) for key in given])
    still = run(centre)[:, 0].copy()

    def changed(key: str, value: float) -> np.ndarray:
        """Return the relative change of each output when one figure takes a value; of the fund's years the change."""
        tried = centre.copy()
        factor = value / tried[given.index(key)]
        tried[given.index(key)] = value
        for name, powers in followers.items():
            tried[given.index(name)] *= factor ** powers.get(key, 0)
        ends = run(tried)[:, 0]
        return np.append(ends[:-1] / still[:-1] - 1, min(ends[-1], most) - min(still[-1], most))

    found = []
    for key, (_, *ends) in ranges.items():
        rule, value = mapping.content.constants[key], first.values.get(key)
        *moves, cover = map(tuple, np.transpose([changed(key, tried) for tried in ends]).tolist())
        names = dict.fromkeys((*rule.owned[:1], *rule.figure, *rule.divisors))
        if rule.shared and key in shared:
            names = dict.fromkeys(rule.shared.figures)
        absent, unused = tuple(name for name in names if name not in first.city.figures), ""
        if not absent and key not in shared:
            absent, unused = _unused(first, rule)
        stands, low, high = np.multiply(_part(prepared, key, shared), ranges[key]).tolist()
        found.append(
            Gap(
                key, absent or tuple(names), stands, rule.unit, value.origin.text if value else "", low, high,
                dict(zip(MOVED, moves, strict=True)), cover, unused, key in shared,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda gap: (-gap.most, -max(map(abs, gap.cover)))))


def _unused(first: Resolved, rule: FigureToConstant) -> tuple[tuple[str, ...], str]:
    """Return the city's figures that give no constant, though it has them all, and why: no year of the start has them."""
    years = {name: set(first.city.figures[name].values) for name in (*rule.figure, *rule.divisors)}
    common = set.intersection(*years.values())
    if common:
        return tuple(years), N_("(too old)") if min(common) <= first.start_year else N_("(of later years)")
    count = Counter(year for own in years.values() for year in own)
    usual = max(count, key=lambda year: (count[year], year <= first.start_year, year))
    return tuple(name for name, own in years.items() if usual not in own), N_("(of other years)")


def _part(prepared: Prepared, key: str, shared: Container[str]) -> float:
    """Return the city's part of what stands in for a figure of its own: of its province's patents, as of its graduates."""
    own, values = read_mapping().content.constants[key].own, prepared.first.values
    if key not in shared or own is None:
        return 1.0
    return math.prod(float(values[one].value) for one in own.over) / math.prod(
        float(values[one].value) for one in own.times
    )


def _followers(prepared: Prepared, lacking: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return constants that the city's own figure gives with the help of what it lacks: constant -> lacking -> power."""
    first, rules = prepared.first, read_mapping().content.constants
    own = {
        name: rule.own
        for name, rule in rules.items()
        if rule.own and rule.own.figure in first.city.figures and name not in lacking and name in first.values
    }
    return {
        name: {key: (key in one.times) - (key in one.over) for key in lacking}
        for name, one in own.items()
        if set(lacking) & {*one.times, *one.over}
    }
