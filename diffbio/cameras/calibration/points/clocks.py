"""How far cameras' clocks are apart, where nothing is known of where the cameras stand.

Rays of two cameras to one point at one instant lie in a plane with the line between the cameras.
At each time shift the relative pose that explains the rays best is found anew, so that the right
shift is that at which rays meet best, whatever the rig. A steady walk in a line would fit any
shift as well, with a camera displaced; the swing of arms and legs does not.
"""

import itertools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.points.pairs import misses, relative_pose, unit_rays
from diffbio.cameras.calibration.points.tracks import Tracks, sampled
from diffbio.cameras.rig import CameraRig

FINEST_SHIFT = 1 / 30
"""In seconds: between the shifts that are tried; minima are interpolated."""

FRAMES = 60
"""At most so many instants, spread over the recording, are compared."""

PAIRS = 600
"""Of rays, at most, decide on the relative pose at a shift."""

SCALE = 0.003
"""In radians: distance of a ray from the common plane at which it counts half."""

CONTRAST = 0.25
"""By how much of itself the cost must rise from the best shift to the usual one."""

FEWEST = 60
"""Common detections that two cameras need at a shift."""

DISAGREEMENT = 0.02
"""In seconds: a pair that contradicts the others by more is not heeded."""


class Clocks(NamedTuple):
    """Time offsets of the cameras.

    Attributes:
        offset: what is added to a camera's time stamps to make them common time, in seconds.
            Positive: the picture was taken later than its time stamp says. The median is 0.
        known: False where the pictures do not tell.
        scatter: how far the pairs of a camera disagree, median, in seconds; NaN where unknown.
    """

    offset: Float[np.ndarray, "camera"]
    known: Bool[np.ndarray, "camera"]
    scatter: Float[np.ndarray, "camera"]


def find_clocks(lenses: CameraRig, tracks: Tracks, reach: float = 0.5) -> Clocks:
    """Offsets of all clocks at which the rays of all pairs of cameras meet best.

    Args:
        lenses: cameras in the order of the tracks'; their poses are not looked at.
        tracks: as recorded.
        reach: largest difference between two cameras that is looked for, in seconds.
    """
    n_camera = len(lenses.names)
    first, last = tracks.stamps.min(), tracks.stamps.max()
    times = np.linspace(first, last, min(FRAMES, tracks.stamps.shape[1]))
    count = int(np.ceil(reach / FINEST_SHIFT)) + 1
    shifts = FINEST_SHIFT * np.arange(-count, count + 1)
    rays, seen = _shifted_rays(lenses, tracks, times, shifts)
    middle = len(shifts) // 2
    found: list[tuple[int, int, float]] = []
    for a, b in itertools.combinations(range(n_camera), 2):
        cost = np.full(len(shifts), np.nan)

        def try_shift(number: int, a: int = a, b: int = b, cost: np.ndarray = cost) -> None:
            both = seen[middle, a] & seen[number, b]
            if both.sum() >= FEWEST:
                cost[number] = _cost(rays[middle, a][both], rays[number, b][both])

        # Every other shift, and then both neighbours of the best.
        for number in range(0, len(shifts), 2):
            try_shift(number)
        if not np.isfinite(cost).any():
            continue
        coarse = int(np.nanargmin(cost))
        for number in (coarse - 1, coarse + 1):
            if 0 <= number < len(shifts):
                try_shift(number)
        best = _least(shifts, cost)
        if best is not None:
            found.append((a, b, best))
    return _agreed(found, n_camera)


def _shifted_rays(
    lenses: CameraRig,
    tracks: Tracks,
    times: Float[np.ndarray, "sample"],
    shifts: Float[np.ndarray, "shift"],
) -> tuple[
    Float[np.ndarray, "shift camera sample point 3"], Bool[np.ndarray, "shift camera sample point"]
]:
    """Rays of all cameras at the instants, had each camera's clock been set by each shift."""
    rays, seen = [], []
    for shift in shifts:
        samples = sampled(tracks, times, np.full(len(tracks.pixels), shift))
        seen.append(samples.weight > 0.0)
        rays.append(rays_of(lenses, samples.pixels, seen[-1]))
    return np.stack(rays), np.stack(seen)


def rays_of(
    lenses: CameraRig,
    pixels: Float[np.ndarray, "camera time point 2"],
    seen: Bool[np.ndarray, "camera time point"],
) -> Float[np.ndarray, "camera time point 3"]:
    """Unit rays of detections in the axes of their cameras; forward where there is none."""
    principal = np.asarray(lenses.principal_px, float)[:, None, None]
    finite = np.where(seen[..., None], pixels, principal)
    return unit_rays(np.asarray(lenses.normalised_from_image(jnp.asarray(finite)), float))


def _cost(first: Float[np.ndarray, "pair 3"], second: Float[np.ndarray, "pair 3"]) -> float:
    """How badly rays meet under the best relative pose: 0 to 1."""
    pose = relative_pose(first, second, PAIRS)
    if pose is None:
        return 1.0
    miss, _ = misses(first @ pose.rotation.T, second, pose.direction)
    squared = (miss / SCALE) ** 2
    return float((squared / (1.0 + squared)).mean())


def _least(shifts: Float[np.ndarray, "shift"], cost: Float[np.ndarray, "shift"]) -> float | None:
    """Where a curve is least, by a parabola; None where it is flat or falls to its end."""
    if not np.isfinite(cost).any():
        return None
    best = int(np.nanargmin(cost))
    if best in (0, len(cost) - 1) or not np.nanmedian(cost) - cost[best] > CONTRAST * cost[best]:
        return None
    before, after = cost[best - 1], cost[best + 1]
    bend = before - 2 * cost[best] + after
    if not bend > 0:  # also where a neighbour is NaN
        return None
    return float(shifts[best] + 0.5 * (shifts[1] - shifts[0]) * (before - after) / bend)


def _agreed(found: list[tuple[int, int, float]], n_camera: int) -> Clocks:
    """One offset per camera out of differences `offset[b] - offset[a]`, some of them wrong."""
    offset, scatter = np.zeros(n_camera), np.full(n_camera, np.nan)
    known = np.zeros(n_camera, bool)
    if not found:
        return Clocks(offset, known, scatter)
    rows = np.zeros((len(found), n_camera))
    for row, (a, b, _) in enumerate(found):
        rows[row, [a, b]] = -1.0, 1.0
    difference = np.asarray([one[2] for one in found])
    left = np.zeros(len(found))
    # First the sum of absolute disagreements, then one that pays no heed to wrong pairs.
    for power in [0.5] * 15 + [1.0] * 10:
        trust = 1.0 / (1.0 + (left / DISAGREEMENT) ** 2) ** (power / 2)
        offset = np.linalg.lstsq(trust[:, None] * rows, trust * difference, rcond=None)[0]
        left = difference - rows @ offset
    agree = np.abs(left) < DISAGREEMENT
    group = np.arange(n_camera)
    for (a, b, _), good in zip(found, agree, strict=True):
        if good:
            group[group == group[b]] = group[a]
    members = np.bincount(group, minlength=n_camera)
    known = (group == np.argmax(members)) & (members.max() > 1)
    if not known.any():
        return Clocks(np.zeros(n_camera), known, scatter)
    for camera in np.flatnonzero(known):
        scatter[camera] = np.median(np.abs(left[rows[:, camera] != 0]))
    return Clocks(np.where(known, offset - np.median(offset[known]), 0.0), known, scatter)
