"""How right cameras from known points are."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from diffbio.cameras.calibration.lens_unknowns import WIDTH as ALL_WIDTH
from diffbio.cameras.calibration.scene.calibrate import SceneCalibration
from diffbio.cameras.calibration.scene.known_points import WIDTH
from diffbio.cameras.triangulation import least_squares_points

_TURN, _SHIFT = slice(0, 3), slice(3, 6)


@dataclasses.dataclass(frozen=True)
class SceneQuality:
    """Numbers of a calibration from known points, by camera.

    Attributes:
        rms_px: root mean square distance of the points that counted, per point.
        left_out_px, left_out_mm: median distance of a point from where all others predict it, in
            the picture and at the point; NaN where there is no redundancy.
        centre_sd_mm, rotation_sd_deg, focal_sd_percent: of each camera, its largest direction;
            infinite where it is not determined.
        distance_m: from the middle of the points.
        triangulated_mm: how far the points that several cameras saw come out from where they were
            surveyed, rms; NaN where there are none.
    """

    rms_px: dict[str, float]
    left_out_px: dict[str, float]
    left_out_mm: dict[str, float]
    centre_sd_mm: dict[str, float]
    rotation_sd_deg: dict[str, float]
    focal_sd_percent: dict[str, float]
    distance_m: dict[str, float]
    triangulated_mm: float


def measure_scene(calibration: SceneCalibration) -> SceneQuality:
    """All numbers of a calibration."""
    rig, views, used = calibration.rig, calibration.views, calibration.used
    names = views.camera_names
    focal_px = np.asarray(rig.focal_px).mean(axis=1)
    depth = np.asarray(rig.depth(jnp.asarray(views.places)))
    left_mm = 1e3 * calibration.left_out_px / focal_px[:, None] * np.abs(depth)
    blocks = calibration.covariance.reshape(len(names), WIDTH, len(names), WIDTH)
    own = [blocks[camera, :, camera] for camera in range(len(names))]
    turn, shift = ([_largest_sd(one[part, part]) for one in own] for part in (_TURN, _SHIFT))
    residual = np.where(used, calibration.residual_px, np.nan)
    away = np.linalg.norm(np.asarray(rig.centres) - views.places.mean(axis=0), axis=1)

    def named(values) -> dict[str, float]:
        return dict(zip(names, map(float, values), strict=True))

    return SceneQuality(
        rms_px=named(np.sqrt(np.nanmean(residual**2, axis=1))),
        left_out_px=named(_median(np.where(used, calibration.left_out_px, np.nan))),
        left_out_mm=named(_median(np.where(used, left_mm, np.nan))),
        centre_sd_mm=named(1e3 * np.asarray(shift)),
        rotation_sd_deg=named(np.degrees(turn)),
        focal_sd_percent=named([100.0 * np.sqrt(one[6, 6]) for one in own]),
        distance_m=named(away),
        triangulated_mm=_triangulated_mm(calibration),
    )


def covariance_of_all(
    calibration: SceneCalibration, rows: Int[np.ndarray, "some"] | None = None
) -> Float[np.ndarray, "unknown unknown"]:
    """Covariance of all unknowns of cameras, see `BoardCalibration.covariance`.

    Args:
        calibration: in which the lens is known but for the focal length.
        rows: of which cameras; by default of all.
    """
    rows = np.arange(len(calibration.rig.names)) if rows is None else rows
    # Turn, shift and focal length come first in both.
    sought = (rows[:, None] * WIDTH + np.arange(WIDTH)).ravel()
    places = (np.arange(len(rows))[:, None] * ALL_WIDTH + np.arange(WIDTH)).ravel()
    full = np.zeros((len(rows) * ALL_WIDTH,) * 2)
    full[np.ix_(places, places)] = calibration.covariance[np.ix_(sought, sought)]
    return full


def _largest_sd(covariance: Float[np.ndarray, "3 3"]) -> float:
    if not np.isfinite(covariance).all():
        return np.inf  # nothing determines it
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0.0)))


def _median(rows: Float[np.ndarray, "camera point"]) -> list[float]:
    return [float(np.median(r[np.isfinite(r)])) if np.isfinite(r).any() else np.nan for r in rows]


def _triangulated_mm(calibration: SceneCalibration) -> float:
    rig, views, used = calibration.rig, calibration.views, calibration.used
    several = used.sum(axis=0) >= 2
    if not several.any():
        return float("nan")
    pixels = np.where(used[..., None], views.pixels, np.asarray(rig.principal_px)[:, None])
    rays = rig.normalised_from_image(jnp.asarray(pixels)[:, None])
    places = least_squares_points(rig, rays, jnp.asarray(used, float)[:, None])[0]
    miss = np.linalg.norm(np.asarray(places) - views.places, axis=1)[several]
    return float(1e3 * np.sqrt(np.mean(miss**2)))
