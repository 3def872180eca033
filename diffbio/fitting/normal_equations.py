"""The Gauss-Newton system of the detections: from pixels to an arrow over control points.

What all cameras say about one marker in one frame is a 3 x 3 information matrix and a gradient.
The markers of one body add up to the information about its twist, 6 x 6; the twists' own
derivatives turn that into a block per frame, and the spline's basis into a block per control
point.
"""

import math
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
    """Second derivatives and gradient of the detections' term.

    Shared unknowns are here log scales as far as they move the bodies, marker offsets, and what
    is unknown of each camera, its pose as a twist about its own centre; `to_parameters` makes of
    them what the fit calls so. Columns of one kind are apart, for to put them beside each other
    costs more than to compute them.

    Attributes:
        own: coordinates against coordinates, of every frame.
        scales: coordinates against log scales, of every frame.
        offsets: coordinates against marker offsets, of every frame.
        cameras: coordinates against what is unknown of the cameras, of every frame.
        pull: gradient of the coordinates of every frame.
        corner: shared unknowns against each other, summed over time.
        gradient: of the shared unknowns.
    """

    own: Float[Array, "time n n"]
    scales: Float[Array, "time n scale"]
    offsets: Float[Array, "time n offset"]
    cameras: Float[Array, "time n column"]
    pull: Float[Array, "time n"]
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
    twist = jax.lax.optimization_barrier(twists.twist)
    n_time, _, n_carrier, n_column = twist.shape
    n = n_column - len(kinematics.body.segment_names)
    onto = jnp.asarray(np.eye(n_carrier)[kinematics.carrier], root.dtype)
    per_body = symmetric(moments(twists.arm, information) @ onto)
    per_body = jnp.transpose(per_body, (2, 0, 1, 3))
    turned = jnp.asarray(sum(per_body[:, :, c, :, None] * twist[:, None, c] for c in range(6)))
    wrench = jnp.concatenate([cross(twists.arm, pull), pull]) @ onto
    cameras = camera_columns(twists, sight, root, instruments, onto)
    offsets, offset_corner, offset_gradient = _offsets(twists, information, pull)
    offsets = jax.lax.optimization_barrier(offsets)
    expanded = offsets[:, :, None] * onto.T[None, None, :, :, None]
    rows = jnp.swapaxes(twist.reshape(n_time, 6 * n_carrier, n_column), 1, 2)

    def against(columns: Float[Array, "time 6 carrier *column"]) -> Array:
        columns = columns.reshape(n_time, 6 * n_carrier, math.prod(columns.shape[3:]))
        return rows @ jax.lax.optimization_barrier(columns)

    by_twist, by_offset = against(turned), against(expanded)
    by_camera, by_pull = against(cameras.border), against(jnp.transpose(wrench, (1, 0, 2)))
    parts = (by_twist[..., n:], by_offset, by_camera, by_pull)
    scales = [part[:, n:].sum(0) for part in parts]
    corner = _mirrored(
        [[scales[0], scales[1], scales[2]], [offset_corner, cameras.offsets], [cameras.corner]]
    )
    gradient = [scales[3][:, 0], offset_gradient.reshape(-1), cameras.gradient]
    own, *border = (part[:, :n] for part in (by_twist[..., :n], *parts))
    return FrameSystem(
        own, border[0], border[1], border[2], border[3][..., 0], corner, jnp.concatenate(gradient)
    )


def _mirrored(blocks: list[list[Array]]) -> Float[Array, "shared shared"]:
    """A symmetric matrix from its upper blocks, each row from the diagonal on."""
    ends = np.cumsum([0, *(row[0].shape[0] for row in blocks)])
    whole = jnp.zeros((ends[-1],) * 2, blocks[0][0].dtype)
    for i, row in enumerate(blocks):
        for j, block in enumerate(row, i):
            if block.size:
                whole = jax.lax.dynamic_update_slice(whole, block, (ends[i], ends[j]))
            if block.size and i != j:
                whole = jax.lax.dynamic_update_slice(whole, block.T, (ends[j], ends[i]))
    return whole


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


class ToParameters:
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

    def parts(
        self,
        scales: Float[Array, "*batch scale"],
        offsets: Float[Array, "*batch offset"],
        cameras: Float[Array, "*batch column"],
    ) -> tuple[Float[Array, "*batch scale"], Float[Array, "*batch column"]]:
        """Columns of the scales and of the cameras; those of the offsets stay what they are."""
        scales = scales + offsets @ self.own_scale
        if self.turn is None:
            return scales, cameras
        each = cameras.reshape(*cameras.shape[:-1], self.n_camera, -1)
        turned = jnp.einsum("...ci,cij->...cj", each[..., :3], self.turn)
        return scales, each.at[..., :3].set(turned).reshape(cameras.shape)

    def __call__(self, rows: Float[Array, "*batch shared"]) -> Float[Array, "*batch shared"]:
        """All columns, beside each other."""
        end = self.n_scale + 3 * self.n_marker
        offsets = rows[..., self.n_scale : end]
        scales, cameras = self.parts(rows[..., : self.n_scale], offsets, rows[..., end:])
        return jnp.concatenate([scales, offsets, cameras], axis=-1)
