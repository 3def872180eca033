"""The folder that a calibration with a board leaves: rig, numbers, and a picture per camera."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio import __version__
from diffbio.cameras.calibration import BoardCalibration, BoardViews, LensEstimate
from diffbio.cameras.calibration.cleaning import Dropped
from diffbio.cameras.calibration.coverage import coverage, coverage_picture
from diffbio.cameras.calibration.covisibility import shared_views
from diffbio.cameras.calibration.floor import Floor
from diffbio.cameras.calibration.intrinsics import unposed
from diffbio.cameras.calibration.lens_unknowns import LENS
from diffbio.cameras.calibration.quality import Quality
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.cameras.precision import turned_covariance
from diffbio.cameras.rig import CameraRig
from diffbio.io.rigs import write_rig
from diffbio.report.calibration_folder import (
    replace,
    shown_in,
    write_page,
    write_rig_and_summary,
    write_texts,
)
from diffbio.report.rig_page_data import CameraDeviations, ShownRig
from diffbio.report.shown_rig import expected_error


@dataclasses.dataclass(frozen=True)
class BoardResult:
    """A calibration with what is said of it.

    Attributes:
        calibration: what was found.
        floor: where the floor is, if that was asked for.
        quality: numbers of the calibration.
        verdict: on it.
        dropped: sightings left out.
        pictures: one of each camera, where there are any.
        notes: on the world.
    """

    calibration: BoardCalibration
    floor: Floor | None
    quality: Quality
    verdict: Verdict
    dropped: Dropped
    pictures: dict[str, np.ndarray]
    notes: list[str]

    @property
    def rig(self) -> CameraRig:
        """The cameras, in the world they are to be written in."""
        return self.floor.rig if self.floor else self.calibration.rig

    @property
    def covariance(self) -> Float[np.ndarray, "unknown unknown"]:
        """Of the cameras' unknowns, in that world."""
        new_from_camera = np.asarray(self.rig.camera_from_world_rotation, float)[0].T
        camera_from_old = np.asarray(self.calibration.rig.camera_from_world_rotation, float)[0]
        return turned_covariance(self.calibration.covariance, new_from_camera @ camera_from_old)

    def shown(self, folder: pathlib.Path) -> ShownRig:
        """The rig that a folder is to hold, with what it can measure."""
        quality = self.quality
        deviations = {
            name: CameraDeviations(
                quality.centre_sd_mm[name],
                quality.rotation_sd_deg[name],
                quality.focal_sd_percent[name],
            )
            for name in self.rig.names
        }
        return shown_in(folder, self.rig, self.covariance, deviations, self.notes)


def write_calibration(folder: pathlib.Path, result: BoardResult, shown: ShownRig, log: str) -> None:
    """Write `rig.toml`, `rig.html`, `covariance.npz`, `summary.json`, `log.txt`, and pictures.

    Args:
        folder: made where it is missing; each file is complete or as it was before.
        result: the calibration.
        shown: its rig, as `result.shown(folder)` gives it.
        log: what was said.
    """
    views = result.calibration.views
    write_rig_and_summary(folder, result.rig, _summary(result, shown), log)
    write_page(folder, result.rig, result.covariance, shown)
    _write_pictures(folder, views, result.calibration.residual_px, result.pictures)


def _summary(result: BoardResult, shown: ShownRig) -> dict[str, Any]:
    calibration, quality, rig = result.calibration, result.quality, result.rig
    views = calibration.views
    centres = np.asarray(rig.centres)
    order = dict(zip(views.camera_names, (one.order for one in calibration.lenses), strict=False))
    cameras = {
        name: {
            "views": int(views.sighted[i].sum()),
            "mean_px": quality.per_camera_px[name],
            "held_out_median_px": quality.held_out_px[name],
            "centre_m": centres[i].tolist(),
            "centre_sd_mm": quality.centre_sd_mm[name],
            "rotation_sd_deg": quality.rotation_sd_deg[name],
            "focal_px": np.asarray(rig.focal_px)[i].tolist(),
            "focal_sd_percent": quality.focal_sd_percent[name],
            "lens_model": order.get(name, "given"),
            "fisheye": rig.fisheye[i],
            "covered": quality.covered[name],
        }
        for i, name in enumerate(views.camera_names)
    }
    floor = result.floor
    return {
        **_about(views, result.dropped),
        "reprojection_error_px": {
            "mean": quality.mean_px,
            "median": quality.median_px,
            "rms": quality.rms_px,
            "free_corners_mean": quality.free_corner_px,
        },
        "expected_error": expected_error(shown),
        "board_edges": {
            "rms_mm": quality.edge_rms_mm,
            "bias_percent": quality.edge_bias_percent,
        },
        "reference_camera": views.camera_names[calibration.reference],
        "shared_views": shared_views(views).tolist(),
        "floor": floor and {"height_mm": floor.height_mm, "tilt_deg": floor.tilt_deg},
        "cameras": cameras,
        "solver": {"steps": calibration.steps, "converged": calibration.converged},
        "verdict": result.verdict.level,
        "messages": [*result.verdict.reasons, *result.notes],
    }


def write_lenses(
    folder: pathlib.Path,
    views: BoardViews,
    lenses: list[LensEstimate],
    dropped: Dropped,
    pictures: dict[str, np.ndarray],
    log: str,
) -> None:
    """Write `lenses.toml`, whose poses mean nothing, `summary.json` and pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rig = unposed(views, lenses)
    summary = {
        **_about(views, dropped),
        "lenses": {
            name: {
                "views": one.n_views,
                "lens_model": one.order,
                "fisheye": one.rig.fisheye[0],
                "rms_px": one.rms_px,
                "held_out_rms_px": one.held_out_px,
                "largest_tilt_deg": one.largest_tilt_deg,
                "focal_px": np.asarray(one.rig.focal_px)[0].tolist(),
                "principal_px": np.asarray(one.rig.principal_px)[0].tolist(),
                "distortion": np.asarray(one.rig.distortion)[0].tolist(),
                "sd": dict(zip(LENS, one.sd.tolist(), strict=True)),
                "covered": float(coverage(views)[i].mean()),
            }
            for i, (name, one) in enumerate(zip(views.camera_names, lenses, strict=True))
        },
    }
    partial = folder / ".lenses.partial.toml"
    write_rig(rig, partial)
    partial.replace(folder / "lenses.toml")
    write_texts(folder, summary, log)
    _write_pictures(folder, views, np.full(views.seen.shape, np.nan), pictures)


def _about(views: BoardViews, dropped: Dropped) -> dict[str, Any]:
    return {
        "diffbio_version": __version__,
        "board": str(views.board),
        "views": int(views.pixels.shape[1]),
        "dropped": dataclasses.asdict(dropped),
    }


def _write_pictures(
    folder: pathlib.Path,
    views: BoardViews,
    residual_px: np.ndarray,
    pictures: dict[str, np.ndarray],
) -> None:
    import cv2

    for camera, name in enumerate(views.camera_names):
        picture = coverage_picture(views, camera, residual_px[camera], pictures.get(name))
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
        replace(folder / f"{name}.jpg", encoded.tobytes())
