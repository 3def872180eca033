"""A made-up fit of a walking person, from simple numbers, for the tests of writers and reports."""

import dataclasses
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from diffbio.body import BodyModel, BodyParameters, Pose, load_keypoint_set
from diffbio.body.default import default_body
from diffbio.cameras import CameraAdjustment, CameraRig
from diffbio.cameras.adjustment import adjustment_of, no_adjustment
from diffbio.fitting.fit import Fit, HeldOut, Motion, Outcome, ReprojectionError, Uncertainty
from diffbio.geometry import quaternion_from_matrix
from diffbio.io.trial import Trial
from diffbio.observations import Keypoints

FRAME_RATE_HZ = 50.0
FRAMES = 100
SPEED = 1.2  # m/s
STRIDE_HZ = 0.9
WORLD_FROM_PELVIS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def ring_of_cameras(count: int = 6, radius: float = 4.5) -> CameraRig:
    """Cameras on a circle, 1.5 m above the floor, looking at the middle of the person."""
    rotations, translations = [], []
    for azimuth in 0.4 + 2 * np.pi * np.arange(count) / count:
        centre = np.array([radius * np.cos(azimuth), radius * np.sin(azimuth), 1.5])
        forward = np.array([0.0, 0.0, 0.95]) - centre
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        rotations.append(rotation)
        translations.append(-rotation @ centre)
    return CameraRig(
        focal_px=jnp.full((count, 2), 1000.0),
        principal_px=jnp.tile(jnp.array([639.5, 359.5]), (count, 1)),
        distortion=jnp.zeros((count, 5)),
        camera_from_world_rotation=jnp.array(np.array(rotations)),
        camera_from_world_translation=jnp.array(np.array(translations)),
        names=tuple(f"cam_{i + 1:02d}" for i in range(count)),
        image_size=((1280, 720),) * count,
        fisheye=(False,) * count,
    )


@functools.cache
def walking_fit() -> Fit:
    """Two seconds of walking through the origin towards +x, seen by six cameras."""
    body = default_body(load_keypoint_set("body_25b"))
    rng = np.random.default_rng(7)
    n_segments, n_markers = len(body.segment_names), len(body.marker_names)
    parameters = BodyParameters(
        jnp.array(rng.normal(0.02, 0.03, n_segments)),
        jnp.array(rng.normal(0.0, 0.004, (n_markers, 3))),
    )
    time = np.arange(FRAMES) / FRAME_RATE_HZ
    joints, velocity = _gait(body.joint_names, time)
    phase = 2 * np.pi * STRIDE_HZ * time
    forward = SPEED * (time - time.mean())
    position = np.stack([forward, 0.02 * np.sin(phase), 0.95 + 0.02 * np.sin(2 * phase)], axis=-1)
    quaternion = np.tile(_facing_forward(body, parameters), (FRAMES, 1))
    pose = Pose(jnp.array(position), jnp.array(quaternion), jnp.array(joints))
    bodies, rotations = jax.jit(body.body_poses)(parameters, pose)
    markers = np.asarray(jax.jit(body.marker_positions)(parameters, pose))
    rig = ring_of_cameras()
    poses = CameraAdjustment(
        rotation=np.full((6, 3), 0.002),
        shift=np.full((6, 3), 0.004),
        log_focal=np.zeros(6),
        distortion=np.zeros((6, 2)),
        clock_offset=np.zeros(6),
        clock_drift=np.zeros(6),
    )
    motion = Motion(
        time=time,
        root_position=position,
        root_quaternion=quaternion,
        joints=joints,
        joint_velocity=velocity,
        joint_acceleration=np.gradient(velocity, time, axis=0),
        markers=markers,
        body_positions=np.asarray(bodies),
        body_rotations=np.asarray(rotations),
        seen=np.ones(FRAMES, bool),
    )
    return Fit(
        body=body,
        parameters=parameters,
        motion=motion,
        rig=rig,
        rig_before=rig.adjusted(poses),
        error=_error(rig, markers),
        solver="adamw",
        iterations=1500,
        cost=1234.5,
        outcome=Outcome.CONVERGED,
        time_s={"load": 0.2, "compile": 3.1, "solve": 8.4},
        cameras=jax.tree.map(np.negative, poses),
        refined=("poses",),
    )


def as_given(fit: Fit) -> Fit:
    """The same fit with cameras that were not refined."""
    return dataclasses.replace(fit, rig_before=fit.rig, cameras=None, refined=())


def with_uncertainty(fit: Fit, undetermined: tuple[str, ...] = ()) -> Fit:
    """The fit with error bars: wider in the first and last tenth, the forearms little known."""
    rng, n_time = np.random.default_rng(11), len(fit.motion.time)
    n_segments, n_markers = len(fit.body.segment_names), len(fit.body.marker_names)
    phase = np.linspace(-1.0, 1.0, n_time)
    swell = 1.0 + 2.0 * np.maximum(0.0, np.abs(phase) - 0.8) / 0.2
    shape = np.tril(rng.normal(size=(6, 6))) + 2.0 * np.eye(6)
    shape *= np.array([0.003] * 3 + [0.008] * 3)[:, None] / np.linalg.norm(shape, axis=1)[:, None]
    joints = np.outer(swell, np.deg2rad(rng.uniform(0.6, 2.5, len(fit.body.joint_names))))
    for side in "rl":
        joints[:, fit.body.joint_names.index(f"pro_sup_{side}")] = np.deg2rad(38.0)
    root = np.linalg.cholesky(0.3 * np.ones((n_segments, n_segments)) + 0.7 * np.eye(n_segments))
    root *= rng.uniform(0.004, 0.02, n_segments)[:, None]
    n_cameras = len(fit.rig.names)
    cameras = no_adjustment(n_cameras, float).columns()
    if "poses" in fit.refined:
        cameras = cameras.at[:, :3].set(0.0006).at[:, 3:6].set(0.0012)
    if "clocks" in fit.refined:
        cameras = cameras.at[:, 9].set(0.0008).at[:, 10].set(1e-5)
    uncertainty = Uncertainty(
        root=swell[:, None, None] ** 2 * (shape @ shape.T),
        joints=joints,
        markers=np.tile(swell[:, None, None] * 0.004, (1, n_markers, 3)),
        log_scale=root @ root.T,
        marker_offset=rng.uniform(0.002, 0.009, (n_markers, 3)),
        cameras=jax.tree.map(np.asarray, adjustment_of(cameras)),
        noise=1.4,
        undetermined=undetermined,
    )
    return dataclasses.replace(fit, uncertainty=uncertainty)


def with_clocks(fit: Fit, offset: dict[str, float]) -> Fit:
    """The fit with clocks corrected too, by camera name, in seconds."""
    names = fit.rig.names
    cameras = no_adjustment(len(names), float) if fit.cameras is None else fit.cameras
    clock = np.array([offset.get(name, 0.0) for name in names])
    cameras = dataclasses.replace(cameras, clock_offset=clock)
    return dataclasses.replace(fit, cameras=cameras, refined=(*fit.refined, "clocks"))


def with_held_out(fit: Fit, name: str, worse: float = 1.0) -> Fit:
    """The fit as if one camera had not been used, with its error that many times larger.

    Add uncertainty and clocks afterwards.
    """
    error, row = fit.error, fit.rig.names.index(name)
    kept = tuple(other for other in fit.rig.names if other != name)
    alone = ReprojectionError(
        worse * error.px[[row]], error.projected_px[[row]], error.confidence[[row]], (name,)
    )
    px, projected, confidence = (
        np.delete(one, row, axis=0) for one in (error.px, error.projected_px, error.confidence)
    )
    rest = ReprojectionError(px, projected, confidence, kept)
    cameras = fit.cameras
    if cameras is not None:
        cameras = jax.tree.map(lambda column: np.delete(column, row, axis=0), cameras)
    return dataclasses.replace(
        fit,
        rig=fit.rig.subset(kept),
        rig_before=fit.rig_before.subset(kept),
        error=rest,
        cameras=cameras,
        held_out=HeldOut(name, alone),
    )


def walking_trial(fit: Fit) -> Trial:
    """The detections that belong to a fit: the reprojections, moved by the errors."""
    error = fit.error
    pixels = error.projected_px + _directions(error.px.shape) * np.nan_to_num(error.px)[..., None]
    keypoints = Keypoints(
        # The detector's order is its own: reversed, with one keypoint that is not fitted.
        pixels=np.concatenate([np.zeros_like(pixels[:, :, :1]), pixels[:, :, ::-1]], axis=2),
        confidence=np.concatenate(
            [np.zeros_like(error.confidence[:, :, :1]), error.confidence[:, :, ::-1]], axis=2
        ),
        time=fit.motion.time,
        names=("Tail", *fit.body.marker_names[::-1]),
        set_name="body_25b",
        camera_names=error.camera_names,
    )
    return Trial(
        name="walk_01",
        source=pathlib.Path("recordings") / "walk_01",
        rig=fit.rig_before,
        keypoints=keypoints,
        frame_rate_hz=FRAME_RATE_HZ,
        notes=("Of two people the one tracked best was taken.",),
    )


def _error(rig: CameraRig, markers: np.ndarray) -> ReprojectionError:
    """About 2 px of error; a camera without the first fifth of the trial; one keypoint rare."""
    rng = np.random.default_rng(3)
    projected = np.asarray(rig.project(jnp.array(markers)))
    px = np.abs(rng.normal(0.0, 2.5, projected.shape[:-1]))
    confidence = np.clip(rng.normal(0.8, 0.1, px.shape), 0.35, 1.0)
    missing = rng.random(px.shape) < 0.05
    missing[3, : FRAMES // 5] = True
    missing[:4, :, 4] = True
    confidence[missing], px[missing] = 0.0, np.nan
    return ReprojectionError(px, projected, confidence, rig.names)


def _directions(shape: tuple[int, ...]) -> np.ndarray:
    angle = np.random.default_rng(5).uniform(0.0, 2 * np.pi, shape)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _facing_forward(body: BodyModel, parameters: BodyParameters) -> np.ndarray:
    """`world_from_root` of a person upright facing +x, whatever the axes of the root."""
    _, root_from_body = jax.jit(body.body_poses)(parameters, body.neutral_pose(dtype=float))
    root_from_pelvis = np.asarray(root_from_body)[0, body.body_names.index("pelvis")]
    return np.asarray(quaternion_from_matrix(jnp.array(WORLD_FROM_PELVIS @ root_from_pelvis.T)))


def _gait(names: tuple[str, ...], time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joint angles (rad) and speeds of a walking-like motion: mean, amplitude, phase, harmonic."""
    waves = {
        "hip_flexion": (0.15, 0.42, 0.0, 1),
        "knee_angle": (0.50, 0.48, 2.2, 1),
        "ankle_angle": (0.02, 0.18, 1.0, 2),
        "hip_adduction": (0.0, 0.08, 0.5, 1),
        "shoulder_elv": (0.35, 0.2, np.pi, 1),
        "elbow_flex": (0.5, 0.15, np.pi, 1),
        "lumbar_rotation": (0.0, 0.09, 0.0, 1),
    }
    joints, velocity = np.zeros((2, len(time), len(names)))
    for i, name in enumerate(names):
        stem = name.removesuffix("_r").removesuffix("_l")
        mean, amplitude, phase, harmonic = waves.get(stem, (0.0, 0.0, 0.0, 1))
        omega = 2 * np.pi * STRIDE_HZ * harmonic
        angle = omega * time + phase + (harmonic * np.pi if name.endswith("_l") else 0.0)
        joints[:, i] = mean + amplitude * np.sin(angle)
        velocity[:, i] = amplitude * omega * np.cos(angle)
    return joints, velocity
