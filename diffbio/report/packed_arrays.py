"""Arrays for the script of a page: one stream of bytes, compressed, and where each lies in it."""

import base64
import zlib
from typing import Any

import numpy as np

MISSING = -32768
"""A coordinate that is not there."""


class Packed:
    """Arrays in one stream of bytes, compressed, and the table a page finds them by."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.table: dict[str, dict[str, Any]] = {}

    def add(self, name: str, values: np.ndarray, kind: str, *, moving: bool = False) -> None:
        """Store an array.

        Args:
            name: to find it by.
            values: whole numbers for integer kinds.
            kind: `int16`, `uint16`, `uint32` or `float32`.
            moving: store differences along the first axis (time), which compress better.
        """
        stored = np.ascontiguousarray(values).astype(np.dtype(kind).newbyteorder("<"))
        if moving:  # wraps round, as adding them up again does
            stored[1:] -= stored[:-1].copy()
        content = stored.tobytes()
        content += bytes(-len(content) % 4)
        self.table[name] = {
            "kind": kind,
            "at": self._size,
            "shape": list(values.shape),
            "moving": moving,
        }
        self._parts.append(content)
        self._size += len(content)

    def text(self) -> str:
        """The stream: zlib, then base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 6)).decode("ascii")
