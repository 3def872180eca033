"""A drawn walker as `diffbio fit` would leave it: markers, and angles known in closed form."""

import json
import pathlib

import numpy as np
import xarray as xr

from diffbio.io.coordinates import Coordinates
from diffbio.observations import Markers
from diffbio.report.gait_analysis import Walk
from tests.gait.walkers import Walker

MARKERS = ("RHEE", "LHEE", "RTOE", "LTOE", "MidHip")

LEGS = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
NAMES = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", "lumbar_extension", "lumbar_bending",
    "lumbar_rotation", *(f"{name}_{side}" for side in "rl" for name in LEGS),
)  # fmt: skip

ANGLE_SD = 0.01  # rad
MARKER_SD = 0.002  # m

KNEE = 60.0  # degrees, at the middle of each cycle; nothing at its ends
BACKWARDS = 0.05  # rad, the trunk; everything else is 0


def knee_deg(percent):
    """Knee flexion over the cycle."""
    return KNEE * np.sin(np.pi * np.asarray(percent) / 100.0) ** 2


def fitted(walker: Walker, name: str = "drawn", start: float = 0.0) -> Walk:
    """Markers and coordinates of a walker; the recording begins later where `start` is given."""
    points = walker.points()
    kept = points.time >= start
    pelvis = points.pelvis[:, None]
    positions = np.concatenate([points.heel, points.toe, pelvis], axis=1)[kept]
    time = points.time[kept]
    sd = np.full(positions.shape, MARKER_SD)
    values = np.zeros((len(time), len(NAMES)))
    values[:, NAMES.index("lumbar_extension")] = BACKWARDS
    values[:, NAMES.index("pelvis_rotation")] = walker.heading
    for side in "rl":
        # The cycle begins where the foot falls below the detector's threshold.
        share = (time - walker.contacts(side)[0] + walker.below()) / walker.stride_time
        values[:, NAMES.index(f"knee_angle_{side}")] = np.deg2rad(knee_deg(100 * (share % 1.0)))
    coordinates = Coordinates(NAMES, ("rad",) * len(NAMES), values, np.full(values.shape, ANGLE_SD))
    return Walk(name, Markers(MARKERS, positions, time, f"{name}.nc", sd), coordinates)


def write_result(folder: pathlib.Path, walk: Walk, **summary: object) -> pathlib.Path:
    """The files of a result that `diffbio gait` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    coordinates, markers = walk.coordinates, walk.markers
    assert coordinates is not None
    xr.Dataset(
        {
            "marker_position": (("time", "marker", "axis"), markers.positions),
            "marker_position_sd": (("time", "marker", "axis"), markers.sd),
            "seen": (("time",), np.ones(len(markers.time), np.int8)),
            "coordinate_value": (("time", "coordinate"), coordinates.values),
            "coordinate_value_sd": (("time", "coordinate"), coordinates.sd),
            "coordinate_units": (("coordinate",), list(coordinates.units)),
        },
        {
            "time": markers.time,
            "marker": list(markers.names),
            "coordinate": list(coordinates.names),
        },
    ).to_netcdf(folder / "fit.nc", engine="h5netcdf")
    (folder / "summary.json").write_text(json.dumps({"trial": walk.name, **summary}))
    return folder
