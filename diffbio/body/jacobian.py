"""How markers move when a body does: exact derivatives of forward kinematics, in twist form.

All markers of one body share its twist: a point `p` relative to the root moves by `w x p + v`
per unit of a coordinate, with one pair (w, v) per body and coordinate. The pairs of all bodies
come from one product of the joints' own twists with a constant matrix that says which joint
moves which body. Segment scales move the origins of bodies, which are linear in them.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.body.fused import FusedKinematics, along, matrices, rotate
from diffbio.body.model import BodyModel
from diffbio.body.parameters import BodyParameters
from diffbio.body.pose import Pose

_EXACT = jax.lax.Precision.HIGHEST


class Twists(NamedTuple):
    """The bodies that carry markers, and how they move. World axes, about the root's origin.

    Attributes:
        arm: markers relative to the root's origin, in metres.
        rotation: `world_from_body` of the body that carries each marker.
        twist: rotation and then velocity of each carrier, per unit of a coordinate or of a log
            scale. Coordinates are the root's position, its rotation (an increment on the left,
            in the world frame) and the joints. The part of a scale that moves a marker within
            its carrier is not in it: see `own_scale`.
        own_scale: displacement of each marker within its carrier per unit of the log scale of
            the segment it belongs to, in the frame of the carrier, in metres.
    """

    arm: Float[Array, "3 time marker"]
    rotation: Float[Array, "3 3 time marker"]
    twist: Float[Array, "time 6 carrier column"]
    own_scale: Float[Array, "marker 3"]


class MarkerJacobian(NamedTuple):
    """Derivatives of the marker positions, in the world frame.

    Attributes:
        coordinates: with respect to the root's position, its rotation (an increment on the left,
            in the world frame) and the joint coordinates.
        log_scale: with respect to the logarithm of the segments' sizes.
        marker_offset: of each marker with respect to its own offset.
    """

    coordinates: Float[Array, "time marker 3 coordinate"]
    log_scale: Float[Array, "time marker 3 segment"]
    marker_offset: Float[Array, "time marker 3 3"]


class TwistKinematics:
    """The constant half of the Jacobian of a body model.

    Attributes:
        carriers: indices of the bodies that carry markers.
        carrier: index into `carriers` of every marker.
    """

    def __init__(self, body: BodyModel) -> None:
        self.body = body
        self.fused = fused = FusedKinematics(body.skeleton)
        self.carriers, self.carrier = np.unique(body.marker_body, return_inverse=True)
        self.slides = np.flatnonzero(fused.link_slide >= 0)
        segment = np.asarray(body.segment_of_body)
        one_hot = np.eye(len(body.segment_names))
        path = fused.path[self.carriers]
        # Rows are what moves, columns (carrier, coordinate): the couplings' sums are in it.
        hinge = _above(fused.node_parent, fused.body_node[self.carriers])[1:]
        slide = path[:, self.slides].T
        joint = np.concatenate([fused.hinge, fused.link_slide[self.slides]])
        source = np.eye(len(body.joint_names))[fused.source[joint]]
        mask = np.concatenate([hinge, slide])
        self.joint_spread = (mask[:, :, None] * source[:, None]).reshape(len(mask), -1)
        by_segment = path.T[:, :, None] * one_hot[segment[fused.link_body]][:, None]
        self.scale_spread = by_segment.reshape(len(fused.link_body), -1)

    @functools.partial(jax.jit, static_argnums=0)
    def __call__(
        self,
        parameters: BodyParameters,
        pose: Pose,
        turning: Float[Array, "time 3 3"] | None = None,
    ) -> Twists:
        """Twists of all carriers at the given poses.

        Args:
            parameters: the person.
            pose: generalised positions.
            turning: rotation of the root in the world frame per unit of its rotation
                coordinates; the identity when None.
        """
        fused, body, dtype = self.fused, self.body, pose.joints.dtype
        scale = jnp.exp(parameters.log_scale)[np.asarray(body.segment_of_body)]
        displacement, slope = fused.displacements(pose.joints), self._slopes(pose.joints)
        node = fused.node_quaternions(pose.root_quaternion, displacement)
        unit_links = fused.links_per_unit(scale, node)
        links = unit_links * fused.link_lengths(displacement)[None]
        rows = self._joint_twists(node, unit_links, along(fused.anchor_path, links), slope)
        n_time, n_carrier = pose.joints.shape[0], len(self.carriers)
        spread = jnp.asarray(self.joint_spread, dtype)
        joints = jnp.einsum("ctj,jk->tck", rows, spread, precision=_EXACT)
        spread = jnp.asarray(self.scale_spread, dtype)
        links_by_time = jnp.transpose(links, (0, 2, 1))
        scales = jnp.einsum("ctl,lk->tck", links_by_time, spread, precision=_EXACT)
        scales = scales.reshape(n_time, 3, n_carrier, -1)
        eye = jnp.broadcast_to(jnp.eye(3, dtype=dtype)[None], (n_time, 3, 3))
        zero = jnp.zeros_like(eye)
        rows = [zero, eye if turning is None else turning], [eye, zero]
        root = jnp.concatenate([jnp.concatenate(row, axis=2) for row in rows], axis=1)
        twist = jnp.concatenate(
            [
                jnp.broadcast_to(root[:, :, None], (n_time, 6, n_carrier, 6)),
                joints.reshape(n_time, 6, n_carrier, -1),
                jnp.concatenate([jnp.zeros_like(scales), scales], axis=1),
            ],
            axis=3,
        )
        own = jnp.asarray(body.marker_position, dtype) * scale[body.marker_body][:, None]
        arm, rotation = self._markers(node, links, own + parameters.marker_offset)
        return Twists(arm, rotation, twist, own)

    def _slopes(self, joints: Float[Array, "time joint"]) -> Float[Array, "all_joint time"]:
        """Derivative of every joint's displacement with respect to the coordinate it follows."""
        z = (joints - jnp.asarray(self.fused.reference, joints.dtype)[None]).T[self.fused.source]
        c = jnp.asarray(self.fused.polynomial, joints.dtype)[:, :, None]
        return c[:, 1] + z * (2 * c[:, 2] + z * (3 * c[:, 3] + z * (4 * c[:, 4])))

    def _joint_twists(
        self,
        node: Float[Array, "4 node time"],
        unit_links: Float[Array, "3 link time"],
        anchor: Float[Array, "3 hinge time"],
        slope: Float[Array, "all_joint time"],
    ) -> Float[Array, "6 time joint"]:
        """Twist of every hinge and then of every slide, per unit of the coordinate it follows."""
        fused = self.fused
        axis = jnp.asarray(fused.hinge_axis, node.dtype)[:, :, None]
        w = rotate(node[:, 1:], axis) * slope[fused.hinge][None]
        v = cross(anchor, w)
        along_slide = unit_links[:, self.slides] * slope[fused.link_slide[self.slides]][None]
        slide = jnp.concatenate([jnp.zeros_like(along_slide), along_slide])
        rows = jnp.concatenate([jnp.concatenate([w, v]), slide], axis=1)
        return jax.lax.optimization_barrier(jnp.transpose(rows, (0, 2, 1)))

    def _markers(
        self,
        node: Float[Array, "4 node time"],
        links: Float[Array, "3 link time"],
        local: Float[Array, "marker 3"],
    ) -> tuple[Float[Array, "3 time marker"], Float[Array, "3 3 time marker"]]:
        """Markers relative to the root's origin, and the rotation of their carriers."""
        fused = self.fused
        origin = along(fused.path[self.carriers], links)
        turn = jnp.asarray(fused.body_turn[:, self.carriers], node.dtype)[:, :, None]
        columns = matrices(node[:, fused.body_node[self.carriers]])
        # `world_from_node` times the constant `node_from_body`.
        rotation = jnp.einsum("ikbt,kjb->ijbt", columns, matrices(turn)[..., 0], precision=_EXACT)
        rotation = jax.lax.optimization_barrier(jnp.transpose(rotation, (0, 1, 3, 2)))
        origin = jnp.transpose(origin, (0, 2, 1))
        rotation = rotation[..., self.carrier]
        x, y, z = local.T[:, None, None]
        turned = rotation[:, 0] * x + rotation[:, 1] * y + rotation[:, 2] * z
        arm = origin[..., self.carrier] + turned
        return jax.lax.optimization_barrier((arm, rotation))


@functools.lru_cache(maxsize=8)
def twist_kinematics(body: BodyModel) -> TwistKinematics:
    """The constant half of the Jacobian, made once per body model."""
    return TwistKinematics(body)


def marker_jacobian(body: BodyModel, parameters: BodyParameters, pose: Pose) -> MarkerJacobian:
    """Exact derivatives of `BodyModel.marker_positions`.

    Args:
        body: the anatomy.
        parameters: the person.
        pose: generalised positions.
    """
    kinematics = twist_kinematics(body)
    twists = kinematics(parameters, pose)
    per_marker = jnp.transpose(twists.twist[:, :, kinematics.carrier], (1, 0, 2, 3))
    w, v = per_marker[:3], per_marker[3:]
    columns = jnp.moveaxis(cross(w, twists.arm[..., None]) + v, 0, 2)
    n = 6 + len(body.joint_names)
    rotation = jnp.transpose(twists.rotation, (2, 3, 0, 1))
    own = jnp.einsum("tsij,sj->tsi", rotation, twists.own_scale, precision=_EXACT)
    segment = np.asarray(body.segment_of_body)[body.marker_body]
    mine = jnp.asarray(np.eye(len(body.segment_names))[segment], own.dtype)
    scales = columns[..., n:] + own[..., None] * mine[None, :, None]
    return MarkerJacobian(columns[..., :n], scales, rotation)


@jax.jit
def cross(a: Float[Array, "3 *#batch"], b: Float[Array, "3 *#batch"]) -> Float[Array, "3 *out"]:
    """Cross product, components first."""
    return jnp.stack(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


def _above(
    parent: Int[np.ndarray, "node"], nodes: Int[np.ndarray, "carrier"]
) -> Float[np.ndarray, "node carrier"]:
    """One where a node is a carrier's own or an ancestor of it."""
    mask = np.zeros((len(parent), len(nodes)))
    for column, node in enumerate(nodes):
        while node >= 0:
            mask[node, column] = 1.0
            node = parent[node]
    return mask
