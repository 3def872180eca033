"""What the cameras of a fit saw, read back from its result (`fit.nc`)."""

import dataclasses
import pathlib

import numpy as np
from jaxtyping import Float, Int

from diffbio.io.read_fit import numbers, opened, texts

ENOUGH_KEYPOINTS = 4
"""A camera sees the person in a frame where at least so many keypoints are used."""

ENOUGH_CAMERAS = 2
"""A point is located in space from two directions."""


@dataclasses.dataclass(frozen=True)
class Sight:
    """What was seen of the person.

    Attributes:
        cameras: names, in array order.
        median_px: of each camera's reprojection errors; NaN where it saw nothing.
        mean_px: likewise.
        seen: share of the frames in which each camera saw the person.
        time: sample times, in seconds.
        views: in how many cameras the person was seen.
        keypoints: names, in array order.
        located: share of the frames in which two cameras or more saw each keypoint.
        undetermined: names of unknowns that the images say little about.
    """

    cameras: tuple[str, ...]
    median_px: Float[np.ndarray, "camera"]
    mean_px: Float[np.ndarray, "camera"]
    seen: Float[np.ndarray, "camera"]
    time: Float[np.ndarray, "time"]
    views: Int[np.ndarray, "time"]
    keypoints: tuple[str, ...]
    located: Float[np.ndarray, "keypoint"]
    undetermined: tuple[str, ...]


def read_sight(path: pathlib.Path) -> Sight | None:
    """Read what was seen; None where the file does not say, as one of another program.

    Raises:
        InputError: the file is unreadable.
    """
    with opened(path) as file:
        if "reprojection_error_px" not in file:
            return None
        px = numbers(file, "reprojection_error_px").astype(float)
        used = np.isfinite(px)
        seeing = used.sum(axis=2) >= min(ENOUGH_KEYPOINTS, px.shape[2])
        per_camera = [one[np.isfinite(one)] for one in px]
        undetermined = str(file.attrs.get("undetermined", "")).split("\n")
        return Sight(
            cameras=texts(file, "camera"),
            median_px=np.array([np.median(one) if len(one) else np.nan for one in per_camera]),
            mean_px=np.array([np.mean(one) if len(one) else np.nan for one in per_camera]),
            seen=seeing.mean(axis=1),
            time=numbers(file, "time").astype(float),
            views=seeing.sum(axis=0),
            keypoints=texts(file, "marker"),
            located=(used.sum(axis=0) >= ENOUGH_CAMERAS).mean(axis=0),
            undetermined=tuple(filter(None, undetermined)),
        )
