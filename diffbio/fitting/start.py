"""Where a fit begins: triangulated points, a first size, and poses from inverse kinematics."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.cameras import CameraRig, triangulate
from diffbio.errors import FitError
from diffbio.fitting.inverse_kinematics import rigid_roots, solve_poses
from diffbio.fitting.residuals.person import scale_covariance
from diffbio.geometry import quaternion_from_matrix
from diffbio.observations import MIN_CONFIDENCE, Keypoints

PAIR_BIAS_SD = 0.015
"""In metres: constant error of a distance between two keypoints, whatever the pose."""

SHORTEST_PAIR = 0.15
"""In metres: shorter pairs say more about detector bias than about size."""

MIN_DEPTH = 0.3
"""In metres: nobody is filmed from nearer."""

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
        depth: median distance of the person along each optical axis, in metres.
    """

    parameters: BodyParameters
    elapsed: Float[np.ndarray, "time"]
    pose: Pose
    posed: Bool[np.ndarray, "time"]
    points: Float[np.ndarray, "time marker 3"]
    depth: Float[np.ndarray, "camera"]


def find_start(body: BodyModel, rig: CameraRig, keypoints: Keypoints) -> Start:
    """Triangulate, size the body, and pose it frame by frame.

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
    seen = np.asarray(np.isfinite(points).all(-1))
    enough = seen.sum(1) >= MIN_POINTS
    if not enough.any():
        raise FitError(
            f"No frame has {MIN_POINTS} keypoints seen by two cameras, so there is nothing to "
            "start from. Check that keypoints and calibration belong together."
        )
    parameters = _first_size(body, points, seen, dtype)
    pose, distance = _first_poses(body, parameters, points, seen, dtype)
    plausible = np.asarray(distance) < 3 * np.median(np.asarray(distance)[enough]) + 0.05
    centre = np.nanmedian(points[enough].reshape(-1, 3), axis=0)
    middle = jnp.asarray(np.where(seen[..., None], points, centre), dtype)
    depth = np.median(np.asarray(rig.depth(middle))[:, seen], axis=1)
    cut = jax.tree.map(lambda x: x[:n], pose)
    return Start(
        parameters=parameters,
        elapsed=np.asarray(keypoints.time, float) - float(keypoints.time[0]),
        pose=cut,
        posed=(enough & plausible)[:n],
        points=points[:n],
        depth=np.maximum(depth, MIN_DEPTH),
    )


def _random_markers(body: BodyModel) -> Float[np.ndarray, "sample marker 3"]:
    """Markers of the base model in the root frame, over poses spread through the ranges."""
    rng = np.random.default_rng(0)
    low, high = body.joint_range.T
    mean, sd = body.joint_posture
    reach = np.clip(rng.normal(mean, np.minimum(sd, 0.4), (64, len(mean))), low, high)
    pose = body.neutral_pose(64)
    pose = Pose(pose.root_position, pose.root_quaternion, jnp.asarray(reach, np.float32))
    return np.asarray(jax.jit(body.marker_positions)(body.default_parameters(), pose), float)


def _first_size(
    body: BodyModel,
    points: Float[np.ndarray, "time marker 3"],
    seen: Bool[np.ndarray, "time marker"],
    dtype: np.dtype,
) -> BodyParameters:
    """Segment scales from distances between points, the more rigid the pair the more it says.

    A ridge regression of the log ratios of measured to modelled distances, with the fit's own
    prior on the scales.
    """
    samples = _random_markers(body)
    a, b = np.triu_indices(len(body.marker_names), 1)
    lengths = np.linalg.norm(samples[:, a] - samples[:, b], axis=-1)
    both = seen[:, a] & seen[:, b]
    use = (lengths.mean(0) > SHORTEST_PAIR) & both.any(0)
    a, b, both, spread = a[use], b[use], both[:, use], lengths.std(0)[use]
    base = body.default_parameters(dtype)
    if not a.size:
        return base
    gaps = np.where(both, np.linalg.norm(points[:, a] - points[:, b], axis=-1), np.nan)
    measured = np.nanmedian(gaps, axis=0)
    neutral = body.neutral_pose(dtype=dtype)

    def log_length(log_scale: jax.Array) -> jax.Array:
        markers = body.marker_positions(BodyParameters(log_scale, base.marker_offset), neutral)[0]
        gap = markers[a] - markers[b]
        return 0.5 * jnp.log((gap * gap).sum(-1))

    slope = np.asarray(jax.jit(jax.jacfwd(log_length))(base.log_scale), float)
    model = np.exp(np.asarray(log_length(base.log_scale), float))
    ratio = np.log(measured / model)
    weight = model**2 / (spread**2 + PAIR_BIAS_SD**2)
    precision = np.linalg.inv(scale_covariance(body.segment_names))
    normal = slope.T @ (weight[:, None] * slope) + precision
    log_scale = np.linalg.solve(normal, slope.T @ (weight * ratio))
    return BodyParameters(jnp.asarray(log_scale, dtype), base.marker_offset)


def _first_poses(
    body: BodyModel,
    parameters: BodyParameters,
    points: Float[np.ndarray, "time marker 3"],
    seen: Bool[np.ndarray, "time marker"],
    dtype: np.dtype,
) -> tuple[Pose, Array]:
    samples = _random_markers(body)
    rigidity = 1 / (0.05 + samples.std(0).max(-1)) ** 2
    neutral = np.asarray(
        jax.jit(body.marker_positions)(parameters, body.neutral_pose(dtype=dtype))[0], float
    )
    weight = seen.astype(float)
    position, rotation = rigid_roots(neutral, rigidity, np.nan_to_num(points), weight)
    start = Pose(
        jnp.asarray(position, dtype),
        quaternion_from_matrix(jnp.asarray(rotation, dtype)),
        jnp.asarray(np.tile(body.joint_posture[0], (len(points), 1)), dtype),
    )
    return solve_poses(
        body,
        parameters,
        start,
        jnp.asarray(np.nan_to_num(points), dtype),
        jnp.asarray(weight, dtype),
    )
