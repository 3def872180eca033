"""The cameras' columns of the Gauss-Newton system: poses, lenses and clocks.

To turn a camera is to turn all points the other way about its centre, so poses need no derivative
of a projection beyond that by the points. Lens and clock move the pictures of all points, and
enter by those derivatives.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.body.jacobian import TwistKinematics, Twists, cross
from diffbio.fitting.composite import PLACE, beyond, moments, pressed
from diffbio.fitting.sight import Instruments, Sight


class CameraColumns(NamedTuple):
    """The cameras' columns; of each camera its rotation and shift, then lens and clock.

    Poses are here twists about the camera's own centre, in world axes.

    Attributes:
        movers: against the movers, at every time.
        corner: against each other.
        offsets: against marker offsets.
        gradient: of the cost.
    """

    movers: Float[Array, "column time mover"]
    corner: Float[Array, "column column"]
    offsets: Float[Array, "offset column"]
    gradient: Float[Array, "column"]


def camera_columns(
    kinematics: TwistKinematics,
    twists: Twists,
    sight: Sight,
    root: Float[Array, "3 time"],
    instruments: Instruments,
) -> CameraColumns:
    """All columns of the cameras; none where nothing about them is unknown."""
    n_camera = len(instruments.rig.names)
    away = root[:, None] - instruments.rig.centres.T[:, :, None]
    lever = twists.arm[:, None] + away[:, :, None]
    # First axes: (nothing, 3 of an offset or column) against column, per camera.
    movers, corner, offsets, gradient = [], {}, [], []
    if instruments.turn is not None:
        columns, corner[0, 0] = _turned(kinematics, twists, sight, away)
        movers.append(columns)
        offsets.append(_turned_offsets(twists, sight, lever))
        gradient.append(_turned_gradient(sight, lever))
    if instruments.images is not None:
        au, av = instruments.images
        wu, wv = sight.weight[None] * au, sight.weight[None] * av
        du, dv = sight.slopes
        pull = du[:, None] * wu[None] + dv[:, None] * wv[None]
        arm = twists.arm[:, None, None]
        wrench = beyond(kinematics.carried, jnp.concatenate([cross(arm, pull), pull]))
        # Term by term: XLA on a CPU (jax 0.10.2) gets this sum wrong in single precision, and
        # gives the later half of the cameras the columns of the first.
        movers.append(jnp.asarray(sum(twists.twist[i][None, None] * wrench[i] for i in range(6))))
        offsets.append(_in_carriers(twists, pull).sum(4))
        corner[1, 1] = jnp.einsum("acmt,bcmt->abc", wu, au) + jnp.einsum("acmt,bcmt->abc", wv, av)
        eu, ev = sight.errors
        gradient.append((wu * eu[None] + wv * ev[None]).sum((2, 3)))
        if instruments.turn is not None:
            about = jnp.concatenate([cross(lever[:, None], pull), -pull])
            corner[0, 1] = about.sum((3, 4))
            corner[1, 0] = jnp.swapaxes(corner[0, 1], 0, 1)
    if not gradient:
        nothing = jnp.zeros((0, root.shape[1], len(kinematics.carried)), root.dtype)
        empty = jnp.zeros((kinematics.carried.shape[1] * 3, 0), root.dtype)
        return CameraColumns(nothing, empty[:0], empty, empty[0])
    kinds = sorted({row for row, _ in corner})
    own = jnp.concatenate(
        [jnp.concatenate([corner[row, column] for column in kinds], axis=1) for row in kinds]
    )
    width = own.shape[0]
    eye = jnp.eye(n_camera, dtype=root.dtype)[:, None, :, None]
    size = n_camera * width
    by_mover = jnp.transpose(jnp.concatenate(movers), (1, 0, 3, 2))
    return CameraColumns(
        by_mover.reshape(size, *by_mover.shape[2:]),
        (jnp.transpose(own, (2, 0, 1))[:, :, None] * eye).reshape(size, size),
        jnp.transpose(jnp.concatenate(offsets, axis=1), (3, 0, 2, 1)).reshape(-1, size),
        jnp.concatenate(gradient).T.reshape(-1),
    )


def _turned(
    kinematics: TwistKinematics,
    twists: Twists,
    sight: Sight,
    away: Float[Array, "3 camera time"],
) -> tuple[Float[Array, "6 camera mover time"], Float[Array, "6 6 camera"]]:
    """Movers of the body against twists of cameras, and those against themselves."""
    each = moments(twists.arm, sight.information)
    unique = beyond(kinematics.carried, each)
    # All markers are beyond the root.
    total = jnp.stack([jnp.stack([unique[PLACE[i][j], :, 0] for j in range(6)]) for i in range(6)])

    def about_centre(block: Float[Array, "6 *rest"], shift: Float[Array, "3 *#rest"]) -> Array:
        return jnp.concatenate([block[:3] + cross(shift, block[3:]), -block[3:]])

    columns = about_centre(pressed(unique, twists.twist), away[:, :, None])
    total = jnp.swapaxes(about_centre(total, away[:, None]), 0, 1)
    return columns, about_centre(total, away[:, None]).sum(-1)


def _turned_offsets(
    twists: Twists, sight: Sight, lever: Float[Array, "3 camera marker time"]
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
        each.append(_wrench_sums(local, lever, 2))
    return jnp.stack(each)


def _turned_gradient(
    sight: Sight, lever: Float[Array, "3 camera marker time"]
) -> Float[Array, "6 camera"]:
    return _wrench_sums(list(sight.gradient), lever, (1, 2))


def _wrench_sums(
    force: list[Array], lever: Float[Array, "3 camera marker time"], axis: int | tuple[int, ...]
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
    twists: Twists, world: Float[Array, "3 column camera marker time"]
) -> Float[Array, "3 column camera marker time"]:
    """World vectors at the markers, in the frames of the markers' carriers."""
    rotation = twists.rotation[:, :, None, None]
    return jnp.stack([sum(rotation[k, i] * world[k] for k in range(3)) for i in range(3)])
