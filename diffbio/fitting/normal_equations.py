"""The Gauss-Newton system of the detections: from pixels to an arrow over control points.

What all cameras say about one marker in one frame is a 3 x 3 information matrix and a gradient.
The markers of one body add up to the information about its twist, 6 x 6; the twists' own
derivatives turn that into a block per frame, and the spline's basis into a block per control
point.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body.jacobian import TwistKinematics, Twists, cross
from diffbio.fitting.camera_equations import camera_columns
from diffbio.fitting.sight import Instruments, Sight, moments, symmetric
from diffbio.geometry import left_jacobian


class FrameSystem(NamedTuple):
    """Second derivatives and gradient of the detections' term, one block per frame.

    Columns of `own` are the coordinates of the pose; then the shared unknowns: log scales,
    marker offsets, and what is unknown of each camera.

    Attributes:
        own: coordinates against coordinates.
        border: coordinates against shared unknowns, and, last, the gradient.
        corner: shared unknowns against each other, summed over time.
        gradient: of the shared unknowns.
    """

    own: Float[Array, "time n n"]
    border: Float[Array, "time n column"]
    corner: Float[Array, "shared shared"]
    gradient: Float[Array, "shared"]


def frame_system(
    kinematics: TwistKinematics,
    twists: Twists,
    root: Float[Array, "time 3"],
    sight: Sight,
    instruments: Instruments,
) -> FrameSystem:
    """The detections' system at one state.

    Args:
        kinematics: constants of the body.
        twists: of its carriers, at the sample times.
        root: origin of the root, in metres.
        sight: what the cameras say.
        instruments: the cameras, and what is unknown of them.
    """
    information = [[h.sum(0) for h in row] for row in sight.information]
    pull = sight.gradient.sum(1)
    n_time, _, n_carrier, n_column = twists.twist.shape
    n_scale = len(kinematics.body.segment_names)
    n = n_column - n_scale
    onto = jnp.asarray(np.eye(n_carrier)[kinematics.carrier], root.dtype)
    per_body = symmetric(moments(twists.arm, information) @ onto)
    per_body = jnp.transpose(per_body, (2, 0, 1, 3))
    turned = sum(per_body[:, :, c, :, None] * twists.twist[:, None, c] for c in range(6))
    offsets, offset_corner, offset_gradient = _offsets(twists, information, pull)
    expanded = offsets[:, :, None] * onto.T[None, None, :, :, None]
    wrench = jnp.concatenate([cross(twists.arm, pull), pull]) @ onto
    end = 3 * onto.shape[0]
    cameras = camera_columns(twists, sight, root, instruments, onto)
    columns = [turned, expanded.reshape(n_time, 6, n_carrier, end), cameras.border]
    columns.append(jnp.transpose(wrench, (1, 0, 2))[..., None])
    rows = twists.twist.reshape(n_time, 6 * n_carrier, n_column)
    right = jnp.concatenate(columns, axis=3).reshape(n_time, 6 * n_carrier, -1)
    rows, right = jax.lax.optimization_barrier((rows, right))
    product = jnp.swapaxes(rows, 1, 2) @ right
    scale_rows = product[:, n:].sum(0)
    end += n_scale
    corner = jnp.zeros((right.shape[2] - n - 1,) * 2, root.dtype)
    corner = corner.at[:n_scale].set(scale_rows[:, n:-1])
    corner = corner.at[n_scale:end, n_scale:end].set(offset_corner)
    corner = corner.at[n_scale:end, end:].set(cameras.offsets)
    corner = corner.at[end:, end:].set(cameras.corner)
    corner = jnp.triu(corner)
    corner = corner + jnp.triu(corner, 1).T
    gradient = [scale_rows[:, -1], offset_gradient.reshape(-1), cameras.gradient]
    to_parameters = _ToParameters(kinematics, twists, instruments)
    corner = to_parameters(to_parameters(corner).T)
    border = jnp.concatenate([to_parameters(product[:, :n, n:-1]), product[:, :n, -1:]], axis=2)
    return FrameSystem(
        product[:, :n, :n], border, corner, to_parameters(jnp.concatenate(gradient)[None])[0]
    )


def _offsets(
    twists: Twists, information: list[list[Array]], pull: Float[Array, "3 time marker"]
) -> tuple[
    Float[Array, "time 6 marker 3"],
    Float[Array, "offset offset"],
    Float[Array, "marker 3"],
]:
    """Markers' offsets against the twists of their carriers, each other, and the gradient."""
    rotation, h = twists.rotation, information
    turned = jnp.stack([sum(h[i][k][None] * rotation[k] for k in range(3)) for i in range(3)])
    arm = twists.arm[:, None]
    columns = jnp.concatenate([cross(arm, turned), turned])
    own = jnp.stack([(rotation[:, i, None] * turned).sum((0, 2)) for i in range(3)])
    n = own.shape[2]
    blocks = (
        jnp.transpose(own, (2, 0, 1))[:, :, None] * jnp.eye(n, dtype=own.dtype)[:, None, :, None]
    )
    gradient = (rotation * pull[:, None]).sum((0, 2))
    return (
        jnp.transpose(columns, (2, 0, 3, 1)),
        blocks.reshape(3 * n, 3 * n),
        gradient.T,
    )


class _ToParameters:
    """From derivatives along twists to derivatives along the parameters, on the last axis.

    A log scale also moves the markers within their carriers, as offsets would. A camera's
    rotation vector is in its own frame, and about zero.
    """

    def __init__(
        self, kinematics: TwistKinematics, twists: Twists, instruments: Instruments
    ) -> None:
        body = kinematics.body
        self.n_scale, self.n_marker = len(body.segment_names), len(body.marker_names)
        segment = np.asarray(body.segment_of_body)[body.marker_body]
        mine = jnp.asarray(np.eye(self.n_scale)[segment], twists.own_scale.dtype)
        own = twists.own_scale[:, :, None] * mine[:, None]
        self.own_scale = own.reshape(3 * self.n_marker, self.n_scale)
        self.n_camera, self.turn = len(instruments.rig.names), None
        if instruments.turn is not None:
            axes = left_jacobian(instruments.turn)
            rotation = instruments.rig.camera_from_world_rotation
            self.turn = jnp.einsum("cij,cik->cjk", rotation, axes)

    def __call__(self, rows: Float[Array, "*batch shared"]) -> Float[Array, "*batch shared"]:
        end = self.n_scale + 3 * self.n_marker
        offsets, cameras = rows[..., self.n_scale : end], rows[..., end:]
        scales = rows[..., : self.n_scale] + offsets @ self.own_scale
        if self.turn is not None:
            each = cameras.reshape(*rows.shape[:-1], self.n_camera, -1)
            turned = jnp.einsum("...ci,cij->...cj", each[..., :3], self.turn)
            cameras = jnp.concatenate([turned, each[..., 3:]], axis=-1).reshape(cameras.shape)
        return jnp.concatenate([scales, offsets, cameras], axis=-1)
