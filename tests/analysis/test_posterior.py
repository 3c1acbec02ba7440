"""The posterior that ships: complete, in step with the model, and what forecasts draw from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.calibration.likelihood import EvidenceTarget
from talent_sd.inputs.evidence_ledger import read_evidence
from talent_sd.uncertainty.fitted_constants import read_beliefs
from talent_sd.uncertainty.posterior import read_cross_fit, read_posterior, write_cross_fit, write_posterior


def test_what_ships_is_of_the_shipped_model_and_converged() -> None:
    posterior = read_posterior()
    beliefs = read_beliefs(ts.load_model())
    assert posterior.names == beliefs.names
    assert len(posterior.values) >= 300
    assert (posterior.values >= beliefs.low).all()
    assert (posterior.values <= beliefs.high).all()
    assert (shipped_folder("models") / "posterior.json").stat().st_size < 2_000_000
    for name, found in posterior.note["diagnostics"]["parameters"].items():
        assert found["r_hat"] < 1.05, name
        assert found["effective_size"] > 400, name
    assert {"seed", "data_sha256", "model_sha256", "talent_sd", "window"} <= set(posterior.note)


def test_the_evidence_still_holds_inside_the_posterior() -> None:
    posterior = read_posterior()
    told = posterior.note["diagnostics"]["evidence"]
    target = EvidenceTarget(ts.load_model(), read_evidence())
    assert set(told) == {figure.id for figure in target.figures}
    for name, found in told.items():
        assert found["met"] >= 0.9, name
        assert found["low_90"] <= found["median"] <= found["high_90"]
    # and not by hearsay: some draws are measured here
    measured = target.measure_draws(posterior.params(posterior.picked(6, 3)))
    for figure, column in zip(target.figures, measured.T, strict=True):
        assert np.mean([figure.met_by(value) for value in column]) >= 0.8, figure.id


def test_what_a_figure_comes_to_counts_draws_by_their_weight() -> None:
    target = EvidenceTarget(ts.load_model(), [f for f in read_evidence() if f.id == "E16"])
    aim = target.figures[0]
    measured = np.array([[aim.target], [aim.target + 2 * aim.allowance], [np.nan]])
    found = target.held(measured, np.array([0.6, 0.3, 0.1]))["E16"]
    assert found["met"] == pytest.approx(0.6)
    assert found["median"] == aim.target
    assert found["high_90"] == aim.target + 2 * aim.allowance


def test_a_posterior_is_read_as_it_was_written(tmp_path: Path) -> None:
    first = read_posterior()
    write_posterior(first, tmp_path / "again.json")
    again = read_posterior(tmp_path / "again.json")
    np.testing.assert_array_equal(again.values, first.values)
    np.testing.assert_array_equal(again.noise.city, first.noise.city)
    np.testing.assert_array_equal(again.noise.freedom, first.noise.freedom)
    assert (again.noise.real_growth, again.noise.real_share) == (
        first.noise.real_growth,
        first.noise.real_share,
    )
    write_cross_fit([first, first], tmp_path / "folds.json")
    (one, other) = read_cross_fit(tmp_path / "folds.json")
    np.testing.assert_array_equal(one.values, other.values)
    with pytest.raises(InputError, match="is no cross-fit of this version"):
        read_cross_fit(tmp_path / "again.json")
    assert (again.names, again.fitted, again.sha256) == (first.names, first.fitted, first.sha256)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(form="other"), "is no posterior of this version"),
        (lambda raw: raw.pop("noise"), "'noise' is missing"),
        (lambda raw: raw["noise"].update(city=[[1.0]]), "its noise has other shapes"),
        (lambda raw: raw["noise"].update(freedom=[1.0, 3.0, 3.0, 3.0]), "its noise has other shapes"),
        (lambda raw: raw["noise"].update(outcomes=["rain"]), "its noise is of other outcomes"),
        (lambda raw: next(iter(raw["parameters"].values()))["draws"].pop(), "damaged posterior"),
    ],
)
def test_a_damaged_posterior_is_refused(tmp_path: Path, change: object, message: str) -> None:
    raw = json.loads((shipped_folder("models") / "posterior.json").read_text("utf-8"))
    change(raw)  # type: ignore[operator]
    file = tmp_path / "posterior.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_posterior(file)
    assert "talent-sd calibrate" in str(caught.value)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_written_posterior_with_one_bit_flipped_is_refused(tmp_path: Path, place: int, bit: int) -> None:
    first, file = read_posterior(), tmp_path / "posterior.json"
    if not file.exists():
        few = replace(first, values=first.values[:40])
        write_posterior(few, file)
        write_cross_fit([few, few], tmp_path / "cross_fit.json")
    for name, read in (("posterior", read_posterior), ("cross_fit", read_cross_fit)):
        content = bytearray((tmp_path / f"{name}.json").read_bytes())
        content[place % len(content)] ^= 1 << bit
        (tmp_path / "flipped.json").write_bytes(content)
        with pytest.raises(InputError, match=r"flipped\.json"):
            read(tmp_path / "flipped.json")  # type: ignore[operator]


def test_a_written_posterior_that_was_changed_says_how_to_mend_it(tmp_path: Path) -> None:
    write_posterior(read_posterior(), tmp_path / "p.json")
    raw = json.loads((tmp_path / "p.json").read_text("utf-8"))
    raw["noise"]["real_share"] *= 1.001
    (tmp_path / "p.json").write_text(json.dumps(raw), encoding="utf-8")
    told = (
        f"{tmp_path / 'p.json'}:1: is a damaged posterior: it is not as it was written. Make one with `talent-sd "
        "calibrate`. If you changed it yourself, take 'sha256' out of it."
    )
    with pytest.raises(InputError, match=f"^{re.escape(told)}$"):
        read_posterior(tmp_path / "p.json")
    del raw["sha256"]
    (tmp_path / "p.json").write_text(json.dumps(raw), encoding="utf-8")
    assert read_posterior(tmp_path / "p.json").noise.real_share == raw["noise"]["real_share"]


def test_every_draw_comes_once_before_any_comes_twice() -> None:
    posterior = read_posterior()
    count = len(posterior.values)
    assert len(np.unique(posterior.picked(count, 4), axis=0)) == len(np.unique(posterior.values, axis=0))
    np.testing.assert_array_equal(posterior.picked(10, 4), posterior.picked(count + 5, 4)[:10])


def _spread(**options: object) -> xr.Dataset:
    given = {"city": "wuxi", "draws": 200, "seed": 2, "outputs": ["Residents", "fiscal revenue"], **options}
    return ts.ensemble("baseline", **given)  # type: ignore[arg-type]


def test_forecasts_draw_from_the_posterior_and_noise_widens_with_the_years() -> None:
    spread = _spread()
    posterior = read_posterior()
    assert spread.attrs["posterior"] == posterior.sha256
    drawn = spread["drawn"].sel(parameter="convergence rate").values
    assert np.isin(drawn, posterior.values[:, posterior.names.index("convergence rate")]).all()
    wide = np.log(spread["Residents"].isel(scenario=0)).std("draw")
    assert float(wide.sel(time=2034)) > 2 * float(wide.sel(time=2026)) > 0


def test_noise_is_most_of_the_spread_of_residents() -> None:
    alone = _spread(posterior="none")
    assert "posterior" not in alone.attrs
    spread = _spread()
    last = {"scenario": 0, "time": -1}
    assert float(np.log(spread["Residents"]).isel(last).std()) > 1.3 * float(
        np.log(alone["Residents"]).isel(last).std()
    )


def test_blocks_change_no_bit_of_the_noise() -> None:
    xr.testing.assert_identical(_spread(draws=60, block=17), _spread(draws=60))


def test_another_model_is_told_how_to_get_its_own(tmp_path: Path) -> None:
    text = (shipped_folder("models") / "city.mdl").read_text("utf-8")
    file = tmp_path / "mine.mdl"
    file.write_text(text.replace("revenue growth noise", "other growth noise"), encoding="utf-8")
    with pytest.raises(InputError, match="'revenue growth noise' is missing here"):
        ts.ensemble("baseline", city="wuxi", draws=2, model=file)
