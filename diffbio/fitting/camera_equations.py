"""The cameras' columns of the Gauss-Newton system: poses, lenses and clocks.

To turn a camera is to turn all points the other way about its centre, so poses need no derivative
of a projection beyond that by the points. Lens and clock move the pictures of all points, and
enter by those derivatives.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.body.jacobian import Twists, cross
from diffbio.fitting.sight import Instruments, Sight, moments, symmetric


class CameraColumns(NamedTuple):
    """The cameras' columns; of each camera its rotation and shift, then lens and clock.

    Poses are here twists about the camera's own centre, in world axes.
    """

    border: Float[Array, "time 6 carrier column"]
    corner: Float[Array, "column column"]
    offsets: Float[Array, "offset column"]
    gradient: Float[Array, "column"]


def camera_columns(
    twists: Twists,
    sight: Sight,
    root: Float[Array, "time 3"],
    instruments: Instruments,
    onto: Float[Array, "marker carrier"],
) -> CameraColumns:
    """All columns of the cameras; none where nothing about them is unknown."""
    n_camera, n_time = len(instruments.rig.names), root.shape[0]
    away = root.T[:, None] - instruments.rig.centres.T[:, :, None]
    lever = twists.arm[:, None] + away[..., None]
    # First axes: (6 of a twist or 3 of an offset or column) against column, per camera.
    border, corner, offsets, gradient = [], {}, [], []
    if instruments.turn is not None:
        columns, corner[0, 0] = _turned(twists, sight, away, onto)
        border.append(columns)
        offsets.append(_turned_offsets(twists, sight, lever))
        gradient.append(_turned_gradient(sight, lever))
    if instruments.images is not None:
        au, av = instruments.images
        wu, wv = sight.weight[None] * au, sight.weight[None] * av
        du, dv = sight.slopes
        pull = du[:, None] * wu[None] + dv[:, None] * wv[None]
        arm = twists.arm[:, None, None]
        border.append(jnp.concatenate([cross(arm, pull), pull]) @ onto)
        offsets.append(_in_carriers(twists, pull).sum(3))
        corner[1, 1] = jnp.einsum("actm,bctm->abc", wu, au) + jnp.einsum("actm,bctm->abc", wv, av)
        eu, ev = sight.errors
        gradient.append((wu * eu[None] + wv * ev[None]).sum((2, 3)))
        if instruments.turn is not None:
            about = jnp.concatenate([cross(lever[:, None], pull), -pull])
            corner[0, 1] = about.sum((3, 4))
            corner[1, 0] = jnp.swapaxes(corner[0, 1], 0, 1)
    if not gradient:
        n_offset = 3 * onto.shape[0]
        nothing = jnp.zeros((n_time, 6, onto.shape[1], 0), root.dtype)
        empty = jnp.zeros((n_offset, 0), root.dtype)
        return CameraColumns(nothing, empty[:0], empty, empty[0])
    kinds = sorted({row for row, _ in corner})
    own = jnp.concatenate(
        [jnp.concatenate([corner[row, column] for column in kinds], axis=1) for row in kinds]
    )
    width = own.shape[0]
    eye = jnp.eye(n_camera, dtype=root.dtype)[:, None, :, None]
    size = n_camera * width
    return CameraColumns(
        jnp.transpose(jnp.concatenate(border, axis=1), (3, 0, 4, 2, 1)).reshape(
            n_time, 6, -1, size
        ),
        (jnp.transpose(own, (2, 0, 1))[:, :, None] * eye).reshape(size, size),
        jnp.transpose(jnp.concatenate(offsets, axis=1), (3, 0, 2, 1)).reshape(-1, size),
        jnp.concatenate(gradient).T.reshape(-1),
    )


def _turned(
    twists: Twists,
    sight: Sight,
    away: Float[Array, "3 camera time"],
    onto: Float[Array, "marker carrier"],
) -> tuple[Float[Array, "6 6 camera time carrier"], Float[Array, "6 6 camera"]]:
    """Twists of bodies against twists of cameras, and those against themselves."""
    unique = moments(twists.arm, sight.information) @ onto
    per_body = symmetric(jax.lax.optimization_barrier(unique))

    def about_centre(block: Float[Array, "6 *rest"], shift: Float[Array, "3 *#rest"]) -> Array:
        return jnp.concatenate([block[:3] + cross(shift, block[3:]), -block[3:]])

    # Columns first: what a turn of the camera does to the twist of a body.
    columns = jnp.swapaxes(per_body, 0, 1)
    columns = about_centre(columns, away[:, None, :, :, None])
    total = jnp.swapaxes(columns.sum(-1), 0, 1)
    return jnp.swapaxes(columns, 0, 1), about_centre(total, away[:, None]).sum(-1)


def _turned_offsets(
    twists: Twists, sight: Sight, lever: Float[Array, "3 camera time marker"]
) -> Float[Array, "3 6 camera marker"]:
    """Markers' offsets against twists of cameras, summed over time.

    One sum at a time: to stack what is summed takes longer than the sums.
    """
    rotation, h = twists.rotation, sight.information
    each = []
    for axis in range(3):
        local = [
            jnp.asarray(sum(h[i][k] * rotation[k, axis][None] for k in range(3))) for i in range(3)
        ]
        each.append(_wrench_sums(local, lever, 1))
    return jnp.stack(each)


def _turned_gradient(
    sight: Sight, lever: Float[Array, "3 camera time marker"]
) -> Float[Array, "6 camera"]:
    return _wrench_sums(list(sight.gradient), lever, (1, 2))


def _wrench_sums(
    force: list[Array], lever: Float[Array, "3 camera time marker"], axis: int | tuple[int, ...]
) -> Float[Array, "6 *rest"]:
    """What forces on points do to a camera: moments and forces the other way, summed."""
    moment = [
        (lever[(i + 1) % 3] * force[(i + 2) % 3] - lever[(i + 2) % 3] * force[(i + 1) % 3]).sum(
            axis
        )
        for i in range(3)
    ]
    return jnp.stack([*moment, *(-f.sum(axis) for f in force)])


def _in_carriers(
    twists: Twists, world: Float[Array, "3 column camera time marker"]
) -> Float[Array, "3 column camera time marker"]:
    """World vectors at the markers, in the frames of the markers' carriers."""
    rotation = twists.rotation[:, :, None, None]
    return jnp.stack([sum(rotation[k, i] * world[k] for k in range(3)) for i in range(3)])
