"""What the cameras say about markers and bodies: information matrices, robust weights included."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body.jacobian import cross
from diffbio.cameras import CameraRig
from diffbio.fitting.residuals import Reprojection

PAIRS = tuple(itertools.combinations_with_replacement(range(6), 2))
SYMMETRIC = np.asarray([[PAIRS.index((min(a, b), max(a, b))) for b in range(6)] for a in range(6)])


class Sight(NamedTuple):
    """What the cameras say about the markers, in world axes; robust weights taken into account.

    Attributes:
        information: about each marker's position, (x, y, z) against (x, y, z).
        gradient: of the cost with respect to each marker's position.
        weight: inverse variance of each detection, per squared pixel.
        slopes: derivatives of u and of v in world coordinates.
        errors: projected minus detected, u and v, in pixels.
    """

    information: list[list[Array]]
    gradient: Float[Array, "3 camera time marker"]
    weight: Float[Array, "camera time marker"]
    slopes: tuple[Float[Array, "3 camera time marker"], Float[Array, "3 camera time marker"]]
    errors: tuple[Float[Array, "camera time marker"], Float[Array, "camera time marker"]]


class Instruments(NamedTuple):
    """The cameras as they stand, and which of their corrections are unknown.

    Attributes:
        rig: the cameras.
        turn: rotation vectors they were turned by; None where poses are known.
        images: derivatives of u and of v by the other unknown corrections of the camera, of
            lens and clock; None where those are known.
    """

    rig: CameraRig
    turn: Float[Array, "camera 3"] | None
    images: (
        tuple[Float[Array, "extra camera time marker"], Float[Array, "extra camera time marker"]]
        | None
    )


def look(
    reprojection: Reprojection,
    rig: CameraRig,
    points: Float[Array, "time marker 3"] | Float[Array, "camera time marker 3"],
) -> Sight:
    """Information of every camera about every marker."""
    u, v, du, dv = rig.project_derivatives(points, own=points.ndim == 4)
    weight = reprojection.information(u, v)
    du, dv, wu, wv = jax.lax.optimization_barrier((du, dv, weight[None] * du, weight[None] * dv))
    eu, ev = u - reprojection.u_px, v - reprojection.v_px
    gradient = wu * eu[None] + wv * ev[None]
    information = [[wu[i] * du[j] + wv[i] * dv[j] for j in range(3)] for i in range(3)]
    information, gradient = jax.lax.optimization_barrier((information, gradient))
    return Sight(information, gradient, weight, (du, dv), (eu, ev))


def moments(
    arm: Float[Array, "3 time marker"], information: list[list[Array]]
) -> Float[Array, "21 *camera time marker"]:
    """Information about a twist from that about a point, upper triangle, about the root."""
    cameras = information[0][0].ndim - 2
    p = jnp.expand_dims(arm, tuple(range(1, 1 + cameras)))
    h = jnp.stack([jnp.stack(row) for row in information])
    # Column by column p x H, then row by row p x (that).
    mixed = cross(p[:, None], h)
    turning = cross(p[:, None], jnp.swapaxes(mixed, 0, 1))
    blocks = {(0, 0): turning, (0, 1): mixed, (1, 1): h}
    unique = [blocks[a // 3, b // 3][a % 3, b % 3] for a, b in PAIRS]
    return jax.lax.optimization_barrier(jnp.stack(unique))


def symmetric(unique: Float[Array, "21 *rest"]) -> Float[Array, "6 6 *rest"]:
    """All elements of symmetric matrices from their upper triangles."""
    return unique[SYMMETRIC.ravel()].reshape(6, 6, *unique.shape[1:])
