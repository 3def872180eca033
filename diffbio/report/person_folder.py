"""What a calibration by a person leaves: its numbers, a page, and the room from above."""

import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio import __version__
from diffbio.cameras.calibration.points.equations import FOCAL, WIDTH
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.fitting.person_rig.calibrate import PersonCalibration
from diffbio.fitting.person_rig.verdict import distances
from diffbio.io.rig_covariance import COLUMNS, COVARIANCE_FILE, write_covariance
from diffbio.observations import Keypoints
from diffbio.report.calibration_folder import write_rig_and_summary
from diffbio.report.rig_page import write_rig_page
from diffbio.report.rig_page_data import CameraDeviations
from diffbio.report.room_picture import room_picture
from diffbio.report.shown_rig import expected_error, shown_rig


def summary_of_person(
    found: PersonCalibration, keypoints: Keypoints, verdict: Verdict, notes: list[str]
) -> dict[str, Any]:
    """Everything in numbers, for `summary.json`.

    Args:
        found: what was found.
        keypoints: what it was found from.
        verdict: on it.
        notes: on the world.
    """
    rig, sure, ahead = found.rig, found.certainty, found.prediction
    centres, away = np.asarray(rig.centres, float), distances(found)
    body = found.fit.error.per_camera()
    cameras = {
        name: {
            "centre_m": centres[i].tolist(),
            "distance_from_person_m": float(away[i]),
            "centre_sd_mm": 1000.0 * float(sure.centre[i]),
            "rotation_sd_deg": float(np.degrees(sure.rotation[i])),
            "focal_px": np.asarray(rig.focal_px, float)[i].tolist(),
            "focal_sd_percent": 100.0 * float(sure.log_focal[i]),
            "clock_offset_ms": 1000.0 * float(found.clock_offset[i]),
            "clock_sd_ms": 1000.0 * float(sure.clock[i]),
            "held_out_median_px": float(ahead.median_px[i]),
            "held_out_agreeing": float(ahead.agreeing[i]),
            "body_median_px": body.get(name, {}).get("median", float("nan")),
            "moved_by_body_deg": float(found.moved_deg[i]),
            "moved_by_body_mm": 1000.0 * float(found.moved[i]),
        }
        for i, name in enumerate(rig.names)
    }
    ground = found.ground
    return {
        "diffbio_version": __version__,
        "keypoint_set": keypoints.set_name,
        "frames": len(keypoints.time),
        "cameras": cameras,
        "shared_detections": [
            {"cameras": [rig.names[k.first], rig.names[k.second]], "shared": k.shared,
             "agreeing": None if k.pose is None else k.pose.share}
            for k in found.points.links
        ],
        "scale": {"from": found.scale_from, "sd_percent": 100.0 * found.scale_sd},
        "reprojection_error_px": {
            "points_median": float(np.nanmedian(found.points.residual_px)),
            "body_median": found.fit.error.median_px,
        },
        "floor": None if ground is None else {
            "stands": ground.n_contacts,
            "rms_mm": 1000.0 * ground.rms,
            "slope_sd_along_deg": float(np.degrees(ground.tilt_sd[0])),
            "slope_sd_across_deg": float(np.degrees(ground.tilt_sd[1])),
            "walked_m": ground.walked,
            "x_from": ground.direction_from,
        },
        "solver": {
            "points_converged": bool(found.points.adjusted.converged),
            "body_outcome": found.fit.outcome.name,
        },
        "verdict": verdict.level,
        "messages": [*verdict.reasons, *notes],
    }  # fmt: skip


def write_person_calibration(
    folder: pathlib.Path,
    found: PersonCalibration,
    summary: dict[str, Any],
    log: str,
    notes: list[str],
) -> None:
    """Write `rig.toml`, `rig.html`, `covariance.npz`, `summary.json`, `log.txt` and `room.png`.

    Args:
        folder: made where it is missing; each file is complete or as it was before.
        found: what was found.
        summary: its numbers.
        log: what was said.
        notes: on the world.
    """
    covariance = covariance_of_person(found)
    rig, sure = found.rig, found.certainty
    deviations = {
        name: CameraDeviations(
            1e3 * float(sure.centre[i]),
            float(np.degrees(sure.rotation[i])),
            100.0 * float(sure.log_focal[i]),
        )
        for i, name in enumerate(rig.names)
    }
    shown = shown_rig(
        rig,
        folder.resolve().name,
        str(folder / "rig.toml"),
        rig_covariance=covariance,
        notes=tuple(notes),
        deviations=deviations,
    )
    summary = {**summary, "expected_error": expected_error(shown)}
    write_rig_and_summary(folder, rig, summary, log)
    write_covariance(folder / COVARIANCE_FILE, rig, covariance)
    write_rig_page(shown, folder / "rig.html")
    _write_room(folder / "room.png", found)


def covariance_of_person(found: PersonCalibration) -> Float[np.ndarray, "unknown unknown"]:
    """Covariance of the cameras' unknowns as `covariance.npz` has them, in metres and radians.

    How large the whole is remains apart: an error there is one of every length alike.
    """
    count, width = len(found.rig.names), len(COLUMNS)
    chosen = [*range(6), FOCAL]
    places = [*range(6), COLUMNS.index("focal")]
    rows = np.add.outer(WIDTH * np.arange(count), chosen).reshape(-1)
    into = np.add.outer(width * np.arange(count), places).reshape(-1)
    covariance = np.zeros((count * width, count * width))
    covariance[np.ix_(into, into)] = found.certainty.covariance[np.ix_(rows, rows)]
    return covariance


def _write_room(path: pathlib.Path, found: PersonCalibration) -> None:
    import cv2

    picture = room_picture(found.rig, found.way, found.certainty.centre)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    partial.replace(path)
