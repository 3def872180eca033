"""Cameras from points whose places are known, within their survey's error: least squares.

The unknowns are the pose of every camera, its focal length where asked for, and by how many of its
standard deviations each point lies off its survey. Points that are taken as exact have a deviation
of zero, so that their unknowns move nothing and stay at zero.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.adjustment import WIDTH as ADJUSTMENT_WIDTH
from diffbio.cameras.adjustment import adjustment_of
from diffbio.cameras.calibration.damping import Descent, descend
from diffbio.cameras.rig import CameraRig

WIDTH = 7
"""Unknowns of a camera: its turn about its own centre in its own axes (radians), the movement of
the centre in the world (metres), and the logarithm of its focal lengths."""

MAX_STEPS = 60
_ENOUGH = 1e-14
"""A step that changes the cost by a smaller share is the last."""


class KnownPoints(NamedTuple):
    """What is known of points, and where cameras saw them.

    Attributes:
        places: surveyed, in metres.
        place_sd: standard deviation per axis, in metres; 0 is exact.
        pixels: where each camera saw each point; finite also where it did not.
        weight: one over the standard deviation of that, per pixel; 0 where it counts for nothing.
    """

    places: Float[Array, "point 3"]
    place_sd: Float[Array, "point"]
    pixels: Float[Array, "camera point 2"]
    weight: Float[Array, "camera point"]


class Located(NamedTuple):
    """Cameras, adjusted.

    Attributes:
        rig: the cameras.
        shift: how far each point lies off its survey, in its standard deviations.
        residual_px: projected minus seen, of all points, also of those that did not count.
        covariance: of the cameras' unknowns and the points' shifts; 0 for what is held.
        left_out_px: as `residual_px`, predicted from all that was seen but this one, to first
            order; not finite where the rest does not determine it. Zero where nothing counted.
        redundancy: of every camera: numbers seen, less unknowns they had to determine.
        cost: half the weighted squares.
        steps: taken.
    """

    rig: CameraRig
    shift: Float[Array, "point 3"]
    residual_px: Float[Array, "camera point 2"]
    covariance: Float[Array, "unknown unknown"]
    left_out_px: Float[Array, "camera point 2"]
    redundancy: Float[Array, "camera"]
    cost: Float[Array, ""]
    steps: Int[Array, ""]


@eqx.filter_jit
def locate(rig: CameraRig, known: KnownPoints, free_focal: Bool[Array, "camera"]) -> Located:
    """Minimise the weighted squares, by Levenberg and Marquardt's method.

    Args:
        rig: where to start, in front of the points.
        known: the points.
        free_focal: of which cameras the focal length is sought.
    """

    def step(now: tuple[CameraRig, Float[Array, "point 3"]], damping: Float[Array, ""]):
        residual, slope = _equations(*now, known, free_focal)
        normal, right = _normal(residual, slope, now[1], free_focal)
        damped = normal + damping * jnp.diag(jnp.diag(normal))
        return _moved(*now, -jnp.linalg.solve(damped, right))

    start = rig, jnp.zeros_like(known.places)
    end = descend(start, lambda now: _cost(*now, known), step, enough=_ENOUGH, max_steps=MAX_STEPS)
    return _concluded(end, known, free_focal)


def _concluded(end: Descent, known: KnownPoints, free_focal: Bool[Array, "camera"]) -> Located:
    rig, shift = end.unknowns
    residual, slope = _equations(rig, shift, known, free_focal)
    normal, _ = _normal(residual, slope, shift, free_focal)
    held = _held(free_focal, shift)
    covariance = jnp.where(held[:, None] | held[None], 0.0, jnp.linalg.inv(normal))
    explained = jnp.einsum("cpiu,uv,cpjv->cpij", slope, covariance, slope)
    left = jnp.eye(2, dtype=residual.dtype)[None, None] - explained
    predicted = jnp.linalg.solve(left, residual[..., None])[..., 0]
    counted = known.weight > 0.0
    weight = jnp.where(counted, known.weight, 1.0)[..., None]
    taken = jnp.trace(explained, axis1=2, axis2=3).sum(1)
    return Located(
        rig,
        shift,
        _residual_px(rig, shift, known),
        covariance,
        jnp.where(counted[..., None], predicted / weight, 0.0),
        2.0 * counted.sum(1).astype(residual.dtype) - taken,
        end.cost,
        end.steps,
    )


def _residual_px(
    rig: CameraRig, shift: Float[Array, "point 3"], known: KnownPoints
) -> Float[Array, "camera point 2"]:
    places = known.places + known.place_sd[:, None] * shift
    return rig.project(places) - known.pixels


def _cost(rig: CameraRig, shift: Float[Array, "point 3"], known: KnownPoints) -> Float[Array, ""]:
    whitened = known.weight[..., None] * _residual_px(rig, shift, known)
    return 0.5 * jnp.sum(whitened**2) + 0.5 * jnp.sum(shift**2)


def _equations(
    rig: CameraRig,
    shift: Float[Array, "point 3"],
    known: KnownPoints,
    free_focal: Bool[Array, "camera"],
) -> tuple[Float[Array, "camera point 2"], Float[Array, "camera point 2 unknown"]]:
    """Residuals in standard deviations, and their derivatives by all unknowns."""

    def residual(change: Float[Array, "unknown"]) -> Float[Array, "camera point 2"]:
        return known.weight[..., None] * _residual_px(*_moved(rig, shift, change), known)

    held = _held(free_focal, shift)
    nothing = jnp.zeros(held.shape, shift.dtype)
    slope = jax.jacfwd(residual)(nothing)
    return residual(nothing), jnp.where(held[None, None, None], 0.0, slope)


def _normal(
    residual: Float[Array, "camera point 2"],
    slope: Float[Array, "camera point 2 unknown"],
    shift: Float[Array, "point 3"],
    free_focal: Bool[Array, "camera"],
) -> tuple[Float[Array, "unknown unknown"], Float[Array, "unknown"]]:
    flat = slope.reshape(-1, slope.shape[-1])
    size = free_focal.shape[0] * WIDTH
    # Ones on the diagonal: the prior of the points, and what is held.
    own = _held(free_focal, shift).at[size:].set(True).astype(flat.dtype)
    prior = jnp.concatenate([jnp.zeros(size, flat.dtype), shift.reshape(-1)])
    return flat.T @ flat + jnp.diag(own), flat.T @ residual.reshape(-1) + prior


def _held(free_focal: Bool[Array, "camera"], shift: Float[Array, "point 3"]) -> Bool[Array, "u"]:
    cameras = jnp.zeros((free_focal.shape[0], WIDTH), bool).at[:, 6].set(~free_focal)
    return jnp.concatenate([cameras.reshape(-1), jnp.zeros(shift.size, bool)])


def _moved(
    rig: CameraRig, shift: Float[Array, "point 3"], change: Float[Array, "unknown"]
) -> tuple[CameraRig, Float[Array, "point 3"]]:
    size = rig.focal_px.shape[0] * WIDTH
    columns = change[:size].reshape(-1, WIDTH)
    rest = jnp.zeros((columns.shape[0], ADJUSTMENT_WIDTH - WIDTH), columns.dtype)
    adjustment = adjustment_of(jnp.concatenate([columns, rest], axis=1))
    return rig.adjusted(adjustment), shift + change[size:].reshape(shift.shape)
