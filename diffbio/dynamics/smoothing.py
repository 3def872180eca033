"""Smoothing splines of a stated bandwidth: the one filter of motions and of plates.

A spline with knots far closer than the bandwidth needs, whose third derivative is penalised: as
Woltring's quintic (1986, Adv. Eng. Software 8:104) it keeps what is slower and lets what is faster
fade by the sixth power of the frequency, without lag, and knots have no say in it.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.interpolate import BSpline
from scipy.linalg import solveh_banded

from diffbio.signals import evaluate

KNOTS_PER_PERIOD = 4
"""Of the bandwidth's frequency: twice as many as Nyquist asks for."""

_PENALTY = np.array([-1.0, 3.0, -3.0, 1.0])


class SmoothingSpline(NamedTuple):
    """A uniform cubic B-spline, as `diffbio.signals.evaluate` takes it."""

    control: Float[np.ndarray, "control channel"]
    start: float
    spacing: float

    def __call__(self, time: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time channel"]:
        """Values at some times, in seconds."""
        parts = (jnp.asarray(part, float) for part in (*self, time))
        return np.asarray(evaluate(*parts), float)


def smoothing_spline(
    time: Float[np.ndarray, "time"],
    samples: Float[np.ndarray, "time channel"],
    bandwidth_hz: float,
) -> SmoothingSpline:
    """The smooth curve nearest to samples.

    Args:
        time: of the samples, in seconds, evenly spaced.
        samples: all known.
        bandwidth_hz: frequency of which half the amplitude is left, as after the two passes of
            a filter of the same cutoff.
    """
    spacing = 1.0 / (KNOTS_PER_PERIOD * bandwidth_hz)
    length = float(time[-1] - time[0])
    count = max(int(np.ceil(length / spacing - 1e-9)), 1) + 3
    knots = time[0] + spacing * (np.arange(count + 4) - 3)
    # Rounding may put the last sample a hair beyond the last knot.
    design = BSpline.design_matrix(np.clip(time, knots[3], knots[-4]), knots, 3)
    gram = design.T @ design
    normal = np.zeros((4, count))
    for below in range(4):
        normal[below, : count - below] = gram.diagonal(-below)
    stiffness = len(time) / max(length / spacing, 1.0) * _stiffness(2 * np.pi / KNOTS_PER_PERIOD)
    rows = count - 3
    for a in range(4):
        for b in range(a, 4):
            normal[b - a, a : a + rows] += stiffness * _PENALTY[a] * _PENALTY[b]
    control = solveh_banded(normal, design.T @ samples, lower=True)
    return SmoothingSpline(control, float(time[0]), spacing)


def _stiffness(turn: float) -> float:
    """Weight of the penalty per sample of a knot interval that halves one frequency.

    Args:
        turn: phase from one knot to the next of that frequency, in radians.
    """
    # Fourier symbols of the basis functions' overlaps, and of the squared third difference.
    overlap = 151 / 315 + 397 / 840 * np.cos(turn) + np.cos(2 * turn) / 21
    overlap += np.cos(3 * turn) / 2520
    return overlap / (2.0 * np.sin(turn / 2.0)) ** 6
