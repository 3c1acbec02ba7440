"""Damaged stores and caches: made anew bit for bit, or refused; never other numbers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base import cache
from talent_sd.base.errors import InputError
from talent_sd.base.output_folders import keep_arrays, kept_arrays
from talent_sd.forecast.zarr_store import open_ensemble

from .conftest import DAMAGES, SEED, chosen

GIVEN = {"city": "wuxi", "draws": 5, "seed": 5, "outputs": ["Talent", "value added"], "block": 2}
Attacked = Callable[[], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, xr.Dataset]:
    """A finished store, and what it holds."""
    path = tmp_path_factory.mktemp("store") / "spread.zarr"
    return path, ts.ensemble(["baseline", "hefei_combination"], **GIVEN, out=path).load()  # type: ignore[arg-type]


def _is_mended_or_refused(path: Path, before: xr.Dataset) -> bool:
    """Give the same command again: the same bits, or a message that names the store."""
    said = ""
    try:
        again = ts.ensemble(["baseline", "hefei_combination"], **GIVEN, out=path)  # type: ignore[arg-type]
        xr.testing.assert_identical(again.load(), before)
    except InputError as error:
        said = str(error)
    assert not said or (str(path) in said and "make room" not in said)
    return not said


def test_damaged_files_of_a_store(whole: tuple[Path, xr.Dataset], tmp_path: Path, attacked: Attacked) -> None:
    path, before = whole
    files = sorted(file.relative_to(path) for file in path.rglob("*") if file.is_file())
    redone = 0
    for number, (file, damage) in enumerate(chosen([(file, each) for file in files for each in DAMAGES], 6)):
        copy = tmp_path / f"{number}.zarr"
        shutil.copytree(path, copy)
        DAMAGES[damage](copy / file, np.random.default_rng(SEED + number))
        try:
            read = open_ensemble(copy)
        except InputError:
            pass
        else:
            xr.testing.assert_identical(read.load(), before)
        redone += _is_mended_or_refused(copy, before)
        shutil.rmtree(copy)
        attacked()
    assert redone


def test_missing_parts_of_a_store(whole: tuple[Path, xr.Dataset], tmp_path: Path, attacked: Attacked) -> None:
    path, before = whole
    folders = sorted(each.name for each in path.iterdir() if each.is_dir())
    for number, folder in enumerate(chosen(folders, 3)):
        copy = tmp_path / f"{number}.zarr"
        shutil.copytree(path, copy)
        shutil.rmtree(copy / folder)
        _is_mended_or_refused(copy, before)
        attacked()
    copy = tmp_path / "read.zarr"
    shutil.copytree(path, copy)
    opened = open_ensemble(copy)
    shutil.rmtree(copy)
    with pytest.raises(InputError, match="has gone while it was read"):
        opened.load()


def test_parts_of_a_store_at_a_wrong_place(
    whole: tuple[Path, xr.Dataset], tmp_path: Path, attacked: Attacked
) -> None:
    """A block with its mark from another scenario or another store; a description that vouches for nothing."""
    path, before = whole
    other = tmp_path / "other.zarr"
    ts.ensemble(["baseline", "hefei_combination"], **GIVEN | {"seed": 6}, out=other)  # type: ignore[arg-type]
    block = (".blocks/0.0", "Talent/0.0.0.0", "value added/0.0.0")
    exchanged = {name: path / name.replace("/0.0", "/1.0") for name in block}
    foreign = {name: other / name for name in block}
    newer = {"zarr.json": b'{"zarr_format": 3, "node_type": "group", "attributes": {}}'}
    for number, files in enumerate([exchanged, foreign, newer, {".header": b"{}"}]):
        copy = tmp_path / f"{number}.zarr"
        shutil.copytree(path, copy)
        for name, source in files.items():
            (copy / name).write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        try:
            xr.testing.assert_identical(open_ensemble(copy).load(), before)
        except InputError:
            assert files is not newer
        assert _is_mended_or_refused(copy, before) == (".header" not in files)
        attacked()


def test_damaged_arrays_kept_for_the_same_command(tmp_path: Path, attacked: Attacked) -> None:
    file, arrays = tmp_path / "kept.npz", {"a": np.arange(20.0), "b": np.eye(3)}
    for number in range(len(DAMAGES) * 40):
        damage = list(DAMAGES)[number % len(DAMAGES)]
        keep_arrays(file, "of this", arrays)
        assert {name: array.tolist() for name, array in kept_arrays(file, "of this").items()} == {
            name: array.tolist() for name, array in arrays.items()
        }
        assert kept_arrays(file, "of another") == {}
        DAMAGES[damage](file, np.random.default_rng(SEED + number))
        assert kept_arrays(file, "of this") == {}, damage
        if file.is_dir():
            file.rmdir()
        attacked()
    keep_arrays(file, "of this", arrays)
    assert kept_arrays(file.rename(tmp_path / "other.npz"), "of this") == {}
    assert [one.name for one in tmp_path.iterdir()] == ["other.npz"]


def test_damaged_files_of_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attacked: Attacked
) -> None:
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path))
    value = {"a": [1.5, "二", None, True], "b": {"c": 0.1}}
    for number in range(len(DAMAGES) * 40):
        damage = list(DAMAGES)[number % len(DAMAGES)]
        cache.save_cached("yaml", "key", value)
        assert cache.load_cached("yaml", "key") == value
        (file,) = tmp_path.glob("*.yaml.json")
        DAMAGES[damage](file, np.random.default_rng(SEED + number))
        assert cache.load_cached("yaml", "key") is None, damage
        if file.is_dir():
            file.rmdir()
        attacked()
    cache.save_cached("yaml", "key", value)
    (file,) = tmp_path.glob("*.yaml.json")
    cache.save_cached("yaml", "other", value)
    (other,) = set(tmp_path.glob("*.yaml.json")) - {file}
    file.replace(other)  # whole, but not what the name says
    assert cache.load_cached("yaml", "other") is None
