"""An ensemble on disk: a Zarr store written block by block, which a later run can finish."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, NotWritten, TalentError
from talent_sd.base.files import content_of, is_free, write_safely
from talent_sd.base.language import N_, listed, reason_of, tell
from talent_sd.base.output_folders import held_alone, scratch_folder
from talent_sd.engine.member_blocks import EnsembleLayout, block_edges

if TYPE_CHECKING:
    import xarray as xr

MARKS = ".blocks"
"""Folder of a store: a file for each finished block, with the checksum of its chunks."""
HEADER = ".header"
"""File of a store: checksums of all that describes it."""
IDENTITY = "ensemble_inputs"
BLOCK = "draws_per_block"
ORDER = "outputs_in_order"
OURS = (IDENTITY, BLOCK, ORDER)
NUMBER = "<f8"
DESCRIPTION = 10**8
"""Bytes that a file which describes a store may have."""
DAMAGED = N_("{file}: is damaged ({names}). Remove it; the same command makes it anew.")


class EnsembleStore:
    """A Zarr store of an ensemble, dims (scenario, draw, time, ...), chunked by block.

    A block counts once its mark stands: a file with the SHA-256 of the store's description,
    the block's place and its chunks, written after they are safely on the disk. A block whose
    chunks do not give that sum, because the run was killed, a file was damaged or comes from
    another place or store, is to be done again.
    """

    def __init__(self, path: Path, layout: EnsembleLayout, block: int) -> None:
        self.path, self.layout, self.block = path, layout, block

    def completed(self) -> np.ndarray:
        """Return which blocks are whole: (scenarios, blocks) bool. Reads all of them."""
        shape = len(self.layout.scenarios), len(block_edges(self.layout.draws, self.block))
        done = [_mark(self.path, *place) == self._checksum(*place) != "" for place in np.ndindex(*shape)]
        return np.reshape(done, shape)

    def write(self, scenario: int, block: int, values: Mapping[str, np.ndarray]) -> None:
        """Write a block, then its mark.

        Parameters
        ----------
        scenario, block : their numbers
        values : output -> (draws of the block, years, *subscripts)

        Raises
        ------
        InputError
            If the disk takes no more, or the store has gone.
        """
        digest = self._digest(scenario, block)
        try:
            for name, file in self._chunks(scenario, block):
                # the last block is written as long as the others, as Zarr has it
                chunk = np.full(self.layout.shape(name, self.block), np.nan, NUMBER)
                chunk[: len(values[name])] = values[name]
                content = chunk.tobytes()
                write_safely(file, content)
                digest.update(content)
            (self.path / MARKS).mkdir(exist_ok=True)
            write_safely(self.path / MARKS / f"{scenario}.{block}", digest.hexdigest().encode())
        except (IsADirectoryError, FileExistsError, NotADirectoryError) as error:
            name = os.path.relpath(error.filename or self.path / MARKS, self.path)
            raise NotWritten(DAMAGED, file=self.path, names=name) from None
        except OSError as error:
            raise NotWritten(
                "{file}: cannot go on writing ({reason}). Blocks that were finished are kept: make room and "
                "give the same command again, or choose another place.",
                file=self.path, reason=reason_of(error),
            ) from None  # fmt: skip

    def dataset(self) -> xr.Dataset:
        """Return the store as a dataset that reads what is asked of it."""
        return open_ensemble(self.path)

    def _chunks(self, scenario: int, block: int) -> Iterator[tuple[str, Path]]:
        """Yield the outputs of a block and their files."""
        for name, subscripts in self.layout.outputs.items():
            yield (
                name,
                self.path / stored_name(name) / ".".join([f"{scenario}.{block}.0", *"0" * len(subscripts)]),
            )

    def _digest(self, scenario: int, block: int) -> hashlib._Hash:
        """Return the beginning of a block's checksum: whose and which it is."""
        return hashlib.sha256(f"{_sha256(self.path / HEADER)} {scenario}.{block}".encode())

    def _checksum(self, scenario: int, block: int) -> str:
        """Return the checksum of a block's chunks as they lie there, "" where one is missing."""
        digest = self._digest(scenario, block)
        try:
            for name, file in self._chunks(scenario, block):
                digest.update(content_of(file, 8 * math.prod(self.layout.shape(name, self.block))))
        except OSError:
            return ""
        return digest.hexdigest()


def open_ensemble(path: str | Path) -> xr.Dataset:
    """Open a stored ensemble, values read when used; what is there is checked against its checksums first.

    Raises
    ------
    InputError
        If there is none, or it is not finished or damaged.
    """
    import xarray as xr

    path = Path(path)
    order = _attributes(path)[ORDER]
    dataset = xr.open_zarr(_whole_store(path), consolidated=True, chunks=None, zarr_format=2)
    names = {name: str(name).replace("∕", "/") for name in dataset.data_vars if "∕" in str(name)}
    block = int(dataset.attrs[BLOCK])
    dataset.attrs = {key: value for key, value in dataset.attrs.items() if key not in OURS}
    # a store lists its arrays in no order of its own
    dataset = dataset[order].assign_coords(dataset.coords).rename(names)
    done = EnsembleStore(path, _layout_of(dataset), block).completed()
    if not done.all():
        raise InputError(
            "{file}: {left} of {total} blocks are missing or damaged. Give the same command with the same --out, "
            "or the same call with the same out=, to finish it.",
            file=path,
            left=int((~done).sum()),
            total=done.size,
        )
    return dataset


@contextmanager
def open_or_create(
    path: Path,
    template: Callable[[], xr.Dataset],
    layout: EnsembleLayout,
    identity: Mapping[str, Any],
    block: int,
) -> Iterator[EnsembleStore]:
    """Open an ensemble to finish it, or begin one; nobody else may write to it within the block.

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
        If something else is in the way, another run is writing to it, or the inputs differ: says which.
    """
    if is_free(path):
        _create(path, template(), identity, block)
    of_store = _same_block(path, identity)
    with held_alone(path):
        yield EnsembleStore(path, layout, of_store)


def _same_block(path: Path, identity: Mapping[str, Any]) -> int:
    """Return the draws per block of a store, which must be of these inputs."""
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
            "{file}: holds an ensemble of other inputs: {names}. Give the same inputs to finish it, "
            "or another place.",
            file=path,
            names="; ".join(differing),
        )
    return int(attrs[BLOCK])


def stored_name(name: str) -> str:
    """Return a variable's name in the store, where "/" would be a folder."""
    return name.replace("/", "∕")


def _create(path: Path, template: xr.Dataset, identity: Mapping[str, Any], block: int) -> None:
    """Lay out an empty store: complete under another name first, so that no half of one is ever seen."""
    zarr = _zarr()
    made_for_it = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(path.parent) as temporary:
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
                    dtype=NUMBER,
                    fill_value=float("nan"),
                    # doubles of a simulation hardly shrink: compressing them costs time and saves little
                    compressors=None,
                )
                made.attrs.update({**array.attrs, "_ARRAY_DIMENSIONS": [str(dim) for dim in array.dims]})
            zarr.consolidate_metadata(str(store))
            (store / MARKS).mkdir()
            described = [file for file in sorted(store.rglob("*")) if file.is_file()]
            sums = {str(file.relative_to(store).as_posix()): _sha256(file) for file in described}
            write_safely(store / HEADER, json.dumps(sums).encode())
            try:
                with suppress(OSError):
                    path.rmdir()  # an empty folder
                store.rename(path)
            except OSError:
                if not os.path.exists(path):  # noqa: PTH110 # else another run began the same ensemble in this moment
                    raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(
            "{file}: cannot write here ({reason}). Choose another place.", file=path, reason=reason_of(error)
        ) from None
    finally:
        if made_for_it:
            with suppress(OSError, ValueError):
                path.parent.rmdir()  # where nothing came of it


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


def _layout_of(dataset: xr.Dataset) -> EnsembleLayout:
    """Return the shape of a stored ensemble."""
    outputs = {
        str(name): {str(dim): tuple(map(str, dataset[dim].values)) for dim in array.dims[3:]}
        for name, array in dataset.data_vars.items()
    }
    years = tuple(float(year) for year in dataset[TIME].values)
    return EnsembleLayout(tuple(dataset[SCENARIO].values), dataset.sizes[DRAW], years, outputs)


def _attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a stored ensemble whose description is whole."""
    if not path.exists():
        raise InputError("{file}: no such ensemble. Check the path.", file=path)
    try:
        sums = json.loads(content_of(path / HEADER, DESCRIPTION))
        damaged = [name for name, kept in sums.items() if _sha256(path / name) != kept]
        damaged += [HEADER] * (".zmetadata" not in sums)
        attrs = {} if damaged else json.loads((path / ".zattrs").read_bytes())
    except (OSError, ValueError, AttributeError, RecursionError):
        attrs, damaged = {}, [HEADER] if any(path.glob(".z*")) else []
    if damaged:
        raise InputError(tell(DAMAGED, file=path, names=listed(damaged)))
    if not set(OURS) <= set(attrs):
        raise InputError(
            "{file}: is in the way and no ensemble. Choose another place, or remove it.", file=path
        )
    return attrs


def _mark(path: Path, scenario: int, block: int) -> str:
    """Return the checksum that a block's mark holds, "" where it has none."""
    try:
        return content_of(path / MARKS / f"{scenario}.{block}", DESCRIPTION).decode("ascii")
    except (OSError, ValueError):
        return ""


def _sha256(file: Path) -> str:
    """Return a file's checksum, "" of one that cannot be read."""
    try:
        return hashlib.sha256(content_of(file, DESCRIPTION)).hexdigest()
    except OSError:
        return ""


def _short(value: object) -> str:
    """Return a value as a message shows it: hashes cut."""
    text = "absent" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text


def _whole_store(path: Path) -> Any:
    """Return a Zarr store in which a chunk that is not there is an error, and no NaN."""
    from zarr.storage import LocalStore

    class Whole(LocalStore):
        """A folder in which a chunk that is not there is an error."""

        async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
            """Return a file of the store; InputError of a chunk that is not there."""
            found = await super().get(key, *args, **kwargs)
            if found is None and key[-1].isdigit():
                raise InputError(
                    "{file}: '{name}' has gone while it was read. Run the same ensemble again.",
                    file=path, name=key,
                )  # fmt: skip
            return found

    return Whole(path, read_only=True)


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise TalentError(
            tell("storing an ensemble needs the package zarr: pip install 'talent_sd[ensembles]'.")
        ) from None
    return zarr
