"""Pickles that hold numbers, and nothing else: what would run code is refused, not run.

A pickle is a program. It builds plain containers, strings and numbers by itself; for anything
more it names a Python object, calls it, and hands the result a state to take over. Here it can
name only what NumPy needs to rebuild an array, and it gets stand-ins of ours, never NumPy's own:
the state of a data type, taken over as it comes, can make NumPy follow numbers as addresses.
"""

import io
import pathlib
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffbio.errors import InputError
from diffbio.io.rigs.camera import unreadable

_LARGEST_FILE = 1_000_000
"""In bytes. A camera takes about a thousand."""

_MOST_VALUES = 10_000
"""In all containers together; a list may hold another one many times over."""

_NUMPY = re.compile(r"numpy\._?core\.(multiarray|numeric)")
"""Where NumPy keeps its helpers: `core` before version 2, `_core` since."""


def read_numbers(path: pathlib.Path) -> Any:
    """What a pickle of numbers holds: arrays, numbers and texts in dictionaries and lists.

    Raises:
        InputError: it cannot be read, is no pickle, or asks for anything but NumPy's arrays and
            scalars; the message names what it asked for.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(
                str(path), "It is too large for a calibration.", "Give the camera's own file."
            )
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        return _plain(_Reader(path, content).load(), iter(range(_MOST_VALUES)))
    except InputError:
        raise
    except Exception as error:  # whatever a damaged program may run into
        raise InputError(
            str(path),
            f"It is not a pickle of numbers ({type(error).__name__}: {error}).",
            "Export the calibration again.",
        ) from error


def write_numbers(content: dict[str, Any]) -> bytes:
    """A pickle that NumPy before version 2 reads as well."""
    # In protocol 3 a name is a line of text, so that it may change its length.
    return pickle.dumps(content, protocol=3).replace(b"cnumpy._core.", b"cnumpy.core.")


class _Reader(pickle.Unpickler):
    def __init__(self, path: pathlib.Path, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.path = path

    def find_class(self, module_name: str, global_name: str) -> Any:
        helper = _NUMPY.fullmatch(module_name)
        known = _ALLOWED.get(f"{helper[1] if helper else module_name}.{global_name}")
        if known is None:
            raise InputError(
                str(self.path),
                f"It asks Python for `{module_name}.{global_name}`, which is not a number; "
                "nothing of it was run.",
                "Do not open this file with other programs before you know where it comes from; "
                "a calibration holds only numbers.",
            )
        return known


class _Function:
    """Something a pickle may call, and may not change."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a function with a state")


class _Kind:
    """Stands for a data type: a kind of number and the order of its bytes."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not re.fullmatch(r"[<>=|]?[biuf][1248]", str(code)):
            raise pickle.UnpicklingError(f"an array of {code!r}")
        self.dtype = np.dtype(str(code))

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError(f"numbers in the order {state[1]!r}")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands for an array."""

    def __init__(self, value: np.ndarray | None) -> None:
        self.value = value

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, content = state
        self.value = _filled(content, kind, shape, "F" if by_columns else "C").value


def _empty(kind: Any, shape: Any, _: Any) -> _Array:
    """An array to be filled."""
    if kind is not _ALLOWED["numpy.ndarray"]:
        raise pickle.UnpicklingError("an array of another kind")
    return _Array(None)


def _filled(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    if not isinstance(kind, _Kind) or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("an array of something else than numbers")
    flat = np.frombuffer(content, kind.dtype)
    return _Array(flat.reshape(shape, order="F" if order == "F" else "C"))


def _scalar(kind: Any, content: Any) -> int | float | bool:
    (value,) = _filled(content, kind, (1,), "C").value.tolist()  # pyright: ignore
    return value


def _latin_bytes(text: Any, encoding: Any) -> bytes:
    """How protocol 2 writes bytes."""
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"text in {encoding}")
    return text.encode("latin1")


def _not_called(*_: Any) -> None:
    raise pickle.UnpicklingError("an array that was not written by NumPy")


_ALLOWED = {
    "numpy.ndarray": _Function(_not_called),
    "numpy.dtype": _Function(_Kind),
    "_codecs.encode": _Function(_latin_bytes),
    "multiarray._reconstruct": _Function(_empty),
    "multiarray.scalar": _Function(_scalar),
    "numeric._frombuffer": _Function(_filled),
}
"""What a pickle gets for what it names."""


def _plain(value: Any, left: Iterator[int]) -> Any:
    """The value with arrays for what stands for them, and nothing but numbers and texts."""
    if next(left, None) is None:
        raise pickle.UnpicklingError("it holds too much")
    if isinstance(value, _Array) and value.value is not None:
        return value.value.astype(value.value.dtype.newbyteorder("="))
    if isinstance(value, dict):
        return {_plain(key, left): _plain(entry, left) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(entry, left) for entry in value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise pickle.UnpicklingError(f"it holds {type(value).__name__.strip('_')}")
