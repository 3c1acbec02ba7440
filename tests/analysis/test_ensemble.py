"""Ensembles: draws are paired, and no result depends on how the work is cut up."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.engine.member_blocks import EnsembleLayout, block_edges, block_size
from talent_sd.uncertainty.priors import assumed_figures

BOTH = ["baseline", "cash_subsidy_only"]
OUTPUTS = ["Talent", "value added", "City Brand"]


def _run(**options: object) -> xr.Dataset:
    given = {"city": "wuxi", "draws": 21, "seed": 3, "outputs": OUTPUTS, "posterior": "none", **options}
    return ts.ensemble(BOTH, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return _run()


def test_axes_units_and_provenance(whole: xr.Dataset) -> None:
    assert whole["Talent"].dims == ("scenario", "draw", "time", "tier")
    assert whole["Talent"].shape == (2, 21, 13, 4)
    assert whole["value added"].attrs["units"] == "yuan/year"
    assert whole["value added"].attrs["long_name"]
    assert (whole.attrs["seed"], whole.attrs["sampling"], whole.attrs["city"]) == (3, "latin", "wuxi")
    assert whole["drawn"].dims == ("draw", "parameter")
    assert np.isfinite(whole["value added"].values).all()


def test_a_draw_is_a_single_run_with_its_constants(whole: xr.Dataset) -> None:
    model = ts.load_model()
    resolved = ts.resolve_scenario("cash_subsidy_only", "wuxi", model.structure)
    drawn = whole["drawn"].isel(draw=5)
    params = resolved.params()
    assumed = {prior.key for prior in assumed_figures(resolved, model)}
    assert "city longevity" in assumed
    for name, value in zip(drawn["parameter"].values, drawn.values, strict=True):
        key = str(name).removesuffix(" (factor)")
        if key in assumed:
            params[key] = float(value)
        elif key == name:
            params.setdefault(key, float(value))
        else:
            own = model.run(outputs=[key], times=[2022])[key].isel(time=0)
            params[key] = (float(value) * own).drop_vars("time")
    single = model.run(params=params, outputs=OUTPUTS, times=whole["time"].values)
    for name in OUTPUTS:
        np.testing.assert_array_equal(whole[name].sel(scenario="cash_subsidy_only", draw=5), single[name])


def test_draws_are_paired_across_scenarios(whole: xr.Dataset) -> None:
    """Before the first policy starts, draw i is the same in both scenarios, and draws differ."""
    start = whole["value added"].sel(time=[2022, 2023, 2024])
    np.testing.assert_array_equal(start.isel(scenario=0), start.isel(scenario=1))
    end = whole["value added"].sel(time=2034)
    assert len(np.unique(end.isel(scenario=0))) == 21
    difference = (end.isel(scenario=1) - end.isel(scenario=0)).std()
    assert difference < 0.2 * end.isel(scenario=0).std()


@pytest.mark.parametrize("options", [{"block": 4}, {"block": 8}, {"threads": 1}, {"threads": 2, "block": 21}])
def test_neither_threads_nor_blocks_change_a_bit(whole: xr.Dataset, options: dict[str, int]) -> None:
    xr.testing.assert_identical(_run(**options), whole)


def test_another_seed_gives_other_draws_and_more_scenarios_none(whole: xr.Dataset) -> None:
    assert not np.array_equal(_run(seed=0)["drawn"], whole["drawn"])
    alone = ts.ensemble("cash_subsidy_only", city="wuxi", draws=21, seed=3, posterior="none", outputs=OUTPUTS)
    for name in OUTPUTS:
        np.testing.assert_array_equal(alone[name][0], whole[name][1])


def test_what_a_scenario_assumes_holds_in_every_draw(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: mine\nextends: baseline\nassumptions:\n  grant lag: {value: 3, why: local yearbook}\n"
    )
    spread = ts.ensemble(file, city="wuxi", draws=3, outputs=["grant lag", "value added"])
    assert (spread["grant lag"].values == 3).all()
    assert len(np.unique(spread["value added"].isel(time=-1))) == 3


def test_without_uncertain_constants_a_draw_is_the_central_run_with_what_stands_in_for_its_figures(
    tmp_path: Path,
) -> None:
    priors = tmp_path / "priors.yaml"
    priors.write_text("parameters:\n  grant lag: {distribution: uniform, range: [2, 3], source: s}\n")
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: mine\nextends: baseline\nassumptions:\n  grant lag: {value: 3, why: local yearbook}\n"
    )
    spread = ts.ensemble(file, city="wuxi", draws=2, outputs=["value added"], priors=priors)
    model = ts.load_model()
    fixed = ts.resolve_scenario(file, "wuxi", model.structure).params()
    times = spread["time"].values
    for draw in (0, 1):
        drawn = spread["drawn"].sel(draw=draw).drop_sel(parameter="grant lag")
        given = dict(zip(drawn["parameter"].values.tolist(), drawn.values.tolist(), strict=True))
        central = model.run(params=fixed | given, outputs=["value added"], times=times)
        value = spread["value added"].sel(draw=draw)
        np.testing.assert_array_equal(value.squeeze(), central["value added"].squeeze())


def test_a_figure_that_the_city_lacks_is_drawn_over_its_assumed_range(tmp_path: Path) -> None:
    from talent_sd.base.files import shipped_folder

    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8").splitlines()
    city = tmp_path / "mine.yaml"
    city.write_text("\n".join(line for line in text if "  gdp_secondary:" not in line), "utf-8")
    name = "city secondary share"
    spread = ts.ensemble("baseline", city=city, draws=20, outputs=[name])[name].isel(scenario=0, time=0)
    assert len(np.unique(spread)) == 20
    assert 0.2 <= spread.min() < 0.3 < 0.5 < spread.max() <= 0.6
    known = ts.ensemble("baseline", city="wuxi", draws=20, outputs=[name])[name]
    assert len(np.unique(known)) == 1


def test_a_share_that_stands_in_is_drawn_and_strays_with_the_noise_since_the_census(tmp_path: Path) -> None:
    from talent_sd.base.files import shipped_folder

    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8").splitlines()
    city = tmp_path / "mine.yaml"
    city.write_text("\n".join(line for line in text if "  bachelor_or_above:" not in line), "utf-8")
    names = ["city tertiary share", "city bachelor share"]
    spread = ts.ensemble("baseline", city=city, draws=20, outputs=names).isel(scenario=0, time=0)
    known = ts.ensemble("baseline", city="wuxi", draws=20, outputs=names).isel(scenario=0, time=0)
    np.testing.assert_array_equal(spread[names[0]], known[names[0]])
    part = spread[names[1]] / spread[names[0]]
    assert len(np.unique(part)) == 20
    assert len(np.unique((known[names[1]] / known[names[0]]).round(12))) == 1


def test_too_much_for_memory_is_refused_before_anything_runs() -> None:
    with pytest.raises(InputError) as caught:
        _run(draws=100_000, memory=0.1)
    assert caught.value.problems == (
        "100000 draws x 2 scenarios x 3 outputs x 13 years are 0.12 gigabytes, more than memory=0.1. "
        "Give out= (a folder) to stream them to disk, fewer outputs, or more memory.",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": 0}, "block=0. Run at least one draw at once."),
        ({"memory": 0.0}, "memory=0. Give gigabytes, 0.001 or more, for example 1."),
        ({"outputs": ["Talents"]}, "city.mdl: no variable 'Talents'. Did you mean 'Talent'?"),
        ({"draws": 0}, "draws is 0. Give a whole number above 0."),
        ({"cluster": "tcp://127.0.0.1:9"}, "no cluster answers at 'tcp://127.0.0.1:9' ("),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talent_sd.engine.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(InputError) as caught:
        _run(**options)
    assert caught.value.problems[0].startswith(message)


def test_no_scenario_is_an_error() -> None:
    with pytest.raises(InputError, match=r"^no scenario was given: name at least one\.$"):
        ts.ensemble([])


def test_blocks_fit_the_memory_stated() -> None:
    layout = EnsembleLayout(("a",), 1_000_000, tuple(range(13)), {f"v{i}": {} for i in range(20)})
    assert block_size(layout, 30, 1.0) == 8192
    small = block_size(layout, 30, 0.25)
    assert 8 * (1_000_000 * 30 + small * 13 * 20) < 0.25e9
    with pytest.raises(InputError, match=r"^1000000 draws of 30 inputs do not fit into memory=0\.2 "):
        block_size(layout, 30, 0.2)
    assert block_edges(5, 8) == [(0, 5)]


@pytest.mark.skipif(os.name == "nt", reason="needs a forked worker")
def test_a_cluster_of_two_workers_gives_the_same_bits(whole: xr.Dataset, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        address = cluster.scheduler_address
        xr.testing.assert_identical(_run(cluster=address, block=4), whole)
        stored = _run(cluster=address, block=5, out=tmp_path / "store.zarr")
        xr.testing.assert_identical(stored.load(), whole)


def test_a_missing_extra_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ts.TalentError) as caught:
        _run(cluster="tcp://127.0.0.1:8786")
    assert str(caught.value) == (
        "running on a cluster needs dask.distributed: pip install 'talent_sd[cluster]'."
    )
