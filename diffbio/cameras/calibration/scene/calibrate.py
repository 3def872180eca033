"""Cameras from points of a surveyed volume: pose by pose, then all of them together."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.rig_arrays import bare_rig, named, side_by_side
from diffbio.cameras.calibration.scene.known_points import WIDTH, Located, locate
from diffbio.cameras.calibration.scene.placing import click_sd, known, place_camera
from diffbio.cameras.calibration.scene.views import SceneViews, check_scene
from diffbio.cameras.rig import CameraRig

_FARTHEST_PX = 1e4
"""A point predicted farther off is not predicted at all."""

_ROUNDS = 3
"""Of the adjustment of all cameras, each with the errors of clicks that the one before left."""


@dataclasses.dataclass(frozen=True)
class SceneCalibration:
    """Cameras from known points.

    Attributes:
        rig: the cameras, in the world of the points.
        views: what they were found from.
        used: what counted; the rest contradicts the others.
        residual_px: distance of each point from where it was seen, NaN where it was not seen.
        left_out_px: the same, predicted by all the others; NaN where they do not determine it.
        covariance: of all cameras' unknowns, in the order of `known_points.WIDTH`.
        click_sd_px: standard deviation of each camera's clicks, per axis: stated and observed
            together.
        stated_sd_px: what was stated.
        places: of the points, adjusted within their survey's error.
        other_pose: of every camera, how much worse the next best pose explains what it saw, in
            squares of `click_sd_px` (a difference of chi square), and where it would stand, in
            metres; infinite where there is none.
        found_focal: whether focal lengths were sought.
    """

    rig: CameraRig
    views: SceneViews
    used: Bool[np.ndarray, "camera point"]
    residual_px: Float[np.ndarray, "camera point"]
    left_out_px: Float[np.ndarray, "camera point"]
    covariance: Float[np.ndarray, "unknown unknown"]
    click_sd_px: Float[np.ndarray, "camera"]
    stated_sd_px: float
    places: Float[np.ndarray, "point 3"]
    other_pose: tuple[tuple[float, tuple[float, float, float]], ...]
    found_focal: bool


def calibrate_scene(
    views: SceneViews, lenses: CameraRig, *, click_sd_px: float = 1.0, focal: bool = False
) -> SceneCalibration:
    """Where cameras stand that saw points of known places.

    Each camera's pose is sought by itself, so that points that contradict the others are found
    and left out; then all cameras are adjusted together with the points, as far as the survey
    leaves those uncertain.

    Args:
        views: the points.
        lenses: of the cameras, by name; their poses are not read.
        click_sd_px: how well a point was seen, per axis; what is observed corrects it.
        focal: seek the focal length of every camera too, the lens's own is where to start.

    Raises:
        InputError: a camera saw fewer than four points (six for a focal length), points outside
            its picture, points on a line, or for a focal length in a plane.
        UnknownNameError: a camera has no lens.
    """
    lenses = lenses.subset(views.camera_names)
    check_scene(views, lenses, focal)
    placed = [
        place_camera(
            lenses.subset((lenses.names[camera],)),
            views.places,
            views.pixels[camera],
            click_sd_px,
            focal,
        )
        for camera in range(len(views.camera_names))
    ]
    used = np.stack([one.used for one in placed])
    start = side_by_side([one.rig for one in placed])
    sd = np.full(len(placed), click_sd_px)
    for _ in range(_ROUNDS):
        seen = known(views.places, views.place_sd, views.pixels, used, sd)
        found = locate(bare_rig(start), seen, jnp.full(len(placed), focal))
        sd = click_sd(found, used, click_sd_px)
    return _calibration(
        SceneCalibration(
            rig=lenses,
            views=views,
            used=used,
            residual_px=np.zeros(used.shape),
            left_out_px=np.zeros(used.shape),
            covariance=np.zeros((0, 0)),
            click_sd_px=sd,
            stated_sd_px=click_sd_px,
            places=views.places,
            other_pose=tuple((one.other_worse, one.other_centre) for one in placed),
            found_focal=focal,
        ),
        found,
    )


def _calibration(asked: SceneCalibration, found: Located) -> SceneCalibration:
    """What was asked for, with what the adjustment found."""
    count, size = len(asked.places), len(asked.used) * WIDTH
    distance = np.linalg.norm(np.asarray(found.residual_px)[:, :count], axis=-1)
    left_out = np.linalg.norm(np.asarray(found.left_out_px)[:, :count], axis=-1)
    # What did not count is predicted by the others anyway.
    left_out = np.where(asked.used, left_out, distance)
    left_out = np.where(left_out < _FARTHEST_PX, left_out, np.nan)
    seen = asked.views.seen
    return dataclasses.replace(
        asked,
        rig=named(found.rig, asked.rig),
        residual_px=np.where(seen, distance, np.nan),
        left_out_px=np.where(seen, left_out, np.nan),
        covariance=np.asarray(found.covariance)[:size, :size],
        places=asked.places + asked.views.place_sd[:, None] * np.asarray(found.shift)[:count],
    )
