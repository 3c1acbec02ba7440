"""What each policy of a mix adds and costs, by the names of scenarios and city."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell
from talent_sd.forecast.prepare import prepare
from talent_sd.policies.policy_effects import policy_effects

if TYPE_CHECKING:
    import xarray as xr


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
) -> xr.Dataset:
    """Split what each scenario's policies do among them, and set their cost against it.

    Parameters
    ----------
    scenarios, city, model, national : as in `simulate`; scenarios without policies are left out
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
    `interaction`, `synergy`, `present_cost`, `cost_per` and more, as `policy_effects` describes them.

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
    names = [scenarios] if isinstance(scenarios, (str, Path)) else list(scenarios)
    if not names:
        raise InputError(tell("no scenario was given: name at least one."))
    prepared = prepare(names, city, model=model, national=national)
    return policy_effects(
        prepared,
        outputs,
        draws=draws,
        among=among,
        seed=seed,
        threads=threads,
        discount_rate=discount_rate,
    )
