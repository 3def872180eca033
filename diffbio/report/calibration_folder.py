"""The folder a calibration leaves: the rig, its numbers, and a picture per camera."""

import dataclasses
import json
import math
import os
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio import __version__
from diffbio.cameras.calibration import BoardCalibration, BoardViews, LensEstimate
from diffbio.cameras.calibration.cleaning import Dropped
from diffbio.cameras.calibration.coverage import coverage, coverage_picture
from diffbio.cameras.calibration.covisibility import shared_views
from diffbio.cameras.calibration.intrinsics import unposed
from diffbio.cameras.calibration.lens_unknowns import LENS
from diffbio.cameras.calibration.quality import Quality
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.cameras.precision import turned_covariance
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError
from diffbio.io.rig_covariance import COVARIANCE_FILE, write_covariance
from diffbio.io.rigs import write_rig
from diffbio.report.rig_page import write_rig_page
from diffbio.report.rig_page_data import CameraDeviations
from diffbio.report.shown_rig import expected_error, shown_rig


def check_writable(folder: pathlib.Path) -> None:
    """Find out before the work, not after it.

    Raises:
        InputError: nothing can be written there.
    """
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(str(folder), "Nothing can be written there.", "Choose another --output.")


def write_calibration(
    folder: pathlib.Path,
    calibration: BoardCalibration,
    rig: CameraRig,
    quality: Quality,
    verdict: Verdict,
    dropped: Dropped,
    pictures: dict[str, np.ndarray],
    log: str,
    notes: list[str],
) -> None:
    """Write `rig.toml`, `rig.html`, `covariance.npz`, `summary.json`, `log.txt`, and pictures.

    Args:
        folder: made where it is missing; each file is complete or as it was before.
        calibration: what was found.
        rig: the same cameras, in the world they are to be written in.
        quality: its numbers.
        verdict: on it.
        dropped: sightings left out.
        pictures: one of each camera, where there are any.
        log: what was said.
        notes: on the world.
    """
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
            "covered": quality.covered[name],
        }
        for i, name in enumerate(views.camera_names)
    }
    covariance = _in_world_of(rig, calibration)
    shown = shown_rig(
        rig,
        folder.resolve().name,
        str(folder / "rig.toml"),
        rig_covariance=covariance,
        notes=tuple(notes),
        deviations={
            name: CameraDeviations(
                quality.centre_sd_mm[name],
                quality.rotation_sd_deg[name],
                quality.focal_sd_percent[name],
            )
            for name in views.camera_names
        },
    )
    summary = {
        **_about(views, dropped),
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
        "cameras": cameras,
        "solver": {"steps": calibration.steps, "converged": calibration.converged},
        "verdict": verdict.level,
        "messages": [*verdict.reasons, *notes],
    }
    write_rig_and_summary(folder, rig, summary, log)
    write_covariance(folder / COVARIANCE_FILE, rig, covariance)
    write_rig_page(shown, folder / "rig.html")
    _write_pictures(folder, views, calibration.residual_px, pictures)


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
    _write_texts(folder, summary, log)
    _write_pictures(folder, views, np.full(views.seen.shape, np.nan), pictures)


def _in_world_of(
    rig: CameraRig, calibration: BoardCalibration
) -> Float[np.ndarray, "unknown unknown"]:
    """The covariance of the cameras' unknowns, shifts along the axes of another world."""
    new_from_camera = np.asarray(rig.camera_from_world_rotation, float)[0].T
    camera_from_old = np.asarray(calibration.rig.camera_from_world_rotation, float)[0]
    return turned_covariance(calibration.covariance, new_from_camera @ camera_from_old)


def _about(views: BoardViews, dropped: Dropped) -> dict[str, Any]:
    return {
        "diffbio_version": __version__,
        "board": str(views.board),
        "views": int(views.pixels.shape[1]),
        "dropped": dataclasses.asdict(dropped),
    }


def write_rig_and_summary(
    folder: pathlib.Path, rig: CameraRig, summary: dict[str, Any], log: str
) -> None:
    """Write `rig.toml`, `summary.json` and `log.txt`, whichever way the rig was found.

    Args:
        folder: made where it is missing; each file is complete or as it was before.
        rig: the cameras.
        summary: their numbers; those that are not finite become null.
        log: what was said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".rig.partial.toml"
    write_rig(rig, partial)
    partial.replace(folder / "rig.toml")
    _write_texts(folder, summary, log)


def _write_texts(folder: pathlib.Path, summary: dict[str, Any], log: str) -> None:
    text = json.dumps(_finite(summary), indent=1) + "\n"
    _replace(folder / "summary.json", text.encode())
    _replace(folder / "log.txt", log.encode())


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
        _replace(folder / f"{name}.jpg", encoded.tobytes())


def _replace(path: pathlib.Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _finite(value: Any) -> Any:
    """JSON has no NaN: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
