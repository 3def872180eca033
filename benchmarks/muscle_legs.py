"""Moments that the muscles of MyoFullBody's legs can make, from C MuJoCo."""

import jax.numpy as jnp
import mujoco
import musclemimic_models
import numpy as np

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


def leg_capacity(n_frames: int) -> np.ndarray:
    """Moment of every muscle when fully active and still, in random poses of the generic body.

    Moment arms are projected onto the independent coordinates through the model's couplings.

    Returns:
        frame x coordinate x muscle, Nm.
    """
    model = mujoco.MjModel.from_xml_path(str(musclemimic_models.get_xml_path("myofullbody")))
    state, rng = mujoco.MjData(model), np.random.default_rng(0)
    chosen = np.arange(model.actuator(FIRST).id, model.actuator(LAST).id + 1)
    assert chosen.size == MUSCLES
    tendons, muscles = model.actuator_trnid[chosen, 0], _muscles(model, chosen)
    still, capacity = jnp.zeros(MUSCLES), []
    for _ in range(n_frames):
        projection = _pose(model, state, rng)
        mujoco.mj_kinematics(model, state)
        mujoco.mj_comPos(model, state)
        mujoco.mj_tendon(model, state)
        arms = _tendon_jacobian(model, state)[tendons] @ projection
        force = muscles.active_force(jnp.asarray(state.ten_length[tendons]), still)
        # A tendon pulls towards where it is shorter.
        capacity.append(-(arms * np.asarray(force)[:, None]).T)
    return np.stack(capacity)


def _muscles(model: mujoco.MjModel, chosen: np.ndarray) -> Muscles:
    return muscles_from_mujoco(
        [model.actuator(int(one)).name for one in chosen],
        model.actuator_gainprm[chosen],
        model.actuator_biasprm[chosen],
        model.actuator_dynprm[chosen],
        model.actuator_lengthrange[chosen],
        model.actuator_acc0[chosen],
    )


def _pose(model: mujoco.MjModel, state: mujoco.MjData, rng: np.random.Generator) -> np.ndarray:
    """Set a random pose, couplings kept; speeds of all joints per speed of each coordinate."""
    state.qpos[:] = model.qpos0
    projection = np.zeros((model.nv, len(COORDINATES)))
    for column, name in enumerate(COORDINATES):
        joint = model.joint(name)
        low, high = joint.range
        state.qpos[joint.qposadr] = (low + high) / 2 + MIDDLE * (high - low) * rng.uniform(
            -0.5, 0.5
        )
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


def _tendon_jacobian(model: mujoco.MjModel, state: mujoco.MjData) -> np.ndarray:
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
