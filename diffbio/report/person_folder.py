"""What a calibration by a person leaves: its numbers, and a picture of the room from above."""

import pathlib
from typing import Any

import numpy as np

from diffbio import __version__
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.fitting.person_rig.calibrate import PersonCalibration
from diffbio.fitting.person_rig.verdict import distances
from diffbio.observations import Keypoints

_SIZE_PX, _MARGIN_PX = 900, 60
_INK, _WAY, _CAMERA = (40, 40, 40), (60, 120, 220), (160, 90, 20)


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


def write_room(path: pathlib.Path, found: PersonCalibration) -> None:
    """Write a picture of the cameras and the way of the person, from above; x is to the right."""
    import cv2

    encoded = cv2.imencode(".png", room_picture(found))[1].tobytes()
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(encoded)
    partial.replace(path)


def room_picture(found: PersonCalibration) -> np.ndarray:
    """The room from above: every camera with its view, the way of the pelvis, a metre's grid."""
    import cv2

    rig = found.rig
    centres = np.asarray(rig.centres, float)
    everything = np.concatenate([centres[:, :2], found.way[:, :2]])
    low, high = everything.min(0) - 0.5, everything.max(0) + 0.5
    scale = (_SIZE_PX - 2 * _MARGIN_PX) / float((high - low).max())
    size = np.round((high - low) * scale).astype(int) + 2 * _MARGIN_PX
    picture = np.full((size[1], size[0], 3), 255, np.uint8)

    def at(place: np.ndarray) -> tuple[int, int]:
        x, y = (place[:2] - low) * scale + _MARGIN_PX
        return round(float(x)), round(float(size[1] - y))

    for axis in range(2):
        for metre in range(int(np.ceil(low[axis])), int(np.floor(high[axis])) + 1):
            ends = np.array([low, high])
            ends[:, axis] = metre
            cv2.line(picture, at(ends[0]), at(ends[1]), (230, 230, 230), 2 if metre == 0 else 1)
    way = np.asarray([at(place) for place in found.way], np.int32)
    cv2.polylines(picture, [way], False, _WAY, 3, cv2.LINE_AA)
    cv2.circle(picture, at(found.way[-1]), 7, _WAY, -1, cv2.LINE_AA)
    width = np.asarray(rig.image_size, float)[:, 0]
    half = np.arctan(0.5 * width / np.asarray(rig.focal_px, float)[:, 0])
    for i, name in enumerate(rig.names):
        forward = np.asarray(rig.camera_from_world_rotation, float)[i, 2, :2]
        angle = np.arctan2(forward[1], forward[0])
        for side in (-half[i], half[i]):
            edge = centres[i, :2] + 1.5 * np.array([np.cos(angle + side), np.sin(angle + side)])
            cv2.line(picture, at(centres[i]), at(edge), _CAMERA, 1, cv2.LINE_AA)
        sd = max(3, round(3.0 * float(found.certainty.centre[i]) * scale))
        cv2.circle(picture, at(centres[i]), sd, _CAMERA, -1, cv2.LINE_AA)
        label = f"{name}  {centres[i, 2]:.2f} m high"
        x, y = at(centres[i])
        x = min(max(x - 60, 2), size[0] - 190)
        cv2.putText(picture, label, (x, max(y - 12, 14)), 0, 0.45, _INK, 1, cv2.LINE_AA)
    return picture
