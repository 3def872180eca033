"""Moments that the muscles of MyoFullBody's legs can make, from C MuJoCo."""

from collections.abc import Sequence

import jax.numpy as jnp
import mujoco
import musclemimic_models
import numpy as np

from diffbio.body.muscle_routes import forces_from_model
from diffbio.muscle import Muscles, muscles_from_mujoco

FIRST, LAST, MUSCLES = "addbrev_r", "vasmed_l", 80
"""The legs' muscles lie together in the model, right before left."""

COORDINATES = tuple(
    f"{joint}_{side}"
    for side in "rl"
    for joint in (
        "hip_flexion", "hip_adduction", "hip_rotation", "knee_angle",
        "ankle_angle", "subtalar_angle", "mtp_angle",
    )
)  # fmt: skip

MIDDLE = 0.6
"""Share of each joint's range that poses are drawn from, about its middle."""


class NativeLegs:
    """C MuJoCo's tendons of the generic body, couplings expanded from the model's own equalities.

    Args:
        share: of each joint's range that poses are drawn from, about its middle.
    """

    def __init__(self, share: float = MIDDLE) -> None:
        path = str(musclemimic_models.get_xml_path("myofullbody"))
        self.model = model = mujoco.MjModel.from_xml_path(path)
        self.state, self.share = mujoco.MjData(model), share
        self.chosen = np.arange(model.actuator(FIRST).id, model.actuator(LAST).id + 1)
        assert self.chosen.size == MUSCLES
        self.tendons = model.actuator_trnid[self.chosen, 0]

    def at(self, names: Sequence[str], joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lengths (frame muscle) and moment arms (frame coordinate muscle), in metres."""
        lengths, arms = [], []
        for row in joints:
            # A tendon pulls towards where it is shorter.
            projection = _pose(self.model, self.state, names, row)
            mujoco.mj_kinematics(self.model, self.state)
            mujoco.mj_comPos(self.model, self.state)
            mujoco.mj_tendon(self.model, self.state)
            slope = tendon_jacobian(self.model, self.state)[self.tendons] @ projection
            lengths.append(self.state.ten_length[self.tendons].copy())
            arms.append(-slope.T)
        return np.array(lengths), np.array(arms)

    def random(self, n_frames: int, rng: np.random.Generator) -> np.ndarray:
        """Values of `COORDINATES`."""
        low, high = np.array([self.model.joint(name).range for name in COORDINATES]).T
        spread = self.share * rng.uniform(-0.5, 0.5, (n_frames, len(COORDINATES)))
        return (low + high) / 2 + (high - low) * spread


def leg_capacity(n_frames: int) -> np.ndarray:
    """Moment of every muscle when fully active and still, in random poses of the generic body.

    Moment arms are projected onto the independent coordinates through the model's couplings.

    Returns:
        frame x coordinate x muscle, Nm.
    """
    native = NativeLegs()
    joints = native.random(n_frames, np.random.default_rng(0))
    lengths, arms = native.at(COORDINATES, joints)
    muscles, still = _muscles(native.model, native.chosen), jnp.zeros(MUSCLES)
    force = [np.asarray(muscles.active_force(jnp.asarray(one), still)) for one in lengths]
    return arms * np.array(force)[:, None]


def _muscles(model: mujoco.MjModel, chosen: np.ndarray) -> Muscles:
    names = [model.actuator(int(one)).name for one in chosen]
    return muscles_from_mujoco(*forces_from_model(model, names))


def _pose(
    model: mujoco.MjModel, state: mujoco.MjData, names: Sequence[str], joints: np.ndarray
) -> np.ndarray:
    """Set a pose, couplings kept; speeds of all joints per speed of each coordinate."""
    state.qpos[:] = model.qpos0
    projection = np.zeros((model.nv, len(names)))
    for column, name in enumerate(names):
        joint = model.joint(name)
        state.qpos[joint.qposadr] = joints[column]
        projection[joint.dofadr, column] = 1
    for i in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
        driven, driver = model.eq_obj1id[i], model.eq_obj2id[i]
        at = model.jnt_qposadr[driven]
        polynomial, change = np.polynomial.Polynomial(model.eq_data[i, :5]), 0.0
        if driver >= 0:
            from_ = model.jnt_qposadr[driver]
            change = state.qpos[from_] - model.qpos0[from_]
            slope = polynomial.deriv()(change)
            row = model.jnt_dofadr[driver]
            projection[model.jnt_dofadr[driven]] = slope * projection[row]
        state.qpos[at] = model.qpos0[at] + polynomial(change)
    return projection


def tendon_jacobian(model: mujoco.MjModel, state: mujoco.MjData) -> np.ndarray:
    """Tendon x degree of freedom, m/rad. The pattern lies in MuJoCo 4's model, in 3's state."""
    if state.ten_J.size == model.ntendon * model.nv:
        return state.ten_J.reshape(model.ntendon, model.nv)
    pattern = model if hasattr(model, "ten_J_rowadr") else state
    dense = np.zeros((model.ntendon, model.nv))
    for tendon in range(model.ntendon):
        start = pattern.ten_J_rowadr[tendon]
        entries = slice(start, start + pattern.ten_J_rownnz[tendon])
        dense[tendon, pattern.ten_J_colind[entries]] = state.ten_J[entries]
    return dense
