"""What a verification has found so far, kept for whoever goes on after it was stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.cache import load_cached, save_cached

KIND = "verified"


class Kept:
    """The agreements found for a model by this very code, in the user's cache folder.

    Parameters
    ----------
    model : hash of the model's file
    """

    def __init__(self, model: str) -> None:
        self._key = f"{model} {_native_code()}"
        kept = load_cached(KIND, self._key)
        self._rows: dict[str, list[Any]] = kept if isinstance(kept, dict) else {}

    def found(self, key: str) -> list[Any] | None:
        """Return the row of a pair, None if there is none."""
        return self._rows.get(key)

    def keep(self, key: str, row: Sequence[Any]) -> None:
        """Keep the row of a pair."""
        self._rows[key] = list(row)
        save_cached(KIND, self._key, self._rows)

    def forget(self) -> None:
        """Drop everything: the verification came to its end."""
        if self._rows:
            self._rows = {}
            save_cached(KIND, self._key, self._rows)


def pair_key(names: Sequence[str], params: Mapping[str, Any], times: Mapping[str, float]) -> str:
    """Return a hash of what a pair's runs follow from, the model aside.

    Parameters
    ----------
    names : of the scenario and the city
    params : name -> number, or (x, y)
    times : name -> number
    """
    digest = hashlib.sha256("\0".join(names).encode())
    for name, value in sorted({**params, **times}.items()):
        digest.update(f"\0{name}\0".encode())
        numbers = np.asarray(value, float)
        digest.update(f"{numbers.shape}".encode() + numbers.tobytes())
    return digest.hexdigest()


def _native_code() -> str:
    """Return a hash of the native engine and of the comparison; the rest is in the cache's own key."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for file in [
        *sorted(package.glob("engine/llvm/*.py")),
        *sorted(package.glob("model_tests/verification*.py")),
    ]:
        digest.update(file.read_bytes())
    return digest.hexdigest()
