"""A fitted trajectory at the sample times, and how well it explains the detections."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Motion, ReprojectionError
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.observations import MIN_CONFIDENCE, Keypoints
from diffbio.trajectories import Trajectory


def reprojection_error(
    rig: CameraRig,
    markers: Float[np.ndarray, "time marker 3"],
    keypoints: Keypoints,
    marker_names: tuple[str, ...],
) -> ReprojectionError:
    """Pixel distance of every detection from its projected marker, none excluded.

    Args:
        rig: cameras in the order of the keypoints'.
        markers: in the world frame, in metres.
        keypoints: detections; those below `MIN_CONFIDENCE` have no distance (NaN).
        marker_names: keypoints the markers stand for.
    """
    order = [keypoints.names.index(name) for name in marker_names]
    confidence = np.asarray(keypoints.confidence)[:, :, order]
    projected = np.asarray(rig.project(jnp.asarray(markers, rig.focal_px.dtype)), float)
    px = np.linalg.norm(projected - np.asarray(keypoints.pixels)[:, :, order], axis=-1)
    return ReprojectionError(
        np.where(confidence >= MIN_CONFIDENCE, px, np.nan),
        projected,
        np.asarray(confidence, float),
        rig.names,
    )


@eqx.filter_jit
def _evaluate(
    body: BodyModel,
    trajectory: Trajectory,
    parameters: BodyParameters,
    time: Float[Array, "time"],
):
    pose = trajectory(time)
    positions, rotations = body.body_poses(parameters, pose)
    markers = body.marker_positions(parameters, pose)
    return (
        pose,
        trajectory.velocity(time),
        trajectory.acceleration(time),
        positions,
        rotations,
        markers,
    )


def evaluate_motion(
    body: BodyModel, problem: Problem, unknowns: Unknowns, keypoints: Keypoints
) -> Motion:
    """The fitted motion at the sample times of the keypoints, padding removed."""
    n = len(keypoints.time)
    evaluated = _evaluate(body, unknowns.trajectory, unknowns.parameters, problem.time)
    pose, velocity, acceleration, positions, rotations, markers = jax.tree.map(
        lambda x: np.asarray(x, float)[:n], evaluated
    )
    return Motion(
        time=np.asarray(keypoints.time, float),
        root_position=pose.root_position,
        root_quaternion=pose.root_quaternion,
        joints=pose.joints,
        joint_velocity=velocity.joints,
        joint_acceleration=acceleration.joints,
        markers=markers,
        body_positions=positions,
        body_rotations=rotations,
        seen=np.asarray((np.asarray(keypoints.confidence) >= MIN_CONFIDENCE).any((0, 2))),
    )
