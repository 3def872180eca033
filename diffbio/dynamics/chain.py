"""Velocities and accelerations of a body's parts: the fused kinematics, differentiated twice.

As positions are sums of links along paths, so are angular velocities and accelerations sums of
hinges along paths, and nothing is sequential but the rotations. All vectors are in world axes;
arrays keep (component, part, time) order. Positions are relative to the root's origin.

Of the accelerations that a follower of a coupled coordinate has, the part from the curvature of
its polynomial is included: `z'' = p'(q) q'' + p''(q) q'^2`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.body import BodyModel, BodyParameters
from diffbio.body.fused import FusedKinematics, along, matrices, rotate
from diffbio.body.jacobian import cross
from diffbio.dynamics.movement import Movement


class BodyMotion(NamedTuple):
    """How every body moves, and what it hangs on. World axes.

    Attributes:
        origin: origin of every body relative to the root's, in metres.
        rotation: `world_from_body`.
        turning: angular velocity, in rad/s.
        turning_rate: angular acceleration, in rad/s^2.
        rate: velocity of the origin in the world, in m/s.
        acceleration: of the origin in the world, in m/s^2.
        hinge_axis: unit axis of every hinge.
        hinge_anchor: a point of it, relative to the root's origin, in metres.
        slide_axis: displacement of what is beyond every slide, per unit of its coordinate.
        slope: of every joint's displacement with respect to the coordinate it follows.
        joint_rate: rate of the independent coordinates, in rad/s or m/s.
    """

    origin: Float[Array, "3 body time"]
    rotation: Float[Array, "3 3 body time"]
    turning: Float[Array, "3 body time"]
    turning_rate: Float[Array, "3 body time"]
    rate: Float[Array, "3 body time"]
    acceleration: Float[Array, "3 body time"]
    hinge_axis: Float[Array, "3 hinge time"]
    hinge_anchor: Float[Array, "3 hinge time"]
    slide_axis: Float[Array, "3 slide time"]
    slope: Float[Array, "all_joint time"]
    joint_rate: Float[Array, "joint time"]


class Chain:
    """The constant half: which bodies are beyond which joints.

    Attributes:
        hinges: joint of every hinge, an index among all joints of the skeleton.
        slides: joint of every slide that displaces something, likewise.
        source: independent coordinate that every joint follows.
        beyond_hinge: one where a body is moved by a hinge.
        beyond_slide: one where a body is moved by a slide.
        beyond_body: one where a body is, or descends from, another (row).
    """

    hinges: Int[np.ndarray, "hinge"]
    slides: Int[np.ndarray, "slide"]
    source: Int[np.ndarray, "all_joint"]
    beyond_hinge: Float[np.ndarray, "hinge body"]
    beyond_slide: Float[np.ndarray, "slide body"]
    beyond_body: Float[np.ndarray, "body body"]

    def __init__(self, body: BodyModel) -> None:
        self.body = body
        self.fused = fused = FusedKinematics(body.skeleton)
        self._turned_by = _lineage(fused.node_parent)[:, 1:]
        self._slide_links = np.flatnonzero(fused.link_slide >= 0)
        self.hinges, self.source = fused.hinge, fused.source
        self.slides = fused.link_slide[self._slide_links]
        self.beyond_hinge = self._turned_by[fused.body_node].T
        self.beyond_slide = fused.path[:, self._slide_links].T
        self.beyond_body = _lineage(np.asarray(body.body_parents)).T

    @functools.partial(jax.jit, static_argnums=0)
    def __call__(self, parameters: BodyParameters, movement: Movement) -> BodyMotion:
        """Motion of every body.

        Args:
            parameters: the person's size.
            movement: poses and their derivatives.
        """
        fused, pose = self.fused, movement.pose
        scale = jnp.exp(parameters.log_scale)[np.asarray(self.body.segment_of_body)]
        value, slope, rate, second = self._displacements(movement)
        node = fused.node_quaternions(pose.root_quaternion, value)
        axis = rotate(node[:, 1:], jnp.asarray(fused.hinge_axis, node.dtype)[:, :, None])
        turning, turning_rate = self._turning(movement, axis, rate, second)
        unit = fused.links_per_unit(scale, node)
        w, a = turning[:, fused.link_node], turning_rate[:, fused.link_node]
        links = unit * fused.link_lengths(value)[None]
        # A link of constant length has no rate: its unit vector is multiplied by zero.
        stretch, second_stretch = (unit * self._rates(one)[None] for one in (rate, second))
        link_rate = cross(w, links) + stretch
        link_acceleration = cross(a, links) + cross(w, link_rate + stretch) + second_stretch
        quaternion = node[:, fused.body_node]
        turn = matrices(jnp.asarray(fused.body_turn, node.dtype)[:, :, None])[..., 0]
        rotation = jnp.einsum("ikbt,kjb->ijbt", matrices(quaternion), turn, precision=_EXACT)
        return BodyMotion(
            along(fused.path, links),
            rotation,
            turning[:, fused.body_node],
            turning_rate[:, fused.body_node],
            along(fused.path, link_rate) + movement.velocity.root_position.T[:, None],
            along(fused.path, link_acceleration) + movement.acceleration.root_position.T[:, None],
            axis,
            along(fused.anchor_path, links),
            unit[:, self._slide_links],
            slope,
            movement.velocity.joints.T,
        )

    def _displacements(
        self, movement: Movement
    ) -> tuple[
        Float[Array, "all_joint time"],
        Float[Array, "all_joint time"],
        Float[Array, "all_joint time"],
        Float[Array, "all_joint time"],
    ]:
        """Displacement of every joint, its slope, and its first and second rate."""
        fused, joints = self.fused, movement.pose.joints
        z = (joints - jnp.asarray(fused.reference, joints.dtype)[None]).T[self.source]
        c = jnp.asarray(fused.polynomial, joints.dtype)[:, :, None]
        value = fused.displacements(joints)
        slope = c[:, 1] + z * (2 * c[:, 2] + z * (3 * c[:, 3] + z * (4 * c[:, 4])))
        curvature = 2 * c[:, 2] + z * (6 * c[:, 3] + z * (12 * c[:, 4]))
        rate = movement.velocity.joints.T[self.source]
        second = slope * movement.acceleration.joints.T[self.source] + curvature * rate * rate
        return value, slope, slope * rate, second

    def _turning(
        self,
        movement: Movement,
        axis: Float[Array, "3 hinge time"],
        rate: Float[Array, "all_joint time"],
        second: Float[Array, "all_joint time"],
    ) -> tuple[Float[Array, "3 node time"], Float[Array, "3 node time"]]:
        """Angular velocity and acceleration of every node."""
        root, root_rate = root_turning(movement)
        spin = axis * rate[self.hinges][None]
        turning = along(self._turned_by, spin) + root[:, None]
        turning = jax.lax.optimization_barrier(turning)
        # Its own spin is along the axis and adds nothing to the product.
        spin_rate = axis * second[self.hinges][None] + cross(turning[:, 1:], spin)
        turning_rate = along(self._turned_by, spin_rate) + root_rate[:, None]
        return turning, jax.lax.optimization_barrier(turning_rate)

    def _rates(self, rate: Float[Array, "all_joint time"]) -> Float[Array, "link time"]:
        """Rate of every link's length, zero for those of constant length."""
        row = jnp.zeros_like(rate, shape=(1, rate.shape[1]))
        return jnp.concatenate([rate, row])[self.fused.link_slide]


_EXACT = jax.lax.Precision.HIGHEST


def root_turning(movement: Movement) -> tuple[Float[Array, "3 time"], Float[Array, "3 time"]]:
    """Angular velocity and acceleration of the root in world axes, in rad/s and rad/s^2.

    Of a unit quaternion q, `w = 2 q' q*`, whose real part is zero, and `w' = 2 q'' q*` but for
    its real part.
    """
    q = movement.pose.root_quaternion.T
    back = jnp.concatenate([q[:1], -q[1:]])
    turning, rate = (
        2 * _vector_of_product(one.root_quaternion.T, back)
        for one in (movement.velocity, movement.acceleration)
    )
    return turning, rate


def _vector_of_product(a: Float[Array, "4 time"], b: Float[Array, "4 time"]) -> Array:
    """Vector part of a quaternion product, components first."""
    return a[:1] * b[1:] + b[:1] * a[1:] + cross(a[1:], b[1:])


@functools.lru_cache(maxsize=8)
def chain_of(body: BodyModel) -> Chain:
    """The constant half, made once per body model."""
    return Chain(body)


def _lineage(parent: Int[np.ndarray, "part"]) -> Float[np.ndarray, "part part"]:
    """One where the second part is the first or an ancestor of it."""
    mask = np.eye(len(parent))
    for part, above in enumerate(parent):
        # Parents come before their children.
        if above >= 0:
            mask[part] += mask[above]
    return mask
