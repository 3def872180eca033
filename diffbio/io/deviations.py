"""Standard deviations of what people read, from the covariances of what was fitted.

Everything here is the delta method: variances through the derivative at the estimate.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.fitting.fit import Fit
from diffbio.io.axes import OPENSIM_FROM_WORLD
from diffbio.io.coordinate_values import NINETY_PERCENT as NINETY_PERCENT

LEAST_KNOWN_ANGLE = float(np.pi / np.sqrt(3))
"""Radians: deviation of an angle of which nothing is known, evenly spread over a turn."""

_NEARLY_SIDEWAYS = 1e-6
"""Cosine of the pelvis list below which tilt and rotation turn about one axis."""


def pelvis_sd(
    root: Float[np.ndarray, "time 6 6"],
    lever: Float[np.ndarray, "time 3"],
    angles: Float[np.ndarray, "time 3"],
) -> Float[np.ndarray, "time 6"]:
    """Deviations of the pelvis in OpenSim's axes, from the covariance of the root.

    Args:
        root: covariance of position, in metres, and of a rotation vector on the left in the
            world frame, in radians.
        lever: from the root's origin to the pelvis's, world frame, in metres; both move as one.
        angles: tilt, list and rotation, in radians (`axes.pelvis_angles`).

    Returns:
        Of tx, ty and tz in metres, then of tilt, list and rotation in radians, at most
        `LEAST_KNOWN_ANGLE`. Where the pelvis lies on its side, tilt and rotation are one
        angle, and of neither alone anything is known.
    """
    n_time = len(root)
    slope = np.zeros((n_time, 6, 6))
    x, y, z = lever.T
    o = np.zeros_like(x)
    # A turn by w moves the pelvis by w x lever.
    across = np.stack([o, z, -y, -z, o, x, y, -x, o], axis=-1).reshape(-1, 3, 3)
    slope[:, :3, :3] = OPENSIM_FROM_WORLD
    slope[:, :3, 3:] = OPENSIM_FROM_WORLD @ across
    slope[:, 3:, 3:] = _angles_by_turn(angles) @ OPENSIM_FROM_WORLD
    variance = np.einsum("tij,tjk,tik->ti", slope, root, slope)
    sd = np.sqrt(np.maximum(variance, 0.0))
    sd[:, 3:] = np.minimum(sd[:, 3:], LEAST_KNOWN_ANGLE)
    return sd


def _angles_by_turn(angles: Float[np.ndarray, "time 3"]) -> Float[np.ndarray, "time 3 3"]:
    """Derivatives of intrinsic Z-X-Y angles by a rotation vector on the left.

    With the turn w written in the axes after the first rotation, a = Rz' w, the angles obey
    a = (list', cos(list) rotation', tilt' + sin(list) rotation').
    """
    tilt, lean = angles[:, 0], angles[:, 1]
    o, one = np.zeros_like(tilt), np.ones_like(tilt)
    cosine = np.maximum(np.cos(lean), _NEARLY_SIDEWAYS)
    tangent = np.sin(lean) / cosine
    turned_back = [np.cos(tilt), np.sin(tilt), o, -np.sin(tilt), np.cos(tilt), o, o, o, one]
    rates = [o, -tangent, one, one, o, o, o, 1.0 / cosine, o]
    first = np.stack(turned_back, axis=-1).reshape(-1, 3, 3)
    return np.stack(rates, axis=-1).reshape(-1, 3, 3) @ first


def scale_sd(fit: Fit) -> Float[np.ndarray, "segment"] | None:
    """Deviation of every segment's size relative to the base model; None without uncertainty."""
    if fit.uncertainty is None:
        return None
    scale = np.exp(np.asarray(fit.parameters.log_scale, float))
    return scale * np.sqrt(np.diagonal(fit.uncertainty.log_scale))


def height_sd(fit: Fit) -> float | None:
    """Deviation of the standing height, in metres; None where either is not known."""
    if fit.uncertainty is None:
        return None
    slopes = _height_slopes(fit.body, tuple(np.asarray(fit.parameters.log_scale, float).tolist()))
    if slopes is None:
        return None
    return float(np.sqrt(max(slopes @ fit.uncertainty.log_scale @ slopes, 0.0)))


@functools.lru_cache(maxsize=8)
def _height_slopes(
    body: BodyModel, log_scale: tuple[float, ...]
) -> Float[np.ndarray, "segment"] | None:
    """Derivative of the height by the log scales, in metres."""

    def height(scale: Float[np.ndarray, "segment"]) -> float | None:
        offset = jnp.zeros((len(body.marker_names), 3))
        return body.height(BodyParameters(jnp.asarray(np.log(scale)), offset))

    scale = np.exp(np.asarray(log_scale))
    given = height(scale)
    if given is None:
        return None
    # The height is a sum of lengths, each proportional to one scale, so that the difference
    # over any step is the derivative; a large one loses nothing to single precision.
    eye = np.eye(len(scale))
    return np.array([(height(scale * (1.0 + row)) or given) - given for row in eye])


def length_sd(
    vector: Float[np.ndarray, "*any 3"], sd: Float[np.ndarray, "*any 3"]
) -> Float[np.ndarray, "*any"]:
    """Deviation of the length of vectors whose components have deviations of their own.

    The covariances between the components are not used. Of a vector that vanishes, the usual
    deviation of a component is returned.
    """
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    even = np.full_like(vector, 1 / np.sqrt(3.0))
    direction = np.where(length > 0, vector / np.where(length > 0, length, 1.0), even)
    return np.linalg.norm(direction * sd, axis=-1)


def pelvis_moves_with_root(body: BodyModel) -> bool:
    """Whether no joint lies between the root and the pelvis."""
    if body.pelvis_name is None:
        return True
    moved = {joint.body for joint in body.skeleton.joints}
    one = body.body_names.index(body.pelvis_name)
    while one > 0:
        if one in moved:
            return False
        one = body.body_parents[one]
    return True
