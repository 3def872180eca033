"""What the cameras say about markers and bodies: information matrices, robust weights included."""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from diffbio.cameras import CameraRig
from diffbio.fitting.residuals import Reprojection


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
    gradient: Float[Array, "3 camera marker time"]
    weight: Float[Array, "camera marker time"]
    slopes: tuple[Float[Array, "3 camera marker time"], Float[Array, "3 camera marker time"]]
    errors: tuple[Float[Array, "camera marker time"], Float[Array, "camera marker time"]]


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
        tuple[Float[Array, "extra camera marker time"], Float[Array, "extra camera marker time"]]
        | None
    )


def look(
    reprojection: Reprojection,
    rig: CameraRig,
    points: Float[Array, "marker time 3"] | Float[Array, "camera marker time 3"],
) -> Sight:
    """Information of every camera about every marker."""
    u, v, du, dv = rig.project_derivatives(points, own=points.ndim == 4)
    weight = reprojection.information(u, v)
    du, dv, wu, wv = jax.lax.optimization_barrier((du, dv, weight[None] * du, weight[None] * dv))
    eu, ev = u - reprojection.u_px, v - reprojection.v_px
    gradient = wu * eu[None] + wv * ev[None]
    upper = {(i, j): wu[i] * du[j] + wv[i] * dv[j] for i in range(3) for j in range(i, 3)}
    upper, gradient = jax.lax.optimization_barrier((upper, gradient))
    information = [[upper[min(i, j), max(i, j)] for j in range(3)] for i in range(3)]
    return Sight(information, gradient, weight, (du, dv), (eu, ev))
