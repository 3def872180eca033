"""diffbio's own forward kinematics: few large array operations over a pruned tree.

Two facts make it quick. Only rotations are sequential along a chain, and they compose by
pointer jumping: each of ceil(log2 depth) rounds multiplies every node by its ancestor's product.
Given the rotations, every position is linear in the segment lengths: one product with a constant
path matrix. The arrays keep (component, node, time) order, so that time is the vector dimension.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.body.kinematic_tree import KinematicTree
from diffbio.body.pose import Pose
from diffbio.body.skeleton import Skeleton, joint_polynomials


class FusedKinematics:
    """Forward kinematics compiled from a skeleton.

    A body's origin is the sum of the links on its path, each turned by its node.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.source, self.polynomial = joint_polynomials(skeleton)
        self.reference = np.asarray([j.reference for j in skeleton.independent], float)
        tree = KinematicTree(skeleton)
        self.node_parent = np.asarray([node.parent for node in tree.nodes])
        hinged = tree.nodes[1:]
        self.hinge = np.asarray([node.joint for node in hinged], int)
        self.hinge_axis = _columns([np.asarray(skeleton.joints[j].axis) for j in self.hinge], 3)
        self.node_fixed = _columns([node.fixed for node in hinged], 4)
        self.node_axis = _columns([node.axis for node in hinged], 4)
        self.link_node = np.asarray([link.node for link in tree.links], int)
        self.link_vector = _columns([link.vector for link in tree.links], 3)
        self.link_body = np.asarray([link.body for link in tree.links], int)
        self.link_slide = np.asarray([link.slide for link in tree.links], int)
        self.body_node = np.asarray([frame.node for frame in tree.bodies])
        self.body_turn = _columns([frame.turn for frame in tree.bodies], 4)
        self.path = _masks([frame.path for frame in tree.bodies], len(tree.links))
        self.anchor_path = _masks([node.path for node in hinged], len(tree.links))

    def __call__(
        self, scale: Float[Array, "body"], pose: Pose
    ) -> tuple[Float[Array, "time body 3"], Float[Array, "time body 3 3"]]:
        """World positions and `world_from_body` of every body.

        Args:
            scale: size of each body relative to the skeleton, unitless.
            pose: generalised positions.
        """
        positions, quaternions = self._bodies(scale, pose)
        rotations = matrices(quaternions)
        return jnp.transpose(positions, (2, 1, 0)), jnp.transpose(rotations, (3, 2, 0, 1))

    def points(
        self,
        scale: Float[Array, "body"],
        pose: Pose,
        carrier: Int[np.ndarray, "point"],
        local: Float[Array, "point 3"],
    ) -> Float[Array, "time point 3"]:
        """World positions of points fixed in bodies.

        Args:
            scale: size of each body relative to the skeleton, unitless.
            pose: generalised positions.
            carrier: index of the body that carries each point.
            local: each point in the frame of its body, in metres.
        """
        positions, quaternions = self._bodies(scale, pose)
        turned = rotate(quaternions[:, carrier], local.T[:, :, None])
        return jnp.transpose(positions[:, carrier] + turned, (2, 1, 0))

    # Compiled on its own only for the memory of its trace: every program that moves a body has it.
    @functools.partial(jax.jit, static_argnums=0)
    def _bodies(
        self, scale: Float[Array, "body"], pose: Pose
    ) -> tuple[Float[Array, "3 body time"], Float[Array, "4 body time"]]:
        """World positions and quaternions of every body, components first."""
        displacement = self.displacements(pose.joints)
        node = self.node_quaternions(pose.root_quaternion, displacement)
        links = self.links_per_unit(scale, node) * self.link_lengths(displacement)[None]
        positions = along(self.path, links) + pose.root_position.T[:, None]
        turn = jnp.asarray(self.body_turn, scale.dtype)[:, :, None]
        return positions, _multiply(node[:, self.body_node], turn)

    def displacements(self, joints: Float[Array, "time joint"]) -> Float[Array, "all_joint time"]:
        """Displacement of every joint, coupled ones included, from its reference."""
        z = (joints - jnp.asarray(self.reference, joints.dtype)[None]).T[self.source]
        c = jnp.asarray(self.polynomial, joints.dtype)[:, :, None]
        return c[:, 0] + z * (c[:, 1] + z * (c[:, 2] + z * (c[:, 3] + z * c[:, 4])))

    @functools.partial(jax.jit, static_argnums=0)
    def node_quaternions(
        self, root: Float[Array, "time 4"], displacement: Float[Array, "all_joint time"]
    ) -> Float[Array, "4 node time"]:
        """`world_from_node` of every node."""
        half = displacement[self.hinge] / 2
        fixed = jnp.asarray(self.node_fixed, root.dtype)[:, :, None]
        axis = jnp.asarray(self.node_axis, root.dtype)[:, :, None]
        local = fixed * jnp.cos(half)[None] + axis * jnp.sin(half)[None]
        q = jnp.concatenate([root.T[:, None], local], axis=1)
        ancestor = self.node_parent
        # Nodes are sorted by depth, so those that have reached the root come first.
        while (done := np.count_nonzero(ancestor < 0)) < len(ancestor):
            product = _multiply(q[:, ancestor[done:]], q[:, done:])
            q = jnp.concatenate([q[:, :done], product], axis=1)
            # Without the barrier XLA fuses the rounds and computes every product many times over.
            q = jax.lax.optimization_barrier(q)
            ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1)
        return q

    def links_per_unit(
        self, scale: Float[Array, "body"], node: Float[Array, "4 node time"]
    ) -> Float[Array, "3 link time"]:
        """Every link in world axes; those of a slide, per metre of its displacement."""
        vector = jnp.asarray(self.link_vector, scale.dtype) * scale[self.link_body][None]
        return rotate(node[:, self.link_node], vector[:, :, None])

    def link_lengths(
        self, displacement: Float[Array, "all_joint time"]
    ) -> Float[Array, "link time"]:
        """Displacement along every link of a slide; one for links of constant length."""
        # The row of ones, at index -1, leaves links of constant length as they are.
        row = jnp.ones_like(displacement, shape=(1, displacement.shape[1]))
        return jnp.concatenate([displacement, row])[self.link_slide]


def along(
    paths: Float[np.ndarray, "path link"], links: Float[Array, "component link time"]
) -> Float[Array, "component path time"]:
    """Sums along paths: of links, where each path leads, relative to the root, in world axes."""
    # An accelerator's default rounds the factors to ten bits, which is a millimetre.
    exact = jax.lax.Precision.HIGHEST
    return jnp.einsum("pl,clt->cpt", jnp.asarray(paths, links.dtype), links, precision=exact)


def _masks(paths: list[tuple[int, ...]], n_links: int) -> Float[np.ndarray, "path link"]:
    """One where a link lies on a path, zero elsewhere."""
    masks = np.zeros((len(paths), n_links))
    for row, path in enumerate(paths):
        masks[row, list(path)] = 1.0
    return masks


def _columns(vectors: list[np.ndarray], size: int) -> Float[np.ndarray, "{size} n"]:
    """Vectors as the columns of a matrix, also where there are none."""
    return np.asarray(vectors, float).reshape(-1, size).T


@jax.jit
def _multiply(
    a: Float[Array, "4 n #time"], b: Float[Array, "4 n #time"]
) -> Float[Array, "4 n time"]:
    """Quaternion product, components first."""
    return jnp.stack(
        [
            a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
            a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
            a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
        ]
    )


@jax.jit
def rotate(
    q: Float[Array, "4 n time"], vector: Float[Array, "3 n #time"]
) -> Float[Array, "3 n time"]:
    """Vectors turned by unit quaternions, components first: half the work of matrices."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    a, b, c = vector[0], vector[1], vector[2]
    i, j, k = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return jnp.stack(
        [a + w * i + y * k - z * j, b + w * j + z * i - x * k, c + w * k + x * j - y * i]
    )


@jax.jit
def matrices(q: Float[Array, "4 n time"]) -> Float[Array, "3 3 n time"]:
    """Rotation matrices of unit quaternions, components first."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    return jnp.stack(
        [
            jnp.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]),
            jnp.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]),
            jnp.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]),
        ]
    )
