"""Blocks of an ensemble on a dask.distributed cluster."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from talent_sd.base.errors import InputError, TalentError
from talent_sd.base.language import tell
from talent_sd.base.version import __version__
from talent_sd.engine.member_blocks import Block, Task, run_block

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

CONNECT_SECONDS = 10
PLAIN, SECURE = ("tcp", "ws"), ("tls",)
"""Schemes of addresses, without and with TLS."""
TASKS_PER_WORKER = 2
"""Blocks on their way at once: one that runs and one that waits, so that results never pile up."""


def safe_address(address: str) -> str:
    """Return a scheduler's address as dask takes it.

    Raises
    ------
    InputError
        If it is none; or if it is of another machine and without TLS: what comes from there is read as pickles.
    """
    address = address.strip()
    scheme, _, rest = address.rpartition("://")
    scheme = scheme.lower() or PLAIN[0]
    try:
        parts = urlsplit(f"//{rest}")
        host, is_whole = parts.hostname or "", bool(parts.port) and parts.netloc == rest
    except ValueError:
        host, is_whole = "", False
    if scheme == "inproc":
        return address
    if scheme not in (*PLAIN, *SECURE) or not host or not is_whole or set(rest) & set(" @\\"):
        raise InputError(
            "'{address}' is no address of a dask scheduler. Give scheme, machine and port, such as tcp://127.0.0.1:8786.",
            address=address,
        )
    if scheme in PLAIN and host != "localhost" and not _is_loopback(host):
        raise InputError(
            "'{address}' is not on this machine and without TLS: who is on the way could read what is sent and run code "
            "here, for a cluster exchanges pickles. Use tls://{rest}, or a tunnel: ssh -L {port}:127.0.0.1:{port} {host}, "
            "and tcp://127.0.0.1:{port}.",
            address=address, rest=rest, port=parts.port, host=host,
        )  # fmt: skip
    return f"{scheme}://{rest}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def run_on_cluster(
    address: str, model: Model, tasks: Iterator[Task], arguments: Mapping[str, Any]
) -> Iterator[Block]:
    """Run blocks on a cluster, and yield each result as it comes in.

    The model travels as text and results come back: the workers need this package
    in the same version, and no shared folder.

    Parameters
    ----------
    address : of the scheduler, as `safe_address` gives it
    arguments : of `Model.run`, the same for all blocks

    Raises
    ------
    TalentError
        If dask.distributed is not installed.
    InputError
        If nobody answers at the address, it has no workers, or they have another version of this package.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except Exception as error:  # noqa: BLE001 (whatever answers may send anything)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            "no cluster answers at '{address}' ({reason}). Start one with `dask scheduler` and `dask "
            "worker`, and give its address, such as tcp://127.0.0.1:8786. Its workers run what they are sent (pickles): "
            "stay on this machine (127.0.0.1), or use TLS (tls://…).",
            address=address,
            reason=reason,
        ) from None
    with client:
        workers = _ready_workers(client, address)
        content = model.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != model.structure.sha256:
            raise InputError("{file}: changed since it was read. Start again.", file=model.path)
        shared = client.scatter((content, model.path.name, arguments), broadcast=True, hash=False)
        running = distributed.as_completed()
        for task in _first(tasks, TASKS_PER_WORKER * workers):
            running.add(client.submit(_run_remotely, shared, task, pure=False))
        for future in running:
            block = future.result()
            future.release()
            for following in _first(tasks, 1):
                running.add(client.submit(_run_remotely, shared, following, pure=False))
            yield block


def _first(tasks: Iterator[Task], most: int) -> Iterator[Task]:
    for _, task in zip(range(most), tasks, strict=False):
        yield task


def _ready_workers(client: Any, address: str) -> int:
    """Return how many workers there are, all of this version."""
    versions: dict[str, str] = client.run(_version)
    if not versions:
        raise InputError(
            "the cluster at '{address}' has no workers. Start some: dask worker {address}", address=address
        )
    others = {worker: version for worker, version in versions.items() if version != __version__}
    if others:
        worker, version = next(iter(others.items()))
        raise InputError(
            "the worker {worker} has talent_sd {version}, not {ours}: results would differ. "
            "Install the same version everywhere.",
            worker=worker,
            version=version,
            ours=__version__,
        )
    return len(versions)


def _version() -> str:
    try:
        from talent_sd.base.version import __version__ as version
    except ImportError:
        return "not installed"
    return version


def _run_remotely(shared: tuple[bytes, str, Mapping[str, Any]], task: Task) -> Block:
    """Run a block on a worker."""
    content, name, arguments = shared
    return run_block(_model_of(content, name), task, arguments)


@lru_cache(maxsize=4)
def _model_of(content: bytes, name: str) -> Model:
    """Return a model from the text of its file; once per worker."""
    from talent_sd.engine.runner import load_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return load_model(path)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise TalentError(
            tell("running on a cluster needs dask.distributed: pip install 'talent_sd[cluster]'.")
        ) from None
    return distributed
