"""A simulated recording of a walking person, with its truth."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters, KeypointSet, Pose, default_body
from diffbio.cameras import CameraRig
from diffbio.observations import Keypoints
from diffbio.simulation.courses import CourseOf, straight
from diffbio.simulation.detector import DetectorErrors, detect
from diffbio.simulation.walking import walking_pose

SIZE_SD = 0.05
PROPORTION_SD = 0.05
LUMBAR_MEAN, LUMBAR_SD = np.deg2rad([-3.0, 3.0])
KEYPOINT_BIAS_SD = 0.006
"""Per axis, in metres: how far the simulated detector's idea of a keypoint is from its anchor."""


@dataclasses.dataclass(frozen=True)
class SimulatedRecording:
    """A simulated trial and everything that made it.

    Attributes:
        keypoints: simulated detections.
        rig: the cameras that saw them, exact.
        body: the anatomy.
        parameters: the simulated person.
        pose: the simulated motion.
        markers: true marker positions, in metres.
    """

    keypoints: Keypoints
    rig: CameraRig
    body: BodyModel
    parameters: BodyParameters
    pose: Pose
    markers: Float[np.ndarray, "time marker 3"]


def simulate_walking(
    keypoint_set: KeypointSet,
    *,
    seed: int,
    duration: float = 4.0,
    frame_rate_hz: float = 60.0,
    n_cameras: int = 8,
    errors: DetectorErrors | None = None,
    clock_offset: Float[np.ndarray, "camera"] | None = None,
    keypoint_bias_sd: float = KEYPOINT_BIAS_SD,
    person: BodyParameters | None = None,
    rig: CameraRig | None = None,
    course: CourseOf = straight,
    planted: bool = False,
) -> SimulatedRecording:
    """Simulate a person of unknown proportions who walks through a ring of cameras.

    Args:
        keypoint_set: what the simulated detector finds.
        seed: of the person, the noise and the dropouts.
        duration: in seconds.
        frame_rate_hz: of all cameras.
        n_cameras: evenly spaced on the ring.
        errors: what the detector does wrong; the defaults of `DetectorErrors` when None.
        clock_offset: by how much later than its time stamps each camera takes its pictures, in
            seconds; none of them when None.
        keypoint_bias_sd: standard deviation per axis, in metres, of how far the detector's idea of
            a keypoint is from its anchor.
        person: who walks; by default somebody drawn from the seed.
        rig: the cameras, in place of a ring of `n_cameras`.
        course: where the walk leads.
        planted: whether feet on the floor stay where they are (`walking_pose`).
    """
    rng = np.random.default_rng(seed)
    body = default_body(keypoint_set)
    drawn = _person(body, rng, keypoint_bias_sd)
    parameters = drawn if person is None else person
    time = np.arange(round(duration * frame_rate_hz)) / frame_rate_hz
    rig = ring_of_cameras(n_cameras) if rig is None else rig
    late = np.zeros(len(rig.names)) if clock_offset is None else np.asarray(clock_offset, float)
    instants = np.round(np.concatenate([time[None], time[None] + late[:, None]]), 9)
    distinct, row = np.unique(instants, return_inverse=True)
    moving = walking_pose(
        body,
        parameters,
        distinct,
        phase_at_start=float(rng.random()),
        lumbar_extension=float(rng.normal(LUMBAR_MEAN, LUMBAR_SD)),
        course=course,
        planted=planted,
    )
    positions = np.asarray(jax.jit(body.marker_positions)(parameters, moving), float)
    row = row.reshape(instants.shape)
    pose, markers = jax.tree.map(lambda x: x[row[0]], moving), positions[row[0]]
    pictured = positions[row[1:]]
    exact = np.stack(rig.project_components(jnp.asarray(pictured), own=True), axis=-1)
    depth = np.stack([rig.depth(jnp.asarray(p))[i] for i, p in enumerate(pictured)])
    size = np.asarray(rig.image_size, float)[:, None, None]
    inside = ((exact >= 0) & (exact <= size - 1)).all(-1)
    pixels, confidence = detect(exact, inside & (depth > 0.3), errors or DetectorErrors(), rng)
    keypoints = Keypoints(pixels, confidence, time, body.marker_names, keypoint_set.name, rig.names)
    return SimulatedRecording(keypoints, rig, body, parameters, pose, markers)


def _person(body: BodyModel, rng: np.random.Generator, keypoint_bias_sd: float) -> BodyParameters:
    """Random size and proportions, equal on both sides, and a detector's constant biases."""
    stems = [name.removesuffix("_r").removesuffix("_l") for name in body.segment_names]
    proportion = {stem: rng.normal() * PROPORTION_SD for stem in dict.fromkeys(stems)}
    size = rng.normal() * SIZE_SD
    scale = [np.clip(size + proportion[stem], -0.2, 0.2) for stem in stems]
    offset = rng.normal(size=(len(body.marker_names), 3)) * keypoint_bias_sd
    return BodyParameters(jnp.asarray(scale), jnp.asarray(offset))


def ring_of_cameras(n_cameras: int, radius: float = 5.0) -> CameraRig:
    """Full-HD cameras on a ring, at two heights, all looking at the middle of the walkway."""
    angle = 2 * np.pi * (np.arange(n_cameras) + 0.5) / n_cameras
    height = np.where(np.arange(n_cameras) % 2 == 0, 1.4, 2.4)
    centre = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    forward = np.array([0.0, 0.0, 0.95]) - centre
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    ones = np.ones((n_cameras, 1))
    return CameraRig(
        focal_px=jnp.asarray(ones * [1150.0, 1150.0]),
        principal_px=jnp.asarray(ones * [959.5, 539.5]),
        distortion=jnp.asarray(ones * [-0.08, 0.02, 0.0005, -0.0005, 0.0]),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centre)),
        names=tuple(f"cam{i + 1:02d}" for i in range(n_cameras)),
        image_size=((1920, 1080),) * n_cameras,
        fisheye=(False,) * n_cameras,
    )
