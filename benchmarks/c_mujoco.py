"""The peer: C MuJoCo's forward kinematics of a person, one pose after another."""

import mujoco
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters, Pose


class NativeKinematics:
    """`mj_kinematics` of the person that `BodyModel.to_mjcf` writes, in double precision.

    MuJoCo treats joint equalities as soft constraints of its dynamics, so `mj_kinematics` does
    not apply them: coupled joints are expanded here, from the compiled model's own equalities.
    """

    def __init__(self, body: BodyModel, parameters: BodyParameters) -> None:
        if "slide" in body.joint_kinds:
            # to_mjcf scales slides with their segment, so their coordinates would differ.
            raise ValueError(f"{body.name} has independent slide joints, which are not compared.")
        self.model = mujoco.MjModel.from_xml_string(body.to_mjcf(parameters))
        self.state = mujoco.MjData(self.model)
        self._addresses = [self._address(self.model.joint(name).id) for name in body.joint_names]
        self._sites = [self.model.site(name).id for name in body.marker_names]

    def _address(self, joint: int) -> int:
        return int(self.model.jnt_qposadr[joint])

    def generalised_positions(self, pose: Pose) -> Float[np.ndarray, "time qpos"]:
        """MuJoCo's `qpos` of every pose, coupled joints expanded."""
        model = self.model
        qpos = np.tile(model.qpos0, (len(pose.joints), 1))
        qpos[:, :3], qpos[:, 3:7] = pose.root_position, pose.root_quaternion
        qpos[:, self._addresses] = pose.joints
        for equality in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
            follower = self._address(int(model.eq_obj1id[equality]))
            leading = int(model.eq_obj2id[equality])
            displacement = np.zeros(len(qpos))
            if leading >= 0:
                leader = self._address(leading)
                displacement = qpos[:, leader] - model.qpos0[leader]
            polynomial = np.polynomial.Polynomial(model.eq_data[equality, :5])
            qpos[:, follower] = model.qpos0[follower] + polynomial(displacement)
        return qpos

    def run(self, qpos: Float[np.ndarray, "time qpos"]) -> None:
        """Kinematics of every pose in turn, on one thread, results overwritten: what is timed."""
        model, state = self.model, self.state
        for row in qpos:
            state.qpos[:] = row
            mujoco.mj_kinematics(model, state)

    def marker_positions(
        self, qpos: Float[np.ndarray, "time qpos"]
    ) -> Float[np.ndarray, "time marker 3"]:
        """Sites of the markers in the world, in metres."""
        markers = np.empty((len(qpos), len(self._sites), 3))
        for frame, row in enumerate(qpos):
            self.state.qpos[:] = row
            mujoco.mj_kinematics(self.model, self.state)
            markers[frame] = self.state.site_xpos[self._sites]
        return markers
