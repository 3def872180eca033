"""How far the cameras' clocks are apart, found before anything is triangulated.

Rays of two cameras to one keypoint at one instant lie in a plane with the line between the
cameras. Shift one camera in time, and moving keypoints leave that plane. A rig that is only
roughly right misses the plane as well, but smoothly over the image; what a small turn of a
camera and a small shift of the line explain is taken out at every time shift.
"""

import itertools
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio._jax import round_up_to_bucket
from diffbio.cameras import CameraRig
from diffbio.observations import MIN_CONFIDENCE, Keypoints

FRAMES, KEYPOINTS = 128, 16
"""How many are looked at: those in which, and those that, move most."""

STRIDE = 0.2
"""In seconds: over which movement is measured when frames and keypoints are chosen."""

FINEST_SHIFT = 1 / 30
"""In seconds: between the shifts that are tried; minima are interpolated."""

TURN_SD, BASELINE_SD = 0.03, 0.04
"""How wrong the rig may be: turn of one camera against another in radians, and of the line
between them in metres."""

FIRST_SCALE, LEAST_SCALE = 0.05, 0.003
"""Of the robust cost, in radians: at first, and at least."""

SCALE_PER_MEDIAN = 2.5
REWEIGHTINGS = 4

CORRELATION_TIME = 0.1
"""In seconds: how long the errors of a detector stay alike."""

NEAR_EPIPOLE = 0.1
"""Sine of the angle to the line between two cameras below which rays say nothing."""

MIN_LINE = 1e-3
"""In metres: cameras nearer to each other have no line between them."""

FEWEST = 100
"""Common detections that two cameras need at a shift."""

CONTRAST = 0.25
"""By how much of itself the cost must rise from the best shift to the usual one. A still person
gives 0.05, a person on a beam 0.6 to 2.6."""


class ClockSearch(NamedTuple):
    """Constant time offsets of the cameras.

    Attributes:
        offset: what is added to a camera's time stamps to make them common time, in seconds.
            Positive: the picture was taken later than its time stamp says. Exactly 0 for the
            reference, the camera nearest to the median, and where unknown.
        known: False where the images do not tell: nobody moved, or nothing was seen together
            with the other cameras.
        scatter: how far the pairs of a camera disagree, median, in seconds; NaN where unknown.
    """

    offset: Float[np.ndarray, "camera"]
    known: Bool[np.ndarray, "camera"]
    scatter: Float[np.ndarray, "camera"]


class _Pair(NamedTuple):
    """Two cameras and what they say: `offset[first] - offset[second]`, and how firmly."""

    first: int
    second: int
    difference: float
    weight: float


class _Views(NamedTuple):
    """Unit rays in world axes, where they are of use, and when each camera took its pictures."""

    rays: Float[np.ndarray, "camera time keypoint 3"]
    seen: Bool[np.ndarray, "camera time keypoint"]
    stamps: Float[np.ndarray, "camera time"]


def search_clocks(rig: CameraRig, keypoints: Keypoints, reach: float = 0.5) -> ClockSearch:
    """Offsets of all clocks that make the rays of all pairs of cameras meet best.

    Args:
        rig: cameras in the order of the keypoints'; a degree or a few centimetres may be wrong.
        keypoints: detections; those below `MIN_CONFIDENCE` are ignored.
        reach: largest difference between two cameras that is looked for, in seconds.
    """
    n_cameras, interval = len(rig.names), keypoints.interval
    frames, chosen = _moving(keypoints, np.asarray(rig.focal_px, float).mean(1))
    if not frames.size:
        return _consistent([], n_cameras, interval)
    views = _views(rig, keypoints, chosen)
    step = interval * max(1, round(FINEST_SHIFT / interval))
    # One more than asked for, so that a minimum at the very reach has neighbours.
    count = int(np.ceil(reach / step)) + 1
    shifts = step * np.arange(-count, count + 1)
    centres = np.asarray(rig.centres, float)
    pairs = []
    for first, second in itertools.combinations(range(n_cameras), 2):
        line = centres[second] - centres[first]
        cost, n = _curve(views, (first, second), line, frames, shifts, interval)
        if (found := _minimum(shifts, cost)) is not None:
            pairs.append(_Pair(first, second, found[0], n * found[1]))
    return _consistent(pairs, n_cameras, step)


def _moving(
    keypoints: Keypoints, focal_px: Float[np.ndarray, "camera"]
) -> tuple[Int[np.ndarray, "frame"], Int[np.ndarray, "chosen"]]:
    """Frames and keypoints with most movement; medians, which wrong detections do not move."""
    pixels, seen = np.asarray(keypoints.pixels), _seen(keypoints)
    n = pixels.shape[1]
    ahead = max(1, round(STRIDE / keypoints.interval))
    if n <= ahead:
        return np.arange(0), np.arange(0)
    every = max(1, n // (8 * FRAMES))
    starts = np.arange(0, n - ahead, every)
    both = seen[:, starts] & seen[:, starts + ahead]
    if not both.any():
        return np.arange(0), np.arange(0)
    way = np.linalg.norm(pixels[:, starts + ahead] - pixels[:, starts], axis=-1)
    way = np.where(both, way / focal_px[:, None, None], np.nan)
    some = np.any(both, axis=(0, 1))
    by_keypoint = np.full(len(some), -1.0)
    by_keypoint[some] = np.nanmedian(way[:, :, some], axis=(0, 1)) * both.mean((0, 1))[some]
    chosen = np.sort(np.argsort(-by_keypoint)[: min(KEYPOINTS, int(some.sum()))])
    way, both = way[:, :, chosen], both[:, :, chosen]
    some = np.any(both, axis=(0, 2))
    by_frame = np.nanmedian(way[:, some], axis=(0, 2))
    fastest = np.sort(np.argsort(-by_frame)[:FRAMES])
    return starts[some][fastest] + ahead // 2, chosen


def _seen(keypoints: Keypoints) -> Bool[np.ndarray, "camera time keypoint"]:
    finite = np.isfinite(np.asarray(keypoints.pixels)).all(-1)
    return finite & (np.asarray(keypoints.confidence) >= MIN_CONFIDENCE)


def _views(rig: CameraRig, keypoints: Keypoints, chosen: Int[np.ndarray, "chosen"]) -> _Views:
    seen = _seen(keypoints)[:, :, chosen]
    n = seen.shape[1]
    principal = np.asarray(rig.principal_px, float)[:, None, None]
    pixels = np.where(seen[..., None], np.asarray(keypoints.pixels)[:, :, chosen], principal)
    # Padded, so that a trial of nearly the same length compiles nothing.
    room = ((0, 0), (0, round_up_to_bucket(n) - n), (0, KEYPOINTS - len(chosen)), (0, 0))
    pixels = jnp.asarray(np.pad(pixels, room), rig.focal_px.dtype)
    ideal = np.asarray(_undistorted(rig, pixels), float)[:, :n, : len(chosen)]
    rays = np.concatenate([ideal, np.ones((*ideal.shape[:3], 1))], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    # Row vectors times `camera_from_world` are rays in world axes.
    rays = rays @ np.asarray(rig.camera_from_world_rotation, float)[:, None]
    lag = np.zeros(seen.shape[:2]) if keypoints.lag is None else np.asarray(keypoints.lag)
    return _Views(rays, seen & np.isfinite(rays).all(-1), np.asarray(keypoints.time)[None] + lag)


@eqx.filter_jit
def _undistorted(
    rig: CameraRig, pixels: Float[Array, "camera time keypoint 2"]
) -> Float[Array, "camera time keypoint 2"]:
    return rig.normalised_from_image(pixels)


def _curve(
    views: _Views,
    pair: tuple[int, int],
    line: Float[np.ndarray, "3"],
    frames: Int[np.ndarray, "frame"],
    shifts: Float[np.ndarray, "shift"],
    interval: float,
) -> tuple[Float[np.ndarray, "shift"], float]:
    """Robust mean cost of the pair at every shift, and how many detections there are.

    The scale of the cost is common to all shifts, and set where the misses are least. The cost
    is NaN at shifts where too little was seen.
    """
    first, second = pair
    wanted = views.stamps[first, frames] + shifts[:, None]
    index, near = _nearest(views.stamps[second], wanted, interval)
    both = views.seen[first, frames][None] & views.seen[second][index] & near[..., None]
    miss, slope, usable = _misses(views.rays[first, frames], views.rays[second][index], line)
    n_shift = len(shifts)
    both = (both & usable).reshape(n_shift, -1)
    miss, slope = miss.reshape(n_shift, -1), slope.reshape(n_shift, -1, 6)
    count = both.sum(1)
    enough = (count >= FEWEST) & (count >= 0.5 * count.max())
    if not enough.any():
        return np.full(n_shift, np.nan), 0.0
    share = min(1.0, _spacing(views.stamps[first, frames], interval) / CORRELATION_TIME)
    length = max(float(np.linalg.norm(line)), MIN_LINE)
    sd = np.repeat([TURN_SD, BASELINE_SD / length], 3)
    scale, left, excuse = FIRST_SCALE, miss, np.zeros(n_shift)
    for _ in range(REWEIGHTINGS):
        weight = np.where(both, (1 + (left / scale) ** 2) ** -2, 0.0) * share / (0.4 * scale) ** 2
        weighted = weight[..., None] * slope
        normal = np.swapaxes(slope, 1, 2) @ weighted + np.diag(sd**-2)
        wrong = -np.linalg.solve(normal, np.einsum("snk,sn->sk", weighted, miss)[..., None])
        left = miss + (slope @ wrong)[..., 0]
        excuse = ((wrong[..., 0] / sd) ** 2).sum(1)
        ordered = np.sort(np.where(both, np.abs(left), np.inf), axis=1)
        middle = ordered[np.arange(n_shift), count // 2][enough]
        scale = min(scale, max(LEAST_SCALE, SCALE_PER_MEDIAN * float(middle.min())))
    squared = (left / scale) ** 2
    cost = np.where(both, squared / (1 + squared), 0.0).sum(1) / np.maximum(count, 1)
    # The rig's excuses cost as much as misses of the same likelihood.
    cost = cost + 0.16 * excuse / (share * np.maximum(count, 1))
    return np.where(enough, cost, np.nan), share * float(count.max())


def _spacing(stamps: Float[np.ndarray, "frame"], interval: float) -> float:
    return float(np.median(np.diff(stamps))) if len(stamps) > 1 else interval


def _nearest(
    stamps: Float[np.ndarray, "time"], wanted: Float[np.ndarray, "shift frame"], interval: float
) -> tuple[Int[np.ndarray, "shift frame"], Bool[np.ndarray, "shift frame"]]:
    """The picture nearest to each time, and whether it is within half an interval."""
    right = np.clip(np.searchsorted(stamps, wanted), 1, len(stamps) - 1)
    left = right - 1
    index = np.where(wanted - stamps[left] <= stamps[right] - wanted, left, right)
    # A little more than half: time stamps are rounded.
    return index, np.abs(stamps[index] - wanted) <= 0.51 * interval


def _misses(
    first: Float[np.ndarray, "frame keypoint 3"],
    second: Float[np.ndarray, "shift frame keypoint 3"],
    line: Float[np.ndarray, "3"],
) -> tuple[
    Float[np.ndarray, "shift frame keypoint"],
    Float[np.ndarray, "shift frame keypoint 6"],
    Bool[np.ndarray, "shift frame keypoint"],
]:
    """Signed Sampson distance of pairs of rays from a common plane, in radians.

    Also its derivatives, by a turn of the second camera and by a change of the direction of
    the line between the cameras, and whether the rays are far enough from that line.
    """
    line = line / max(float(np.linalg.norm(line)), MIN_LINE)
    normal = np.cross(line, first)
    along_first, along_second = first @ line, second @ line
    squared = (1 - along_first**2)[None] + (1 - along_second**2)
    usable = np.minimum((1 - along_first**2)[None], 1 - along_second**2) > NEAR_EPIPOLE**2
    size = np.sqrt(np.maximum(squared, 1e-9))
    cosine = np.einsum("fki,sfki->sfk", first, second)
    turn = line * cosine[..., None] - first[None] * along_second[..., None]
    slope = np.concatenate([turn, np.cross(first[None], second)], axis=-1)
    miss = np.einsum("fki,sfki->sfk", normal, second)
    return miss / size, slope / size[..., None], usable


def _minimum(
    shifts: Float[np.ndarray, "shift"], cost: Float[np.ndarray, "shift"]
) -> tuple[float, float] | None:
    """Where a curve is least, by a parabola, and its relative curvature; None where flat."""
    if not np.isfinite(cost).any():
        return None
    best = int(np.nanargmin(cost))
    least, usual = cost[best], np.nanmedian(cost)
    if best in (0, len(cost) - 1) or not usual - least > CONTRAST * least:
        return None
    before, after = cost[best - 1], cost[best + 1]
    bend = before - 2 * least + after
    if not bend > 0:  # also where a neighbour is NaN
        return None
    step = shifts[1] - shifts[0]
    return float(shifts[best] + 0.5 * step * (before - after) / bend), float(bend / least / step**2)


def _consistent(pairs: list[_Pair], n_cameras: int, step: float) -> ClockSearch:
    """One offset per camera out of differences of pairs, some of which are wrong."""
    offset, scatter = np.zeros(n_cameras), np.full(n_cameras, np.nan)
    known = np.zeros(n_cameras, bool)
    if not pairs:
        return ClockSearch(offset, known, scatter)
    rows = np.zeros((len(pairs), n_cameras))
    for row, pair in enumerate(pairs):
        rows[row, [pair.first, pair.second]] = 1.0, -1.0
    difference = np.asarray([pair.difference for pair in pairs])
    weight = np.sqrt([pair.weight for pair in pairs])
    weight = np.minimum(weight, 3 * np.median(weight))
    # First the sum of absolute disagreements, then one that pays no heed to wrong pairs.
    left = np.zeros(len(pairs))
    for power in [0.5] * 10 + [1.0] * 5:
        trust = weight / (1 + (left / (0.5 * step)) ** 2) ** (power / 2)
        offset = np.linalg.lstsq(trust[:, None] * rows, trust * difference, rcond=None)[0]
        left = difference - rows @ offset
    agree = np.abs(left) < step
    known = _largest_group(
        [pair for pair, good in zip(pairs, agree, strict=True) if good], n_cameras
    )
    if not known.any():
        return ClockSearch(np.zeros(n_cameras), known, scatter)
    for camera in np.flatnonzero(known):
        scatter[camera] = np.median(np.abs(left[rows[:, camera] != 0]))
    away = np.where(known, np.abs(offset - np.median(offset[known])), np.inf)
    return ClockSearch(np.where(known, offset - offset[np.argmin(away)], 0.0), known, scatter)


def _largest_group(pairs: list[_Pair], n_cameras: int) -> Bool[np.ndarray, "camera"]:
    """The cameras of the largest group that is connected by pairs."""
    group = np.arange(n_cameras)
    for pair in pairs:
        group[group == group[pair.second]] = group[pair.first]
    members = np.bincount(group, minlength=n_cameras)
    return (group == np.argmax(members)) & (members.max() > 1)
