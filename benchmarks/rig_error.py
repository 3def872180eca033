"""Rigs that a person calibrated, against the rigs that made the pictures."""

import dataclasses

import numpy as np
from jaxtyping import Float

from benchmarks.table import markdown_table
from diffbio.cameras import CameraRig
from diffbio.fitting.person_rig.calibrate import PersonCalibration
from diffbio.fitting.person_rig.verdict import distances, judge_person

HEADER = (
    "clocks", "worst rotation, deg", "worst centre, mm", "% of distance", "scale, %",
    "worst clock, ms", "floor, deg", "verdict", "s",
)  # fmt: skip

_TURNS_COUNT = 1e-6
"""Of the centres: directions only settle what centres in one line leave open."""


@dataclasses.dataclass(frozen=True)
class RigError:
    """A rig against the true one, laid over it by a similarity of the camera centres.

    Attributes:
        rotation_deg: of each camera.
        centre_mm: of each camera.
        scale_percent: by how much the rig is too large.
        tilt_deg: between its vertical and the true one.
    """

    rotation_deg: Float[np.ndarray, "camera"]
    centre_mm: Float[np.ndarray, "camera"]
    scale_percent: float
    tilt_deg: float


def rig_error(found: CameraRig, truth: CameraRig) -> RigError:
    """How far a rig is from the true one."""
    centres = [np.asarray(rig.centres, float) for rig in (found, truth)]
    rotations = [np.asarray(rig.camera_from_world_rotation, float) for rig in (found, truth)]
    directions = np.einsum("cij,cik->jk", rotations[1], rotations[0])
    scale, turn, placed = laid_over(*centres, directions=directions)
    away = np.linalg.norm(placed - centres[1], axis=1)
    product = np.einsum("cij,kj,clk->cil", rotations[0], turn, rotations[1])
    cosine = (np.trace(product, axis1=1, axis2=2) - 1.0) / 2.0
    return RigError(
        np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))),
        1e3 * away,
        100.0 * (1.0 / scale - 1.0),
        float(np.degrees(np.arccos(np.clip(turn[2, 2], -1.0, 1.0)))),
    )


def laid_over(
    points: Float[np.ndarray, "point 3"],
    truth: Float[np.ndarray, "point 3"],
    *,
    rigid: bool = False,
    directions: Float[np.ndarray, "3 3"] | None = None,
) -> tuple[float, Float[np.ndarray, "3 3"], Float[np.ndarray, "point 3"]]:
    """Scale, rotation and the points after the similarity that fits best (Umeyama 1991).

    Args:
        points: to lay over.
        truth: the others.
        rigid: leave their size.
        directions: sum of the products of paired directions, true and found, which decide where
            points in one line do not.
    """
    a, b = points - points.mean(0), truth - truth.mean(0)
    product = b.T @ a
    if directions is not None:
        product = product + _TURNS_COUNT * np.linalg.norm(product) * directions
    u, s, vt = np.linalg.svd(product)
    sign = np.array([1.0, 1.0, np.linalg.det(u @ vt)])
    turn = u @ np.diag(sign) @ vt
    scale = 1.0 if rigid else float((s * sign).sum() / (a * a).sum())
    return scale, turn, scale * a @ turn.T + truth.mean(0)


def scores(
    found: PersonCalibration, truth: CameraRig, late: Float[np.ndarray, "camera"] | None
) -> dict:
    """Errors and what was said of them, for `json`.

    Args:
        found: the calibration.
        truth: the rig that made the pictures.
        late: true offsets of the clocks, in seconds; None where they were right.
    """
    error = rig_error(found.rig, truth)
    sure, away = found.certainty, distances(found)
    focal = np.log(np.asarray(found.rig.focal_px, float) / np.asarray(truth.focal_px, float))
    verdict = judge_person(found)
    clock = None
    if late is not None:
        wrong = found.clock_offset - late
        clock = float(1e3 * np.abs(wrong - np.median(wrong)).max())
    return {
        "clocks": late is not None,
        "rotation_deg": error.rotation_deg.tolist(),
        "centre_mm": error.centre_mm.tolist(),
        "centre_percent": float((0.1 * error.centre_mm / away).max()),
        "scale_percent": error.scale_percent,
        "scale_sd_percent": 100.0 * found.scale_sd,
        "tilt_deg": error.tilt_deg,
        "worst_clock_ms": clock,
        "focal_percent": (100.0 * focal.mean(axis=1)).tolist(),
        "centre_sd_mm": (1e3 * sure.centre).tolist(),
        "rotation_sd_deg": np.degrees(sure.rotation).tolist(),
        "focal_sd_percent": (100.0 * sure.log_focal).tolist(),
        "held_out_px": found.prediction.median_px.tolist(),
        "verdict": verdict.level,
        "reasons": list(verdict.reasons),
    }


def row(one: dict) -> tuple:
    """Of a table under `HEADER`."""
    return (
        "sought" if one["clocks"] else "right",
        max(one["rotation_deg"]),
        max(one["centre_mm"]),
        one["centre_percent"],
        one["scale_percent"],
        one["worst_clock_ms"],
        one["tilt_deg"],
        one["verdict"],
        one["seconds"],
    )


def rms_score(each: list[dict], what: str) -> float:
    """Errors over their standard deviations, of all cameras of all recordings: about 1.

    Args:
        each: what `scores` gave.
        what: `centre_mm`, `rotation_deg` or `focal_percent`.
    """
    stem, _, unit = what.partition("_")
    # Two centres always lie on two others.
    known = [one for one in each if stem != "centre" or len(one[what]) > 2]
    ratios = [np.asarray(one[what]) / np.asarray(one[f"{stem}_sd_{unit}"]) for one in known]
    if not ratios:
        return float("nan")
    return float(np.sqrt((np.concatenate(ratios) ** 2).mean()))


def table(first: str, each: list[dict]) -> str:
    """A table of recordings, and how honest their standard deviations are.

    Args:
        first: heading of the first column.
        each: what `scores` gave, with `recording` and `seconds`.
    """
    rows = [(one["recording"], *row(one)) for one in each]
    return markdown_table((first, *HEADER), rows) + (
        "\n\nRotations and centres after a similarity alignment of the centres. Errors over their "
        f"standard deviations, rms: centres {rms_score(each, 'centre_mm'):.2f}, rotations "
        f"{rms_score(each, 'rotation_deg'):.2f}."
    )
