"""A scenario run with each combination of its policies, for many draws at once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW
from talent_sd.engine.member_blocks import Settings, Task, Variant, make_layout, run_block

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.prior_draws import Draws

SWITCH = "policy switch"
MEMBERS_AT_ONCE = 1 << 15
"""Runs held in memory together."""


def policies_on(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the policies that a scenario's parameters switch on, in their order.

    >>> policies_on({"policy switch[culture_ip]": 1.0, "policy switch[open_labs]": 0.0, "fiscal revenue": 1e9})
    ('culture_ip',)
    """
    start = f"{SWITCH}["
    return tuple(key[len(start) : -1] for key, value in params.items() if key.startswith(start) and value > 0)


@dataclass
class Runs:
    """One scenario's runs: every draw has the same constants in all combinations of policies.

    Parameters
    ----------
    model : with `policy switch`
    name : of the scenario
    fixed : what scenario and city set
    draws : of the uncertain constants; None: a single run with the model's own
    years : points of time to return
    threads : of the kernel
    heard : kind -> text of what the engine warned of
    """

    model: Model
    name: str
    fixed: Mapping[str, Any]
    draws: Draws | None
    years: Sequence[float]
    threads: int | None = None
    heard: dict[type[Warning], str] = field(default_factory=dict)

    def values(
        self,
        policies: Sequence[str],
        rows: np.ndarray,
        outputs: Sequence[str],
        first: int,
        last: int,
        changes: Mapping[str, Any] | None = None,
    ) -> dict[str, np.ndarray]:
        """Run combinations of policies for some draws.

        Parameters
        ----------
        policies : what the columns of `rows` switch
        rows : (combinations, policies) of 1 on and 0 off
        outputs : names
        first, last : draws from `first` to before `last`
        changes : further parameters, over the scenario's

        Returns
        -------
        output -> (combinations, last - first, years, *subscripts)
        """
        at_once = max(1, MEMBERS_AT_ONCE // (last - first))
        parts = [
            self._block(policies, rows[start : start + at_once], outputs, first, last, changes or {})
            for start in range(0, len(rows), at_once)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _block(
        self,
        policies: Sequence[str],
        rows: np.ndarray,
        outputs: Sequence[str],
        first: int,
        last: int,
        changes: Mapping[str, Any],
    ) -> dict[str, np.ndarray]:
        size = last - first
        members = size * len(rows)
        which = np.tile(np.arange(size), len(rows))
        params, inputs, variants = self._given(first, last)
        params = {key: _spread(value, which, size) for key, value in params.items()} | dict(changes)
        for column, policy in enumerate(policies):
            key = f"{SWITCH}[{policy}]"
            params[key] = np.repeat(rows[:, column], size) * float(self.fixed[key])
        task = Task(
            0,
            0,
            0,
            members,
            params,
            {
                key: value.isel({DRAW: which}).assign_coords({DRAW: np.arange(members)})
                for key, value in inputs.items()
            },
            [Variant(np.flatnonzero(np.isin(which, v.places)), v.params) for v in variants],
        )
        layout = make_layout(self.model.structure, [self.name], members, self.years, outputs)
        block = run_block(self.model, task, Settings(layout, "auto", 0, self.threads))
        for kind, text in block.notices:
            self.heard.setdefault(kind, text)
        return {
            name: array.reshape(len(rows), size, *array.shape[1:]) for name, array in block.values.items()
        }

    def _given(self, first: int, last: int) -> tuple[dict[str, Any], Mapping[str, Any], Sequence[Variant]]:
        """Return parameters, inputs over time and variants of some draws."""
        from talent_sd.forecast.ensemble_blocks import with_draws

        if self.draws is None:
            return dict(self.fixed), {}, ()
        drawn = self.draws.params(self.fixed, first, last)
        return (
            with_draws(self.fixed, drawn),
            self.draws.inputs(first, last),
            self.draws.variants(first, last),
        )

    def warn(self) -> None:
        """Pass on what the engine warned of, each kind once."""
        for kind, text in self.heard.items():
            warnings.warn(f"{self.name}: {text}", kind, stacklevel=3)


def _spread(value: Any, which: np.ndarray, size: int) -> Any:
    """Give each member its draw's value."""
    return value[which] if isinstance(value, np.ndarray) and value.shape[:1] == (size,) else value
