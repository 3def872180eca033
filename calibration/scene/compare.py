"""Compare a rig from known points with OpenCV on the same points.

    python calibration/scene/compare.py SCENE POINTS CLICKS

SCENE is what `diffbio calibrate scene POINTS CLICKS` wrote with an exact survey.
"""

import argparse
import json
import pathlib

import cv2
import jax
import numpy as np

from diffbio.cameras import CameraRig
from diffbio.io.rigs import read_rig
from diffbio.io.scene_tables import read_scene


def opencv_rms_px(rig: CameraRig, camera: int, places: np.ndarray, pixels: np.ndarray) -> float:
    """What OpenCV's own pose leaves, per point: SQPNP, then its Levenberg-Marquardt."""
    matrix = np.eye(3)
    matrix[[0, 1], [0, 1]] = np.asarray(rig.focal_px)[camera]
    matrix[:2, 2] = np.asarray(rig.principal_px)[camera]
    lens = matrix, np.asarray(rig.distortion)[camera]
    _, turn, shift = cv2.solvePnP(places, pixels, *lens, flags=cv2.SOLVEPNP_SQPNP)
    turn, shift = cv2.solvePnPRefineLM(places, pixels, *lens, turn, shift)
    miss = cv2.projectPoints(places, turn, shift, *lens)[0][:, 0] - pixels
    return float(np.sqrt((miss**2).sum(axis=1).mean()))


def main() -> None:
    """Print one row per camera."""
    parser = argparse.ArgumentParser(description="Compare a rig from known points.")
    for name in ("scene", "points", "clicks"):
        parser.add_argument(name, type=pathlib.Path)
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    found = json.loads((arguments.scene / "summary.json").read_text())["cameras"]
    rig = read_rig(arguments.scene / "rig.toml")
    views, _ = read_scene(arguments.points, arguments.clicks)
    print("| camera | points | rms, px | OpenCV's | ratio |")
    print("|---|---|---|---|---|")
    for row, (name, one) in enumerate(found.items()):
        used = views.seen[row] & ~np.isin(views.point_names, one["left_out"])
        theirs = opencv_rms_px(rig, row, views.places[used], views.pixels[row][used])
        print(
            f"| {name} | {one['points']} | {one['rms_px']:.3f} | {theirs:.3f} | "
            f"{one['rms_px'] / theirs:.6f} |"
        )


if __name__ == "__main__":
    main()
