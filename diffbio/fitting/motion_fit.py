"""Fit one trial end to end: from detections to motion, person and cameras."""

import time as clock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraRig
from diffbio.fitting.adamw import LEARNING_RATE, Progress, train
from diffbio.fitting.fit import Fit, Motion, Outcome, ReprojectionError
from diffbio.fitting.problem import Problem, Unknowns, make_problem
from diffbio.fitting.residuals.cameras import POSITION_SD, ROTATION_SD
from diffbio.fitting.residuals.person import PROPORTION_SD, marker_sd
from diffbio.fitting.start import Start, find_start
from diffbio.geometry import quaternion_multiply, rotation_vector_from_quaternion
from diffbio.observations import MIN_CONFIDENCE, Keypoints
from diffbio.trajectories import ImplicitTrajectory
from diffbio.trajectories.implicit import make_implicit_trajectory
from diffbio.trajectories.reference import KNOT_SPACING, fit_root_reference

STEPS = 1000
DISTIL_STEPS = 500
BANDWIDTH_HZ = 12.0

SHARED_RATE = 1e-2
"""Movement of body parameters and cameras per step, in prior standard deviations."""


def fit_motion(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    key: PRNGKeyArray,
    steps: int = STEPS,
    bandwidth_hz: float = BANDWIDTH_HZ,
    refine_cameras: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Fit motion, person and, if asked for, cameras to the detections of one trial.

    The implicit-trajectory method of Cotton (2024): one robust reprojection loss trains a
    network from time to pose together with segment scales, marker offsets and cameras.
    Departures: the start comes from triangulation and inverse kinematics, weights are standard
    deviations, joint ranges are penalties, the root is a rotation about a smooth reference.

    Args:
        body: anatomy whose markers are keypoints of the set.
        rig: cameras in the order of the keypoints'; its precision is the fit's.
        keypoints: detections of one person.
        key: randomness of the network's first weights.
        steps: steps of end-to-end training.
        bandwidth_hz: highest frequency among the trajectory's features.
        refine_cameras: bundle adjustment of the cameras' poses.
        progress: called with the step and the median reprojection error, in pixels.

    Raises:
        FitError: there is nothing to start from.
    """
    began = clock.perf_counter()
    start = find_start(body.with_kinematics("fused"), rig, keypoints)
    problem = make_problem(body, rig, keypoints, start.depth, dtype=rig.focal_px.dtype)
    trajectory = _start_trajectory(problem, start, bandwidth_hz, key)
    started = clock.perf_counter()
    unknowns = Unknowns(
        trajectory,
        start.parameters,
        jnp.zeros_like(problem.rig.camera_from_world_translation),
        jnp.zeros_like(problem.rig.camera_from_world_translation),
    )
    trained = train(
        _objective,
        problem,
        unknowns,
        _step_sizes(unknowns, problem, refine_cameras),
        steps=steps,
        measure=_median_px,
        progress=progress,
        compiler_options=body.compiler_options,
    )
    solved = clock.perf_counter()
    fitted = trained.unknowns
    motion = _motion(body.with_kinematics("fused"), problem, fitted, keypoints)
    refined = problem.rig.adjusted(fitted.camera_rotation, fitted.camera_shift)
    return Fit(
        body=body,
        parameters=fitted.parameters,
        motion=motion,
        rig=refined,
        rig_before=problem.rig,
        error=reprojection_error(refined, motion.markers, keypoints, body.marker_names),
        solver="adamw",
        iterations=trained.steps,
        cost=trained.cost,
        outcome=Outcome.MAX_STEPS if trained.finite else Outcome.NOT_FINITE,
        time_s={
            "start": started - began,
            "compile": trained.compile_s,
            "solve": solved - started - trained.compile_s,
        },
    )


def _objective(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    """The objective per frame."""
    return problem.cost(unknowns) / problem.n_frames


def _median_px(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    """Median distance of the detections in use from their projected markers, in pixels."""
    return problem.reprojection.median_px(problem.estimate(unknowns))


def _step_sizes(unknowns: Unknowns, problem: Problem, refine_cameras: bool) -> Unknowns:
    """Learning rates in each unknown's own unit; zero freezes.

    The reference path is always frozen, the cameras unless they are to be refined.
    """
    dtype = problem.time.dtype
    frozen = jax.tree.map(lambda x: jnp.zeros((), x.dtype), eqx.filter(unknowns, eqx.is_array))
    shared = SHARED_RATE / LEARNING_RATE
    cameras = shared if refine_cameras else 0.0
    return eqx.tree_at(
        lambda u: (
            u.trajectory.network,
            u.parameters.log_scale,
            u.parameters.marker_offset,
            u.camera_rotation,
            u.camera_shift,
        ),
        frozen,
        (
            jax.tree.map(lambda x: jnp.ones((), x.dtype), frozen.trajectory.network),
            jnp.asarray(shared * PROPORTION_SD, dtype),
            jnp.asarray(shared * marker_sd(problem.body)[:, None], dtype),
            jnp.asarray(cameras * ROTATION_SD, dtype),
            jnp.asarray(cameras * POSITION_SD, dtype),
        ),
    )


def _start_trajectory(
    problem: Problem, start: Start, bandwidth_hz: float, key: PRNGKeyArray
) -> ImplicitTrajectory:
    """A trajectory trained on the poses of the start, before it sees an image."""
    dtype = problem.time.dtype
    padded, n = len(problem.time), len(start.posed)
    time = np.asarray(problem.time, float)
    position = np.asarray(start.pose.root_position, float)
    quaternion = np.asarray(start.pose.root_quaternion, float)
    # One control point per knot spacing at 25 Hz or less; a function of the padded length, so
    # that trials of one bucket share a program.
    n_control = min(max(8, int(padded / 25 / KNOT_SPACING) + 4), 400)
    reference = fit_root_reference(
        time[:n], position, quaternion, start.posed, n_control, np.dtype(dtype)
    )
    joints = np.asarray(start.pose.joints, float)
    centre = np.median(joints[start.posed], axis=0)
    kinds = np.asarray(problem.body.joint_kinds)
    spread = np.concatenate([np.full(3, 0.1), np.full(3, 0.2), np.where(kinds == "hinge", 0.5, 0.02)])
    trajectory = make_implicit_trajectory(
        reference,
        centre,
        spread,
        time[0],
        time[-1] - time[0],
        bandwidth_hz=bandwidth_hz,
        key=key,
    )
    path_position, path_q = reference(jnp.asarray(time[:n], dtype))
    conjugate = path_q * jnp.asarray([1, -1, -1, -1], dtype)
    turn = rotation_vector_from_quaternion(
        quaternion_multiply(start.pose.root_quaternion, conjugate)
    )
    target = np.concatenate(
        [position - np.asarray(path_position), np.asarray(turn), joints - centre], axis=1
    )
    weight = np.pad(start.posed.astype(float), (0, padded - n))
    target = np.pad(target / spread, ((0, padded - n), (0, 0))) * weight[:, None]
    data = (problem.time, jnp.asarray(target, dtype), jnp.asarray(weight, dtype))
    frozen = jax.tree.map(lambda x: jnp.zeros((), x.dtype), eqx.filter(trajectory, eqx.is_array))
    network = jax.tree.map(lambda x: jnp.ones((), x.dtype), frozen.network)
    sizes = eqx.tree_at(lambda t: t.network, frozen, network)
    return train(_distillation, data, trajectory, sizes, steps=DISTIL_STEPS).unknowns


def _distillation(
    data: tuple[Array, Array, Array], trajectory: ImplicitTrajectory
) -> Float[Array, ""]:
    """Mean squared distance, in network units, from the poses to imitate."""
    time, target, weight = data
    error = (trajectory.coordinates(time) - target) * weight[:, None]
    return (error * error).sum() / weight.sum()


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
    trajectory: ImplicitTrajectory,
    parameters: BodyParameters,
    time: Float[Array, "time"],
):
    pose = trajectory(time)
    positions, rotations = body.body_poses(parameters, pose)
    markers = body.marker_positions(parameters, pose)
    return pose, trajectory.velocity(time), trajectory.acceleration(time), positions, rotations, markers


def _motion(
    body: BodyModel, problem: Problem, unknowns: Unknowns, keypoints: Keypoints
) -> Motion:
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
        seen=(np.asarray(keypoints.confidence) >= MIN_CONFIDENCE).any((0, 2)),
    )
