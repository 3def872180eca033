"""How the ground moves under a person (a treadmill's belt), and where the person goes on it."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from diffbio.gait.cycles import Cycles
from diffbio.gait.gait_points import GaitPoints
from diffbio.gait.smoothing import complete, low_pass, runs, velocity

_STRIDE = 1.2
"""Seconds that a slow stride takes; speeds of travel are means over it."""

_WINDOW = 2.0
"""Seconds, over which the belt's speed is a median: at least a stride of the slowest walkers."""

TRAVELLING = 0.15
"""m/s. Slower, a person shifts on the spot and a belt stands: the slowest patients who walk at all
make 0.2 m/s (Perry et al. 1995, Stroke 26:982, household walkers)."""

SLIDING = 0.12
"""m/s of the foot point that moves least, exceeded in most of a cycle: nothing rests on the ground.
In the walks of six people, and in fits of them, it is at most 0.036 m/s; in a motion put together
from mean joint angles, whose feet slide, 0.19 to 0.22 m/s."""

_RESTING_PERCENT = 30
"""Of a cycle. Walkers have a foot at rest all the time, runners in two thirds of it."""

_CLEARANCE = 0.02
"""Metres above its lowest height up to which a foot point may carry weight."""


def ground_velocity(points: GaitPoints) -> Float[np.ndarray, "time 2"]:
    """Velocity of what the feet stand on, in the world frame, in m/s.

    Where the pelvis travels it is zero: the person crosses a room. Where it does not, it is the
    velocity of the foot point that stands, the lowest above its own lowest height, as a median
    over two seconds; zero where that is slower than `TRAVELLING`. The speed is what the feet
    did, not what the treadmill says.
    """
    rate = 1.0 / float(np.median(np.diff(points.time)))
    feet = np.concatenate([points.heel, points.toe], axis=1)
    n_points = feet.shape[1]
    smooth = low_pass(feet.reshape(len(feet), -1), points.time).reshape(feet.shape)
    known = np.isfinite(smooth).all(axis=(1, 2))
    if not known.any():
        return np.zeros((len(feet), 2))
    above = smooth[..., 2] - np.nanpercentile(smooth[..., 2], 5, axis=0)
    lowest = np.where(np.isfinite(above), above, np.inf).argmin(axis=1)
    speed = np.stack([velocity(smooth[:, i], points.time) for i in range(n_points)], axis=1)
    standing = speed[np.arange(len(feet)), lowest, :2]
    clear = above[np.arange(len(feet)), lowest] < _CLEARANCE
    standing[~known | ~clear] = np.nan
    belt = _running_median(standing, max(1, round(rate * _WINDOW / 2)))
    resting = np.linalg.norm(belt, axis=1) < TRAVELLING
    travelling = np.linalg.norm(travel_velocity(points), axis=1) > 2 * TRAVELLING
    belt[resting | travelling | ~np.isfinite(belt).all(axis=1)] = 0.0
    return belt


def standing_cycles(cycles: Cycles, points: GaitPoints) -> Cycles:
    """Without the cycles in which the feet slide: contacts found from their speed mean nothing.

    Args:
        cycles: complete ones.
        points: as seen from the ground.
    """
    speed = _least_speed(points)
    for cycle in cycles.cycles:
        inside = (points.time >= cycle.start.time) & (points.time <= cycle.end.time)
        known = speed[inside & np.isfinite(speed)]
        if len(known) and float(np.percentile(known, _RESTING_PERCENT)) > SLIDING:
            reason = f"The feet slide where they should stand, faster than {SLIDING:g} m/s."
            cycles = cycles.without(cycle, reason)
    return cycles


def _least_speed(points: GaitPoints) -> Float[np.ndarray, "time"]:
    """Horizontal speed of the foot point that moves least, in m/s; NaN where one is not seen."""
    feet = np.concatenate([points.heel, points.toe], axis=1)
    speeds = [
        np.linalg.norm(velocity(low_pass(feet[:, i, :2], points.time), points.time), axis=1)
        for i in range(feet.shape[1])
    ]
    return np.min(speeds, axis=0)


def travel_velocity(points: GaitPoints) -> Float[np.ndarray, "time 2"]:
    """Mean velocity of the pelvis over about a stride, horizontal, in m/s; NaN where not seen.

    At the ends of the recording the mean is over what there is of the stride.
    """
    half = max(1, round(_STRIDE / 2 / float(np.median(np.diff(points.time)))))
    result = np.full((len(points.time), 2), np.nan)
    for start, end in runs(complete(points.pelvis)):
        if end - start < 2:
            continue
        index = np.arange(start, end)
        before, after = np.maximum(index - half, start), np.minimum(index + half, end - 1)
        way = points.pelvis[after, :2] - points.pelvis[before, :2]
        result[start:end] = way / (points.time[after] - points.time[before])[:, None]
    return result


def headings(points: GaitPoints) -> Float[np.ndarray, "time"]:
    """Direction of travel, in radians from world +x towards +y, continuous in time.

    NaN where the pelvis is not seen or travels slower than `TRAVELLING`.

    Args:
        points: as seen from the ground (`GaitPoints.on_moving_ground`).
    """
    travel = travel_velocity(points)
    heading = np.arctan2(travel[:, 1], travel[:, 0])
    heading[~(np.linalg.norm(travel, axis=1) >= TRAVELLING)] = np.nan
    known = np.isfinite(heading)
    heading[known] = np.unwrap(heading[known])
    return heading


def _running_median(
    values: Float[np.ndarray, "time channel"], half: int
) -> Float[np.ndarray, "time channel"]:
    """Median of what is known within `half` samples, smoothed; NaN where nothing is."""
    centres = np.unique(np.r_[np.arange(0, len(values), max(1, half // 4)), len(values) - 1])
    medians = np.full((len(centres), values.shape[1]), np.nan)
    for row, centre in enumerate(centres):
        window = values[max(0, centre - half) : centre + half + 1]
        window = window[np.isfinite(window).all(axis=1)]
        if len(window):
            medians[row] = np.median(window, axis=0)
    known = np.isfinite(medians).all(axis=1)
    if not known.any():
        return np.full(values.shape, np.nan)
    index = np.arange(len(values))
    columns = [np.interp(index, centres[known], medians[known, c]) for c in range(values.shape[1])]
    return uniform_filter1d(np.stack(columns, axis=1), max(1, half // 2), axis=0, mode="nearest")
