"""What the loops without a name are."""

import numpy as np
import pytest

from talent_sd.loops.loop_shares import OTHER_ROUTES, REST, TURNOVER, kind_of, stock_chains
from talent_sd.loops.stocks_and_flows import stock_flows


@pytest.fixture(scope="module")
def links(links_of):
    return links_of("workforce.mdl")


def test_a_loop_is_told_by_the_closing_link_it_passes_and_the_stocks_it_holds(links):
    chains = stock_chains(stock_flows(links.scores.trajectory.program)[0])
    assert kind_of(("Staff", "leaving"), [], chains, links) == TURNOVER
    assert kind_of(("Staff", "leaving"), ["leaving"], chains, links) == OTHER_ROUTES
    assert (
        kind_of(("Backlog", "pressure", "hiring", "Staff", "productivity", "delivery"), [], chains, links)
        == REST
    )
    joined = (frozenset({"Staff", "Backlog"}),)
    assert (
        kind_of(("Backlog", "pressure", "hiring", "Staff", "productivity", "delivery"), [], joined, links)
        == TURNOVER
    )


def test_kinds_add_up_in_every_year_that_moves_and_the_fund_of_hefei_runs_through_its_cluster(studies):
    study = studies["hefei_combination"]
    activity = study.shares["activity"]
    moving = activity.sel(kind="named").notnull()
    np.testing.assert_allclose(activity.sum("kind").where(moving, 1.0), 1.0, rtol=1e-12)
    strongest = study.shares.attrs["strongest_rest"].split("; ")
    assert "Cluster Maturity > Industry Capital > Suppliers" in strongest[:2]
    assert float(activity.sel(kind=REST).max()) > 0.05
