"""Short gaps filled, noise taken out, and speeds, where positions are missing at times."""

import itertools

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import solve_banded

LONGEST_GAP = 0.1
"""Seconds that are bridged by a straight line. A tenth of a second is a sixth of a stance; what a
marker does in a longer gap is not known."""

CUTOFF_HZ = 10.0
"""Of the low-pass filter before speeds are taken. 99 % of the power of foot markers in walking is
below 6 Hz, contacts reach to 10 Hz (Winter, Sidwall and Hobson 1974, J Biomech 7:157)."""

_PASSES = (2.0**0.5 - 1.0) ** 0.25
"""A cutoff is where two passes together, not each, halve the power."""


def fill_gaps(
    positions: Float[np.ndarray, "time 3"],
    time: Float[np.ndarray, "time"],
    longest: float = LONGEST_GAP,
) -> Float[np.ndarray, "time 3"]:
    """Positions with gaps up to `longest` seconds bridged by straight lines; nothing is added
    before the first and after the last sighting."""
    known = complete(positions)
    seen = np.flatnonzero(known)
    filled = positions.copy()
    filled[~known] = np.nan
    if len(seen) == 0:
        return filled
    for before, after in itertools.pairwise(seen):
        if after - before > 1 and time[after] - time[before] <= longest:
            inside = slice(before + 1, after)
            share = ((time[inside] - time[before]) / (time[after] - time[before]))[:, None]
            filled[inside] = (1 - share) * positions[before] + share * positions[after]
    return filled


def complete(values: Float[np.ndarray, "time channel"]) -> Bool[np.ndarray, "time"]:
    """Where every channel is known."""
    return np.asarray(np.isfinite(values).all(axis=1))


def runs(mask: Bool[np.ndarray, "time"]) -> list[tuple[int, int]]:
    """First and one-past-last index of every stretch where a mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def low_pass(
    values: Float[np.ndarray, "time channel"],
    time: Float[np.ndarray, "time"],
    cutoff_hz: float = CUTOFF_HZ,
) -> Float[np.ndarray, "time channel"]:
    """Butterworth filter of second order, run forwards and backwards, which doubles the order and
    leaves no lag; stretch by stretch where values are missing.

    A stretch too short to filter, and a recording whose rate leaves nothing to take out, stay as
    they are.

    Args:
        values: NaN where missing.
        time: evenly spaced sample times, in seconds.
        cutoff_hz: where the power is halved.
    """
    rate = 1.0 / float(np.median(np.diff(time)))
    relative = 2.0 * cutoff_hz / _PASSES / rate
    smooth = values.copy()
    if relative >= 1.0:
        return smooth
    padding = round(rate / cutoff_hz)
    for start, end in runs(complete(values)):
        if end - start > max(padding, 6):
            smooth[start:end] = _both_ways(values[start:end], relative, padding)
    return smooth


def _both_ways(
    values: Float[np.ndarray, "time channel"], relative: float, padding: int
) -> Float[np.ndarray, "time channel"]:
    """The filter once in each direction, the values continued at both ends by their reflection.

    Args:
        values: complete.
        relative: cutoff, in half the sampling rate.
        padding: samples by which the ends are continued.
    """
    before = 2.0 * values[:1] - values[padding:0:-1]
    after = 2.0 * values[-1:] - values[-2 : -padding - 2 : -1]
    longer = np.concatenate([before, values, after])
    there = _once(longer, relative)
    return _once(there[::-1], relative)[::-1][padding : padding + len(values)]


def _once(values: Float[np.ndarray, "time channel"], relative: float) -> np.ndarray:
    """Second-order Butterworth low-pass by the bilinear transform, started as if at rest.

    The recursion y[n] + a1 y[n-1] + a2 y[n-2] = b0 x[n] + b1 x[n-1] + b2 x[n-2] is a banded
    system. (SciPy's own filters come with all of `scipy.signal`, which takes longer to load than
    a walk takes to measure.)
    """
    warped = np.tan(np.pi * relative / 2.0)
    scale = 1.0 / (1.0 + np.sqrt(2.0) * warped + warped**2)
    b = warped**2 * scale
    a1, a2 = 2.0 * (warped**2 - 1.0) * scale, (1.0 - np.sqrt(2.0) * warped + warped**2) * scale
    driven = b * values
    driven[1:] += 2.0 * b * values[:-1]
    driven[2:] += b * values[:-2]
    # What two earlier samples like the first would have left: the gain at rest is one.
    driven[0] += (1.0 - b) * values[0]
    driven[1] += (b - a2) * values[0]
    bands = np.ones((3, len(values)))
    bands[1], bands[2] = a1, a2
    return solve_banded((2, 0), bands, driven)


def velocity(
    positions: Float[np.ndarray, "time channel"], time: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time channel"]:
    """Central differences, one-sided at the ends and beside gaps; NaN where alone."""
    rate = np.full(positions.shape, np.nan)
    for start, end in runs(complete(positions)):
        if end - start >= 2:
            rate[start:end] = np.gradient(positions[start:end], time[start:end], axis=0)
    return rate


def at_time(
    when: float, time: Float[np.ndarray, "time"], values: Float[np.ndarray, "time channel"]
) -> Float[np.ndarray, "channel"]:
    """Values between samples, by straight lines; NaN beyond the recording or in a gap."""
    if not time[0] <= when <= time[-1]:
        return np.full(values.shape[1], np.nan)
    after = int(np.clip(np.searchsorted(time, when), 1, len(time) - 1))
    share = (when - time[after - 1]) / (time[after] - time[after - 1])
    if share in (0.0, 1.0):
        return values[after - 1 + int(share)].copy()
    return (1 - share) * values[after - 1] + share * values[after]
