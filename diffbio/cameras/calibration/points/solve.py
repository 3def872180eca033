"""Cameras from points of which nothing is known: first poses, then everything at once."""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.points.adjustment import ENOUGH, FocalPrior, PointsAdjusted
from diffbio.cameras.calibration.points.chain import Link, find_links, triangulated
from diffbio.cameras.calibration.points.clocks import Clocks, find_clocks
from diffbio.cameras.calibration.points.equations import CLOCK
from diffbio.cameras.calibration.points.first_poses import NotPlaced, first_poses
from diffbio.cameras.calibration.points.sample_adjustment import (
    ROUGHLY,
    SCALE_PER_NOISE,
    SCALES,
    adjusted,
    located,
    robust_scale_px,
    unknowns_sought,
)
from diffbio.cameras.calibration.points.tracks import Samples, Tracks, sampled
from diffbio.cameras.calibration.rig_arrays import bare_rig
from diffbio.cameras.rig import CameraRig

MOST_FRAMES = 400
"""Instants that are adjusted, spread over the recording."""

_ROUNDS, _CLOCK_ROUNDS = 2, 4
"""Of sampling, triangulating and adjusting, at the scale of the errors that are left."""


@dataclasses.dataclass(frozen=True)
class PointsCalibration:
    """Cameras found from points, in a world whose place, direction and size mean nothing.

    Attributes:
        rig: the cameras.
        offset: what is added to each camera's time stamps to make them common time, in seconds.
        clocks: the search the offsets began with; None where clocks were trusted.
        times: the instants that were adjusted, in seconds.
        samples: what was seen at them.
        points: where the points were, NaN where not known.
        adjusted: the last adjustment.
        free: which unknowns of each camera were sought.
        links: relative poses of pairs.
        scale_px: of the robust cost at the end.
        prior: on the focal lengths; of infinite standard deviation where they were held.
    """

    rig: CameraRig
    offset: Float[np.ndarray, "camera"]
    clocks: Clocks | None
    times: Float[np.ndarray, "time"]
    samples: Samples
    points: Float[np.ndarray, "time point 3"]
    adjusted: PointsAdjusted
    free: Bool[np.ndarray, "camera column"]
    links: list[Link]
    scale_px: float
    prior: FocalPrior

    @property
    def noise_px(self) -> float:
        """Standard deviation of a good detection, against which the prior weighs."""
        return self.scale_px / SCALE_PER_NOISE

    @property
    def residual_px(self) -> Float[np.ndarray, "camera time point"]:
        """Distance of each detection from its point's picture, NaN where there is none."""
        n_time, n_point = self.points.shape[:2]
        flat = np.asarray(self.adjusted.residual_px)[:, : n_time * n_point]
        known = located(self.points)[None] & (self.samples.weight > 0.0)
        return np.where(known, flat.reshape(-1, n_time, n_point), np.nan)


def find_cameras(
    lenses: CameraRig,
    tracks: Tracks,
    *,
    clocks: bool = False,
    reach: float = 0.5,
    focal_sd: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> PointsCalibration:
    """Where cameras stand, from points that several of them saw at the same instants.

    Args:
        lenses: cameras in the order of the tracks'; their poses are not looked at.
        tracks: as recorded.
        clocks: whether to find the cameras' clocks too; else time stamps are right.
        reach: largest difference between two clocks that is looked for, in seconds.
        focal_sd: standard deviation of the logarithms of the focal lengths; None where they are
            right.
        progress: told what is being done.

    Raises:
        NotPlaced: cameras share too little with the others, or contradict them.
    """
    tell = progress or (lambda _: None)
    lenses = bare_rig(lenses)
    offset, searched = np.zeros(len(lenses.names)), None
    if clocks:
        tell("how far clocks are apart")
        searched = find_clocks(lenses, tracks, reach)
        offset = searched.offset
    times = chosen_instants(tracks)
    samples = sampled(tracks, times, offset)
    tell("pairs of cameras")
    links = find_links(lenses, samples)
    tell("first poses")
    prior = _prior(lenses, focal_sd)
    try:
        rig = first_poses(lenses, samples, links, prior)
    except NotPlaced as failure:
        failure.times, failure.offset = times, offset
        raise
    tell("adjusting everything")
    free = unknowns_sought(len(lenses.names), clocks, focal_sd is not None)
    return refined_cameras(
        rig, tracks, times, offset, free, prior=prior, searched=searched, links=links
    )


def refined_cameras(
    rig: CameraRig,
    tracks: Tracks,
    times: Float[np.ndarray, "time"],
    offset: Float[np.ndarray, "camera"],
    free: Bool[np.ndarray, "camera column"],
    *,
    prior: FocalPrior | None = None,
    searched: Clocks | None = None,
    links: list[Link] | None = None,
) -> PointsCalibration:
    """The adjustment of everything, from first poses.

    Args:
        rig: first poses.
        tracks: as recorded.
        times: instants to look at.
        offset: first idea of the clocks.
        free: which unknowns of each camera are sought.
        prior: on the focal lengths; None where they are held.
        searched: passed on.
        links: passed on.
    """
    prior = prior or _prior(rig, None)
    everyone = np.ones(len(offset), bool)
    focal_px = float(np.asarray(rig.focal_px, float).mean())
    scale, found, samples, points = SCALES[0] * focal_px, None, None, None
    later = _CLOCK_ROUNDS if free[:, CLOCK].any() else _ROUNDS
    for relative in (*SCALES, *[None] * later):
        if relative is None:
            assert found is not None and samples is not None and points is not None
            scale = robust_scale_px(found, samples, points)
        else:
            scale = relative * focal_px
        samples = sampled(tracks, times, offset)
        points = triangulated(rig, samples, everyone)
        enough = ENOUGH if relative is None else ROUGHLY
        found = adjusted(rig, points, samples, free, prior, scale, enough)
        rig = found.rig
        offset = offset + np.asarray(found.clock)
    assert found is not None and samples is not None and points is not None
    flat = np.asarray(found.points)[: points.shape[0] * points.shape[1]]
    points = np.where(located(points)[..., None], flat.reshape(points.shape), np.nan)
    return PointsCalibration(
        rig, offset, searched, times, samples, points, found, free, links or [], scale, prior
    )


def _prior(lenses: CameraRig, focal_sd: float | None) -> FocalPrior:
    logarithm = jnp.log(jnp.asarray(lenses.focal_px)[:, 0])
    sd = np.inf if focal_sd is None else focal_sd
    return FocalPrior(logarithm, jnp.asarray(sd, logarithm.dtype))


def chosen_instants(tracks: Tracks, most: int = MOST_FRAMES) -> Float[np.ndarray, "time"]:
    """Time stamps of the camera that saw most, evenly thinned."""
    camera = int(np.argmax(tracks.seen.sum((1, 2))))
    stamps = tracks.stamps[camera, tracks.seen[camera].any(-1)]
    every = -(-len(stamps) // most)
    return stamps[::every]
