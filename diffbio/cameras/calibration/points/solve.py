"""Cameras from points of which nothing is known: first poses, then everything at once."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.points.adjustment import (
    CLOCK,
    ENOUGH,
    FOCAL,
    WIDTH,
    PointsAdjusted,
    PointViews,
    adjust_points,
)
from diffbio.cameras.calibration.points.chain import (
    Link,
    Placement,
    find_links,
    placed,
    seeded,
    triangulated,
    with_poses,
)
from diffbio.cameras.calibration.points.clocks import Clocks, find_clocks
from diffbio.cameras.calibration.points.tracks import Samples, Tracks, sampled
from diffbio.cameras.rig import CameraRig

MOST_FRAMES = 400
"""Instants that are adjusted, spread over the recording."""

PLACED_SHARE = 0.6
"""A camera fits in when so much of what it saw supports its pose."""

FEWEST_BETWEEN = 300
"""Detections shared by two cameras that are a firm link."""

SCALES = (0.02, 0.01)
"""Of the robust cost, in focal lengths, at first; then `_SCALE_PER_MEDIAN` times the median
error."""

_SCALE_PER_MEDIAN = 2.5
_LEAST_SCALE_PX = 0.05
_CLOCK_ROUNDS = 4
_ROUGHLY = 1e-3
"""A step of a first adjustment that lowers the cost by a smaller share is the last."""


class NotPlaced(Exception):  # noqa: N818
    """Cameras that nothing links to the others; the caller knows what they are called.

    Attributes:
        reached: cameras in place.
        left: the others.
        links: relative poses of pairs.
        times: the instants looked at, in seconds.
        offset: of the clocks, in seconds.
        points: located by the cameras in place, NaN where not known.
    """

    def __init__(
        self, reached: list[int], links: list[Link], points: Float[np.ndarray, "time point 3"]
    ) -> None:
        super().__init__("cameras are not linked")
        self.reached, self.links, self.points = reached, links, points
        n_camera = 1 + max(link.second for link in links)
        self.left = [camera for camera in range(n_camera) if camera not in reached]
        self.times, self.offset = np.zeros(0), np.zeros(n_camera)


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
        focal_sd: prior standard deviation of the focal lengths' logarithms, where sought.
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
    focal_sd: float | None

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
    lenses = bare(lenses)
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
    try:
        rig = _chained(lenses, samples, links)
    except NotPlaced as failure:
        failure.times, failure.offset = times, offset
        raise
    tell("adjusting everything")
    free = _free(len(lenses.names), clocks, focal_sd is not None)
    return refined_cameras(
        rig, tracks, times, offset, free, focal_sd=focal_sd, searched=searched, links=links
    )


def refined_cameras(
    rig: CameraRig,
    tracks: Tracks,
    times: Float[np.ndarray, "time"],
    offset: Float[np.ndarray, "camera"],
    free: Bool[np.ndarray, "camera column"],
    *,
    focal_sd: float | None = None,
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
        focal_sd: see `find_cameras`.
        searched: passed on.
        links: passed on.
    """
    prior = np.full(WIDTH, np.inf)
    if focal_sd is not None:
        prior[FOCAL] = focal_sd
    everyone = np.ones(len(offset), bool)
    focal = float(np.asarray(rig.focal_px, float).mean())
    rounds = [share * focal for share in SCALES] + [None] * (
        _CLOCK_ROUNDS if free[:, CLOCK].any() else 2
    )
    scale, found, samples, points = SCALES[0] * focal, None, None, None
    for given in rounds:
        samples = sampled(tracks, times, offset)
        points = triangulated(rig, samples, everyone)
        scale = given or _robust_scale_px(found, samples)
        rough = _ROUGHLY if given else ENOUGH
        found = _adjusted(rig, points, samples, free, prior, scale, rough)
        rig = found.rig
        offset = offset + np.asarray(found.clock)
    assert found is not None and samples is not None and points is not None
    flat = np.asarray(found.points)[: points.shape[0] * points.shape[1]]
    known = located(points)[..., None]
    points = np.where(known, flat.reshape(points.shape), np.nan)
    return PointsCalibration(
        rig,
        offset,
        searched,
        times,
        samples,
        points,
        found,
        free,
        links or [],
        scale,
        focal_sd,
    )


def bare(rig: CameraRig) -> CameraRig:
    """The rig as arrays in double precision; names would make every rig a program of its own."""
    names = tuple(str(i) for i in range(len(rig.names)))
    plain = dataclasses.replace(rig, names=names, image_size=((1, 1),) * len(names))
    return plain.astype(np.float64)


def chosen_instants(tracks: Tracks, most: int = MOST_FRAMES) -> Float[np.ndarray, "time"]:
    """Time stamps of the camera that saw most, evenly thinned."""
    camera = int(np.argmax(tracks.seen.sum((1, 2))))
    stamps = tracks.stamps[camera, tracks.seen[camera].any(-1)]
    every = -(-len(stamps) // most)
    return stamps[::every]


def located(points: Float[np.ndarray, "*batch 3"]) -> Bool[np.ndarray, "*batch"]:
    """Which points are known."""
    return np.asarray(np.isfinite(points).all(-1))


def _free(n_camera: int, clocks: bool, focal: bool) -> Bool[np.ndarray, "camera column"]:
    free = np.ones((n_camera, WIDTH), bool)
    free[:, FOCAL], free[:, CLOCK] = focal, clocks
    return free


def _chained(lenses: CameraRig, samples: Samples, links: list[Link]) -> CameraRig:
    """All cameras in place, best first.

    Raises:
        NotPlaced: cameras are left over.
    """
    n_camera = len(lenses.names)
    seed = max(links, key=lambda link: link.strength, default=None)
    if seed is None or seed.strength == 0.0:
        raise NotPlaced([], links, np.full((*samples.weight.shape[1:], 3), np.nan))
    rig = seeded(lenses, samples, seed)
    inside = np.zeros(n_camera, bool)
    inside[[seed.first, seed.second]] = True
    prior = np.full(WIDTH, np.inf)
    scale = SCALES[1] * float(np.asarray(lenses.focal_px, float).mean())
    while True:
        points = triangulated(rig, samples, inside)
        free = _free(n_camera, False, False) & inside[:, None]
        views = _only(samples, inside)
        found = _adjusted(rig, points, views, free, prior, scale, _ROUGHLY)
        rig = found.rig
        if inside.all():
            return rig
        points = triangulated(rig, samples, inside)
        best: tuple[int, Placement] | None = None
        for camera in np.flatnonzero(~inside):
            pose = placed(lenses, samples, int(camera), points)
            if pose is None or pose.share < PLACED_SHARE:
                continue
            if best is None or pose.share * pose.count > best[1].share * best[1].count:
                best = int(camera), pose
        if best is None:
            raise NotPlaced(np.flatnonzero(inside).tolist(), links, points)
        camera, pose = best
        rotation = np.array(rig.camera_from_world_rotation)
        translation = np.array(rig.camera_from_world_translation)
        rotation[camera], translation[camera] = pose.rotation, pose.translation
        rig = with_poses(rig, rotation, translation)
        inside[camera] = True


def _only(samples: Samples, cameras: Bool[np.ndarray, "camera"]) -> Samples:
    weight = np.where(cameras[:, None, None], samples.weight, 0.0)
    return dataclasses.replace(samples, weight=weight)


def _adjusted(
    rig: CameraRig,
    points: Float[np.ndarray, "time point 3"],
    samples: Samples,
    free: Bool[np.ndarray, "camera column"],
    prior_sd: Float[np.ndarray, "column"],
    scale_px: float,
    enough: float = ENOUGH,
) -> PointsAdjusted:
    n_camera, count = len(rig.names), points.shape[0] * points.shape[1]
    known = located(points)
    weight = np.where(known[None], samples.weight, 0.0)
    middle = np.mean(np.asarray(rig.centres), axis=0)
    points = np.where(known[..., None], points, middle).reshape(count, 3)
    padded = round_up_to_bucket(count) - count

    def flat(values: np.ndarray) -> jnp.ndarray:
        rows = np.where(weight > 0.0, values, 0.0).reshape(n_camera, count)
        return jnp.asarray(np.pad(rows, ((0, 0), (0, padded))))

    views = PointViews(
        flat(samples.pixels[..., 0]),
        flat(samples.pixels[..., 1]),
        flat(weight),
        flat(samples.velocity_px[..., 0]),
        flat(samples.velocity_px[..., 1]),
    )
    points = np.concatenate([points, np.tile(middle, (padded, 1))])
    arrays = (jnp.asarray(x) for x in (free, prior_sd, scale_px, scale_px / 3.0, enough))
    return eqx.filter_jit(adjust_points)(rig, jnp.asarray(points), views, *arrays)


def _robust_scale_px(found: PointsAdjusted | None, samples: Samples) -> float:
    assert found is not None
    count = samples.weight[0].size
    residual = np.asarray(found.residual_px)[:, :count]
    seen = (samples.weight > 0.0).reshape(len(residual), count) & (residual > 0.0)
    median = float(np.median(residual[seen])) if seen.any() else 1.0
    return max(_SCALE_PER_MEDIAN * median, _LEAST_SCALE_PX)
