"""Rigs of fisheye cameras: what `python -m benchmarks calibration` finds without being told."""

import dataclasses
import time

import cv2
import equinox as eqx
import jax.numpy as jnp
import numpy as np

from benchmarks.board_cases import NOISE_PX, in_reference_frame, standard_scores
from benchmarks.table import markdown_table
from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import BoardViews, calibrate_board, estimate_lens, make_board
from diffbio.cameras.calibration.lens_models import OPENCV_FISHEYE_ORDER
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.calibration.starts import spread
from diffbio.simulation.recording import ring_of_cameras

FIELD_DEG = 150.0
SIZE = (1280, 720)
_VIEWS = 40
"""Of each two neighbours."""


def fisheye_footage(seed: int) -> tuple[CameraRig, BoardViews]:
    """Four cameras of 150 degrees on a ring of 2 m; only neighbours see each view."""
    rig = ring_of_cameras(8, radius=2.0)
    rig = rig.subset(rig.names[:4])
    focal = 0.5 * SIZE[0] / np.radians(FIELD_DEG / 2.0)
    rig = eqx.tree_at(
        lambda r: (r.focal_px, r.principal_px, r.distortion),
        rig,
        (
            jnp.full((4, 2), focal),
            jnp.asarray([[643.0, 356.0]] * 4),
            jnp.asarray([[0.03, -0.01, 0.002, -0.0005, 0.0]] * 4),
        ),
    )
    rig = dataclasses.replace(rig, image_size=(SIZE,) * 4, fisheye=(True,) * 4)
    views, _ = simulate_views(
        rig, make_board("charuco", 9, 7, 0.09), ((0, 1), (1, 2), (2, 3)), _VIEWS,
        noise_px=NOISE_PX, distance=(0.8, 1.6), seed=seed, breadth=1.2,
    )  # fmt: skip
    return rig, views


def measure_fisheye(n_seeds: int) -> dict:
    """Simulated fisheye rigs, whose kind of lens is to be found out."""
    rows, each, scores = [], [], []
    for seed in range(n_seeds):
        truth, views = fisheye_footage(seed)
        began = time.perf_counter()
        found = calibrate_board(views)
        taken = time.perf_counter() - began
        error = in_reference_frame(found, truth)
        focal = np.asarray(found.rig.focal_px) / np.asarray(truth.focal_px) - 1.0
        scores.append(standard_scores(found, truth))
        ours, theirs = _same_model(views, 1)
        one = {
            "seed": seed,
            "taken_for_fisheye": sum(found.rig.fisheye),
            "centre_mm": float(error.aligned_mm.max()),
            "rotation_deg": float(error.rotation_deg.max()),
            "focal_percent": float(100.0 * np.abs(focal).max()),
            "rms_px": ours,
            "opencv_rms_px": theirs,
            "seconds": taken,
        }
        each.append(one)
        rows.append((*list(one.values())[:5], f"{ours / theirs:.6f}", taken))
    z = np.concatenate(scores)
    header = (
        "seed", "taken for fisheye, of 4", "worst centre, rig aligned, mm", "worst rotation, deg",
        "worst focal length, %", "rms px over OpenCV's", "s",
    )  # fmt: skip
    report = markdown_table(header, rows) + (
        f"\n\n4 cameras of {FIELD_DEG:.0f} degrees, {NOISE_PX} px, {_VIEWS} views of each two "
        f"neighbours. Errors over their standard deviations, rms: {np.sqrt((z**2).mean()):.2f}. "
        "The ratio is of all of OpenCV's fisheye terms, by least squares, in the second camera."
    )
    return {"rigs": each, "report": report}


def _same_model(views: BoardViews, camera: int) -> tuple[float, float]:
    """RMS of least squares with all fisheye terms: ours and OpenCV's."""
    ours = estimate_lens(views, camera, order=OPENCV_FISHEYE_ORDER, least_squares=True).rms_px
    one = views.of_views(spread(views, camera, 60)).of_camera(camera)
    pairs = list(zip(one.pixels[0], one.seen[0], strict=True))
    pictures = [pixels[seen][None] for pixels, seen in pairs]
    objects = [views.board.points[seen][None] for _, seen in pairs]
    matrix = np.array([[500.0, 0.0, 639.5], [0.0, 500.0, 359.5], [0.0, 0.0, 1.0]])
    flags = cv2.CALIB_RECOMPUTE_EXTRINSIC | cv2.CALIB_FIX_SKEW | cv2.CALIB_USE_INTRINSIC_GUESS
    theirs = cv2.fisheye.calibrate(
        objects, pictures, SIZE, matrix, np.zeros(4), flags=flags, criteria=(3, 200, 1e-12)
    )[0]
    return ours, float(theirs)
