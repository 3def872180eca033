"""YAML as OpenCV writes it: read by OpenCV itself, written as text with all digits."""

import json
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.io.rigs.camera import unreadable

HEAD = "%YAML:1.0\n---\n"


def read_yaml(path: pathlib.Path) -> dict[str, Any]:
    """Content of a file: mappings, lists, texts, numbers, and matrices as arrays.

    Raises:
        InputError: it cannot be read, or is not OpenCV's YAML.
    """
    import cv2

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"It is not text ({error}).", _REMEDY) from error
    if not text.startswith("%YAML"):
        raise InputError(str(path), "It does not begin with `%YAML:1.0`.", _REMEDY)
    try:
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        try:
            content = _value(storage.root())
        finally:
            storage.release()
    except (cv2.error, SystemError) as error:  # SystemError: raised inside OpenCV's constructor
        raise InputError(str(path), "OpenCV cannot make sense of it.", _REMEDY) from error
    if not isinstance(content, dict):
        raise InputError(str(path), "It holds no fields.", _REMEDY)
    return content


_REMEDY = "Give YAML as OpenCV's FileStorage writes it."


def _value(node: Any) -> Any:
    """What a node holds."""
    if node.isMap():
        # A matrix is a mapping with a type that only OpenCV sees, so it is tried as one.
        if {"rows", "cols", "dt", "data"} <= set(keys := node.keys()):
            return np.asarray(node.mat(), dtype=float)
        return {key: _value(node.getNode(key)) for key in keys}
    if node.isSeq():
        return [_value(node.at(index)) for index in range(node.size())]
    if node.isString():
        return node.string()
    return node.real() if node.isInt() or node.isReal() else None


def matrix_text(key: str, value: Float[np.ndarray, "row column"], indent: str = "") -> str:
    """Lines of one matrix of doubles."""
    rows, columns = value.shape
    data = ", ".join(map(repr, value.ravel().tolist()))
    return (
        f"{indent}{key}: !!opencv-matrix\n{indent}   rows: {rows}\n{indent}   cols: {columns}\n"
        f"{indent}   dt: d\n{indent}   data: [ {data} ]\n"
    )


def quoted(text: str) -> str:
    """A text, quoted so that a number remains a text."""
    return json.dumps(text, ensure_ascii=False)
