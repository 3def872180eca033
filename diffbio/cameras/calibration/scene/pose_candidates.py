"""Where a camera may stand that saw known points: the closed solutions, and the best of them."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.starts import ideal_coordinates
from diffbio.cameras.rig import CameraRig

FLAT = 0.01
"""Points whose thickness is a smaller share of their second extent lie in a plane."""

STRAIGHT = 0.01
"""Points whose second extent is a smaller share of their first lie on a line."""

TRIPLES = 300
"""Of points, each of which proposes up to four poses."""

DISTINCT_DEG = 3.0
"""Poses turned against each other by less, and not far apart, are one."""

_DISTINCT_DISTANCE = 0.03
"""Of the distance to the points."""


class Candidate(NamedTuple):
    """A pose a camera may have.

    Attributes:
        rotation: camera from world.
        translation: camera from world, in metres.
        cost: squares of the distances to what it saw, each at most the square of the cap, px^2.
        agrees: which points it explains within the cap.
    """

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    cost: float
    agrees: Bool[np.ndarray, "point"]


def extents(places: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "3"]:
    """Root-mean-square size of points along their principal axes, largest first, in metres."""
    centred = places - places.mean(axis=0)
    sizes = np.linalg.svd(centred, compute_uv=False) / np.sqrt(len(places))
    return np.concatenate([sizes, np.zeros(3 - len(sizes))])


def is_flat(places: Float[np.ndarray, "point 3"]) -> bool:
    """Whether points lie in a plane."""
    sizes = extents(places)
    return bool(sizes[2] < FLAT * sizes[1])


def candidates(
    lens: CameraRig,
    places: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    cap_px: float,
    count: int = 6,
) -> list[Candidate]:
    """Distinct poses of one camera that explain most of what it saw, the best first.

    From all points at once (Terzakis and Lourakis 2020; of a plane both poses of Collins and
    Bartoli 2014) and from triples (Gao et al. 2003), so that a point that is wrong spoils few.

    Args:
        lens: one camera, whose pose is not read.
        places: at least four, not on a line, in metres.
        pixels: where it saw them.
        cap_px: a point farther off is as bad as any.
        count: of poses at most.
    """
    ideal = ideal_coordinates(lens, pixels[None], 0)[0]
    poses = [*_from_all(places, ideal), *_from_triples(places, ideal)]
    if not poses:
        return []
    rotation = np.stack([pose[0] for pose in poses])
    translation = np.stack([pose[1] for pose in poses])
    seen = np.einsum("hij,pj->hpi", rotation, places) + translation[:, None]
    ahead = seen[..., 2] > 1e-9
    with np.errstate(all="ignore"):
        miss = seen[..., :2] / seen[..., 2:] - ideal
    focal = float(np.asarray(lens.focal_px).mean())
    distance = np.where(ahead, focal * np.linalg.norm(miss, axis=-1), np.inf)
    distance = np.where(np.isfinite(distance), distance, np.inf)
    cost = np.minimum(distance, cap_px) ** 2
    total = cost.sum(axis=1)
    chosen: list[Candidate] = []
    for row in np.argsort(total):
        new = Candidate(rotation[row], translation[row], total[row], distance[row] < cap_px)
        if not any(same_pose(new, old, places) for old in chosen):
            chosen.append(new)
        if len(chosen) == count:
            break
    return chosen


def same_pose(a: Candidate, b: Candidate, places: Float[np.ndarray, "point 3"]) -> bool:
    """Whether two poses differ by less than what tells them apart."""
    turn = np.linalg.norm(a.rotation - b.rotation) / np.sqrt(8.0)
    centres = [-one.rotation.T @ one.translation for one in (a, b)]
    away = np.linalg.norm(centres[0] - places.mean(axis=0))
    apart = np.linalg.norm(centres[0] - centres[1])
    small = np.degrees(2.0 * np.arcsin(np.clip(turn, 0.0, 1.0))) < DISTINCT_DEG
    return bool(small and apart < _DISTINCT_DISTANCE * away)


def _from_all(places: np.ndarray, ideal: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    import cv2

    middle = places.mean(axis=0)
    ways = [cv2.SOLVEPNP_SQPNP]
    if is_flat(places):
        ways.append(cv2.SOLVEPNP_IPPE)
    poses = []
    for way in ways:
        try:
            done, turns, shifts, _ = cv2.solvePnPGeneric(
                places - middle, ideal, np.eye(3), None, flags=way
            )
        except cv2.error:  # a degenerate set; the other ways remain
            continue
        for turn, shift in zip(turns if done else (), shifts, strict=False):
            rotation = cv2.Rodrigues(turn)[0]
            poses.append((rotation, np.ravel(shift) - rotation @ middle))
    return _finite(poses)


def _from_triples(places: np.ndarray, ideal: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    import cv2

    poses = []
    for triple in _triples(len(places)):
        world, image = places[list(triple)], ideal[list(triple)]
        count, turns, shifts = cv2.solveP3P(world, image, np.eye(3), None, cv2.SOLVEPNP_AP3P)
        for turn, shift in zip(turns if count else (), shifts or (), strict=False):
            poses.append((cv2.Rodrigues(turn)[0], np.ravel(shift)))
    return _finite(poses)


def _triples(count: int) -> list[tuple[int, ...]]:
    """All triples where they are few, else as many, spread evenly by a generator of fixed seed."""
    if count * (count - 1) * (count - 2) // 6 <= TRIPLES:
        return list(itertools.combinations(range(count), 3))
    rng = np.random.default_rng(0)
    return [tuple(rng.choice(count, 3, replace=False)) for _ in range(TRIPLES)]


def _finite(poses: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [pose for pose in poses if all(np.isfinite(part).all() for part in pose)]
