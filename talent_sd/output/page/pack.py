"""Numbers and texts packed into one compressed blob that a page can hold."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from typing import Any

import numpy as np


class Pack:
    """Collects arrays; what it returns for each finds it again in the page (`web/src/pack.js`)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def bytes(self, content: bytes) -> dict[str, int]:
        """Take in bytes as they are."""
        place = {"at": self._size, "bytes": len(content)}
        self._parts.append(content)
        self._size += len(content)
        return place

    def doubles(self, values: np.ndarray) -> dict[str, int]:
        """Take in numbers, in C order; their first bytes lie together, then their second: packed smaller."""
        array = np.ascontiguousarray(values, "<f8").reshape(-1)
        place = self.bytes(array.view("u1").reshape(-1, 8).T.tobytes())
        return {"at": place["at"], "doubles": len(array)}

    def text(self, header: dict[str, Any]) -> str:
        """Return the blob as base64: the header's length, the header, the arrays; the same for the same content."""
        head = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        content = b"".join([struct.pack("<I", len(head)), head, *self._parts])
        return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")
