"""Where a fit begins: triangulated points, a first size, and poses from inverse kinematics."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio._jax import round_up_to_bucket
from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.body.jacobian import marker_jacobian
from diffbio.cameras import CameraRig, triangulate
from diffbio.errors import FitError
from diffbio.fitting.inverse_kinematics import rigid_roots, solve_poses
from diffbio.fitting.residuals.person import scale_covariance
from diffbio.observations import MIN_CONFIDENCE, Keypoints

PAIR_BIAS_SD = 0.015
"""In metres: constant error of a distance between two keypoints, whatever the pose."""

SHORTEST_PAIR = 0.15
"""In metres: shorter pairs say more about detector bias than about size."""

MIN_DEPTH = 0.3
"""In metres: nobody is filmed from nearer."""

SAMPLES = 64
"""Poses of the base model that tell how rigid a pair of markers is."""

FRAMES_SIZED = 400
"""At most so many frames, spread over the trial, say how far keypoints are from each other."""

MIN_POINTS = 4
"""Points a frame needs before its pose is trusted."""


@dataclasses.dataclass(frozen=True)
class Start:
    """A first guess of everything.

    Attributes:
        parameters: segment scales that explain the distances between points.
        elapsed: time since the first frame, in seconds.
        pose: per frame; meaningless where `posed` is False.
        posed: frames with enough points and a plausible pose.
        points: triangulated markers, NaN where unseen, in metres.
        depth: median distance of the person along each camera's optical axis, in metres.
    """

    parameters: BodyParameters
    elapsed: Float[np.ndarray, "time"]
    pose: Pose
    posed: Bool[np.ndarray, "time"]
    points: Float[np.ndarray, "time marker 3"]
    depth: Float[np.ndarray, "camera"]


def find_start(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    expected: BodyParameters | None = None,
) -> Start:
    """Triangulate, size the body, and pose it frame by frame.

    Args:
        body: the anatomy.
        rig: cameras in the order of the keypoints'.
        keypoints: detections of one person.
        expected: the person before any detection; by default the base model itself.

    Raises:
        FitError: fewer than `MIN_POINTS` keypoints could be triangulated in any frame.
    """
    dtype = np.dtype(rig.focal_px.dtype)
    n = len(keypoints.time)
    order = [keypoints.names.index(name) for name in body.marker_names]
    padding = ((0, 0), (0, round_up_to_bucket(n) - n), (0, 0))
    confidence = np.asarray(keypoints.confidence)[:, :, order]
    confidence = np.pad(np.where(confidence >= MIN_CONFIDENCE, confidence, 0.0), padding)
    pixels = np.pad(np.asarray(keypoints.pixels)[:, :, order], (*padding, (0, 0)))
    solved = eqx.filter_jit(triangulate)(
        rig, jnp.asarray(pixels, dtype), jnp.asarray(confidence, dtype)
    )
    points = np.asarray(solved.points, float)
    elapsed = np.asarray(keypoints.time, float) - float(keypoints.time[0])
    start = start_from_points(body, points, elapsed, expected, dtype)
    return dataclasses.replace(start, depth=np.maximum(_depth(rig, points), MIN_DEPTH))


def start_from_points(
    body: BodyModel,
    points: Float[np.ndarray, "padded marker 3"],
    elapsed: Float[np.ndarray, "time"],
    expected: BodyParameters | None,
    dtype: np.dtype,
) -> Start:
    """Size the body, and pose it frame by frame; there is no camera in it yet.

    Args:
        body: the anatomy.
        points: its markers in space, NaN where unseen and beyond the real samples, in metres.
        elapsed: time of the real samples since the first, in seconds.
        expected: the person before anything was seen; by default the base model itself.
        dtype: of the result.

    Raises:
        FitError: no frame has `MIN_POINTS` points.
    """
    n = len(elapsed)
    seen = np.asarray(np.isfinite(points).all(-1))
    enough = seen.sum(1) >= MIN_POINTS
    if not enough.any():
        raise FitError(
            f"No frame has {MIN_POINTS} keypoints seen by two cameras, or as many optical markers, "
            "so there is nothing to start from. Check that keypoints and calibration belong "
            "together."
        )
    base = body.default_parameters(dtype) if expected is None else expected
    samples, slope = _sampled_markers(body, base)
    grown = _first_size(body, points, seen, samples, slope)
    log_scale = base.log_scale + jnp.asarray(grown, dtype)
    parameters = BodyParameters(log_scale, base.marker_offset)
    pose, distance = _first_poses(body, parameters, points, seen, samples)
    plausible = distance < 3 * np.median(distance[enough]) + 0.05
    cut = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)[:n]), pose)
    posed = (enough & plausible)[:n]
    return Start(parameters, elapsed, cut, posed, points[:n], np.zeros(0))


def _depth(
    rig: CameraRig, points: Float[np.ndarray, "time marker 3"]
) -> Float[np.ndarray, "camera"]:
    """Median distance of what was triangulated along every optical axis, in metres."""
    known = points[np.isfinite(points).all(-1)]
    axis = np.asarray(rig.camera_from_world_rotation, float)[:, 2]
    along = np.asarray(rig.camera_from_world_translation, float)[:, 2]
    return np.median(axis @ known.T + along[:, None], axis=1)


def _sampled_markers(
    body: BodyModel, parameters: BodyParameters
) -> tuple[Float[np.ndarray, "sample marker 3"], Float[np.ndarray, "marker 3 segment"]]:
    """Markers in the root frame, over poses spread through the ranges; the last is neutral.

    Also the derivatives of the neutral pose's markers by the log scales.
    """
    rng = np.random.default_rng(0)
    low, high = body.joint_range.T
    mean, sd = body.joint_posture
    reach = np.clip(rng.normal(mean, np.minimum(sd, 0.4), (SAMPLES, len(mean))), low, high)
    joints = jnp.asarray(np.vstack([reach, body.joint_reference]), parameters.log_scale.dtype)
    markers, slope = _markers_at(body, parameters, joints)
    return np.asarray(markers, float), np.asarray(slope, float)


@eqx.filter_jit
def _markers_at(
    body: BodyModel, parameters: BodyParameters, joints: Float[Array, "sample joint"]
) -> tuple[Float[Array, "sample marker 3"], Float[Array, "marker 3 segment"]]:
    """Markers in the root frame, and by the log scales in the last pose: in one program."""
    root = jnp.zeros((len(joints), 3), joints.dtype)
    upright = jnp.broadcast_to(jnp.eye(4, dtype=joints.dtype)[:1], (len(joints), 4))
    pose = Pose(root, upright, joints)
    last = jax.tree.map(lambda x: x[-1:], pose)
    slope = marker_jacobian(body, parameters, last).log_scale[0]
    return body.marker_positions(parameters, pose), slope


def _first_size(
    body: BodyModel,
    points: Float[np.ndarray, "time marker 3"],
    seen: Bool[np.ndarray, "time marker"],
    samples: Float[np.ndarray, "sample marker 3"],
    slope: Float[np.ndarray, "marker 3 segment"],
) -> Float[np.ndarray, "segment"]:
    """Log scales relative to a body, from distances between points, the more rigid the more told.

    A ridge regression of the log ratios of measured to modelled distances, with the fit's own
    prior on the scales.

    Args:
        body: the anatomy.
        points: triangulated markers, any value where unseen.
        seen: which of them there are.
        samples: the body's markers over many poses, the neutral one last.
        slope: derivatives of the last of them by the log scales.
    """
    some = np.flatnonzero(seen.any(1))
    some = some[np.linspace(0, len(some) - 1, min(len(some), FRAMES_SIZED)).round().astype(int)]
    points, seen = points[some], seen[some]
    a, b = np.triu_indices(len(body.marker_names), 1)
    lengths = np.linalg.norm(samples[:-1, a] - samples[:-1, b], axis=-1)
    both = seen[:, a] & seen[:, b]
    use = (lengths.mean(0) > SHORTEST_PAIR) & both.any(0)
    a, b, both, spread = a[use], b[use], both[:, use], lengths.std(0)[use]
    gaps = np.where(both, np.linalg.norm(points[:, a] - points[:, b], axis=-1), np.inf)
    measured = _lower_median(gaps, both.sum(0))
    gap = samples[-1, a] - samples[-1, b]
    model = np.linalg.norm(gap, axis=-1)
    by_scale = np.einsum("pi,pis->ps", gap, slope[a] - slope[b]) / model[:, None] ** 2
    weight = model**2 / (spread**2 + PAIR_BIAS_SD**2)
    precision = np.linalg.inv(scale_covariance(body.segment_names))
    normal = by_scale.T @ (weight[:, None] * by_scale) + precision
    return np.linalg.solve(normal, by_scale.T @ (weight * np.log(measured / model)))


def _lower_median(
    values: Float[np.ndarray, "time pair"], count: Int[np.ndarray, "pair"]
) -> Float[np.ndarray, "pair"]:
    """Median of the `count` smallest values of each column, many times quicker than nanmedian."""
    return np.sort(values, axis=0)[np.maximum(count - 1, 0) // 2, np.arange(values.shape[1])]


def _first_poses(
    body: BodyModel,
    parameters: BodyParameters,
    points: Float[np.ndarray, "time marker 3"],
    seen: Bool[np.ndarray, "time marker"],
    samples: Float[np.ndarray, "sample marker 3"],
) -> tuple[Pose, Float[np.ndarray, "time"]]:
    """Poses of all frames, and how far their markers are from the points, in metres."""
    dtype = parameters.log_scale.dtype
    rigidity = 1 / (0.05 + samples[:-1].std(0).max(-1)) ** 2
    neutral = _sampled_markers(body, parameters)[0][-1]
    weight = seen.astype(float)
    position, rotation = rigid_roots(neutral, rigidity, np.nan_to_num(points), weight)
    arrays = (position, rotation, np.nan_to_num(points), weight)
    pose, distance = solve_poses(body, parameters, *(jnp.asarray(x, dtype) for x in arrays))
    return pose, np.asarray(distance)
