"""First poses: a good pair of cameras, then one camera after the other from the points so far."""

import itertools
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.points.clocks import rays_of
from diffbio.cameras.calibration.points.pairs import RelativePose, relative_pose
from diffbio.cameras.calibration.points.tracks import Samples
from diffbio.cameras.rig import CameraRig
from diffbio.cameras.triangulation import triangulate

FEWEST_SHARED = 60
"""Detections two cameras must share to be linked."""

FEWEST_BETWEEN = 300
"""Detections shared by two cameras that are a firm link."""

LINKED = 0.5
"""Share of them that has to agree on a relative pose."""

MIN_PARALLAX = 0.1
"""Sine of the angle at which rays have to meet before they tell a depth."""

FIRST_DEPTH = 4.0
"""Median distance of the points from the first camera: the unit of the rig is arbitrary, and
about a metre."""

PLACED = 0.02
"""In radians: a detection that misses a point by less supports the pose of a new camera."""


class Link(NamedTuple):
    """Two cameras and how they stand to each other; None where nothing fits."""

    first: int
    second: int
    shared: int
    pose: RelativePose | None

    @property
    def strength(self) -> float:
        """How much the pair says of the points it shares; 0 where it is no link."""
        if self.pose is None or self.pose.share < LINKED or self.pose.parallax < MIN_PARALLAX:
            return 0.0
        return self.shared * self.pose.share**2 * min(self.pose.parallax, 0.7)


def find_links(lenses: CameraRig, samples: Samples) -> list[Link]:
    """Relative poses of all pairs of cameras that share enough."""
    seen = samples.weight > 0.0
    rays = rays_of(lenses, samples.pixels, seen)
    links = []
    for a, b in itertools.combinations(range(len(seen)), 2):
        both = seen[a] & seen[b]
        shared = int(both.sum())
        enough = shared >= FEWEST_SHARED
        pose = relative_pose(rays[a][both], rays[b][both]) if enough else None
        links.append(Link(a, b, shared, pose))
    return links


def seeded(lenses: CameraRig, samples: Samples, link: Link) -> CameraRig:
    """The rig with a pair of cameras in place, the first at the origin."""
    assert link.pose is not None
    seen = samples.weight > 0.0
    both = seen[link.first] & seen[link.second]
    rays = rays_of(lenses, samples.pixels, seen)
    turned = rays[link.first][both] @ link.pose.rotation.T
    other = rays[link.second][both]
    cosine = (turned * other).sum(-1)
    along = turned @ link.pose.direction, other @ link.pose.direction
    depth = (cosine * along[1] - along[0]) / np.maximum(1.0 - cosine**2, 1e-9)
    size = FIRST_DEPTH / max(float(np.median(depth[depth > 0])), 1e-6)
    rotation = np.tile(np.eye(3), (len(lenses.names), 1, 1))
    translation = np.zeros((len(lenses.names), 3))
    rotation[link.second] = link.pose.rotation
    translation[link.second] = size * link.pose.direction
    return with_poses(lenses, rotation, translation)


def with_poses(
    rig: CameraRig,
    rotation: Float[np.ndarray, "camera 3 3"],
    translation: Float[np.ndarray, "camera 3"],
) -> CameraRig:
    """The same lenses elsewhere."""
    return eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (jnp.asarray(rotation), jnp.asarray(translation)),
    )


def triangulated(
    rig: CameraRig, samples: Samples, cameras: Bool[np.ndarray, "camera"]
) -> Float[np.ndarray, "time point 3"]:
    """Points from some of the cameras, NaN where fewer than two of them agree."""
    weight = np.where(cameras[:, None, None], samples.weight, 0.0)
    found = _triangulate(rig, jnp.asarray(samples.pixels), jnp.asarray(weight))
    return np.asarray(found.points)


_triangulate = eqx.filter_jit(triangulate)


class Placement(NamedTuple):
    """A camera's pose from points, and the share of its detections that supports it."""

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    share: float
    count: int


def placed(
    lenses: CameraRig,
    samples: Samples,
    camera: int,
    points: Float[np.ndarray, "time point 3"],
) -> Placement | None:
    """Where a camera stands, from where it saw points that others located; None if it saw few."""
    import cv2

    known = (samples.weight[camera] > 0.0) & np.isfinite(points).all(-1)
    if known.sum() < FEWEST_SHARED:
        return None
    rays = rays_of(lenses, samples.pixels, samples.weight > 0.0)[camera][known]
    front = rays[:, 2] > 0.1
    flat = np.ascontiguousarray(rays[front, :2] / rays[front, 2:])
    there = np.ascontiguousarray(points[known][front])
    cv2.setRNGSeed(0)
    done, turn, shift, inliers = cv2.solvePnPRansac(
        there, flat, np.eye(3), None, iterationsCount=500, reprojectionError=PLACED,
        confidence=0.9999, flags=cv2.SOLVEPNP_SQPNP,
    )  # fmt: skip
    if not done or inliers is None or len(inliers) < 6:
        return None
    good = np.asarray(inliers, int).ravel()
    turn, shift = cv2.solvePnPRefineLM(there[good], flat[good], np.eye(3), None, turn, shift)
    count = len(good)
    return Placement(cv2.Rodrigues(turn)[0], shift.ravel(), count / len(there), count)
