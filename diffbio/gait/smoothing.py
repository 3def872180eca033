"""Short gaps filled, noise taken out, and speeds, where positions are missing at times."""

import itertools

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import butter, sosfiltfilt

LONGEST_GAP = 0.1
"""Seconds that are bridged by a straight line. A tenth of a second is a sixth of a stance; what a
marker does in a longer gap is not known."""

CUTOFF_HZ = 10.0
"""Of the low-pass filter before speeds are taken. 99 % of the power of foot markers in walking is
below 6 Hz, contacts reach to 10 Hz (Winter, Sidwall and Hobson 1974, J Biomech 7:157)."""

_ORDER = 2
"""Run forwards and backwards, which doubles it and leaves no lag."""

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
    """Butterworth filter without lag, stretch by stretch where values are missing.

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
    sections = butter(_ORDER, relative, output="sos")
    padding = round(rate / cutoff_hz)
    for start, end in runs(complete(values)):
        if end - start > max(padding, 6):
            smooth[start:end] = sosfiltfilt(sections, values[start:end], axis=0, padlen=padding)
    return smooth


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
