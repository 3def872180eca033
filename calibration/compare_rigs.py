"""How far one rig is from another, camera by camera, after the best rigid alignment.

    python calibration/compare_rigs.py FOUND OTHER

FOUND is a folder that `diffbio calibrate` wrote. OTHER is a rig in a world of its own; its cameras
are those of the same names, or are taken in order.
"""

import argparse
import json
import pathlib

import jax
import numpy as np

from diffbio.cameras import CameraRig
from diffbio.io.rigs import read_rig


def differences(rig: CameraRig, other: CameraRig) -> tuple[np.ndarray, np.ndarray]:
    """Distances of the cameras (mm) and angles between them (degrees), their centres aligned."""
    ours, theirs = np.asarray(rig.centres), np.asarray(other.centres)
    u, _, v = np.linalg.svd((theirs - theirs.mean(0)).T @ (ours - ours.mean(0)))
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    moved = (ours - ours.mean(0)) @ turn.T + theirs.mean(0)
    rotation = np.asarray(rig.camera_from_world_rotation) @ turn.T
    between = np.einsum("cij,ckj->cik", rotation, np.asarray(other.camera_from_world_rotation))
    cosine = (np.trace(between, axis1=1, axis2=2) - 1.0) / 2.0
    distance = 1e3 * np.linalg.norm(moved - theirs, axis=1)
    return distance, np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def main() -> None:
    """Print one row per camera."""
    parser = argparse.ArgumentParser(description="Compare two rigs.")
    parser.add_argument("found", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rig, other = read_rig(arguments.found / "rig.toml"), read_rig(arguments.other)
    if set(rig.names) <= set(other.names):
        other = other.subset(rig.names)
    stated = json.loads((arguments.found / "summary.json").read_text())["cameras"]
    apart_mm, turned_deg = differences(rig, other)
    longer = np.asarray(rig.focal_px) / np.asarray(other.focal_px) - 1.0
    print("| camera | apart, mm | says, mm | turned, deg | focal length, % | lens |")
    print("|---|---|---|---|---|---|")
    for row, name in enumerate(rig.names):
        print(
            f"| {name} | {apart_mm[row]:.1f} | {stated[name]['centre_sd_mm']:.1f} | "
            f"{turned_deg[row]:.3f} | {100 * longer[row, 0]:+.2f} | "
            f"{stated[name].get('lens_model', 'given')} |"
        )


if __name__ == "__main__":
    main()
