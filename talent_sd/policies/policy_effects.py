"""What each policy of a mix adds, alone and together with the others, and what it costs.

A scenario is run with every combination of its policies on and off. What else it sets,
its assumptions, shocks and national path, stays in all of them: those are no policies.
Each policy then has its exact Shapley share of what the mix does over the same scenario
without any policy; shares add up to the whole. Draws are the same in all combinations, so that
what is uncertain about the city cancels.

On money: `paid_in_year` is what was paid for a policy in the full mix. It is not what dropping
the policy would save. Policies share one capped budget, so a dropped policy's money goes to
the others where the cap binds, and a policy that brings people makes those paid per person
dearer. `caused_in_year` is therefore given too: the policy's Shapley share of all policy
spending, which adds up to the same total. All spending is taken from public services, whose loss is
part of every contribution.

`policy_effects` gives a dataset over (scenario, output, draw, policy, time), in `unit` (output):

- `contribution`: Shapley share of `total` (all policies less none, without policy)
- `alone`: the policy as the only one of the mix, less none; `dropped`: all less all but this one
- `interaction` (…, policy, other, time): how much more a pair does together than apart;
  NaN where orders were sampled. `standard_error` of a sampled share; 0 where exact
- `total_among` (scenario, output, member, time): `total` in all draws of the forecast; `split_member`
    (scenario, draw) says which of them were split. So are `present_cost_among`, `mix_cost_among`,
    `mix_yearly_among` and `mix_cost_per_among` what follows below, in all draws
- `synergy` (no policy): `total` less the sum of all `alone`. `synergy_budget` is the part that one capped
  budget takes: synergy less what it is when the cap is not heard. The rest is complementarity,
  less overlap (whom one policy holds, another need not), and what services lose
- `paid_in_year` (scenario, draw, policy, time): yuan paid in the year up to each point, in the full mix, current
  prices; `caused_in_year`: Shapley share of all policy spending, same form
- `present_cost`, `caused_cost` (scenario, draw, policy): their present value in yuan of the attribute
  `base_year`; `mix_cost` of all. `mix_yearly` (scenario, draw): yuan a year on all of them, current prices,
    the mean of the years in which the mix pays
- `cost_per` (measure, scenario, draw, policy): `present_cost` per `amount`, the same for the mix in
  `mix_cost_per`. Infinite where a policy is not effective (amount <= 0). `amount`: `person`, people more in
  the last year; `person_year`, their years in the city over the horizon; `patent`, patents granted
  over the horizon; `tax_base`, yuan of tax base over the horizon, discounted like the cost. People and
  patents are not discounted. What comes after the last year counts for nothing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution import MOST_EXACT
from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, ModelError
from talent_sd.base.language import tell
from talent_sd.forecast.prepare import KNOWN_UNTIL, Prepared, describe, prepare
from talent_sd.inputs.settings import policies_on
from talent_sd.policies.policy_runs import (
    Runs,
    Whole,
    run_whole,
    split_scenario,
    spread_evenly,
)
from talent_sd.policies.policy_table import (
    MEASURE,
    MEMBER,
    OTHER,
    OUTPUT,
    POLICY,
    Money,
    are_paid,
    chosen_rate,
    cost_ratio,
    in_order,
    over_time,
)

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.uncertainty.prior_draws import Draws

SHOWN = ("total talent", "invention grants", "tax base", "social security balance", "City Brand")
"""Outputs split unless others are asked for."""
PERSON, PERSON_YEAR, PATENT, TAX_BASE = "person", "person_year", "patent", "tax_base"
MEASURES = {
    PERSON: "total talent",
    PERSON_YEAR: "total talent",
    PATENT: "invention grants",
    TAX_BASE: "tax base",
}
"""Unit of effect -> the output that it is counted in."""
UNITS = {PERSON: "yuan/person", PERSON_YEAR: "yuan/(person*year)", PATENT: "yuan/patent", TAX_BASE: "1"}
BASELINE = "the same scenario without its policies"


@checked
def attribute_policies(
    scenarios: str | Path | Sequence[str | Path],
    city: str | Path = "hefei",
    *,
    outputs: Sequence[str] | None = None,
    draws: int | None = None,
    among: int | None = None,
    seed: int = 0,
    discount_rate: float | None = None,
    threads: int | None = None,
    model: str | Path | None = None,
    national: str | Path | None = None,
    reading: str | Path | None = None,
) -> xr.Dataset:
    """Split what each scenario's policies do among them, and set their cost against it.

    Parameters
    ----------
    scenarios, city, model, national, reading : as in `simulate`; scenarios without policies are left out
    outputs : names; talent, patents, tax base, social-security balance and brand by default
    draws : in how many draws mixes are split; None: one run with the model's own constants
    among : how many draws the forecast has, in whose very draws mixes are split; those of
        `ensemble(scenarios, city, draws=among, seed=seed)`, if the scenarios are on one national path
    seed : of the draws
    discount_rate : yearly, real, as a share; that of `models/costs.yaml` by default
    threads : of the kernel

    Returns
    -------
    dims (scenario, output, draw, policy, time): `contribution`, each policy's exact Shapley share of `total`;
    `interaction`, `synergy`, `present_cost`, `cost_per` and more, as the head of `talent_sd/policies/policy_effects.py` says.

    Raises
    ------
    InputError
        With every problem of every file at once; if no scenario has a policy.

    Examples
    --------
    >>> import talent_sd as ts
    >>> shares = ts.attribute_policies("hefei_combination", city="wuxi", outputs=["total talent"])
    >>> shares["policy"].values.tolist()
    ['industry_fund', 'venture_fund', 'talent_apartments']
    """
    prepared = prepare(scenarios, city, model=model, national=national, reading=reading)
    return policy_effects(
        prepared,
        outputs,
        draws=draws,
        among=among,
        seed=seed,
        threads=threads,
        discount_rate=discount_rate,
    )


def policy_effects(
    prepared: Prepared,
    outputs: Sequence[str] | None = None,
    *,
    draws: int | None = None,
    among: int | None = None,
    seed: int = 0,
    sampling: str = "latin",
    years: Sequence[float] | None = None,
    threads: int | None = None,
    discount_rate: float | None = None,
    permutations: int = 64,
    done: Callable[[int], None] = lambda _: None,
) -> xr.Dataset:
    """Split what each scenario's policies do among them, and set their cost against it.

    Parameters
    ----------
    prepared : scenarios of one city; those without policies are left out
    outputs : names, `SHOWN` by default; a subscripted one is summed over its subscripts
    draws : of the uncertain constants, from the posterior, each split exactly. None: one run with the
        model's own constants
    among : how many draws a forecast has, in whose very draws mixes are split: `draws` of them, spread evenly
        over the mix's effect on total talent in the last year. `draws` by default
    seed, sampling : of the draws, as in `ensemble`
    years : points of time to report; every year by default. Costs always use all years
    threads : of the kernel
    discount_rate : yearly, real, as a share; that of `models/costs.yaml` by default
    permutations : orders sampled for each draw where a scenario has more than 16 policies
    done : called with a number of draws when so many of a scenario are done (`attribution_steps`)

    Returns
    -------
    the dataset that the head of this module describes; NaN for policies not in a mix

    Raises
    ------
    InputError
        If no scenario has a policy, or the rate, draws or seed are none.
    ModelError
        If an output is unknown, or subscripted and no amount that can be summed.
    """
    rate = chosen_rate(discount_rate)
    mixes = _mixes(prepared)
    shown = _outputs(prepared, outputs)
    every = prepared.years
    known = prepared.model.structure.variables
    split_of = list(dict.fromkeys([*shown, *(name for name in MEASURES.values() if name in known)]))
    drawn = None if draws is None else _drawn(prepared, max(draws, among or draws), seed, sampling)
    base = min(max(KNOWN_UNTIL, every[0]), every[-1])
    found = {}
    for name, policies in mixes.items():
        runs = Runs(prepared.model, name, prepared.resolved[name].params(), drawn, every.tolist(), threads)
        whole, places = _whole(runs, policies, split_of, draws or 1)
        runs = replace(runs, places=None if drawn is None else places)
        split = split_scenario(runs, policies, split_of, draws or 1, permutations, seed, done)
        one = _one(split, whole, places, Money(every, rate, base, whole.prices), shown)
        found[name] = one if drawn is not None else one.drop_dims(MEMBER).drop_vars("split_member")
    about = {"discount_rate": rate, "base_year": base, "draws": draws or 1, "priced": whole.priced}
    return _assembled(prepared, found, shown, every if years is None else years, about)


def _mixes(prepared: Prepared) -> dict[str, tuple[str, ...]]:
    """Return scenario -> the policies that it switches on, of those that do; errors as in `policy_effects`."""
    mixes = {name: policies_on(one.params()) for name, one in prepared.resolved.items()}
    mixes = {name: policies for name, policies in mixes.items() if policies}
    if not mixes:
        raise InputError(
            "no policy is switched on in {scenarios}: there is nothing to attribute. "
            "Name a scenario with policies.",
            scenarios=", ".join(prepared.resolved),
        )
    return mixes


def _drawn(prepared: Prepared, draws: int, seed: int, sampling: str) -> Draws:
    from talent_sd.forecast.ensemble import prior_draws

    return prior_draws(prepared, draws, seed, sampling=sampling)


def _whole(
    runs: Runs, policies: tuple[str, ...], outputs: Sequence[str], draws: int
) -> tuple[Whole, np.ndarray]:
    """Run the mix in all draws of the forecast; return it with the numbers of those to split."""
    whole = run_whole(runs, policies, outputs, 1 if runs.draws is None else runs.draws.size)
    ranked_by = outputs.index(MEASURES[PERSON]) if MEASURES[PERSON] in outputs else 0
    return whole, spread_evenly(whole.total[:, -1, ranked_by], draws)


SPLIT_RUNS, FEWEST = 6400, 20
"""Runs of combinations that a mix is split in; the fewest draws. The page (`weigh.js`) has the same."""


def split_draws(prepared: Prepared, draws: int) -> int:
    """Return in how many of the draws mixes are split: in all, if the largest has not too many combinations."""
    largest = max((len(policies_on(one.params())) for one in prepared.resolved.values()), default=0)
    return min(draws, max(FEWEST, SPLIT_RUNS >> largest))


def with_policies(prepared: Prepared) -> list[str]:
    """Return the names of the scenarios that switch a policy on."""
    return [name for name, one in prepared.resolved.items() if policies_on(one.params())]


def attribution_steps(prepared: Prepared, draws: int | None) -> int:
    """Return how many draws `policy_effects` will report through `done`."""
    return len(with_policies(prepared)) * (draws or 1)


def _outputs(prepared: Prepared, outputs: Sequence[str] | None) -> list[str]:
    """Return the outputs to split, as the model spells them; refuse what cannot be summed."""
    structure = prepared.model.structure
    if outputs is None:
        return [name for name in SHOWN if name in structure.variables]
    found = [structure[name] for name in outputs]
    wrong = [v.name for v in found if v.dims and v.unit.strip().casefold() in ("1", "dmnl", "1/year", "")]
    if wrong:
        raise ModelError(
            tell(
                "'{name}' has a value for each {dim}, and its sum means nothing. Ask for another output.",
                name=name,
                dim=structure[name].dims[0],
            )
            for name in wrong
        )
    return list(dict.fromkeys(variable.name for variable in found))


def _one(
    split: xr.Dataset,
    whole: Whole,
    places: np.ndarray,
    money: Money,
    shown: Sequence[str],
) -> xr.Dataset:
    """Put the split of a scenario together with its costs, and with the mix in all draws."""
    effects = split.sel({OUTPUT: list(shown)}).drop_vars("caused")
    paid = _paid(whole, money, split[OUTPUT].values.tolist())
    own = {key: (axes, values.take(places, axis=axes.index(DRAW))) for key, (axes, values) in paid.items()}
    found = effects.assign(own).assign(_shares(split, own, replace(money, prices=money.prices[places])))
    among = {
        f"{key}_among": (tuple(MEMBER if axis == DRAW else axis for axis in axes), values)
        for key, (axes, values) in paid.items()
        if key in AMONG
    }
    among["total_among"] = ((MEMBER, TIME, OUTPUT), whole.total[..., : len(shown)])
    found = found.assign(among).assign(split_member=((DRAW,), places))
    return found.assign_coords({MEMBER: np.arange(len(whole.total))})


def _assembled(
    prepared: Prepared,
    found: dict[str, xr.Dataset],
    shown: Sequence[str],
    years: Sequence[float] | np.ndarray,
    about: dict[str, Any],
) -> xr.Dataset:
    """Put all scenarios on common axes, with units and provenance."""
    import xarray as xr

    basis = f"constant prices of {about['base_year']:g}" if about.pop("priced") else "current prices"
    exact = int(all(one.sizes[POLICY] <= MOST_EXACT for one in found.values()))
    structure = prepared.model.structure
    used = {policy for one in found.values() for policy in one[POLICY].values}
    policies = [policy for policy in structure.subscripts[POLICY] if policy in used]
    each = [one.reindex({POLICY: policies, OTHER: policies}) for one in found.values()]
    joined = xr.concat(each, xr.IndexVariable(SCENARIO, list(found)))
    joined = joined.assign_coords(
        measure=list(MEASURES),
        unit=(OUTPUT, [structure[name].unit for name in shown]),
        cost_unit=(MEASURE, list(UNITS.values())),
    )
    joined = in_order(joined.sel({TIME: list(years)}))
    kept = type(prepared)(prepared.model, {name: prepared.resolved[name] for name in found})
    return describe(joined.assign_attrs(engine="kernel"), kept).assign_attrs(
        **about,
        price_basis=basis,
        exact=exact,
        among=joined.sizes.get(MEMBER, about["draws"]),
        baseline=BASELINE,
        title=f"talent_sd policies of {joined.sizes[SCENARIO]} scenarios",
    )


Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]
AMONG = ("present_cost", "mix_cost", "mix_yearly", "mix_amount", "mix_cost_per")
"""What is told of all draws of a forecast, besides what the mix adds."""


def _paid(whole: Whole, money: Money, outputs: Sequence[str]) -> Arrays:
    """Return spending, its present value, and the mix's cost per unit of effect, in every draw."""
    spending = _yearly(whole.spent)
    cost = money.present_value(spending)
    mix_cost, yearly = cost.sum(axis=1), spending.sum(axis=1)
    paying = are_paid(yearly)
    amount = np.full((len(MEASURES), len(mix_cost)), np.nan)
    for row, (measure, output) in enumerate(MEASURES.items()):
        if output in outputs:
            amount[row] = _amount(measure, whole.total[..., outputs.index(output)], money)
    return {
        "paid_in_year": ((DRAW, POLICY, TIME), spending),
        "present_cost": ((DRAW, POLICY), cost),
        "mix_cost": ((DRAW,), mix_cost),
        "mix_yearly": ((DRAW,), yearly[:, paying].mean(axis=1) if paying.any() else 0 * mix_cost),
        "mix_amount": ((MEASURE, DRAW), amount),
        "mix_cost_per": ((MEASURE, DRAW), cost_ratio(mix_cost, amount)),
    }


def _shares(split: xr.Dataset, paid: Arrays, money: Money) -> Arrays:
    """Return what each policy costs per unit of its share, and its share of all spending, in the draws split."""
    caused = _yearly(split["caused"].transpose(DRAW, POLICY, TIME).values)
    cost = paid["present_cost"][1]
    amount = np.full((len(MEASURES), *cost.shape), np.nan)
    for row, (measure, output) in enumerate(MEASURES.items()):
        if output in split[OUTPUT]:
            of = split["contribution"].sel({OUTPUT: output}).transpose(DRAW, POLICY, TIME).values
            amount[row] = _amount(measure, of, money)
    return {
        "caused_in_year": ((DRAW, POLICY, TIME), caused),
        "caused_cost": ((DRAW, POLICY), money.present_value(caused)),
        "amount": ((MEASURE, DRAW, POLICY), amount),
        "cost_per": ((MEASURE, DRAW, POLICY), cost_ratio(cost, amount)),
    }


def _yearly(cumulative: np.ndarray) -> np.ndarray:
    """Return what was added in the year up to each point (..., years); 0 at the first."""
    return np.diff(cumulative, axis=-1, prepend=cumulative[..., :1])


def _amount(measure: str, effect: np.ndarray, money: Money) -> np.ndarray:
    """Return the amount (draws, ...) of an effect (draws, ..., years) that a cost is set against."""
    if measure == PERSON:
        return effect[..., -1]
    if measure == TAX_BASE:
        worth = money.worth
        effect = effect * worth.reshape(len(worth), *([1] * (effect.ndim - 2)), worth.shape[1])
    return over_time(effect, money.years)
