"""A walking motion from published normative joint curves, on any person of the default body."""

import functools
import pathlib
import tomllib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.errors import InputError
from diffbio.simulation.courses import CourseOf, straight

CADENCE_HZ = 0.95
"""Strides per second of comfortable walking."""

HARMONICS = 7
"""Of the stride frequency: 6.7 Hz, which holds more than 99 % of a joint curve's power."""

PELVIS_INCLINATION = np.deg2rad(5.6)
"""Of the line from the front to the back iliac spines in the default body's pelvis frame. The
normative tilt and hip flexion are measured from that line, the model's from the frame."""

FOOT_BODIES = ("calcn", "toes")

STANDING_SHARPNESS = 200.0
"""In 1/m: a point under a foot that is 1 cm higher than the lowest carries an eighth as much."""

UP = np.array([0.0, 0.0, 1.0])

# Columns: X forward, Y up, Z right (OpenSim) in world axes x forward, y left, z up.
WORLD_FROM_OPENSIM = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@functools.cache
def _curves() -> dict:
    return tomllib.loads(pathlib.Path(__file__).with_name("normal_gait.toml").read_text())


def _periodic(name: str, phase: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    """A curve of the table at any phase (1 is a stride), band-limited, in radians."""
    samples = np.deg2rad(np.asarray(_curves()[name], float))
    c = np.fft.rfft(samples)[: HARMONICS + 1] / len(samples)
    k = np.arange(1, len(c))
    wave = np.exp(2j * np.pi * phase[:, None] * k) @ (2 * c[1:])
    return c[0].real + wave.real


def walking_pose(
    body: BodyModel,
    parameters: BodyParameters,
    time: Float[np.ndarray, "time"],
    *,
    phase_at_start: float = 0.0,
    lumbar_extension: float = 0.0,
    course: CourseOf = straight,
    planted: bool = False,
) -> Pose:
    """A walk on the floor z = 0, by default along x through the origin at mid-trial.

    The pelvis height puts the lower foot on the floor at every time, its speed is the mean speed
    of the foot on the floor, both found from the person's own kinematics.

    Args:
        body: the default body, with legs.
        parameters: the person.
        time: in seconds.
        phase_at_start: of the right stride at time zero, in strides.
        lumbar_extension: the person's own posture, in radians, constant over the walk.
        course: where the walk leads.
        planted: whether the foot on the floor stays where it is, so that steps can be measured.
            The pelvis then speeds up and slows down by a quarter within each step; otherwise its
            speed is constant, and the feet slide by up to 0.2 m/s.

    Raises:
        InputError: the body has no pelvis or feet.
    """
    needed = ("pelvis", *(f"{b}_{s}" for b in FOOT_BODIES for s in "rl"))
    if missing := [name for name in needed if name not in body.body_names]:
        raise InputError(body.name, f"It has no body {missing[0]!r}.", "Anchor keypoints on it.")
    phase = CADENCE_HZ * time + phase_at_start
    joints = _joint_coordinates(body, phase, lumbar_extension)
    quaternion = _root_quaternion(body, phase)
    still = _pose(np.zeros((len(time), 3)), quaternion, joints)
    positions, rotations = (
        np.asarray(x, float) for x in jax.jit(body.body_poses)(parameters, still)
    )
    soles = _soles(body, parameters, positions, rotations)
    height = -_smooth_minimum(soles[..., 2])
    # While a foot is the lower one it stands, so the root moves against it.
    lower = soles[..., 2].argmin(1)
    backwards = np.gradient(soles[..., 0], time, axis=0)[np.arange(len(time)), lower]
    speed = -float(np.mean(backwards))
    gone = speed * (time - time.mean())
    if planted:
        gone = _way_of_standing(time, _under_feet(body, parameters, positions, rotations))
    place, heading = course(gone)
    sideways = np.stack([-np.sin(heading), np.cos(heading)], axis=-1)
    place = place + (0.02 * np.sin(2 * np.pi * phase))[:, None] * sideways
    facing = Rotation.from_rotvec(heading[:, None] * UP) * Rotation.from_quat(
        quaternion, scalar_first=True
    )
    root = np.concatenate([place, height[:, None]], axis=1)
    return _pose(root, facing.as_quat(scalar_first=True), joints)


def _pose(position: np.ndarray, quaternion: np.ndarray, joints: np.ndarray) -> Pose:
    return Pose(jnp.asarray(position), jnp.asarray(quaternion), jnp.asarray(joints))


def _joint_coordinates(
    body: BodyModel, phase: np.ndarray, lumbar_extension: float
) -> Float[np.ndarray, "time joint"]:
    joints = np.tile(body.joint_reference, (len(phase), 1))
    extra = _curves()["arms_and_trunk"]

    def put(name: str, values: np.ndarray) -> None:
        if name in body.joint_names:
            joints[:, body.joint_names.index(name)] = values

    for side, own in (("r", phase), ("l", phase + 0.5)):
        put(f"hip_flexion_{side}", _periodic("hip_flexion", own) - PELVIS_INCLINATION)
        put(f"hip_adduction_{side}", _periodic("hip_adduction", own))
        put(f"hip_rotation_{side}", _periodic("hip_rotation", own))
        put(f"knee_angle_{side}", np.maximum(_periodic("knee_flexion", own), 0.0))
        put(f"ankle_angle_{side}", _periodic("ankle_dorsiflexion", own))
        swing = np.cos(2 * np.pi * own)
        flexion = extra["shoulder_flexion_mean"] - extra["shoulder_flexion_amplitude"] * swing
        plane, elevation = _shoulder(np.deg2rad(flexion), np.deg2rad(extra["shoulder_abduction"]))
        put(f"elv_angle_{side}", plane)
        put(f"shoulder_elv_{side}", elevation)
        elbow = extra["elbow_flexion_mean"] - extra["elbow_flexion_amplitude"] * swing
        put(f"elbow_flex_{side}", np.deg2rad(elbow))
    turn = 2 * np.pi * phase
    put("lumbar_rotation", np.deg2rad(-extra["lumbar_rotation_amplitude"]) * np.cos(turn))
    put("lumbar_bending", np.deg2rad(extra["lumbar_bending_amplitude"]) * np.sin(turn))
    put("lumbar_extension", np.full(len(phase), lumbar_extension))
    return joints


def _shoulder(flexion: np.ndarray, abduction: float) -> tuple[np.ndarray, np.ndarray]:
    """Plane and angle of elevation of an upper arm that swings at constant abduction."""
    forward = np.sin(flexion) * np.cos(abduction)
    down = np.cos(flexion) * np.cos(abduction)
    lateral = np.sin(abduction)
    return np.arctan2(forward, lateral), np.arccos(np.clip(down, -1, 1))


def _root_quaternion(body: BodyModel, phase: np.ndarray) -> Float[np.ndarray, "time 4"]:
    tilt = PELVIS_INCLINATION - _periodic("pelvis_tilt", phase)
    obliquity = -_periodic("pelvis_obliquity", phase)
    rotation = _periodic("pelvis_rotation", phase)
    opensim_from_pelvis = Rotation.from_euler("ZXY", np.stack([tilt, obliquity, rotation], 1))
    world_from_pelvis = Rotation.from_matrix(WORLD_FROM_OPENSIM) * opensim_from_pelvis
    pelvis = body.body_names.index("pelvis")
    _, neutral = jax.jit(body.body_poses)(body.default_parameters(), body.neutral_pose())
    root_from_pelvis = Rotation.from_matrix(np.asarray(neutral[0, pelvis], float))
    return (world_from_pelvis * root_from_pelvis.inv()).as_quat(scalar_first=True)


def _soles(
    body: BodyModel, parameters: BodyParameters, positions: np.ndarray, rotations: np.ndarray
) -> Float[np.ndarray, "time side 3"]:
    """Lowest point of each foot: under the heel or under the toes."""
    both = _under_feet(body, parameters, positions, rotations)
    lowest = both[..., 2].argmin(axis=2)[..., None, None]
    return np.take_along_axis(both, lowest, axis=2)[:, :, 0]


def _under_feet(
    body: BodyModel, parameters: BodyParameters, positions: np.ndarray, rotations: np.ndarray
) -> Float[np.ndarray, "time side 2 3"]:
    """Points under the heel and under the toes of each foot."""
    scale = body.body_scale(parameters)
    under = {"calcn": np.array([0.01, -0.03, 0.0]), "toes": np.array([0.02, -0.025, 0.0])}
    feet = []
    for side in "rl":
        points = []
        for name in FOOT_BODIES:
            b = body.body_names.index(f"{name}_{side}")
            points.append(positions[:, b] + scale[b] * rotations[:, b] @ under[name])
        feet.append(np.stack(points, axis=1))
    return np.stack(feet, axis=1)


def _way_of_standing(
    time: Float[np.ndarray, "time"], points: Float[np.ndarray, "time side 2 3"]
) -> Float[np.ndarray, "time"]:
    """Way of the pelvis along x with which the lowest points under the feet stay in place.

    Args:
        time: in seconds.
        points: as the pelvis sees them, while it does not move.

    Returns:
        In metres, zero on the mean.
    """
    points = points.reshape(len(time), -1, 3)
    above = points[..., 2] - points[..., 2].min(axis=1, keepdims=True)
    weight = np.exp(-STANDING_SHARPNESS * above)
    weight /= weight.sum(axis=1, keepdims=True)
    speed = -(weight * np.gradient(points[..., 0], time, axis=0)).sum(axis=1)
    step = np.diff(time) * (speed[1:] + speed[:-1]) / 2.0
    way = np.concatenate([[0.0], np.cumsum(step)])
    return way - way.mean()


def _smooth_minimum(
    heights: Float[np.ndarray, "time side"], sharpness: float = 100.0
) -> Float[np.ndarray, "time"]:
    """Minimum over the last axis without corners; `sharpness` in 1/m."""
    lowest = heights.min(1)
    return lowest - np.log(np.exp(-sharpness * (heights - lowest[:, None])).sum(1)) / sharpness
