"""Ensembles on disk: streamed by block, finished after a kill, never mixed up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.base.output_folders import held_alone
from talent_sd.engine.member_blocks import EnsembleLayout
from talent_sd.forecast.zarr_store import EnsembleStore, open_ensemble, open_or_create, template_of

GIVEN = {"city": "wuxi", "draws": 40, "seed": 5, "outputs": ["Talent", "value added"]}


def _run(**options: object) -> xr.Dataset:
    return ts.ensemble(["baseline", "hefei_combination"], **{**GIVEN, **options})  # type: ignore[arg-type]


def test_streamed_equals_in_memory_and_opens_by_itself(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "spread.zarr"
    streamed = _run(out=out, block=7)
    whole = _run()
    xr.testing.assert_identical(streamed.load(), whole)
    with xr.open_zarr(str(out), chunks=None) as bare:
        np.testing.assert_array_equal(bare["value added"], whole["value added"])
    assert [entry.name for entry in out.parent.iterdir()] == ["spread.zarr"]


def test_a_finished_store_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "spread.zarr"
    first = _run(out=out).load()
    monkeypatch.setattr("talent_sd.forecast.ensemble.run_block", None)
    xr.testing.assert_identical(_run(out=out).load(), first)


CHILD = """
import sys, time
import talent_sd as ts
from talent_sd.forecast import zarr_store
write = zarr_store.EnsembleStore.write
def slow(self, scenario, block, values):
    first = next(iter(values))
    # half of a block's variables are on disk when the kill comes
    if block < 2:
        write(self, scenario, block, values)
    else:
        next(self._chunks(scenario, block))[1].write_bytes((values[first] * 0 - 1).tobytes())
        print("half a block", flush=True)
        time.sleep(60)
zarr_store.EnsembleStore.write = slow
ts.ensemble(["baseline", "hefei_combination"], out=sys.argv[1], block=7, **{given!r})
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    out = tmp_path / "spread.zarr"
    code = CHILD.replace("{given!r}", repr(GIVEN))
    with subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half a block\n"
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    with pytest.raises(
        InputError,
        match=r"8 of 12 blocks are missing or damaged\. Give the same command with the same --out, or",
    ):
        open_ensemble(out)
    resumed = _run(out=out, block=11, threads=1)
    xr.testing.assert_identical(resumed.load(), _run())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 6}, "seed was 5, is 6"),
        ({"draws": 41}, "draws was 40, is 41"),
        ({"outputs": ["Talent"]}, "outputs was Talent, value added, is Talent"),
        ({"engine": "arrays"}, "engine was kernel, is arrays"),
    ],
)
def test_other_inputs_are_refused_and_named(tmp_path: Path, options: dict[str, object], said: str) -> None:
    out = tmp_path / "spread.zarr"
    _run(out=out)
    with pytest.raises(InputError) as caught:
        _run(out=out, **options)
    assert caught.value.problems == (
        f"{out}: holds an ensemble of other inputs: {said}. "
        f"Give the same inputs to finish it, or another place.",
    )


def test_another_city_is_told_by_its_inputs(tmp_path: Path) -> None:
    out = tmp_path / "spread.zarr"
    _run(out=out)
    with pytest.raises(InputError, match=r"inputs of baseline was \w{12}…, is \w{12}…; inputs of hefei_com"):
        _run(out=out, city="hefei")


def test_whatever_else_is_in_the_way_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError) as caught:
        _run(out=tmp_path)
    assert caught.value.problems == (
        f"{tmp_path}: is in the way and no ensemble. Choose another place, or remove it.",
    )
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match=r"no such ensemble\. Check the path\.$"):
        open_ensemble(tmp_path / "nowhere")


def test_names_that_no_folder_may_have_survive(tmp_path: Path) -> None:
    layout = EnsembleLayout(("a",), 3, (2022.0,), {"GDP / 人": {}})
    with open_or_create(tmp_path / "s.zarr", lambda: template_of(layout), layout, {}, 2) as store:
        store.write(0, 0, {"GDP / 人": np.array([[1.0], [2.0]])})
        store.write(0, 1, {"GDP / 人": np.array([[3.0]])})
    assert store.dataset()["GDP / 人"].values.tolist() == [[[1.0], [2.0], [3.0]]]


def test_a_mark_comes_after_the_values(tmp_path: Path) -> None:
    layout = EnsembleLayout(("a", "b"), 4, (2022.0,), {"x": {}, "y": {}})
    with open_or_create(tmp_path / "s.zarr", lambda: template_of(layout), layout, {}, 2) as store:
        with pytest.raises(KeyError):
            store.write(0, 0, {"x": np.ones((2, 1)), "z": np.ones((2, 1))})
        assert not store.completed().any()
        store.write(1, 0, {"x": np.ones((2, 1)), "y": np.ones((2, 1))})
    again = EnsembleStore(tmp_path / "s.zarr", layout, 2)
    assert again.completed().tolist() == [[False, False], [True, False]]


def test_a_mark_is_never_written_through_a_link(tmp_path: Path) -> None:
    out = tmp_path / "s.zarr"
    out.mkdir()  # an empty folder is no store of another
    layout = EnsembleLayout(("a",), 4, (2022.0,), {"x": {}})
    values = [{"x": np.full((2, 1), float(number))} for number in range(2)]
    with open_or_create(out, lambda: template_of(layout), layout, {}, 2) as store:
        for number, one in enumerate(values):
            store.write(0, number, one)
        for first, second in ((out / ".blocks" / f"0.{number}" for number in range(2)),
                              (out / "x" / f"0.{number}.0" for number in range(2))):  # fmt: skip
            first.unlink()
            first.symlink_to(second)
        assert store.completed().tolist() == [[False, True]]
        store.write(0, 0, values[0])
    assert store.dataset()["x"].values.ravel().tolist() == [0, 0, 1, 1]


def test_memory_stays_within_what_was_stated(tmp_path: Path) -> None:
    """Ten thousand draws more bring 75 MB more results, and almost no more memory."""
    pytest.importorskip("resource")
    code = (
        "import sys, resource, talent_sd as ts\n"
        "outputs = ['policy spending', 'Cumulative Policy Spending', 'policy level', 'Experience']\n"
        "ts.ensemble('baseline', city='wuxi', draws=int(sys.argv[2]), outputs=outputs,"
        " out=sys.argv[1], memory=0.1, block=512)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def peak(draws: int) -> int:
        out = tmp_path / f"{draws}.zarr"
        done = subprocess.run(
            [sys.executable, "-c", code, str(out), str(draws)], capture_output=True, text=True, check=True
        )
        return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)

    few, many = peak(2_000), peak(12_000)
    assert many - few < 40e6


def test_a_damaged_store_is_mended_or_refused(tmp_path: Path) -> None:
    out = tmp_path / "spread.zarr"
    whole = _run(out=out).load()
    (out / "value added" / "0.0.0").unlink()
    with pytest.raises(InputError, match=r"1 of 2 blocks are missing or damaged\."):
        open_ensemble(out)
    xr.testing.assert_identical(_run(out=out).load(), whole)
    (out / "time" / "0").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        _run(out=out)
    assert caught.value.problems == (
        f"{out}: is damaged (time/0). Remove it; the same command makes it anew.",
    )


def test_a_store_is_written_by_one_run_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "spread.zarr"
    _run(out=out)
    with held_alone(out), pytest.raises(InputError) as caught:
        _run(out=out)
    assert caught.value.problems == (
        f"{out}: another run is writing here. Wait until it has ended, or choose another place.",
    )
