"""The motion in a result (`fit.nc`), read back for what is computed from motions."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

import h5py
import numpy as np

from diffbio.errors import InputError
from diffbio.io.coordinate_values import Coordinates
from diffbio.io.hdf5 import array, text
from diffbio.observations import Markers

_NEEDED = ("marker_position", "coordinate_value", "coordinate_units", "seen")

_REMEDY = "Give the fit.nc that `diffbio fit` wrote, or fit again."


@dataclasses.dataclass(frozen=True)
class FittedMotion:
    """What a fit says of how a person moved.

    Attributes:
        markers: the body's markers or keypoints, in the world frame, with standard deviations
            where those were estimated; NaN while no camera saw the person.
        coordinates: pelvis and joints under OpenSim's names, radians and metres, at the same
            times; interpolated while no camera saw the person.
    """

    markers: Markers
    coordinates: Coordinates


def read_fit(path: pathlib.Path) -> FittedMotion:
    """Read markers and coordinates of a fit.

    Raises:
        InputError: the file is unreadable or holds no fit.
    """
    with opened(path) as file:
        for name in _NEEDED:
            if name not in file:
                raise InputError(f"{path}, {name}", "The variable is missing.", _REMEDY)
        seen = numbers(file, "seen").astype(bool)
        positions = np.where(seen[:, None, None], numbers(file, "marker_position"), np.nan)
        markers = Markers(
            texts(file, "marker"),
            positions.astype(float),
            numbers(file, "time").astype(float),
            str(path),
            _sd(file, "marker_position_sd"),
        )
        coordinates = Coordinates(
            texts(file, "coordinate"),
            texts(file, "coordinate_units"),
            numbers(file, "coordinate_value").astype(float),
            _sd(file, "coordinate_value_sd"),
        )
    return FittedMotion(markers, coordinates)


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[h5py.File]:
    """A fit's file, open for reading as the HDF5 file that it is.

    Raises:
        InputError: it is unreadable, or no NetCDF.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), f"It cannot be read ({error}).", _REMEDY) from error


def texts(file: h5py.File, name: str) -> tuple[str, ...]:
    """Labels, one per entry of a variable."""
    return tuple(text(one) for one in numbers(file, name).tolist())


def numbers(file: h5py.File, name: str) -> np.ndarray:
    """All of a variable, as it is stored."""
    return array(file, name)


def _sd(file: h5py.File, name: str) -> np.ndarray | None:
    """Standard deviations, None where none is known."""
    if name not in file:
        return None
    found = numbers(file, name).astype(float)
    return found if np.isfinite(found).any() else None
