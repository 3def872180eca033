"""A fitted trajectory at the sample times, and how well it explains the detections."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraAdjustment, CameraRig
from diffbio.fitting.fit import HeldOut, Motion, ReprojectionError
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.observations import MIN_CONFIDENCE, Keypoints
from diffbio.trajectories import Trajectory


def reprojection_error(
    rig: CameraRig,
    markers: Float[np.ndarray, "time marker 3"] | Float[np.ndarray, "camera time marker 3"],
    keypoints: Keypoints,
    marker_names: tuple[str, ...],
) -> ReprojectionError:
    """Pixel distance of every detection from its projected marker, none excluded.

    Args:
        rig: cameras in the order of the keypoints'.
        markers: in the world frame, in metres; those of each camera at the instants of its own
            pictures, or the same for all. NaN where the trajectory does not reach.
        keypoints: detections; those below `MIN_CONFIDENCE` have no distance (NaN).
        marker_names: keypoints the markers stand for.
    """
    order = [keypoints.names.index(name) for name in marker_names]
    confidence = np.asarray(keypoints.confidence)[:, :, order]
    points = jnp.asarray(markers, rig.focal_px.dtype)
    projected = np.stack(_project(rig, points), axis=-1).astype(float)
    px = np.linalg.norm(projected - np.asarray(keypoints.pixels)[:, :, order], axis=-1)
    return ReprojectionError(
        np.where(confidence >= MIN_CONFIDENCE, px, np.nan),
        projected,
        np.asarray(confidence, float),
        rig.names,
    )


@eqx.filter_jit
def _project(rig: CameraRig, points: Float[Array, "*batch 3"]) -> tuple[Array, Array]:
    return rig.project_components(points, own=points.ndim == 4)


def pictured_error(
    body: BodyModel,
    problem: Problem,
    unknowns: Unknowns,
    rig: CameraRig,
    keypoints: Keypoints,
    cameras: CameraAdjustment,
) -> ReprojectionError:
    """Reprojection error of a fit, in the frames as they were recorded.

    Args:
        body: the anatomy.
        problem: the trial as it was fitted.
        unknowns: the fit.
        rig: the refined cameras.
        keypoints: as recorded, of the same cameras.
        cameras: corrections of the clocks the recording was made with. Pictures from before or
            after the fitted motion have no prediction, hence no error.
    """
    n, dtype = len(keypoints.time), problem.time.dtype
    lag = jnp.zeros_like(problem.lag)
    if keypoints.lag is not None:
        lag = lag.at[:, :n].set(jnp.asarray(keypoints.lag, dtype))
    recorded = eqx.tree_at(lambda p: p.lag, problem, lag)
    if not problem.timed and keypoints.lag is None:
        markers = _markers(body, unknowns, problem.time)
    else:
        instants = recorded.instants(cameras)
        end = problem.time[problem.n_frames - 1] + keypoints.interval
        reached = (instants > -keypoints.interval) & (instants < end)
        flat = _markers(body, unknowns, instants.reshape(-1))
        markers = flat.reshape(*instants.shape, *flat.shape[1:])
        markers = jnp.where(reached[..., None, None], markers, jnp.nan)
    kept = np.asarray(markers, float)[..., :n, :, :]
    return reprojection_error(rig, kept, keypoints, body.marker_names)


def held_out_error(
    body: BodyModel,
    problem: Problem,
    unknowns: Unknowns,
    rig: CameraRig,
    keypoints: Keypoints,
    name: str,
) -> HeldOut:
    """How well a fit predicts a camera it did not use, pose, lens and clock as given.

    Args:
        body: the anatomy.
        problem: the trial as it was fitted, without that camera.
        unknowns: the fit.
        rig: all cameras, as given.
        keypoints: of all cameras.
        name: of the camera that was held out.
    """
    n = len(keypoints.time)
    alone = keypoints.of_cameras((name,))
    time = problem.time
    if alone.lag is not None:
        time = time.at[:n].add(jnp.asarray(np.asarray(alone.lag)[0], time.dtype))
    markers = np.asarray(_markers(body, unknowns, time), float)[:n]
    error = reprojection_error(rig.subset((name,)), markers, alone, body.marker_names)
    return HeldOut(name, error)


def placed_error(
    body: BodyModel, problem: Problem, unknowns: Unknowns
) -> Float[np.ndarray, "time marker"] | None:
    """Distance of every optical marker from the model's, in metres; None where there are none.

    Args:
        body: the anatomy.
        problem: the trial as it was fitted.
        unknowns: the fit.
    """
    if problem.placement is None:
        return None
    n = int(problem.n_frames)
    away = _markers(body, unknowns, problem.time) - problem.placement.positions
    distance = np.linalg.norm(np.asarray(away, float), axis=-1)
    return np.where(np.asarray(problem.placement.weight) > 0, distance, np.nan)[:n]


@eqx.filter_jit
def _markers(
    body: BodyModel, unknowns: Unknowns, time: Float[Array, "time"]
) -> Float[Array, "time marker 3"]:
    return body.marker_positions(unknowns.parameters, unknowns.trajectory(time))


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
        seen=np.logical_or.reduce(problem.seen[:n], axis=1),
    )
