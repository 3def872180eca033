"""How certain cameras are that were found from points."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.points.alignment import new_from_old, size_ratio
from diffbio.cameras.calibration.points.equations import CLOCK, FOCAL, WIDTH
from diffbio.cameras.calibration.points.solve import PointsCalibration
from diffbio.cameras.rig import CameraRig

ERRORS_LAST = 0.25
"""In seconds: a detector's errors of one point are alike for so long."""

_TURNS_COUNT = 1e-3
"""Against centres, where one rig is laid over another."""


@dataclasses.dataclass(frozen=True)
class Certainty:
    """Standard deviations, once the rig is laid over the truth as well as can be.

    Attributes:
        rotation: of each camera's orientation, the root of the sum over its axes, in radians.
        centre: of each camera's place likewise, in units of the rig.
        log_focal: of the focal lengths; zero where held.
        clock: in seconds, against the mean of the cameras; zero where held.
        covariance: of all cameras' unknowns (`UNKNOWNS` of each) together, of which those are the
            roots of sums on the diagonal.
    """

    rotation: Float[np.ndarray, "camera"]
    centre: Float[np.ndarray, "camera"]
    log_focal: Float[np.ndarray, "camera"]
    clock: Float[np.ndarray, "camera"]
    covariance: Float[np.ndarray, "unknown unknown"]


def certainty(found: PointsCalibration) -> Certainty:
    """Standard deviations of the cameras from the errors that the adjustment left.

    A detector's errors last, in time and on a point of the body. Three estimates are made, with
    all detections independent, with those of one point in one spell alike, and with all of one
    point alike (White 1980, clustered); each camera takes the largest.
    """
    n_camera = len(found.offset)
    information = np.asarray(found.adjusted.information, float)
    scores = np.asarray(found.adjusted.scores, float)
    n_time, n_point = found.points.shape[:2]
    scores = scores[: n_time * n_point]
    value, vector = np.linalg.eigh(information)
    # Place, direction and size of the whole, and the common time, are not determined.
    keep = value > 1e-9 * value.max()
    inverse = (vector[:, keep] / value[keep]) @ vector[:, keep].T
    spell = np.floor((found.times - found.times[0]) / ERRORS_LAST).astype(int)
    point = np.tile(np.arange(n_point), n_time)
    each = np.arange(n_time * n_point)
    clusters = (each, np.repeat(spell, n_point) * n_point + point, point)
    aligned = _alignment(found) @ inverse / _sharpness(found)
    prior = aligned @ _prior_scores(found) @ aligned.T
    each = [_clustered(scores, groups, aligned) + prior for groups in clusters]
    sd = np.sqrt(np.stack([np.diagonal(one) for one in each])).reshape(3, n_camera, WIDTH)
    sd = np.where(found.free[None], sd, 0.0)
    # The covariance with the largest sum, and each camera in it as unsure as in any.
    widest = int(np.argmax((sd[..., :6] ** 2).sum((1, 2))))
    grown = _grown(sd, widest)
    sd = sd[widest] * grown
    stretch = grown.reshape(-1)
    covariance = each[widest] * stretch[:, None] * stretch[None]
    held = ~found.free.reshape(-1)
    covariance[held], covariance[:, held] = 0.0, 0.0
    return Certainty(
        np.linalg.norm(sd[:, :3], axis=-1),
        np.linalg.norm(sd[:, 3:6], axis=-1),
        sd[:, FOCAL],
        sd[:, CLOCK],
        covariance,
    )


def in_world(sure: Certainty, new: CameraRig, old: CameraRig) -> Certainty:
    """The same of these cameras in another world and unit.

    Args:
        sure: of the old rig.
        new: the same cameras elsewhere.
        old: where they were.
    """
    size = size_ratio(new, old)
    turn = np.eye(WIDTH)
    turn[3:6, 3:6] = size * new_from_old(new, old)
    every = np.kron(np.eye(len(sure.centre)), turn)
    return dataclasses.replace(
        sure, centre=size * sure.centre, covariance=every @ sure.covariance @ every.T
    )


def _grown(
    sd: Float[np.ndarray, "estimate camera unknown"], chosen: int
) -> Float[np.ndarray, "camera unknown"]:
    """By what to multiply one estimate so that every camera is as unsure as in any of them."""
    grown = np.ones(sd.shape[1:])
    for columns in (slice(0, 3), slice(3, 6), slice(FOCAL, FOCAL + 1), slice(CLOCK, CLOCK + 1)):
        size = np.linalg.norm(sd[..., columns], axis=-1)
        grown[:, columns] = (size.max(0) / np.maximum(size[chosen], 1e-300))[:, None]
    return grown


def _prior_scores(found: PointsCalibration) -> Float[np.ndarray, "unknown unknown"]:
    """Covariance of the gradient of the priors, whose centres err as much as they say."""
    spread = np.zeros((len(found.offset), WIDTH))
    spread[:, FOCAL] = (found.noise_px**2 / float(found.prior.sd)) ** 2
    return np.diag(spread.reshape(-1))


def _sharpness(found: PointsCalibration) -> float:
    """Curvature of the robust cost, as a share of that of its quadratic bound.

    The bound's weights are `(1 + q)^-2` with q the squared distance in scales; the cost itself
    bends by `4 q (1 + q)^-3` less along a residual. Of the `2 n - 3` directions that a point seen
    by n cameras leaves to its residuals one is theirs, and of the others half on average.
    """
    residual = found.residual_px
    known = np.isfinite(residual)
    views = np.broadcast_to(known.sum(axis=0), known.shape)[known]
    along = 0.5 + 0.5 / np.maximum(2 * views - 3, 1)
    q, weight = (residual[known] / found.scale_px) ** 2, found.samples.weight[known]
    bound = weight / (1.0 + q) ** 2
    bend = bound - weight * 4.0 * q / (1.0 + q) ** 3 * along
    return max(float(bend.sum() / bound.sum()), 0.2)


def _clustered(
    scores: Float[np.ndarray, "each unknown"],
    groups: np.ndarray,
    inverse: Float[np.ndarray, "unknown unknown"],
) -> Float[np.ndarray, "unknown unknown"]:
    """Covariance when the errors within a group are alike and those of two groups are not."""
    _, number = np.unique(groups, return_inverse=True)
    summed = np.zeros((number.max() + 1, scores.shape[1]))
    np.add.at(summed, number, scores)
    active = int((np.abs(summed).sum(1) > 0).sum())
    return inverse @ (summed.T @ summed) @ inverse.T * active / max(active - 1, 1)


def _alignment(found: PointsCalibration) -> Float[np.ndarray, "unknown unknown"]:
    """What is left of a change of the cameras once their centres are laid over the old ones.

    Centres of two cameras, or of cameras in a line, do not say how the whole is turned about it:
    then the cameras' directions do.
    """
    centres = np.asarray(found.rig.centres, float)
    turns = np.asarray(found.rig.camera_from_world_rotation, float)
    n_camera = len(centres)
    directions = np.zeros((n_camera, WIDTH, 8))
    for axis in range(3):
        unit = np.eye(3)[axis]
        directions[:, 3 + axis, axis] = 1.0
        directions[:, 3:6, 3 + axis] = np.cross(unit, centres - centres.mean(0))
        directions[:, :3, 3 + axis] = -turns @ unit
    directions[:, 3:6, 6] = centres - centres.mean(0)
    directions[:, CLOCK, 7] = 1.0
    flat = directions.reshape(-1, 8)
    counts = np.zeros((n_camera, WIDTH))
    counts[:, 3:6], counts[:, CLOCK] = 1.0, 1.0
    counts[:, :3] = _TURNS_COUNT * np.linalg.norm(centres - centres.mean(0))
    weight = counts.reshape(-1, 1)
    return np.eye(len(flat)) - flat @ np.linalg.pinv(weight * flat) * weight.T
