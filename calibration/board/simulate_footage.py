"""Write footage of a simulated board, by camera, and the true rig beside it.

    python calibration/board/simulate_footage.py FOLDER
    python calibration/board/simulate_footage.py FOLDER --video
    python calibration/board/simulate_footage.py FOLDER --fisheye

Four cameras of 60 degrees stand in a row; only neighbours see the board together. A video shows
the board carried from place to place and held there, blurred while it moves. Fisheye cameras
span 150 degrees and stand nearer together.
"""

import argparse
import pathlib

import cv2
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation, Slerp
from tqdm import tqdm

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import make_board
from diffbio.cameras.calibration.rendering import Photographer
from diffbio.cameras.calibration.sightings import BoardPoses
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.rig_changes import rescaled
from diffbio.io.rigs import write_rig
from diffbio.simulation.recording import ring_of_cameras

BOARD = make_board("charuco", 9, 7, 0.09)
LINKS = ((0, 1), (1, 2), (2, 3))

FRAME_RATE, EXPOSURE = 20.0, 0.01
"""Pictures per second, and seconds of light for each."""

HELD, CARRIED, EMPTY = 0.5, 0.6, 1.0
"""Seconds at a place, from one to the next, and before and after there is a board."""

_MOMENTS = 3
"""Of an exposure, which are averaged."""


def cameras(fisheye: bool) -> CameraRig:
    """The true rig."""
    names = ("cam01", "cam02", "cam03", "cam04")
    rig = rescaled(ring_of_cameras(8, radius=2.0 if fisheye else 5.0).subset(names), 1280, 720)
    if not fisheye:
        focal = jnp.full((4, 2), 640.0 / np.tan(np.radians(30.0)))
        return eqx.tree_at(lambda r: r.focal_px, rig, focal)
    focal = jnp.full((4, 2), 640.0 / np.radians(75.0))
    bent = jnp.tile(jnp.asarray([0.03, -0.01, 0.002, -0.0005, 0.0]), (4, 1))
    rig = eqx.tree_at(lambda r: (r.focal_px, r.distortion), rig, (focal, bent))
    return CameraRig(**{**vars(rig), "fisheye": (True,) * 4})


def carried(poses: BoardPoses, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the board is at some times, in seconds: rotations, places, and whether it is there."""
    count = len(poses.world_from_board_translation)
    # Each place twice: when the board arrives, and when it leaves.
    arrivals = EMPTY + np.arange(count) * (HELD + CARRIED)
    stops = np.stack([arrivals, arrivals + HELD], axis=1).ravel()
    turns = np.repeat(np.asarray(poses.world_from_board_rotation), 2, axis=0)
    places = np.repeat(np.asarray(poses.world_from_board_translation), 2, axis=0)
    there = (time >= stops[0]) & (time <= stops[-1])
    time = np.clip(time, stops[0], stops[-1])
    leg = np.clip(np.searchsorted(stops, time, side="right") - 1, 0, len(stops) - 2)
    share = (time - stops[leg]) / (stops[leg + 1] - stops[leg])
    # Gently away and gently on.
    share = share**2 * (3.0 - 2.0 * share)
    place = places[leg] + share[:, None] * (places[leg + 1] - places[leg])
    eased = stops[leg] + share * (stops[leg + 1] - stops[leg])
    turn = Slerp(stops, Rotation.from_matrix(turns))(eased).as_matrix()
    return turn, place, there


def write_pictures(folder: pathlib.Path, rig: CameraRig, sighted: np.ndarray, poses) -> None:
    """One folder of pictures per camera, of the views that it shares."""
    turns = np.asarray(poses.world_from_board_rotation)[:, None]
    places = np.asarray(poses.world_from_board_translation)[:, None]
    for camera, name in enumerate(rig.names):
        photographer = Photographer(rig, camera, BOARD)
        (folder / name).mkdir(parents=True, exist_ok=True)
        for view in tqdm(np.flatnonzero(sighted[camera]), desc=name):
            seed = int(100 * view + camera)
            picture = photographer.photograph(turns[view], places[view], seed=seed)
            cv2.imwrite(str(folder / name / f"{name}_{view:04d}.png"), picture)


def write_videos(folder: pathlib.Path, rig: CameraRig, poses: BoardPoses) -> None:
    """One video per camera, from the same moment on."""
    folder.mkdir(parents=True, exist_ok=True)
    count = len(poses.world_from_board_translation)
    length = 2 * EMPTY + count * (HELD + CARRIED) - CARRIED
    frames = np.arange(round(length * FRAME_RATE)) / FRAME_RATE
    moments = frames[:, None] + EXPOSURE * (np.arange(_MOMENTS) + 0.5) / _MOMENTS
    turn, place, there = (
        part.reshape(*moments.shape, *part.shape[1:]) for part in carried(poses, moments.ravel())
    )
    for camera, name in enumerate(rig.names):
        photographer = Photographer(rig, camera, BOARD)
        code = cv2.VideoWriter.fourcc(*"mp4v")
        video = cv2.VideoWriter(
            str(folder / f"{name}.mp4"), code, FRAME_RATE, rig.image_size[camera], False
        )
        for frame, when in enumerate(tqdm(there, desc=name)):
            poses_now = turn[frame][when], place[frame][when]
            video.write(photographer.photograph(*poses_now, seed=10 * frame + camera))
        video.release()


def main() -> None:
    """Simulate, photograph, write."""
    parser = argparse.ArgumentParser(description="Write footage of a simulated board.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--views", type=int, default=12, help="of each two neighbours")
    parser.add_argument("--video", action="store_true", help="a video per camera")
    parser.add_argument("--fisheye", action="store_true", help="lenses of 150 degrees")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rig = cameras(arguments.fisheye)
    distance, breadth = ((0.8, 1.6), 1.2) if arguments.fisheye else ((1.5, 3.0), 0.5)
    views, poses = simulate_views(
        rig, BOARD, LINKS, arguments.views,
        noise_px=0.0, distance=distance, seed=1, breadth=breadth,
    )  # fmt: skip
    if arguments.video:
        write_videos(arguments.folder, rig, poses)
    else:
        write_pictures(arguments.folder, rig, views.sighted, poses)
    write_rig(rig, arguments.folder / "true-rig.toml")


if __name__ == "__main__":
    main()
