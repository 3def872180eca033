"""Arrays, texts and attributes out of HDF5 files."""

import pathlib
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from diffbio.errors import InputError


def shows(path: pathlib.Path, sign: Callable[[h5py.File], bool]) -> bool:
    """Whether a file is an HDF5 file in which something is found.

    Raises:
        InputError: it is one, and damaged.
    """
    if path.suffix.lower() not in (".h5", ".hdf5") or not h5py.is_hdf5(path):
        return False
    try:
        with h5py.File(path, "r") as file:
            return sign(file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            str(path), f"It is cut off or damaged ({error}).", "Write it again, or copy it anew."
        ) from error


def array(group: h5py.Group, name: str) -> np.ndarray:
    """All of a dataset.

    Raises:
        KeyError: there is no dataset of that name.
    """
    return np.asarray(dataset(group, name)[...])


def dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset of a group.

    Raises:
        KeyError: there is none of that name.
    """
    found = group[name]
    if not isinstance(found, h5py.Dataset):
        raise KeyError(f"{name} is no dataset")
    return found


def groups(file: h5py.File) -> list[h5py.Group]:
    """Groups at the top of a file."""
    return [one for one in file.values() if isinstance(one, h5py.Group)]


def attribute(one: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute, of whatever type.

    Raises:
        KeyError: there is none of that name.
    """
    return one.attrs[name]


def text(value: Any) -> str:
    """A text, stored as bytes or as text."""
    return value.decode() if isinstance(value, bytes) else str(value)
