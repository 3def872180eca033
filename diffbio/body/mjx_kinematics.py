"""MuJoCo's own forward kinematics, in JAX: the reference the method is defined by."""

import contextlib
import functools
import io
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jaxtyping import Array, Float

from diffbio._jax import relaxed_promotion
from diffbio.body.mjcf import spec_from_skeleton
from diffbio.body.pose import Pose
from diffbio.body.skeleton import Skeleton, joint_polynomials

with contextlib.redirect_stdout(io.StringIO()):
    # It prints that Warp is missing, which diffbio does not use.
    from mujoco import mjx


class MjxKinematics:
    """`mjx.kinematics` of the reduced skeleton, coupled joints expanded beforehand."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.source, self.polynomial = joint_polynomials(skeleton)
        self.reference = np.asarray([joint.reference for joint in skeleton.independent])
        self.joint_reference = np.asarray([joint.reference for joint in skeleton.joints])
        self.parent = np.maximum(np.asarray(skeleton.parents), 0)
        body = np.asarray([joint.body for joint in skeleton.joints], int)
        self.joint_body = body
        self.slides = np.asarray([joint.kind == "slide" for joint in skeleton.joints])

    @functools.cached_property
    def _model(self) -> tuple[Any, Any]:
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
        base, data = self._model
        with relaxed_promotion():
            up = jnp.concatenate([jnp.ones(2), scale[self.parent][1:]]).astype(scale.dtype)
            anchors = jnp.concatenate([jnp.ones(1), scale[self.joint_body]])
            model = base.replace(
                body_pos=base.body_pos * up[:, None], jnt_pos=base.jnt_pos * anchors[:, None]
            )
            stretch = jnp.where(self.slides, scale[self.parent[self.joint_body]], 1.0)
            z = (pose.joints - self.reference)[:, self.source]
            displacement = jax.vmap(jnp.polyval, (0, 1), 1)(self.polynomial[:, ::-1], z)
            joints = self.joint_reference + displacement * stretch
            qpos = jnp.concatenate([pose.root_position, pose.root_quaternion, joints], axis=1)

            def kinematics(q: Array) -> tuple[Array, Array]:
                moved = mjx.kinematics(model, data.replace(qpos=q))
                return moved.xpos[1:], moved.xmat[1:].reshape(-1, 3, 3)

            return jax.vmap(kinematics)(qpos.astype(scale.dtype))
