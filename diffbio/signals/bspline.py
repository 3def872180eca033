"""Uniform cubic B-splines: smooth curves of known bandwidth with local support."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.linalg import solveh_banded


def evaluate(
    control: Float[Array, "control channel"],
    start: Float[Array, ""],
    spacing: Float[Array, ""],
    time: Float[Array, "time"],
) -> Float[Array, "time channel"]:
    """Value of a spline; twice differentiable in time.

    Args:
        control: control points; `control[k]` weighs most at `start + (k - 1) * spacing`.
        start: time of the first knot, in seconds.
        spacing: time between knots, in seconds.
        time: where to evaluate, in seconds; beyond the knots the end segments continue.
    """
    u = (time - start) / spacing
    first = jnp.clip(jnp.floor(u), 0, control.shape[0] - 4)
    s = (u - first)[:, None]
    r = 1 - s
    index = first.astype(int)
    # Cubic basis functions of a uniform knot vector (de Boor 1978, ch. IX).
    return (
        control[index] * (r * r * r / 6)
        + control[index + 1] * ((3 * s * s * s - 6 * s * s + 4) / 6)
        + control[index + 2] * ((3 * r * r * r - 6 * r * r + 4) / 6)
        + control[index + 3] * (s * s * s / 6)
    )


def fit_control_points(
    time: Float[np.ndarray, "time"],
    samples: Float[np.ndarray, "time channel"],
    valid: Bool[np.ndarray, "time"],
    start: float,
    spacing: float,
    n_control: int,
    roughness: float = 1e-2,
) -> Float[np.ndarray, "control channel"]:
    """Control points of a spline that follows the valid samples.

    Where there are none it bends as little as its ends allow, and goes on straight beyond the
    last.

    Args:
        time: of the samples, in seconds.
        samples: what to follow; any number where not valid.
        valid: which samples to follow, at least one.
        start: time of the first knot, in seconds.
        spacing: time between knots, in seconds.
        n_control: number of control points, at least four.
        roughness: weight of the squared second difference of the control points against the
            mean squared distance to the samples of one knot interval; unitless.
    """
    u = (time[valid] - start) / spacing
    first, weights = _weights(u, n_control)
    normal, right = np.zeros((4, n_control)), np.zeros((n_control, samples.shape[1]))
    for a in range(4):
        np.add.at(right, first + a, weights[:, a, None] * samples[valid])
        for b in range(a, 4):
            np.add.at(normal[b - a], first + a, weights[:, a] * weights[:, b])
    # By the intervals that hold samples: how many more follow must not change the curve.
    bend = roughness * len(first) / max(float(np.ptp(u)), 1.0)
    # The weight on slopes decides only where samples are too few to: one gives a constant.
    for stiffness, difference in ((bend, (1.0, -2.0, 1.0)), (1e-6 * bend, (-1.0, 1.0))):
        rows = n_control - len(difference) + 1
        for a, at_a in enumerate(difference):
            for b, at_b in enumerate(difference[a:]):
                normal[b, a : a + rows] += stiffness * at_a * at_b
    return solveh_banded(normal, right, lower=True)


def _weights(
    u: Float[np.ndarray, "time"], n_control: int
) -> tuple[Int[np.ndarray, "time"], Float[np.ndarray, "time 4"]]:
    """First of the four control points that each sample feels, and their weights.

    Args:
        u: times since the first knot, in knot intervals.
        n_control: number of control points.
    """
    first = np.clip(np.floor(u).astype(int), 0, n_control - 4)
    s = u - first
    r = 1 - s
    parts = (r**3, 3 * s**3 - 6 * s**2 + 4, 3 * r**3 - 6 * r**2 + 4, s**3)
    return first, np.stack(parts, axis=1) / 6
