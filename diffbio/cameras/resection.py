"""Placing one camera anew, from many points that it saw, some of them wrongly."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.adjustment import WIDTH, adjustment_of
from diffbio.cameras.rig import CameraRig

STEPS = 30

_SCALE_PER_MEDIAN = 1.5
"""Beyond so many median distances a point counts linearly (Huber)."""


def placed_anew(
    rig: CameraRig, points: Float[np.ndarray, "point 3"], pixels: Float[np.ndarray, "point 2"]
) -> CameraRig:
    """One camera with the pose that explains best what it saw; its lens stays.

    Gauss-Newton steps on Huber's loss, whose scale follows the median distance.

    Args:
        rig: one camera, near where it stands.
        points: in the world, in metres; many more than the three that a pose takes.
        pixels: where it saw them.
    """
    more = round_up_to_bucket(len(points)) - len(points)
    dtype = rig.focal_px.dtype
    weight = jnp.asarray(np.pad(np.ones(len(points)), (0, more)), dtype)
    filled = jnp.asarray(np.pad(points, ((0, more), (0, 0)), mode="edge"), dtype)
    seen = jnp.asarray(np.pad(pixels, ((0, more), (0, 0)), mode="edge"), dtype)
    anonymous = dataclasses.replace(rig, names=("camera",), image_size=((1, 1),))
    found = _placed(anonymous, filled, seen, weight)
    return dataclasses.replace(found, names=rig.names, image_size=rig.image_size)


@eqx.filter_jit
def _placed(
    rig: CameraRig,
    points: Float[Array, "point 3"],
    pixels: Float[Array, "point 2"],
    weight: Float[Array, "point"],
) -> CameraRig:
    def moved(rig: CameraRig, change: Float[Array, "6"]) -> CameraRig:
        columns = jnp.concatenate([change, jnp.zeros(WIDTH - 6, change.dtype)])
        return rig.adjusted(adjustment_of(columns[None]))

    def step(_, rig: CameraRig) -> CameraRig:
        def residual(change: Float[Array, "6"]) -> Float[Array, "point 2"]:
            return moved(rig, change).project(points)[0] - pixels

        nothing = jnp.zeros(6, points.dtype)
        miss, slope = residual(nothing), jax.jacfwd(residual)(nothing)
        distance = jnp.sqrt(jnp.sum(miss**2, axis=1))
        scale = _SCALE_PER_MEDIAN * jnp.nanmedian(jnp.where(weight > 0.0, distance, jnp.nan))
        counts = weight * jnp.minimum(1.0, scale / jnp.maximum(distance, 1e-12))
        normal = jnp.einsum("p,pia,pib->ab", counts, slope, slope)
        right = jnp.einsum("p,pia,pi->a", counts, slope, miss)
        return moved(rig, -jnp.linalg.solve(normal, right))

    return jax.lax.fori_loop(0, STEPS, step, rig)
