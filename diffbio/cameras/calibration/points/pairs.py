"""Two cameras and the points both saw: how one is turned against the other, and in which direction
it stands. The distance between them is not to be had."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

INLIER = 0.012
"""In radians: rays that miss the plane they share with the line between the cameras by more do
not show the same point (16 px at a focal length of 1300 px; real detectors err by half of it,
when they see a joint from different sides)."""

LEAST_SCALE = 0.0005
_SCALE_PER_MEDIAN = 2.5
_REWEIGHTINGS = 12


class RelativePose(NamedTuple):
    """The second camera against the first: `p_2 = rotation @ p_1 + distance * direction`.

    Attributes:
        rotation: second from first.
        direction: unit vector in the axes of the second camera, to the first camera's centre.
        share: of the pairs of rays that meet, in front of both cameras.
        miss: median distance of those from a common plane, in radians.
        parallax: median sine of the angle at which they meet.
        turn_only: median angle between rays that a turn alone leaves, in radians.
    """

    rotation: Float[np.ndarray, "3 3"]
    direction: Float[np.ndarray, "3"]
    share: float
    miss: float
    parallax: float
    turn_only: float


def unit_rays(normalised: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 3"]:
    """Directions of ideal coordinates (x / z, y / z)."""
    rays = np.concatenate([normalised, np.ones_like(normalised[..., :1])], axis=-1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def relative_pose(
    first: Float[np.ndarray, "pair 3"],
    second: Float[np.ndarray, "pair 3"],
    most: int = 1500,
) -> RelativePose | None:
    """Relative pose from rays of two cameras to the same points, some of which are wrong.

    Five-point solutions on random samples (Nister 2004, OpenCV's), the best refined on all rays.

    Args:
        first: unit rays of the first camera, in its own axes.
        second: of the second camera.
        most: pairs that are looked at, evenly spread.

    Returns:
        None where no relative pose explains a fifth of the pairs.
    """
    import cv2

    if len(first) > most:
        some = np.linspace(0, len(first) - 1, most).round().astype(int)
        first, second = first[some], second[some]
    one, other = (np.ascontiguousarray(rays[:, :2] / rays[:, 2:]) for rays in (first, second))
    cv2.setRNGSeed(0)
    essential, _ = cv2.findEssentialMat(
        one, other, np.eye(3), method=cv2.USAC_MAGSAC, prob=0.999, threshold=INLIER
    )
    if essential is None or essential.shape != (3, 3):
        return None
    each = _decomposed(essential)
    counts = [int(agreeing(first, second, *one).sum()) for one in each]
    rotation, direction = refined(first, second, *each[int(np.argmax(counts))])
    good = agreeing(first, second, rotation, direction)
    count = int(good.sum())
    if count < 0.2 * len(first) or count < 8:
        return None
    turned = first[good] @ rotation.T
    sine = np.linalg.norm(np.cross(turned, second[good]), axis=1)
    miss = np.abs(misses(turned, second[good], direction)[0])
    return RelativePose(
        rotation,
        direction,
        count / len(first),
        float(np.median(miss)),
        float(np.median(sine)),
        _left_by_turn(first[good], second[good]),
    )


def _decomposed(essential: Float[np.ndarray, "3 3"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The four relative poses of an essential matrix."""
    import cv2

    one, other, direction = cv2.decomposeEssentialMat(essential)
    return [(turn, sign * direction.ravel()) for turn in (one, other) for sign in (1.0, -1.0)]


def misses(
    turned: Float[np.ndarray, "*batch 3"],
    second: Float[np.ndarray, "*batch 3"],
    direction: Float[np.ndarray, "3"],
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch 6"]]:
    """Signed Sampson distance of rays from a common plane, in radians, and its derivatives.

    Args:
        turned: unit rays of the first camera, in the axes of the second.
        second: unit rays of the second camera.
        direction: unit vector along the line between the cameras.

    Returns:
        Distances, and derivatives by a turn of the first rays and by the direction.
    """
    along_first, along_second = turned @ direction, second @ direction
    size = np.sqrt(np.maximum(2.0 - along_first**2 - along_second**2, 1e-6))
    across = np.cross(turned, second)
    cosine = (turned * second).sum(-1)
    turn = along_first[..., None] * second - cosine[..., None] * direction
    slope = np.concatenate([turn, across], axis=-1)
    return across @ direction / size, slope / size[..., None]


def refined(
    first: Float[np.ndarray, "pair 3"],
    second: Float[np.ndarray, "pair 3"],
    rotation: Float[np.ndarray, "3 3"],
    direction: Float[np.ndarray, "3"],
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """A relative pose adjusted on all rays, by reweighted Gauss-Newton on Geman-McClure's cost."""
    scale = INLIER
    for _ in range(_REWEIGHTINGS):
        turned = first @ rotation.T
        miss, slope = misses(turned, second, direction)
        size = np.abs(miss)
        scale = np.clip(_SCALE_PER_MEDIAN * np.median(size), LEAST_SCALE, scale)
        weight = 1.0 / (1.0 + (miss / scale) ** 2) ** 2
        heavy = slope * weight[:, None]
        normal = heavy.T @ slope
        hold = np.trace(normal) / 6.0
        # Nothing tells the length of the direction.
        normal[3:, 3:] += hold * np.outer(direction, direction)
        normal += 1e-6 * hold * np.eye(6)
        step = -np.linalg.solve(normal, heavy.T @ miss)
        rotation = _turn(step[:3]) @ rotation
        direction = direction + step[3:]
        direction = direction / np.linalg.norm(direction)
    return rotation, direction


def _turn(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    import cv2

    return cv2.Rodrigues(vector)[0]


def agreeing(
    first: Float[np.ndarray, "pair 3"],
    second: Float[np.ndarray, "pair 3"],
    rotation: Float[np.ndarray, "3 3"],
    direction: Float[np.ndarray, "3"],
) -> Bool[np.ndarray, "pair"]:
    """Pairs of rays that meet, in front of both cameras."""
    turned = first @ rotation.T
    miss, _ = misses(turned, second, direction)
    # depth_2 * second - depth_1 * turned = direction, by least squares.
    cosine = (turned * second).sum(-1)
    sine = np.maximum(1.0 - cosine**2, 1e-9)
    along_first, along_second = turned @ direction, second @ direction
    depth_first = (cosine * along_second - along_first) / sine
    depth_second = (along_second - cosine * along_first) / sine
    return (np.abs(miss) < INLIER) & (depth_first > 0.0) & (depth_second > 0.0)


def _left_by_turn(first: Float[np.ndarray, "pair 3"], second: Float[np.ndarray, "pair 3"]) -> float:
    """Median angle between rays that the best turn of one camera leaves (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(second.T @ first)
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    return float(np.median(np.linalg.norm(np.cross(first @ turn.T, second), axis=1)))
