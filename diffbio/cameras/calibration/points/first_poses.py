"""First poses of all cameras: the best pair, then whoever sees most of the points so far."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.points.adjustment import FocalPrior
from diffbio.cameras.calibration.points.chain import (
    Link,
    Placement,
    placed,
    seeded,
    triangulated,
    with_poses,
)
from diffbio.cameras.calibration.points.sample_adjustment import (
    ROUGHLY,
    SCALES,
    adjusted,
    unknowns_sought,
)
from diffbio.cameras.calibration.points.tracks import Samples
from diffbio.cameras.rig import CameraRig

PLACED_SHARE = 0.6
"""A camera fits in when so much of what it saw supports its pose."""


class NotPlaced(Exception):  # noqa: N818
    """Cameras that nothing links to the others; the caller knows what they are called.

    Attributes:
        reached: cameras in place.
        left: the others.
        links: relative poses of pairs.
        times: the instants looked at, in seconds.
        offset: of the clocks, in seconds.
        points: located by the cameras in place, NaN where not known.
    """

    def __init__(
        self, reached: list[int], links: list[Link], points: Float[np.ndarray, "time point 3"]
    ) -> None:
        super().__init__("cameras are not linked")
        self.reached, self.links, self.points = reached, links, points
        n_camera = 1 + max(link.second for link in links)
        self.left = [camera for camera in range(n_camera) if camera not in reached]
        self.times, self.offset = np.zeros(0), np.zeros(n_camera)


def first_poses(
    lenses: CameraRig, samples: Samples, links: list[Link], prior: FocalPrior
) -> CameraRig:
    """All cameras in place, best first.

    Raises:
        NotPlaced: cameras are left over.
    """
    n_camera = len(lenses.names)
    seed = max(links, key=lambda link: link.strength, default=None)
    if seed is None or seed.strength == 0.0:
        raise NotPlaced([], links, np.full((*samples.weight.shape[1:], 3), np.nan))
    rig = seeded(lenses, samples, seed)
    inside = np.zeros(n_camera, bool)
    inside[[seed.first, seed.second]] = True
    scale = SCALES[1] * float(np.asarray(lenses.focal_px, float).mean())
    while True:
        points = triangulated(rig, samples, inside)
        free = unknowns_sought(n_camera, False, False) & inside[:, None]
        rig = adjusted(rig, points, _only(samples, inside), free, prior, scale, ROUGHLY).rig
        if inside.all():
            return rig
        points = triangulated(rig, samples, inside)
        best = _next(lenses, samples, inside, points)
        if best is None:
            raise NotPlaced(np.flatnonzero(inside).tolist(), links, points)
        rig = _with(rig, *best)
        inside[best[0]] = True


def _next(
    lenses: CameraRig,
    samples: Samples,
    inside: Bool[np.ndarray, "camera"],
    points: Float[np.ndarray, "time point 3"],
) -> tuple[int, Placement] | None:
    """The camera outside that most detections support, and its pose; None where none fits."""
    best: tuple[int, Placement] | None = None
    for camera in np.flatnonzero(~inside):
        pose = placed(lenses, samples, int(camera), points)
        if pose is None or pose.share < PLACED_SHARE:
            continue
        if best is None or pose.share * pose.count > best[1].share * best[1].count:
            best = int(camera), pose
    return best


def _with(rig: CameraRig, camera: int, pose: Placement) -> CameraRig:
    rotation = np.array(rig.camera_from_world_rotation)
    translation = np.array(rig.camera_from_world_translation)
    rotation[camera], translation[camera] = pose.rotation, pose.translation
    return with_poses(rig, rotation, translation)


def _only(samples: Samples, cameras: Bool[np.ndarray, "camera"]) -> Samples:
    weight = np.where(cameras[:, None, None], samples.weight, 0.0)
    return dataclasses.replace(samples, weight=weight)
