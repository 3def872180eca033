"""What is unknown of a camera, and how pictures depend on its lens."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.cameras.rig import CameraRig

LENS = ("focal", "aspect", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
"""Unknowns of a lens: logarithms of the focal length and of fy / fx, then OpenCV's own. Those of
a fisheye lens are k1 k2 k3 k4 in the places of k1 k2 p1 p2."""

WIDTH = 6 + len(LENS)
"""Unknowns of a camera: its turn about its own centre in its own axes (radians), the movement of
the centre in the world (metres), and the lens."""


def lens_derivatives(
    rig: CameraRig, world: Float[Array, "camera sighting corner 3"]
) -> tuple[Float[Array, "9 camera *rest"], Float[Array, "9 camera *rest"]]:
    """Derivatives of u and of v by the unknowns of the lens."""

    def image(lens: Float[Array, "9"]) -> tuple[Array, Array]:
        each = jnp.broadcast_to(lens[None], (rig.focal_px.shape[0], len(LENS)))
        return with_lens_moved(rig, each).project_components(world, own=True)

    zero = jnp.zeros(len(LENS), rig.focal_px.dtype)
    along = [jax.jvp(image, (zero,), (axis,))[1] for axis in jnp.eye(len(LENS), dtype=zero.dtype)]
    u, v = zip(*along, strict=True)
    return jax.lax.optimization_barrier((jnp.stack(u), jnp.stack(v)))


def with_lens_moved(rig: CameraRig, change: Float[Array, "camera 9"]) -> CameraRig:
    """The rig with `LENS` of every camera changed."""
    logarithms = jnp.stack([change[:, 0], change[:, 0] + change[:, 1]], axis=1)
    return eqx.tree_at(
        lambda r: (r.focal_px, r.principal_px, r.distortion),
        rig,
        (
            rig.focal_px * jnp.exp(logarithms),
            rig.principal_px + change[:, 2:4],
            rig.distortion + change[:, 4:9],
        ),
    )
