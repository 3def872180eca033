"""C MuJoCo as the oracle of forward kinematics: whole models, scaled and posed by hand."""

import copy
import functools

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.body.default import default_mjcf

ORIGINAL_NAMES = {
    "lumbar_extension": "flex_extension",
    "lumbar_bending": "lat_bending",
    "lumbar_rotation": "axial_rotation",
    "wrist_dev_r": "deviation_r",
    "wrist_dev_l": "deviation_l",
    "wrist_flex_r": "flexion_r",
    "wrist_flex_l": "flexion_l",
}
NECK = ("neck_extension", "neck_bending", "neck_rotation")
NECK_CENTRE = np.array([-0.027, 0.415, 0.0])
"""Between C7 and T1, in the frame of the rigid neck, in metres."""


@functools.cache
def full_body() -> mujoco.MjModel:
    """MyoFullBody as published, fingers and all."""
    return mujoco.MjModel.from_xml_path(str(default_mjcf()))


class NativePerson:
    """A whole model in C MuJoCo with the proportions of one person.

    Scaling, couplings and the neck are written here anew, from their definitions: origins follow
    the parent's size, joint anchors their own, slides the parent's; joint equalities are
    polynomials of displacements from `qpos0`.
    """

    def __init__(self, model: mujoco.MjModel, body: BodyModel, parameters: BodyParameters) -> None:
        self.model, self.body = copy.copy(model), body
        self.state = mujoco.MjData(self.model)
        sizes = np.exp(np.asarray(parameters.log_scale))[list(body.segment_of_body)]
        self.size = dict(zip(body.body_names, sizes, strict=True))
        points = np.array([anchor.position for anchor in body.anchors])
        own = np.array([self.size[anchor.body] for anchor in body.anchors])
        self.local = points * own[:, None] + np.asarray(parameters.marker_offset)
        if "neck" in body.body_names:
            self._move_neck()
        for b in range(1, model.nbody):
            self.model.body_pos[b] *= self._size(model.body_parentid[b])
        for j in range(model.njnt):
            self.model.jnt_pos[j] *= self._size(model.jnt_bodyid[j])

    def _size(self, body: int) -> float:
        return self.size.get(self.model.body(body).name, 1.0)

    def _move_neck(self) -> None:
        neck = self.model.body("neck").id
        self.model.body_pos[neck] += NECK_CENTRE
        for child in np.flatnonzero(self.model.body_parentid == neck):
            self.model.body_pos[child] -= NECK_CENTRE

    def place(self, root: np.ndarray, quaternion: np.ndarray, joints: np.ndarray) -> None:
        """Take one pose; a model without a free joint stays where its world is."""
        model, qpos = self.model, self.model.qpos0.copy()
        if model.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE:
            qpos[:3], qpos[3:7] = root, quaternion
        angles = dict(zip(self.body.joint_names, joints, strict=True))
        if NECK[0] in angles:
            turn = Rotation.from_euler("ZXY", [angles.pop(name) for name in NECK])
            model.body_quat[model.body("neck").id] = turn.as_quat(scalar_first=True)
        for name, value in angles.items():
            qpos[model.joint(ORIGINAL_NAMES.get(name, name)).qposadr] = value
        expand_couplings(model, qpos)
        for j in np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE):
            at = model.jnt_qposadr[j]
            parent = model.body_parentid[model.jnt_bodyid[j]]
            qpos[at] = model.qpos0[at] + (qpos[at] - model.qpos0[at]) * self._size(parent)
        self.state.qpos[:] = qpos
        mujoco.mj_kinematics(model, self.state)

    def bodies(self, pose: Pose) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions (time body 3), rotations (time body 3 3) and markers (time marker 3)."""
        positions, rotations, markers = [], [], []
        for root, quaternion, joints in zip(
            np.asarray(pose.root_position),
            np.asarray(pose.root_quaternion),
            np.asarray(pose.joints),
            strict=True,
        ):
            self.place(root, quaternion, joints)
            of = [self.model.body(name).id for name in self.body.body_names]
            positions.append(self.state.xpos[of])
            rotations.append(self.state.xmat[of].reshape(-1, 3, 3))
            carrier = [self.model.body(anchor.body).id for anchor in self.body.anchors]
            turned = self.state.xmat[carrier].reshape(-1, 3, 3) @ self.local[:, :, None]
            markers.append(self.state.xpos[carrier] + turned[..., 0])
        return np.array(positions), np.array(rotations), np.array(markers)


def expand_couplings(model: mujoco.MjModel, qpos: np.ndarray) -> None:
    """Give every coupled joint the coordinate its equality asks for, in place."""
    for e in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
        follower = model.jnt_qposadr[model.eq_obj1id[e]]
        displacement = 0.0
        if model.eq_obj2id[e] >= 0:
            leader = model.jnt_qposadr[model.eq_obj2id[e]]
            displacement = qpos[leader] - model.qpos0[leader]
        terms = model.eq_data[e, :5] * displacement ** np.arange(5)
        qpos[follower] = model.qpos0[follower] + terms.sum()


def random_person(body: BodyModel, rng: np.random.Generator) -> BodyParameters:
    """Sizes of 0.8 to 1.25, markers a centimetre or two from their anchors."""
    zero = body.default_parameters(np.float64)
    return BodyParameters(
        zero.log_scale + rng.uniform(-0.22, 0.22, zero.log_scale.shape),
        zero.marker_offset + rng.normal(0.0, 0.01, zero.marker_offset.shape),
    )


def random_pose(body: BodyModel, rng: np.random.Generator, n_time: int) -> Pose:
    """The root anywhere within metres, the joints anywhere within their ranges."""
    low, high = np.clip(body.joint_range, -3.0, 3.0).T
    neutral = body.neutral_pose(n_time, np.float64)
    turns = Rotation.from_rotvec(rng.normal(0.0, 2.0, (n_time, 3))).as_quat(scalar_first=True)
    return Pose(
        neutral.root_position + rng.normal(0.0, 2.0, (n_time, 3)),
        neutral.root_quaternion * 0.0 + turns,
        neutral.joints * 0.0 + rng.uniform(low, high, (n_time, len(low))),
    )
