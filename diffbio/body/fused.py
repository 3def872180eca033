"""diffbio's own forward kinematics: few large array operations over a pruned tree.

Two facts make it quick. Only rotations are sequential along a chain, and they compose by
pointer jumping: each of ceil(log2 depth) rounds multiplies every node by its ancestor's product.
Given the rotations, every position is linear in the segment lengths: one product with a constant
path matrix. The arrays keep (component, node, time) order, so that time is the vector dimension.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body.pose import Pose
from diffbio.body.skeleton import Skeleton, joint_polynomials

_IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


class FusedKinematics:
    """Forward kinematics compiled from a skeleton.

    A *node* is a frame that turns: the root, and one per hinge. A *link* is a vector fixed in a
    node (or, for a slide, along an axis fixed in it); a body's origin is the sum of the links on
    its path.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.source, self.polynomial = joint_polynomials(skeleton)
        self.reference = np.asarray([j.reference for j in skeleton.independent])
        self._build()

    def _build(self) -> None:
        s = self.skeleton
        # Per node: parent node, fixed rotation before the hinge, that rotation times the axis.
        self.node_parent, self.node_joint = [-1], [-1]
        node_fixed, node_axis = [_IDENTITY], [np.zeros(4)]
        # Per link: node, vector in it, body whose scale applies, slide joint or -1.
        links: list[tuple[int, np.ndarray, int, int]] = []
        body_node, body_fixed, body_path = [], [], []
        joints_of: dict[int, list[int]] = {}
        for i, joint in enumerate(s.joints):
            joints_of.setdefault(joint.body, []).append(i)
        for b, parent in enumerate(s.parents):
            node, fixed, path = 0, _IDENTITY, []
            if parent >= 0:
                node, fixed, path = body_node[parent], body_fixed[parent], list(body_path[parent])
                path.append(len(links))
                links.append((node, _rotate(fixed, s.position[b]), parent, -1))
                fixed = _multiply_constant(fixed, s.quaternion[b])
            for i in joints_of.get(b, []):
                joint, axis = s.joints[i], np.asarray(s.joints[i].axis)
                if joint.kind == "slide":
                    path.append(len(links))
                    links.append((node, _rotate(fixed, axis), max(parent, 0), i))
                    continue
                anchor = np.asarray(joint.anchor)
                if anchor.any():
                    path.append(len(links))
                    links.append((node, _rotate(fixed, anchor), b, -1))
                self.node_parent.append(node)
                self.node_joint.append(i)
                node_fixed.append(fixed)
                node_axis.append(_multiply_constant(fixed, np.array([0.0, *axis])))
                node, fixed = len(self.node_parent) - 1, _IDENTITY
                if anchor.any():
                    path.append(len(links))
                    links.append((node, -anchor, b, -1))
            body_node.append(node)
            body_fixed.append(fixed)
            body_path.append(path)
        self.node_fixed, self.node_axis = np.array(node_fixed).T, np.array(node_axis).T
        self.link_node = np.array([link[0] for link in links], int)
        self.link_vector = np.array([link[1] for link in links]).reshape(-1, 3).T
        self.link_body = np.array([link[2] for link in links], int)
        self.link_joint = np.array([link[3] for link in links], int)
        self.path = np.zeros((len(s.parents), len(links)))
        for b, path in enumerate(body_path):
            self.path[b, path] = 1.0
        self.body_node = np.array(body_node)
        self.body_fixed = np.array(body_fixed).T

    def __call__(
        self, scale: Float[Array, "body"], pose: Pose
    ) -> tuple[Float[Array, "time body 3"], Float[Array, "time body 3 3"]]:
        """World positions and `world_from_body` of every body.

        Args:
            scale: size of each body relative to the skeleton, unitless.
            pose: generalised positions.
        """
        dtype = scale.dtype
        displacement = self._displacements(pose.joints)
        node = self._node_quaternions(pose.root_quaternion, displacement)
        links = jnp.asarray(self.link_vector, dtype) * scale[self.link_body]
        slide = jnp.asarray(self.link_joint >= 0)[:, None]
        stretch = jnp.where(slide, displacement[np.maximum(self.link_joint, 0)], 1.0)
        links = links[:, :, None] * stretch[None]
        turned = _matrices(node[:, self.link_node])
        turned = (turned * links[None]).sum(1)
        positions = jnp.einsum("bl,clt->tbc", jnp.asarray(self.path, dtype), turned)
        fixed = jnp.broadcast_to(
            jnp.asarray(self.body_fixed, dtype)[:, :, None],
            (4, len(self.body_node), displacement.shape[1]),
        )
        rotations = _matrices(_multiply(node[:, self.body_node], fixed))
        return positions + pose.root_position[:, None], jnp.transpose(rotations, (3, 2, 0, 1))

    def _displacements(self, joints: Float[Array, "time joint"]) -> Float[Array, "all_joint time"]:
        """Displacement of every joint, coupled ones included, from its reference."""
        z = (joints - jnp.asarray(self.reference, joints.dtype)[None]).T[self.source]
        c = jnp.asarray(self.polynomial, joints.dtype)[:, :, None]
        return c[:, 0] + z * (c[:, 1] + z * (c[:, 2] + z * (c[:, 3] + z * c[:, 4])))

    def _node_quaternions(
        self, root: Float[Array, "time 4"], displacement: Float[Array, "all_joint time"]
    ) -> Float[Array, "4 node time"]:
        dtype = root.dtype
        half = displacement[np.asarray(self.node_joint[1:], int)] / 2
        fixed = jnp.asarray(self.node_fixed[:, 1:], dtype)[:, :, None]
        axis = jnp.asarray(self.node_axis[:, 1:], dtype)[:, :, None]
        local = fixed * jnp.cos(half)[None] + axis * jnp.sin(half)[None]
        q = jnp.concatenate([root.T[:, None], local], axis=1)
        ancestor = np.asarray(self.node_parent)
        while (pending := np.flatnonzero(ancestor >= 0)).size:
            product = _multiply(q[:, ancestor[pending]], q[:, pending])
            done = np.flatnonzero(ancestor < 0)
            order = np.argsort(np.concatenate([done, pending]))
            q = jnp.concatenate([q[:, done], product], axis=1)[:, order]
            # Without the barrier XLA fuses the rounds and computes every product many times over.
            q = jax.lax.optimization_barrier(q)
            ancestor = np.where(ancestor >= 0, ancestor[np.maximum(ancestor, 0)], -1)
        return q


def _multiply(a: Float[Array, "4 n time"], b: Float[Array, "4 n time"]) -> Float[Array, "4 n time"]:
    """Quaternion product, components first."""
    return jnp.stack(
        [
            a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
            a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
            a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
        ]
    )


def _matrices(q: Float[Array, "4 n time"]) -> Float[Array, "3 3 n time"]:
    """Rotation matrices of unit quaternions, components first."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    return jnp.stack(
        [
            jnp.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]),
            jnp.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]),
            jnp.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]),
        ]
    )


def _multiply_constant(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quaternion product of two constants, wxyz."""
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.concatenate([[a[0] * b[0] - a[1:] @ b[1:]], vector])


def _rotate(q: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A constant vector turned by a constant quaternion."""
    twice = 2 * np.cross(q[1:], vector)
    return vector + q[0] * twice + np.cross(q[1:], twice)
