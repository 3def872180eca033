"""The motion in a result (`fit.nc`), read back for what is computed from motions."""

import dataclasses
import pathlib

import numpy as np
import xarray as xr

from diffbio.errors import InputError
from diffbio.io.coordinates import Coordinates
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
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            data = file.load()
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", _REMEDY) from error
    for name in _NEEDED:
        if name not in data:
            raise InputError(f"{path}, {name}", "The variable is missing.", _REMEDY)
    seen = data["seen"].values.astype(bool)
    positions = np.where(seen[:, None, None], data["marker_position"].values, np.nan)
    markers = Markers(
        tuple(map(str, data["marker"].values)),
        positions.astype(float),
        data["time"].values.astype(float),
        str(path),
        _sd(data, "marker_position_sd"),
    )
    coordinates = Coordinates(
        tuple(map(str, data["coordinate"].values)),
        tuple(map(str, data["coordinate_units"].values)),
        data["coordinate_value"].values.astype(float),
        _sd(data, "coordinate_value_sd"),
    )
    return FittedMotion(markers, coordinates)


def _sd(data: xr.Dataset, name: str) -> np.ndarray | None:
    """Standard deviations, None where none is known."""
    if name not in data or not np.isfinite(data[name].values).any():
        return None
    return data[name].values.astype(float)
