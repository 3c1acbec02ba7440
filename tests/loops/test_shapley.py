"""Shares of switches: exact, additive, and sampled with an honest error."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from talent_sd.attribution import coalitions, shapley_interactions, shapley_sampled, shapley_values

WORTHS = st.integers(1, 5).flatmap(
    lambda players: arrays(float, (2**players, 2), elements=st.floats(-1e6, 1e6, width=32))
)


@given(WORTHS)
def test_shares_add_up_to_the_whole(worth):
    whole = worth[-1] - worth[0]
    scale = np.abs(worth).max(initial=1e-300)
    assert np.abs(shapley_values(worth).sum(axis=0) - whole).max() <= 1e-12 * scale


def test_shares_are_the_mean_over_all_orders():
    worth = np.random.default_rng(3).normal(size=16)
    gains = np.zeros(4)
    for order in permutations(range(4)):
        on = 0
        for player in order:
            gains[player] += worth[on | 1 << player] - worth[on]
            on |= 1 << player
    np.testing.assert_allclose(shapley_values(worth), gains / 24, rtol=1e-12)


def test_a_switch_that_never_matters_gets_exactly_0():
    table = coalitions(5)
    worth = np.exp(table[:, [0, 1, 2, 4]].sum(axis=1)) * (1 + table[:, 1])
    assert shapley_values(worth)[3] == 0
    assert not shapley_interactions(worth)[3].any()


def test_interactions_are_zero_where_switches_add_and_positive_where_they_multiply():
    table = coalitions(3)
    added, multiplied = table @ [3.0, 4.0, 5.0], np.prod(1 + table, axis=1)
    np.testing.assert_allclose(shapley_interactions(added), 0, atol=1e-12)
    pairs = shapley_interactions(multiplied)
    assert (pairs[~np.eye(3, dtype=bool)] > 1).all()
    np.testing.assert_array_equal(pairs, pairs.T)


def test_sampled_shares_add_up_and_lie_within_their_error_of_the_exact_ones():
    table = coalitions(6)
    worth = np.random.default_rng(1).normal(size=(64, 3)).cumsum(axis=0)

    def look_up(rows):
        return worth[(rows @ 2 ** np.arange(6)).astype(int)]

    shares, error = shapley_sampled(look_up, 6, 400, np.random.default_rng(0))
    exact = shapley_values(worth)
    assert table.shape == (64, 6)
    np.testing.assert_allclose(shares.sum(axis=0), worth[-1] - worth[0], rtol=1e-12)
    z = (shares - exact) / error
    assert np.abs(z).max() < 4
    assert 0.5 < z.std() < 1.5


def test_a_table_that_is_not_all_combinations_is_refused():
    with pytest.raises(ValueError, match="^6 coalitions are not all combinations of switches: give 2\\^n.$"):
        shapley_values(np.zeros(6))
