"""The oracle and peer: C MuJoCo's inverse dynamics of a person, one state after another."""

import jax.numpy as jnp
import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.body.write_mjcf import spec_from_skeleton
from diffbio.dynamics import ExternalWrenches, Movement, PersonInertia

MUJOCO_GRAVITY = 9.81


class NativeDynamics:
    """`mj_inverse` of a person, couplings expanded and efforts gathered from the equalities.

    The model is the one `BodyModel.to_mjcf` writes, compiled without the six digits of a file,
    or, with `written`, read from the text itself.
    """

    def __init__(self, body: BodyModel, parameters: BodyParameters, written: bool = False) -> None:
        scale = body.body_scale(parameters)
        if written:
            self.model = mujoco.MjModel.from_xml_string(body.to_mjcf(parameters))
        else:
            self.model = spec_from_skeleton(body.skeleton, scale, {}).compile()
        # Equalities are for the followers' motion, which is imposed here.
        self.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
        self.state = mujoco.MjData(self.model)
        self.names = body.joint_names
        # The root is the first body after MuJoCo's world, whatever the file calls it.
        self.pelvis = self.model.body(body.pelvis_name).id if body.pelvis_name else 1
        parents = np.maximum(body.body_parents, 0)
        self.stretch = {
            joint.name: scale[parents[joint.body]] if joint.kind == "slide" else 1.0
            for joint in body.skeleton.joints
        }

    def inertia(self, body: BodyModel) -> PersonInertia:
        """Inertia as the compiled model has it, in the frames of the bodies."""
        mass, centre, tensor = [], [], []
        for b in range(1, len(body.body_names) + 1):
            axes = np.zeros(9)
            mujoco.mju_quat2Mat(axes, self.model.body_iquat[b])
            axes = axes.reshape(3, 3)
            mass.append(self.model.body_mass[b])
            centre.append(self.model.body_ipos[b])
            tensor.append(axes @ np.diag(self.model.body_inertia[b]) @ axes.T)
        return PersonInertia(*(jnp.asarray(np.array(x)) for x in (mass, centre, tensor)))

    def run(self, states: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
        """Inverse dynamics of every state (qpos, qvel, qacc) in turn: what is timed."""
        model, state = self.model, self.state
        for qpos, qvel, qacc in states:
            state.qpos[:], state.qvel[:], state.qacc[:] = qpos, qvel, qacc
            mujoco.mj_inverse(model, state)

    def states(self, movement: Movement) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """MuJoCo's positions, velocities and accelerations of a movement."""
        found = []
        for t in range(len(movement.pose.joints)):
            self._set(movement, t)
            found.append((self.state.qpos.copy(), self.state.qvel.copy(), self.state.qacc.copy()))
        return found

    def efforts(
        self, movement: Movement, wrenches: ExternalWrenches
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Efforts of independent coordinates, residual force and moment at the pelvis."""
        rows = [self._one(movement, wrenches, t) for t in range(len(movement.pose.joints))]
        joint, force, moment = zip(*rows, strict=True)
        return np.array(joint), np.array(force), np.array(moment)

    def _one(
        self, movement: Movement, wrenches: ExternalWrenches, t: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        model, state = self.model, self.state
        gather, position, turn = self._set(movement, t)
        mujoco.mj_inverse(model, state)
        effort = state.qfrc_inverse.copy()
        for k, name in enumerate(wrenches.bodies):
            given = np.zeros(model.nv)
            mujoco.mj_applyFT(
                model,
                state,
                np.array(wrenches.force[t, k]),
                np.array(wrenches.moment[t, k]),
                np.array(wrenches.point[t, k]),
                model.body(name).id,
                given,
            )
            effort -= given
        force, moment = effort[:3], turn.apply(effort[3:6])
        arm = position - state.xpos[self.pelvis]
        return gather.T @ effort, force, moment + np.cross(arm, force)

    def _set(self, movement: Movement, t: int) -> tuple[np.ndarray, np.ndarray, Rotation]:
        """Take one state; what gathers efforts, the root's position and its orientation."""
        state = self.state
        position, velocity, acceleration = (
            _row(one, t) for one in (movement.pose, movement.velocity, movement.acceleration)
        )
        gather = self._set_joints(position[2], velocity[2], acceleration[2])
        turn = Rotation.from_quat(position[1], scalar_first=True)
        turning, rate = (2 * _vector(one[1], position[1]) for one in (velocity, acceleration))
        state.qpos[:3], state.qpos[3:7] = position[:2]
        # MuJoCo turns a free body in its own axes.
        state.qvel[:3], state.qvel[3:6] = velocity[0], turn.inv().apply(turning)
        state.qacc[:3], state.qacc[3:6] = acceleration[0], turn.inv().apply(rate)
        return gather, position[0], turn

    def _set_joints(self, value: np.ndarray, rate: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Set all joints; rates of all degrees of freedom per rate of each coordinate."""
        model, state = self.model, self.state
        gather = np.zeros((model.nv, len(self.names)))
        for i, name in enumerate(self.names):
            joint, stretch = model.joint(name), self.stretch[name]
            reference = model.qpos0[joint.qposadr]
            state.qpos[joint.qposadr] = reference + (value[i] - reference) * stretch
            state.qvel[joint.dofadr] = rate[i] * stretch
            state.qacc[joint.dofadr] = second[i] * stretch
            gather[joint.dofadr, i] = stretch
        for e in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
            one, two = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
            at, dof = model.jnt_qposadr[one], model.jnt_dofadr[one]
            polynomial = np.polynomial.Polynomial(model.eq_data[e, :5])
            state.qpos[at] = model.qpos0[at] + polynomial(0.0)
            state.qvel[dof] = state.qacc[dof] = 0.0
            if two < 0:
                continue
            leader, lead = model.jnt_qposadr[two], model.jnt_dofadr[two]
            z, v, a = state.qpos[leader] - model.qpos0[leader], state.qvel[lead], state.qacc[lead]
            slope, curvature = polynomial.deriv()(z), polynomial.deriv(2)(z)
            state.qpos[at] = model.qpos0[at] + polynomial(z)
            state.qvel[dof], state.qacc[dof] = slope * v, slope * a + curvature * v * v
            gather[dof] = slope * gather[lead]
        return gather


def _row(pose: Pose, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.asarray(pose.root_position)[t],
        np.asarray(pose.root_quaternion)[t],
        np.asarray(pose.joints)[t],
    )


def _vector(derivative: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """Vector part of a derivative times the conjugate of its unit quaternion, wxyz."""
    w, xyz = quaternion[0], quaternion[1:]
    return w * derivative[1:] - derivative[0] * xyz - np.cross(derivative[1:], xyz)


def random_movement(pose: Pose, rng: np.random.Generator) -> Movement:
    """Velocities of metres and radians per second, and accelerations of tens, at given poses."""

    q = np.asarray(pose.root_quaternion, float)
    turning, rate = rng.normal(0.0, 2.0, (len(q), 3)), rng.normal(0.0, 20.0, (len(q), 3))
    dq = 0.5 * _times(turning, q)
    ddq = 0.5 * _times(rate, q) + 0.5 * _times(turning, dq)
    shape, dtype = pose.joints.shape, pose.joints.dtype

    def made(quaternion: np.ndarray, linear: float, joints: float) -> Pose:
        parts = (rng.normal(0.0, linear, (len(q), 3)), quaternion, rng.normal(0.0, joints, shape))
        return Pose(*(jnp.asarray(part, dtype) for part in parts))

    return Movement(pose, made(dq, 1.5, 3.0), made(ddq, 10.0, 30.0))


def _times(vector: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Quaternion product of pure quaternions with quaternions, wxyz."""
    scalar = -(vector * q[:, 1:]).sum(1, keepdims=True)
    return np.concatenate([scalar, q[:, :1] * vector + np.cross(vector, q[:, 1:])], axis=1)
