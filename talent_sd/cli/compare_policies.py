"""Options that split a mix among its policies, and the work that they ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.errors import InputError
from talent_sd.base.language import tell

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs.labels import Labels

POLICY_DRAWS = 20
"""Draws in which mixes are split unless told otherwise: each takes a run for every combination of policies."""

PoliciesOption = Annotated[
    bool, typer.Option("--policies/--no-policies", help="Split each mix among its policies, with costs.")
]
PolicyDrawsOption = Annotated[
    int | None,
    typer.Option(
        "--policy-draws", min=1, help="Draws to split the mixes in: 20 by default, at most --draws."
    ),
]
DiscountOption = Annotated[
    float | None,
    typer.Option("--discount-rate", help="Real yearly rate for present costs, a share (0.08 is 8 %)."),
]


@dataclass(frozen=True)
class Split:
    """How mixes are split among their policies.

    Parameters
    ----------
    draws : None: one run with the model's own constants
    among : how many draws the comparison has, of which these are some
    sampling : of those draws
    discount_rate : a share; None: that of `models/costs.yaml`
    """

    draws: int | None
    seed: int
    threads: int | None
    discount_rate: float | None
    among: int | None = None
    sampling: str = "latin"


def draws_to_split(draws: int | None, wanted: int | None) -> int | None:
    """Return in how many draws to split; None: one run with the model's own constants."""
    return None if draws is None else min(draws, wanted or POLICY_DRAWS)


def refuse_idle_options(
    *,
    both: bool,
    draws: int | None,
    policy_draws: int | None,
    discount_rate: float | None,
    split: bool,
) -> None:
    """Refuse options that would do nothing: who types one expects something of it.

    Parameters
    ----------
    both : whether --city was typed beside --cities
    split : whether policies are split at all

    Raises
    ------
    InputError
        With every such option at once.
    """
    problems = []
    if both:
        problems.append(tell("--city and --cities were both given. Leave one out."))
    idle = {"--policy-draws": policy_draws, "--discount-rate": discount_rate}
    typed = [name for name, value in idle.items() if value is not None]
    if typed and not split:
        problems.append(
            tell(
                "{options} would do nothing: policies are split in one city only, and not with "
                "--no-policies or --engine pysd. Leave it out.",
                options=" and ".join(typed),
            )
        )
    elif policy_draws is not None and draws is None:
        problems.append(tell("--policy-draws is for many draws. Add --draws, for example --draws 200."))
    if problems:
        raise InputError(problems)


def steps_of_policies(prepared: Prepared, split: Split, plots: bool) -> int:
    """Return the steps that `split_policies` will report."""
    from talent_sd.policies.policy_effects import attribution_steps, with_policies

    return attribution_steps(prepared, split.draws) + plots * len(with_policies(prepared))


def split_policies(
    prepared: Prepared,
    split: Split,
    folder: Path,
    labels: Labels,
    lang: str,
    done: Callable[[int], None],
    *,
    plots: bool,
) -> xr.Dataset | None:
    """Split each mix among its policies and write policies.csv, policies.nc and pictures; None without a mix."""
    from talent_sd.forecast.result_files import write_dataset
    from talent_sd.policies.policy_effects import policy_effects, with_policies
    from talent_sd.policies.policy_table import write_policies_table

    if not with_policies(prepared):
        return None
    effects = policy_effects(
        prepared,
        draws=split.draws,
        among=split.among,
        seed=split.seed,
        sampling=split.sampling,
        threads=split.threads,
        discount_rate=split.discount_rate,
        done=done,
    )
    write_policies_table(effects, folder / "policies.csv")
    write_dataset(effects, folder / "policies.nc")
    if plots:
        from talent_sd.output.policies.plot_policies import save_policy_plots

        save_policy_plots(effects, labels, lang, folder, done)
    return effects
