"""How markers move when a body does: exact derivatives of forward kinematics, in twist form.

All markers of one body share its twist: a point `p` relative to the root moves by `w x p + v`
per unit of a coordinate. A joint moves everything beyond it by one and the same pair (w, v), and
a segment that grows moves everything beyond it by a velocity alone. Joints that follow one
coordinate and have the same markers beyond them are one mover, and so are links of one segment:
a body of 71 coordinates has 73 movers, whatever the number of its bones.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio.body.fused import FusedKinematics, along, matrices, rotate
from diffbio.body.model import BodyModel
from diffbio.body.parameters import BodyParameters
from diffbio.body.pose import Pose

_EXACT = jax.lax.Precision.HIGHEST


class Twists(NamedTuple):
    """The markers, and how they are moved. World axes, about the root's origin.

    Attributes:
        arm: markers relative to the root's origin, in metres.
        rotation: `world_from_body` of the body that carries each marker.
        twist: rotation and then velocity that each mover gives to the markers beyond it, per unit
            of its coordinate or log scale. The part of a scale that moves a marker within its
            body is not in it: see `own_scale`.
        own_scale: displacement of each marker within its body per unit of the log scale of the
            segment it belongs to, in the frame of the body, in metres.
    """

    arm: Float[Array, "3 marker time"]
    rotation: Float[Array, "3 3 marker time"]
    twist: Float[Array, "6 mover time"]
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

    Movers are first one of each coordinate, the root's position and rotation (an increment on the
    left, in the world frame) before the joints', then further ones of coordinates that drive
    several joints, and then those of the log scales.

    Attributes:
        n_own: number of movers of coordinates.
        carried: which markers are beyond each mover.
        further: coordinates of their further movers.
        segment: segment of each mover of a log scale.
    """

    carried: Bool[np.ndarray, "mover marker"]
    further: Int[np.ndarray, "further"]
    segment: Int[np.ndarray, "scale_mover"]

    def __init__(self, body: BodyModel) -> None:
        self.body = body
        self.fused = fused = FusedKinematics(body.skeleton)
        carriers, self._carrier = np.unique(body.marker_body, return_inverse=True)
        self._carriers = carriers
        self._slides = np.flatnonzero(fused.link_slide >= 0)
        path = fused.path[carriers].astype(bool)
        hinge = _above(fused.node_parent, fused.body_node[carriers])[1:]
        joint = np.concatenate([fused.hinge, fused.link_slide[self._slides]])
        beyond = np.concatenate([hinge, path[:, self._slides].T])
        total, own, coordinate = _merged(beyond, fused.source[joint])
        first = _one_each(coordinate, len(body.joint_names))
        further = np.setdiff1d(np.arange(len(coordinate)), first)
        order = np.concatenate([first, further])
        # A coordinate that moves no marker has a mover with nothing beyond it, the last row.
        self._joint_sum = np.pad(total, ((0, 1), (0, 0)))[order]
        own, self.further = np.pad(own, ((0, 1), (0, 0)))[order], 6 + coordinate[further]
        segment = np.asarray(body.segment_of_body)[fused.link_body]
        self._link_sum, scaled, self.segment = _merged(path.T, segment)
        self.n_own = 6 + len(own)
        root = np.ones((6, len(carriers)), bool)
        self.carried = np.concatenate([root, own, scaled])[:, self._carrier]

    @functools.cached_property
    def contains(self) -> Bool[np.ndarray, "mover mover"]:
        """Whether all markers beyond the second mover are beyond the first. If neither contains
        the other, they have no marker in common, for a skeleton is a tree."""
        carried = self.carried
        return np.all(carried[:, None] | ~carried[None], axis=-1)

    def by_coordinate(
        self, own: Float[Array, "*batch own_mover"]
    ) -> Float[Array, "*batch coordinate"]:
        """Sums over the movers of each coordinate."""
        n = 6 + len(self.body.joint_names)
        return own[..., :n].at[..., self.further].add(own[..., n:])

    def by_segment(
        self, scaled: Float[Array, "*batch scale_mover"]
    ) -> Float[Array, "*batch segment"]:
        """Sums over the movers of each log scale."""
        onto = np.eye(len(self.body.segment_names))[self.segment]
        return jnp.matmul(scaled, jnp.asarray(onto, scaled.dtype), precision=_EXACT)

    @functools.partial(jax.jit, static_argnums=0)
    def __call__(
        self,
        parameters: BodyParameters,
        pose: Pose,
        turning: Float[Array, "time 3 3"] | None = None,
    ) -> Twists:
        """Twists of all movers at the given poses.

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
        joints = self._joint_twists(node, unit_links, along(fused.anchor_path, links), slope)
        eye = jnp.broadcast_to(jnp.eye(3, dtype=dtype)[..., None], (3, 3, pose.joints.shape[0]))
        turn = eye if turning is None else jnp.transpose(turning, (1, 2, 0))
        zero = jnp.zeros_like(eye)
        root = [jnp.concatenate([zero, turn], axis=1), jnp.concatenate([eye, zero], axis=1)]
        scales = along(self._link_sum, links)
        scales = jnp.concatenate([jnp.zeros_like(scales), scales])
        joints = along(self._joint_sum, joints)
        twist = jnp.concatenate([jnp.concatenate(root), joints, scales], axis=1)
        own = jnp.asarray(body.marker_position, dtype) * scale[body.marker_body][:, None]
        arm, rotation = self._markers(node, links, own + parameters.marker_offset)
        return Twists(arm, rotation, jax.lax.optimization_barrier(twist), own)

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
    ) -> Float[Array, "6 joint time"]:
        """Twist of every hinge and then of every slide, per unit of the coordinate it follows."""
        fused = self.fused
        axis = jnp.asarray(fused.hinge_axis, node.dtype)[:, :, None]
        w = rotate(node[:, 1:], axis) * slope[fused.hinge][None]
        v = cross(anchor, w)
        along_slide = unit_links[:, self._slides] * slope[fused.link_slide[self._slides]][None]
        slide = jnp.concatenate([jnp.zeros_like(along_slide), along_slide])
        return jnp.concatenate([jnp.concatenate([w, v]), slide], axis=1)

    def _markers(
        self,
        node: Float[Array, "4 node time"],
        links: Float[Array, "3 link time"],
        local: Float[Array, "marker 3"],
    ) -> tuple[Float[Array, "3 marker time"], Float[Array, "3 3 marker time"]]:
        """Markers relative to the root's origin, and the rotation of their bodies."""
        fused, carrier = self.fused, self._carrier
        origin = along(fused.path[self._carriers], links)
        turn = jnp.asarray(fused.body_turn[:, self._carriers], node.dtype)[:, :, None]
        columns = matrices(node[:, fused.body_node[self._carriers]])
        # `world_from_node` times the constant `node_from_body`.
        rotation = jnp.einsum("ikbt,kjb->ijbt", columns, matrices(turn)[..., 0], precision=_EXACT)
        rotation = jax.lax.optimization_barrier(rotation)[:, :, carrier]
        x, y, z = local.T[:, None, :, None]
        turned = rotation[:, 0] * x + rotation[:, 1] * y + rotation[:, 2] * z
        return jax.lax.optimization_barrier((origin[:, carrier] + turned, rotation))


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
    w, v = twists.twist[:3, :, None], twists.twist[3:, :, None]
    carried = jnp.asarray(kinematics.carried, twists.arm.dtype)[..., None]
    moved = carried[None] * (cross(w, twists.arm[:, None]) + v)
    moved = jnp.transpose(moved, (3, 2, 0, 1))
    coordinates = kinematics.by_coordinate(moved[..., : kinematics.n_own])
    scales = kinematics.by_segment(moved[..., kinematics.n_own :])
    rotation = jnp.transpose(twists.rotation, (3, 2, 0, 1))
    own = jnp.einsum("tsij,sj->tsi", rotation, twists.own_scale, precision=_EXACT)
    segment = np.asarray(body.segment_of_body)[body.marker_body]
    mine = jnp.asarray(np.eye(len(body.segment_names))[segment], own.dtype)
    return MarkerJacobian(coordinates, scales + own[..., None] * mine[None, :, None], rotation)


@jax.jit
def cross(a: Float[Array, "3 *#batch"], b: Float[Array, "3 *#batch"]) -> Float[Array, "3 *out"]:
    """Cross product, components first."""
    return jnp.stack(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


def _above(
    parent: Int[np.ndarray, "node"], nodes: Int[np.ndarray, "carrier"]
) -> Bool[np.ndarray, "node carrier"]:
    """Whether a node is a carrier's own or an ancestor of it."""
    mask = np.zeros((len(parent), len(nodes)), bool)
    for column, node in enumerate(nodes):
        while node >= 0:
            mask[node, column] = True
            node = parent[node]
    return mask


def _merged(
    beyond: Bool[np.ndarray, "part carrier"], column: Int[np.ndarray, "part"]
) -> tuple[
    Float[np.ndarray, "mover part"],
    Bool[np.ndarray, "mover carrier"],
    Int[np.ndarray, "mover"],
]:
    """Movers out of joints or links: those of one column with the same carriers beyond them.

    Returns:
        What adds up the parts of each mover, the carriers beyond it, and its column.
    """
    movers: dict[tuple[int, bytes], list[int]] = {}
    for part in np.flatnonzero(beyond.any(1)):
        movers.setdefault((int(column[part]), beyond[part].tobytes()), []).append(int(part))
    members = [movers[key] for key in sorted(movers, key=lambda key: key[0])]
    total = np.zeros((len(members), len(column)))
    for row, parts in enumerate(members):
        total[row, parts] = 1.0
    first = np.asarray([parts[0] for parts in members], int)
    return total, beyond[first].reshape(len(first), beyond.shape[1]), column[first]


def _one_each(column: Int[np.ndarray, "mover"], count: int) -> Int[np.ndarray, "column"]:
    """The first mover of each column; -1 where it has none."""
    first = np.full(count, -1)
    for mover in reversed(range(len(column))):
        first[column[mover]] = mover
    return first
