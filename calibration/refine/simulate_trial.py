"""Write a simulated trial whose rig is a little wrong, and the true rig beside it.

    python calibration/refine/simulate_trial.py FOLDER [--knocked DEGREES]

A person walks for 4 s through six cameras. The rig that is written has the errors a careful
calibration leaves, 0.3 degrees and 8 mm per axis, and if asked for one camera that was knocked
since. The true rig is FOLDER-true-rig.toml.
"""

import argparse
import pathlib

import jax.numpy as jnp
import numpy as np

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import adjustment_of
from diffbio.io.rigs import write_rig
from diffbio.simulation import simulate_walking

ROTATION_SD, POSITION_SD = np.deg2rad(0.3), 0.008
KNOCKED = "cam03"


def disturbed(rig: CameraRig, knocked_deg: float, rng: np.random.Generator) -> CameraRig:
    """The rig with the errors of a calibration, and one camera turned about its vertical."""
    columns = np.zeros((len(rig.names), 11))
    columns[:, :3] = ROTATION_SD * rng.standard_normal((len(rig.names), 3))
    columns[:, 3:6] = POSITION_SD * rng.standard_normal((len(rig.names), 3))
    if knocked_deg:
        columns[rig.names.index(KNOCKED), 1] += np.deg2rad(knocked_deg)
    return rig.adjusted(adjustment_of(jnp.asarray(columns, rig.focal_px.dtype)))


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description="Write a simulated trial with a wrong rig.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--knocked", type=float, default=0.0, metavar="DEGREES", help=KNOCKED)
    parser.add_argument("--cameras", type=int, default=6, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    recording = simulate_walking(
        load_keypoint_set("body_25"), seed=arguments.seed, n_cameras=arguments.cameras
    )
    keypoints, rig = recording.keypoints, recording.rig
    np.savez(
        folder / "keypoints.npz",
        pixels=keypoints.pixels,
        confidence=keypoints.confidence,
        keypoint_names=np.asarray(keypoints.names),
        camera_names=np.asarray(keypoints.camera_names),
        keypoint_set="body_25",
        fps=60.0,
    )
    write_rig(rig, folder.with_name(f"{folder.name}-true-rig.toml"))
    rng = np.random.default_rng(arguments.seed)
    write_rig(disturbed(rig, arguments.knocked, rng), folder / "rig.toml")


if __name__ == "__main__":
    main()
