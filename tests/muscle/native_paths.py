"""C MuJoCo's tendons of MyoFullBody as the oracle: the file itself, or another person's bones."""

import mujoco
import numpy as np

from benchmarks.muscle_legs import tendon_jacobian
from diffbio.body.default import default_mjcf
from diffbio.muscle import MusclePaths


class NativePaths:
    """Lengths and moment arms, couplings expanded from the compiled model's own equalities."""

    def __init__(self, paths: MusclePaths, segment: dict[str, float] | None = None) -> None:
        spec = mujoco.MjSpec.from_file(str(default_mjcf()))
        self.stretch = _scale(spec, _sizes(paths, segment or {}))
        self.model = spec.compile()
        self.state = mujoco.MjData(self.model)
        self.names = paths.body.joint_names
        actuators = [self.model.actuator(name).id for name in paths.names]
        self.tendons = self.model.actuator_trnid[actuators, 0]

    def at(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lengths (time muscle) and moment arms (time coordinate muscle) in all poses."""
        each = [self._one(row) for row in joints]
        lengths, arms = zip(*each, strict=True)
        return np.array(lengths), np.array(arms)

    def _one(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model, state = self.model, self.state
        state.qpos[:] = model.qpos0
        onto = np.zeros((model.nv, len(joints)))
        for column, (name, value) in enumerate(zip(self.names, joints, strict=True)):
            state.joint(name).qpos[:] = value
            onto[model.joint(name).dofadr, column] = 1.0
        for e in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
            one, two = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
            polynomial = np.polynomial.Polynomial(model.eq_data[e, :5])
            at, dof = model.jnt_qposadr[one], model.jnt_dofadr[one]
            size = self.stretch.get(model.joint(one).name, 1.0)
            z = 0.0
            if two >= 0:
                z = state.qpos[model.jnt_qposadr[two]] - model.qpos0[model.jnt_qposadr[two]]
                onto[dof] = size * polynomial.deriv()(z) * onto[model.jnt_dofadr[two]]
            state.qpos[at] = model.qpos0[at] + size * polynomial(z)
        mujoco.mj_kinematics(model, state)
        mujoco.mj_comPos(model, state)
        mujoco.mj_tendon(model, state)
        slope = tendon_jacobian(model, state)[self.tendons] @ onto
        return state.ten_length[self.tendons].copy(), -slope.T


def _sizes(paths: MusclePaths, segment: dict[str, float]) -> dict[str, float]:
    """Size of every body of the muscles' skeleton; others have their parent's."""
    body = paths.body
    names = [body.segment_names[one] for one in body.segment_of_body]
    return {b: segment.get(s, 1.0) for b, s in zip(body.body_names, names, strict=True)}


def _scale(spec: mujoco.MjSpec, size: dict[str, float]) -> dict[str, float]:
    """Origins follow the parent's size, everything within a body its own. Returns what size does to
    displacements of slides."""
    stretch = {}
    for body in spec.bodies:
        if body.name == "world":
            continue
        parent = size.get(body.parent.name, 1.0)
        own = size.setdefault(body.name, parent)
        body.pos = body.pos * parent
        for part in (*body.joints, *body.sites, *body.geoms):
            part.pos = part.pos * own
        for geom in body.geoms:
            if geom.type in (mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_SPHERE):
                geom.size, geom.fromto = geom.size * own, geom.fromto * own
        for joint in body.joints:
            if joint.type == mujoco.mjtJoint.mjJNT_SLIDE:
                stretch[joint.name] = parent
    return stretch
