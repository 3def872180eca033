"""The Gauss-Newton system of the detections: from pixels to an arrow over control points.

What all cameras say about one marker in one frame is a 3 x 3 information matrix and a gradient.
The markers of one body add up to the information about its twist, 6 x 6; the twists' own
derivatives turn that into a block per frame, and the spline's basis into a block per control
point. Cameras are treated alike: to turn a camera is to turn all points the other way about its
centre.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body.jacobian import TwistKinematics, Twists, cross
from diffbio.cameras import CameraRig
from diffbio.fitting.residuals import Reprojection
from diffbio.geometry import left_jacobian

PAIRS = tuple(itertools.combinations_with_replacement(range(6), 2))
SYMMETRIC = np.asarray([[PAIRS.index((min(a, b), max(a, b))) for b in range(6)] for a in range(6)])


class FrameSystem(NamedTuple):
    """Second derivatives and gradient of the detections' term, one block per frame.

    Columns of `own` are the coordinates of the pose; then the shared unknowns: log scales,
    marker offsets, and where cameras are refined, each camera's rotation and shift.

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


class Sight(NamedTuple):
    """What the cameras say about the markers, in world axes; robust weights taken into account.

    Attributes:
        information: about each marker's position, (x, y, z) against (x, y, z).
        gradient: of the cost with respect to each marker's position.
    """

    information: list[list[Array]]
    gradient: Float[Array, "3 *camera time marker"]


def look(
    reprojection: Reprojection, rig: CameraRig, points: Float[Array, "time marker 3"]
) -> Sight:
    """Information of every camera about every marker."""
    u, v, du, dv = rig.project_derivatives(points)
    weight = reprojection.information(u, v)
    du, dv, wu, wv = jax.lax.optimization_barrier((du, dv, weight[None] * du, weight[None] * dv))
    eu, ev = u - reprojection.u_px, v - reprojection.v_px
    gradient = wu * eu[None] + wv * ev[None]
    information = [[wu[i] * du[j] + wv[i] * dv[j] for j in range(3)] for i in range(3)]
    return Sight(*jax.lax.optimization_barrier((information, gradient)))


def frame_system(
    kinematics: TwistKinematics,
    twists: Twists,
    root: Float[Array, "time 3"],
    reprojection: Reprojection,
    rig: CameraRig,
    camera_rotation: Float[Array, "camera 3"] | None,
) -> FrameSystem:
    """The detections' system at one state.

    Args:
        kinematics: constants of the body.
        twists: of its carriers, at the sample times.
        root: origin of the root, in metres.
        reprojection: the detections.
        rig: the cameras as they stand.
        camera_rotation: how far each was turned, where cameras are unknown.
    """
    points = jnp.transpose(twists.arm, (1, 2, 0)) + root[:, None]
    sight = look(reprojection, rig, points)
    together = Sight([[h.sum(0) for h in row] for row in sight.information], sight.gradient.sum(1))
    n_time, _, n_carrier, n_column = twists.twist.shape
    n_shared_scale = len(kinematics.body.segment_names)
    n = n_column - n_shared_scale
    onto = jnp.asarray(np.eye(n_carrier)[kinematics.carrier], root.dtype)
    per_body = _symmetric(_moments(twists.arm, together.information) @ onto)
    per_body = jnp.transpose(per_body, (2, 0, 1, 3))
    turned = sum(per_body[:, :, c, :, None] * twists.twist[:, None, c] for c in range(6))
    offsets, offset_corner, offset_gradient = _offsets(twists, together)
    expanded = offsets[:, :, None] * onto.T[None, None, :, :, None]
    wrench = jnp.concatenate([cross(twists.arm, together.gradient), together.gradient]) @ onto
    n_offset = 3 * onto.shape[0]
    columns = [turned, expanded.reshape(n_time, 6, n_carrier, n_offset)]
    if camera_rotation is not None:
        cameras = _cameras(twists, sight, root, rig, onto)
        columns.append(cameras.border)
    columns.append(jnp.transpose(wrench, (1, 0, 2))[..., None])
    rows = twists.twist.reshape(n_time, 6 * n_carrier, n_column)
    right = jnp.concatenate(columns, axis=3).reshape(n_time, 6 * n_carrier, -1)
    rows, right = jax.lax.optimization_barrier((rows, right))
    product = jnp.swapaxes(rows, 1, 2) @ right
    scale_rows = product[:, n:].sum(0)
    corner = jnp.zeros((right.shape[2] - n - 1,) * 2, root.dtype)
    corner = corner.at[:n_shared_scale].set(scale_rows[:, n:-1])
    end = n_shared_scale + n_offset
    corner = corner.at[n_shared_scale:end, n_shared_scale:end].set(offset_corner)
    gradient = [scale_rows[:, -1], offset_gradient.reshape(-1)]
    if camera_rotation is not None:
        corner = corner.at[n_shared_scale:end, end:].set(cameras.offsets)
        corner = corner.at[end:, end:].set(cameras.corner)
        gradient.append(cameras.gradient)
    corner = jnp.triu(corner)
    corner = corner + jnp.triu(corner, 1).T
    to_parameters = _ToParameters(kinematics, twists, rig, camera_rotation)
    corner = to_parameters(to_parameters(corner).T)
    border = jnp.concatenate([to_parameters(product[:, :n, n:-1]), product[:, :n, -1:]], axis=2)
    return FrameSystem(
        product[:, :n, :n], border, corner, to_parameters(jnp.concatenate(gradient)[None])[0]
    )


def _moments(
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


def _symmetric(unique: Float[Array, "21 *rest"]) -> Float[Array, "6 6 *rest"]:
    return unique[SYMMETRIC.ravel()].reshape(6, 6, *unique.shape[1:])


def _offsets(
    twists: Twists, sight: Sight
) -> tuple[
    Float[Array, "time 6 marker 3"],
    Float[Array, "offset offset"],
    Float[Array, "marker 3"],
]:
    """Markers' offsets against the twists of their carriers, each other, and the gradient."""
    rotation, h = twists.rotation, sight.information
    turned = jnp.stack([sum(h[i][k][None] * rotation[k] for k in range(3)) for i in range(3)])
    arm = twists.arm[:, None]
    columns = jnp.concatenate([cross(arm, turned), turned])
    own = jnp.stack([(rotation[:, i, None] * turned).sum((0, 2)) for i in range(3)])
    n = own.shape[2]
    blocks = (
        jnp.transpose(own, (2, 0, 1))[:, :, None] * jnp.eye(n, dtype=own.dtype)[:, None, :, None]
    )
    gradient = (rotation * sight.gradient[:, None]).sum((0, 2))
    return (
        jnp.transpose(columns, (2, 0, 3, 1)),
        blocks.reshape(3 * n, 3 * n),
        gradient.T,
    )


class _Cameras(NamedTuple):
    """Cameras' twists about their own centres, world axes: rotation and then shift of each."""

    border: Float[Array, "time 6 carrier column"]
    corner: Float[Array, "column column"]
    offsets: Float[Array, "offset column"]
    gradient: Float[Array, "column"]


def _cameras(
    twists: Twists,
    sight: Sight,
    root: Float[Array, "time 3"],
    rig: CameraRig,
    onto: Float[Array, "marker carrier"],
) -> _Cameras:
    n_camera, n_time = len(rig.names), root.shape[0]
    away = root.T[:, None] - rig.centres.T[:, :, None]
    unique = _moments(twists.arm, sight.information) @ onto
    per_body = _symmetric(jax.lax.optimization_barrier(unique))

    def about_centre(block: Float[Array, "6 *rest"], shift: Float[Array, "3 *#rest"]) -> Array:
        return jnp.concatenate([block[:3] + cross(shift, block[3:]), -block[3:]])

    # Columns first: what a turn of the camera does to the twist of a body.
    columns = jnp.swapaxes(per_body, 0, 1)
    columns = about_centre(columns, away[:, None, :, :, None])
    border = jnp.transpose(columns, (3, 1, 4, 2, 0)).reshape(n_time, 6, -1, 6 * n_camera)
    total = jnp.swapaxes(columns.sum(-1), 0, 1)
    own = about_centre(total, away[:, None]).sum(-1)
    eye = jnp.eye(n_camera, dtype=root.dtype)[:, None, :, None]
    corner = jnp.transpose(own, (2, 0, 1))[:, :, None] * eye
    lever = twists.arm[:, None] + away[..., None]
    rotation, h = twists.rotation[:, :, None], sight.information
    turned = jnp.stack([sum(h[i][k][None] * rotation[k] for k in range(3)) for i in range(3)])
    offsets = jnp.concatenate([cross(lever[:, None], turned).sum(3), -turned.sum(3)])
    wrench = jnp.concatenate([cross(lever, sight.gradient), -sight.gradient]).sum((2, 3))
    return _Cameras(
        border,
        corner.reshape(6 * n_camera, 6 * n_camera),
        jnp.transpose(offsets, (3, 1, 2, 0)).reshape(-1, 6 * n_camera),
        wrench.T.reshape(-1),
    )


class _ToParameters:
    """From derivatives along twists to derivatives along the parameters, on the last axis.

    A log scale also moves the markers within their carriers, as offsets would. A camera's
    rotation vector is in its own frame, and about zero.
    """

    def __init__(
        self,
        kinematics: TwistKinematics,
        twists: Twists,
        rig: CameraRig,
        camera_rotation: Float[Array, "camera 3"] | None,
    ) -> None:
        body = kinematics.body
        self.n_scale, self.n_marker = len(body.segment_names), len(body.marker_names)
        segment = np.asarray(body.segment_of_body)[body.marker_body]
        mine = jnp.asarray(np.eye(self.n_scale)[segment], twists.own_scale.dtype)
        own = twists.own_scale[:, :, None] * mine[:, None]
        self.own_scale = own.reshape(3 * self.n_marker, self.n_scale)
        self.turn = None
        if camera_rotation is not None:
            self.turn = jnp.einsum(
                "cij,cik->cjk", rig.camera_from_world_rotation, left_jacobian(camera_rotation)
            )

    def __call__(self, rows: Float[Array, "*batch shared"]) -> Float[Array, "*batch shared"]:
        end = self.n_scale + 3 * self.n_marker
        offsets = rows[..., self.n_scale : end]
        parts = [rows[..., : self.n_scale] + offsets @ self.own_scale, offsets]
        if self.turn is not None:
            cameras = rows[..., end:].reshape(*rows.shape[:-1], -1, 6)
            turned = jnp.einsum("...ci,cij->...cj", cameras[..., :3], self.turn)
            both = jnp.concatenate([turned, cameras[..., 3:]], axis=-1)
            parts.append(both.reshape(*rows.shape[:-1], -1))
        return jnp.concatenate(parts, axis=-1)
