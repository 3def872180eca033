"""Write pictures of a simulated board, one folder per camera, and the true rig beside them.

    python calibration/board/simulate_footage.py FOLDER

Four cameras of 60 degrees stand in a row; only neighbours see the board together.
"""

import argparse
import pathlib

import cv2
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from diffbio.cameras.calibration import make_board
from diffbio.cameras.calibration.rendering import photograph
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.rig_changes import rescaled
from diffbio.io.rigs import write_rig
from diffbio.simulation.recording import ring_of_cameras

BOARD = make_board("charuco", 9, 7, 0.09)
LINKS = ((0, 1), (1, 2), (2, 3))


def main() -> None:
    """Simulate, photograph, write."""
    parser = argparse.ArgumentParser(description="Write pictures of a simulated board.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--views", type=int, default=12, help="of each two neighbours")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rig = ring_of_cameras(8).subset(("cam01", "cam02", "cam03", "cam04"))
    rig = rescaled(rig, 1280, 720)
    focal = 640.0 / np.tan(np.radians(30.0))
    rig = eqx.tree_at(lambda r: r.focal_px, rig, jnp.full((4, 2), focal))
    views, poses = simulate_views(
        rig, BOARD, LINKS, arguments.views, noise_px=0.0, distance=(1.5, 3.0), seed=1
    )
    for name in rig.names:
        (arguments.folder / name).mkdir(parents=True, exist_ok=True)
    for camera, view in tqdm(np.argwhere(views.sighted)):
        picture = photograph(
            rig,
            camera,
            BOARD,
            np.asarray(poses.world_from_board_rotation)[view],
            np.asarray(poses.world_from_board_translation)[view],
            seed=int(100 * view + camera),
        )
        name = rig.names[camera]
        cv2.imwrite(str(arguments.folder / name / f"{name}_{view:04d}.png"), picture)
    write_rig(rig, arguments.folder / "true-rig.toml")


if __name__ == "__main__":
    main()
