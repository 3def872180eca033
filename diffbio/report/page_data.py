"""What the report page draws, as plain JSON. Every number is read off the fit."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.body import load_keypoint_set
from diffbio.body.keypoint_set import AnchorClass
from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.fitting.fit import Fit
from diffbio.io.coordinates import coordinates_of
from diffbio.io.deviations import NINETY_PERCENT
from diffbio.io.trial import Trial
from diffbio.report import quality
from diffbio.report.body_rows import adjustment_rows, bones, length_rows, rounded, scale_rows
from diffbio.report.curves import GROUPS, charts_of, drawn_frames, split_side
from diffbio.report.pictures import panels

MOST_CURVE_FRAMES = 1200
MOST_FIGURE_NUMBERS = 150_000


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One row of the table of estimates against a known truth.

    Attributes:
        name: what is compared.
        estimated: the estimate, where it is one number.
        true: the truth, where it is one number.
        error: the difference, or a summary of it such as an RMS over time.
        unit: of all three.
    """

    name: str
    estimated: float | None
    true: float | None
    error: float
    unit: str


def page_data(fit: Fit, trial: Trial) -> dict[str, object]:
    """Everything the page's scripts draw; finite numbers or None throughout."""
    edges = _edges(fit, trial)
    seen = bool(np.isfinite(fit.error.px).any())
    return {
        "cameras": _cameras(fit) if seen else [],
        "held_out": _held_out(fit, trial),
        "keypoints": _keypoints(fit) if seen else [],
        "curves": _curves(fit),
        "figure": _figure(fit, edges),
        "pictures": panels(fit, trial, edges),
        "scales": scale_rows(fit),
        "lengths": length_rows(fit),
        "adjustments": adjustment_rows(fit, trial.frame_rate_hz),
    }


def _cameras(fit: Fit) -> list[dict[str, object]]:
    mm = quality.error_mm(fit)
    per_camera = fit.error.per_camera()
    seen = quality.in_view(fit).mean(axis=-1)
    odd = quality.disagreeing_cameras(fit)
    rows = []
    for i, name in enumerate(fit.error.camera_names):
        error = per_camera.get(name, {"median": np.nan, "mean": np.nan})
        rows.append(
            {
                "name": name,
                "median_px": rounded(error["median"], 2),
                "mean_px": rounded(error["mean"], 2),
                "median_mm": rounded(np.nanmedian(mm[i]), 1) if name in per_camera else None,
                "seen_percent": rounded(100 * seen[i], 0),
                "odd": name in odd,
            }
        )
    return rows


def _held_out(fit: Fit, trial: Trial) -> dict[str, object] | None:
    """The camera the fit did not use, as one more bar."""
    mm = quality.held_out_mm(fit, trial)
    if fit.held_out is None or mm is None or not np.isfinite(mm).any():
        return None
    error = fit.held_out.error
    return {
        "name": fit.held_out.name,
        "median_px": rounded(error.median_px, 2),
        "mean_px": rounded(error.mean_px, 2),
        "median_mm": rounded(float(np.nanmedian(mm)), 1),
    }


def _keypoints(fit: Fit) -> list[dict[str, object]]:
    rows, together = [], np.isfinite(quality.in_step(fit))
    for i, name in enumerate(fit.body.marker_names):
        px = fit.error.px[:, :, i]
        located = (together[:, :, i].sum(axis=0) >= quality.MIN_VIEWS).mean()
        median = np.nanmedian(px) if np.isfinite(px).any() else np.nan
        rows.append(
            {
                "name": name,
                "median_px": rounded(median, 2),
                "located_percent": rounded(100 * located, 0),
            }
        )
    return rows


def _curves(fit: Fit) -> dict[str, object]:
    coordinates = coordinates_of(fit).in_degrees()
    frames = drawn_frames(len(fit.motion.time), MOST_CURVE_FRAMES)
    values = coordinates.values[frames]
    sd = None if coordinates.sd is None else NINETY_PERCENT * coordinates.sd[frames]
    px = quality.in_step(fit)[:, frames]
    median = [np.nanmedian(e) if np.isfinite(e).any() else np.nan for e in np.swapaxes(px, 0, 1)]
    charts = [
        {
            "group": chart.group,
            "title": chart.title,
            "coordinate": chart.coordinate,
            "unit": chart.unit,
            "sides": {
                side: _numbers(values[:, column], _digits(chart.unit))
                for side, column in chart.column.items()
            },
            "bands": {
                side: None if sd is None else _numbers(sd[:, column], _digits(chart.unit))
                for side, column in chart.column.items()
            },
        }
        for chart in charts_of(coordinates)
    ]
    return {
        "time": _numbers(fit.motion.time[frames], 4),
        "seen": [int(flag) for flag in (quality.views(fit) >= quality.MIN_VIEWS)[frames]],
        "error_px": _numbers(np.array(median), 2),
        "groups": [group for group in GROUPS if any(c["group"] == group for c in charts)],
        "charts": charts,
    }


def _digits(unit: str) -> int:
    return 2 if unit == "deg" else 4


def _figure(fit: Fit, edges: tuple[tuple[int, int], ...]) -> dict[str, object]:
    """Bodies and markers over time in whole millimetres, world frame; cameras in metres."""
    motion, body = fit.motion, fit.body
    per_frame = 3 * (len(body.body_names) + len(body.marker_names))
    frames = drawn_frames(len(motion.time), max(2, MOST_FIGURE_NUMBERS // per_frame))
    return {
        "time": _numbers(motion.time[frames], 4),
        "bones": bones(fit),
        "tips": _tips(fit),
        "bodies": [_millimetres(points) for points in motion.body_positions[frames]],
        "markers": [_millimetres(points) for points in motion.markers[frames]],
        "edges": [list(edge) for edge in edges],
        "cameras": [
            {"name": name, "points": np.round(points, 3).tolist()}
            for name, points in zip(fit.rig.names, _pyramids(fit.rig), strict=True)
        ],
    }


def _tips(fit: Fit) -> list[tuple[int, int, str]]:
    """Body, marker and side of the last segments, which end in a joint but in no further body."""
    body = fit.body
    return [
        (int(carrier), marker, split_side(body.body_names[carrier])[1])
        for marker, (carrier, kind) in enumerate(
            zip(body.marker_body, body.marker_kind, strict=True)
        )
        if kind == AnchorClass.JOINT_CENTRE and int(carrier) not in body.body_parents
    ]


def _pyramids(rig: CameraRig, depth: float = 0.25) -> Float[np.ndarray, "camera 5 3"]:
    """Centre and four image corners of every camera, `depth` metres away, world frame."""
    size, focal = np.asarray(rig.image_size, float), np.asarray(rig.focal_px, float)
    principal = np.asarray(rig.principal_px, float)
    signs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    corners = (signs[None] * size[:, None] - principal[:, None]) / focal[:, None] * depth
    in_camera = np.concatenate([corners, np.full((*corners.shape[:2], 1), depth)], axis=-1)
    in_camera = np.concatenate([np.zeros((len(size), 1, 3)), in_camera], axis=1)
    shift = np.asarray(rig.camera_from_world_translation)[:, None]
    return np.einsum("cij,cki->ckj", np.asarray(rig.camera_from_world_rotation), in_camera - shift)


def _edges(fit: Fit, trial: Trial) -> tuple[tuple[int, int], ...]:
    """Pairs of markers to connect, where the keypoint set is one of ours."""
    try:
        named = load_keypoint_set(trial.keypoints.set_name).edges
    except InputError:
        return ()
    order = {name: i for i, name in enumerate(fit.body.marker_names)}
    return tuple((order[a], order[b]) for a, b in named if a in order and b in order)


def _millimetres(points: Float[np.ndarray, "point 3"]) -> list[int | None]:
    return [round(1e3 * x) if np.isfinite(x) else None for x in points.ravel().tolist()]


def _numbers(values: Float[np.ndarray, "time"], digits: int) -> list[float | None]:
    return [rounded(value, digits) for value in values]
