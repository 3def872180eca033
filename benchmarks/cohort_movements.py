"""What a laboratory records beside walks: a stance that was asked for, and joints in their range.

Simulated, with the detector's errors and cameras of `simulate_walking`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, Pose
from diffbio.observations import Keypoints
from diffbio.simulation import SimulatedRecording
from diffbio.simulation.detector import DetectorErrors, detect

STANCE_SD = float(np.deg2rad(5.0))
"""How far people stray from the stance they are asked for, each in their own way, per coordinate:
somewhat more than what one person's angles differ by from one static trial to the next."""

PLANE_SD = float(np.deg2rad(30.0))
"""Likewise for the plane in which an arm is raised that hardly is."""

STANCE = {"knee_angle": 3.0, "shoulder_elv": 15.0, "elbow_flex": 10.0}
"""Degrees; what is not named is zero."""

REACH = {
    "hip_flexion": (20.0, 20.0), "hip_adduction": (-5.0, 15.0), "knee_angle": (40.0, 30.0),
    "ankle_angle": (0.0, 15.0), "subtalar_angle": (0.0, 12.0), "elv_angle": (45.0, 30.0),
    "shoulder_elv": (50.0, 25.0), "shoulder_rot": (0.0, 25.0), "elbow_flex": (60.0, 40.0),
    "pro_sup": (0.0, 40.0), "wrist_dev": (5.0, 12.0), "wrist_flex": (0.0, 30.0),
    "lumbar_extension": (-3.0, 10.0), "lumbar_bending": (0.0, 10.0),
}  # fmt: skip
"""Middle and half of the movement, in degrees; others move by 10 about zero."""

RATE_HZ = (0.5, 1.0)
"""Of the movements, each its own."""


def asked_posture(body: BodyModel) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of every coordinate of the stance, in radians.

    The lumbar spine is as in walking: nobody can tell people how to hold it.
    """
    own = {name: (mean, sd) for name, mean, sd in body.posture if name.startswith("lumbar")}
    asked = {}
    for name in body.joint_names:
        stem = name.removesuffix("_r").removesuffix("_l")
        sd = PLANE_SD if stem == "elv_angle" else STANCE_SD
        asked[name] = own.get(name, (float(np.deg2rad(STANCE.get(stem, 0.0))), sd))
    return asked


def stand(walk: SimulatedRecording, rng: np.random.Generator) -> SimulatedRecording:
    """The person of a walk stands in the stance, but for what people stray from it."""
    low, high = walk.body.joint_range.T
    mean, sd = np.asarray(list(asked_posture(walk.body).values())).T
    posture = np.clip(mean + rng.normal(size=len(mean)) * sd, low, high)
    n = len(walk.keypoints.time)
    return _recorded(walk, np.tile(posture, (n, 1)), rng)


def move_joints(walk: SimulatedRecording, rng: np.random.Generator) -> SimulatedRecording:
    """The person of a walk moves all joints on the spot, every one at its own rate."""
    time = np.asarray(walk.keypoints.time)
    columns = []
    for name in walk.body.joint_names:
        middle, half = REACH.get(name.removesuffix("_r").removesuffix("_l"), (0.0, 10.0))
        turn = 2 * np.pi * (rng.uniform(*RATE_HZ) * time + rng.random())
        columns.append(np.deg2rad(middle + half * np.sin(turn)))
    return _recorded(walk, np.stack(columns, axis=1), rng)


def _recorded(
    walk: SimulatedRecording, joints: Float[np.ndarray, "time joint"], rng: np.random.Generator
) -> SimulatedRecording:
    """The cameras of a walk see its person do something else, the pelvis as in the middle of it."""
    body, parameters, rig = walk.body, walk.parameters, walk.rig
    middle, n = len(joints) // 2, len(joints)
    root = np.tile(np.asarray(walk.pose.root_position)[middle], (n, 1))
    turn = np.tile(np.asarray(walk.pose.root_quaternion)[middle], (n, 1))
    pose = Pose(jnp.asarray(root), jnp.asarray(turn), jnp.asarray(joints, root.dtype))
    markers = np.asarray(jax.jit(body.marker_positions)(parameters, pose), float)
    exact = np.stack(rig.project_components(jnp.asarray(markers)), axis=-1)
    size = np.asarray(rig.image_size, float)[:, None, None]
    inside = np.all((exact >= 0) & (exact <= size - 1), axis=-1)
    pixels, confidence = detect(exact, np.asarray(inside), DetectorErrors(), rng)
    seen = walk.keypoints
    keypoints = Keypoints(
        pixels, confidence, seen.time, seen.names, seen.set_name, seen.camera_names
    )
    return SimulatedRecording(keypoints, rig, body, parameters, pose, markers)
