"""Uniform cubic B-splines: smooth curves of known bandwidth with local support."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


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
    elapsed = jnp.asarray(time[valid] - start)
    first, interval = jnp.zeros_like(elapsed, shape=()), jnp.asarray(spacing, elapsed.dtype)
    basis = np.asarray(evaluate(jnp.eye(n_control, dtype=elapsed.dtype), first, interval, elapsed))
    slope = np.diff(np.eye(n_control), axis=0)
    bend = np.diff(slope, axis=0)
    weight = roughness * len(basis) / n_control
    basis = basis.astype(float)
    # The weight on slopes decides only where samples are too few to: one gives a constant.
    penalty = weight * bend.T @ bend + 1e-6 * weight * slope.T @ slope
    return np.linalg.solve(basis.T @ basis + penalty, basis.T @ samples[valid])
