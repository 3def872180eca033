"""MuJoCo's own forward kinematics, in JAX: the reference the method is defined by."""

import contextlib
import functools
import io
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio._jax import relaxed_promotion
from diffbio.body.pose import Pose
from diffbio.body.skeleton import Skeleton, joint_polynomials
from diffbio.body.write_mjcf import spec_from_skeleton

with contextlib.redirect_stdout(io.StringIO()):
    # It prints that Warp is missing, which diffbio does not use.
    from mujoco import mjx


class MjxKinematics:
    """`mjx.kinematics` of the reduced skeleton, coupled joints expanded beforehand."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.source, self.polynomial = joint_polynomials(skeleton)
        self.reference = np.asarray([joint.reference for joint in skeleton.independent], float)
        self.joint_reference = np.asarray([joint.reference for joint in skeleton.joints], float)
        self.joint_body = np.asarray([joint.body for joint in skeleton.joints], int)
        self.slides = np.asarray([joint.kind == "slide" for joint in skeleton.joints], bool)
        self.parent = np.maximum(np.asarray(skeleton.parents), 0)

    @functools.cached_property
    def _model(self) -> tuple[Any, Any]:
        """MJX's model and state of the unscaled skeleton, in the precision JAX is set to."""
        spec = spec_from_skeleton(self.skeleton, np.ones(len(self.skeleton.parents)), {})
        for geom in list(spec.geoms):
            spec.delete(geom)
        compiled = spec.compile()
        # The order of MuJoCo's joints and bodies is depth first, as in the skeleton it came from.
        names = tuple(compiled.joint(j).name for j in range(1, compiled.njnt))
        assert names == tuple(joint.name for joint in self.skeleton.joints)
        assert compiled.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE
        with relaxed_promotion(), jax.ensure_compile_time_eval():
            return mjx.put_model(compiled), mjx.make_data(compiled)

    def __call__(
        self, scale: Float[Array, "body"], pose: Pose
    ) -> tuple[Float[Array, "time body 3"], Float[Array, "time body 3 3"]]:
        """World positions and `world_from_body` of every body.

        Args:
            scale: size of each body relative to the skeleton, unitless.
            pose: generalised positions.
        """
        with relaxed_promotion():
            model, state = self._scaled(scale)
            qpos = self._generalised_positions(scale, pose)

            def kinematics(q: Array) -> tuple[Array, Array]:
                moved = mjx.kinematics(model, state.replace(qpos=q))
                return moved.xpos[1:], moved.xmat[1:].reshape(-1, 3, 3)

            return jax.vmap(kinematics)(qpos)

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
        positions, rotations = self(scale, pose)
        turned = (rotations[:, carrier] * local[None, :, None, :]).sum(-1)
        return positions[:, carrier] + turned

    def _scaled(self, scale: Float[Array, "body"]) -> tuple[Any, Any]:
        """Model and state of the scaled skeleton, in the precision of the scale."""
        model, state = jax.tree.map(
            lambda x: x.astype(scale.dtype) if eqx.is_inexact_array(x) else x, self._model
        )
        # The world and the free root come first; the skeleton has neither's place or joint.
        up = jnp.concatenate([jnp.ones(2, scale.dtype), scale[self.parent[1:]]])
        own = jnp.concatenate([jnp.ones(1, scale.dtype), scale[self.joint_body]])
        model = model.replace(
            body_pos=model.body_pos * up[:, None], jnt_pos=model.jnt_pos * own[:, None]
        )
        return model, state

    def _generalised_positions(
        self, scale: Float[Array, "body"], pose: Pose
    ) -> Float[Array, "time qpos"]:
        """MuJoCo's `qpos`: the root, and every joint with its coupling applied."""
        z = (pose.joints - self.reference)[:, self.source]
        displacement = jax.vmap(jnp.polyval, (0, 1), 1)(self.polynomial[:, ::-1], z)
        stretch = jnp.where(self.slides, scale[self.parent[self.joint_body]], 1.0)
        joints = self.joint_reference + displacement * stretch
        qpos = jnp.concatenate([pose.root_position, pose.root_quaternion, joints], axis=1)
        return qpos.astype(scale.dtype)
