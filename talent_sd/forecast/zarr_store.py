"""An ensemble on disk: a Zarr store written block by block, which a later run can finish."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, TalentError
from talent_sd.base.messages import reason_of, tell
from talent_sd.engine.member_blocks import EnsembleLayout, block_edges

if TYPE_CHECKING:
    import xarray as xr

COMPLETED = "completed blocks"
IDENTITY = "ensemble_inputs"
BLOCK = "draws_per_block"
ORDER = "outputs_in_order"
OURS = (IDENTITY, BLOCK, ORDER)


class EnsembleStore:
    """A Zarr store of an ensemble, dims (scenario, draw, time, ...), chunked by block.

    A block counts once its mark is set, which happens after all its chunks are
    written; each mark is a file of its own, written under another name and renamed.
    A run that is killed therefore leaves whole blocks and blocks to be done again.
    """

    def __init__(self, path: Path, layout: EnsembleLayout, block: int) -> None:
        self.path, self.layout, self.block = path, layout, block
        self._group = _zarr().open_group(str(path), mode="r+")

    def completed(self) -> np.ndarray:
        """Return (scenarios, blocks) bool."""
        return _marks(self._group)

    def write(self, scenario: int, block: int, values: Mapping[str, np.ndarray]) -> None:
        """Write a block, then its mark.

        Parameters
        ----------
        scenario, block : their numbers
        values : output -> (draws of the block, years, *subscripts)
        """
        first, last = block_edges(self.layout.draws, self.block)[block]
        for name, array in values.items():
            self._group[stored_name(name)][scenario, first:last] = array
        self._group[COMPLETED][scenario, block] = 1

    def dataset(self) -> xr.Dataset:
        """Return the store as a dataset that reads what is asked of it."""
        return open_ensemble(self.path)


def open_ensemble(path: str | Path) -> xr.Dataset:
    """Open a stored ensemble, values read when used.

    Raises
    ------
    InputError
        If there is none, or it is not finished.
    """
    import xarray as xr

    order = _attributes(Path(path))[ORDER]
    done = _marks(_zarr().open_group(str(path), mode="r"))
    if not done.all():
        raise InputError(
            tell(
                "{file}: {left} of {total} blocks are missing. Run the same ensemble with the same out= "
                "to finish it.",
                file=path,
                left=int((~done).sum()),
                total=done.size,
            )
        )
    dataset = xr.open_zarr(str(path), consolidated=True, chunks=None).drop_vars(COMPLETED)
    # a store lists its arrays in no order of its own
    dataset = dataset[order].assign_coords(dataset.coords)
    names = {name: str(name).replace("∕", "/") for name in dataset.data_vars if "∕" in str(name)}
    dataset.attrs = {key: value for key, value in dataset.attrs.items() if key not in OURS}
    return dataset.rename(names)


def open_or_create(
    path: Path,
    template: Callable[[], xr.Dataset],
    layout: EnsembleLayout,
    identity: Mapping[str, Any],
    block: int,
) -> EnsembleStore:
    """Open an ensemble to finish it, or begin one.

    Parameters
    ----------
    path : of the store
    template : gives coordinates and attributes of the result, with all its variables
    layout : its shape
    identity : what the numbers follow from; a store that followed from anything else is refused
    block : draws per block of a new store; a store begun keeps its own, which changes no number

    Raises
    ------
    InputError
        If something else is in the way, or the inputs differ: says which.
    """
    if not path.exists():
        _create(path, template(), layout, identity, block)
        return EnsembleStore(path, layout, block)
    attrs = _attributes(path)
    before = json.loads(attrs[IDENTITY])
    now = json.loads(json.dumps(identity))
    differing = [
        f"{key} was {_short(before.get(key))}, is {_short(now.get(key))}"
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]
    if differing:
        raise InputError(
            tell(
                "{file}: holds an ensemble of other inputs: {names}. Give the same inputs to finish it, "
                "or another place.",
                file=path,
                names="; ".join(differing),
            )
        )
    return EnsembleStore(path, layout, int(attrs[BLOCK]))


def _marks(group: Any) -> np.ndarray:
    return np.asarray(group[COMPLETED][:], dtype=bool)


def stored_name(name: str) -> str:
    """Return a variable's name in the store, where "/" would be a folder."""
    return name.replace("/", "∕")


def _create(
    path: Path, template: xr.Dataset, layout: EnsembleLayout, identity: Mapping[str, Any], block: int
) -> None:
    """Lay out an empty store: complete under another name first, so that no half of one is ever seen."""
    zarr = _zarr()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".talent_sd-", dir=path.parent))
    except OSError as error:
        raise InputError(
            tell(
                "{file}: cannot write here ({reason}). Choose another place.",
                file=path,
                reason=reason_of(error),
            )
        ) from None
    try:
        store = temporary / "store"
        names = [stored_name(str(name)) for name in template.data_vars]
        extra = {IDENTITY: json.dumps(identity, ensure_ascii=False), BLOCK: block, ORDER: names}
        coordinates = template.drop_vars(list(template.data_vars)).assign_attrs(extra)
        coordinates.to_zarr(str(store), zarr_format=2, consolidated=False, mode="w")
        group = zarr.open_group(str(store), mode="r+")
        for name, array in template.data_vars.items():
            made = group.create_array(
                stored_name(str(name)),
                shape=array.shape,
                chunks=(1, block, *array.shape[2:]),
                dtype="f8",
                fill_value=float("nan"),
                # doubles of a simulation hardly shrink: compressing them costs time and saves little
                compressors=None,
            )
            made.attrs.update({**array.attrs, "_ARRAY_DIMENSIONS": [str(dim) for dim in array.dims]})
        marks = (len(layout.scenarios), len(block_edges(layout.draws, block)))
        done = group.create_array(
            COMPLETED, shape=marks, chunks=(1, 1), dtype="u1", fill_value=0, compressors=None
        )
        done.attrs["_ARRAY_DIMENSIONS"] = [SCENARIO, "block"]
        zarr.consolidate_metadata(str(store))
        store.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def template_of(layout: EnsembleLayout) -> xr.Dataset:
    """Return a dataset of the layout's shape that holds no memory: all NaN."""
    import xarray as xr

    data, coords = {}, {}
    for name, subscripts in layout.outputs.items():
        shape = (len(layout.scenarios), *layout.shape(name, layout.draws))
        data[name] = ((SCENARIO, DRAW, TIME, *subscripts), np.broadcast_to(np.nan, shape))
        coords.update({dim: list(elements) for dim, elements in subscripts.items()})
    axes = {SCENARIO: list(layout.scenarios), DRAW: np.arange(layout.draws), TIME: list(layout.years)}
    return xr.Dataset(data, {**axes, **coords})


def _attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a stored ensemble."""
    zarr = _zarr()
    if not path.exists():
        raise InputError(tell("{file}: no such ensemble. Check the path.", file=path))
    try:
        attrs = dict(zarr.open_group(str(path), mode="r").attrs)
    except (OSError, ValueError, KeyError):
        attrs = {}
    if not set(OURS) <= set(attrs):
        raise InputError(
            tell("{file}: is in the way and no ensemble. Choose another place, or remove it.", file=path)
        )
    return attrs


def _short(value: object) -> str:
    """Return a value as a message shows it: hashes cut."""
    text = "absent" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise TalentError(
            tell("storing an ensemble needs the package zarr: pip install 'talent_sd[ensembles]'.")
        ) from None
    return zarr
