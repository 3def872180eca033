"""What `python -m benchmarks calibration` calibrates, and how a rig is compared with the truth."""

import dataclasses
import pathlib
import time

import cv2
import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.table import markdown_table
from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import (
    BoardCalibration,
    BoardViews,
    calibrate_board,
    estimate_lens,
    make_board,
    measure,
)
from diffbio.cameras.calibration.cleaning import clean
from diffbio.cameras.calibration.covisibility import first_poses
from diffbio.cameras.calibration.detection import find_corners
from diffbio.cameras.calibration.gathering import CameraSightings, gather
from diffbio.cameras.calibration.joint_adjustment import adjusted
from diffbio.cameras.calibration.lens_models import OPENCV_ORDER
from diffbio.cameras.calibration.quality import edge_lengths
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.calibration.starts import spread
from diffbio.io.board_corners import read_board_corners
from diffbio.io.board_footage import read_footage
from diffbio.io.rigs import read_rig
from diffbio.simulation.recording import ring_of_cameras

NOISE_PX = 0.2
FIELD_DEG = 60.0
DISTANCE = (1.5, 4.0)
"""Of the board from its two cameras, in metres."""


@dataclasses.dataclass(frozen=True)
class RigError:
    """Distance of every camera from the truth.

    Attributes:
        centre_mm: in the frame of the reference camera.
        aligned_mm: after the best rigid alignment of all centres, without scale.
        rotation_deg: in the frame of the reference camera.
    """

    centre_mm: np.ndarray
    aligned_mm: np.ndarray
    rotation_deg: np.ndarray


def chain_footage(per_link: int, seed: int, everyone: bool = False):
    """A ring of 8 cameras of 60 degrees; only neighbours, or all, see each view."""
    rig = ring_of_cameras(8)
    focal = 0.5 * rig.image_size[0][0] / np.tan(np.radians(FIELD_DEG / 2.0))
    rig = eqx.tree_at(lambda r: r.focal_px, rig, jnp.full((8, 2), focal))
    board = make_board("charuco", 9, 7, 0.09)
    groups = (tuple(range(8)),) if everyone else tuple((i, i + 1) for i in range(7))
    # Seen from all round, a board stands in the middle of the ring; cameras see either face.
    distance = (0.0, 0.6) if everyone else DISTANCE
    views, poses = simulate_views(
        rig, board, groups, per_link, noise_px=NOISE_PX, distance=distance, seed=seed
    )
    return rig, views, poses


def in_reference_frame(found: BoardCalibration, truth: CameraRig) -> RigError:
    """Errors of a calibration of simulated footage."""
    rotation, centres = _from_reference(found, truth)
    there = np.asarray(found.rig.centres)
    turn = np.asarray(found.rig.camera_from_world_rotation) @ rotation.transpose(0, 2, 1)
    angle = np.degrees(Rotation.from_matrix(turn).magnitude())
    a, b = there - there.mean(0), centres - centres.mean(0)
    best = Rotation.align_vectors(b, a)[0].as_matrix()
    return RigError(
        centre_mm=1000.0 * np.linalg.norm(there - centres, axis=1),
        aligned_mm=1000.0 * np.linalg.norm(a @ best.T - b, axis=1),
        rotation_deg=angle,
    )


def standard_scores(found: BoardCalibration, truth: CameraRig) -> np.ndarray:
    """Errors of turns and centres, each over the standard deviation stated for it."""
    rotation, centres = _from_reference(found, truth)
    turn = rotation @ np.asarray(found.rig.camera_from_world_rotation).transpose(0, 2, 1)
    error = np.concatenate(
        [Rotation.from_matrix(turn).as_rotvec(), centres - np.asarray(found.rig.centres)], axis=1
    )
    others = np.arange(len(centres)) != found.reference
    return (error[others] / found.sd[others, :6]).ravel()


def _from_reference(found: BoardCalibration, truth: CameraRig) -> tuple[np.ndarray, np.ndarray]:
    rotation = np.asarray(truth.camera_from_world_rotation)
    frame = rotation[found.reference]
    centres = np.asarray(truth.centres)
    return rotation @ frame.T, (centres - centres[found.reference]) @ frame.T


class AdjustmentTimer:
    """Times the adjustment of everything from first poses, with lenses near the truth."""

    def __init__(self, n_views: int, everyone: bool) -> None:
        truth, self._views, _ = chain_footage(
            n_views if everyone else round(n_views * 8 / 14), 0, everyone
        )
        self._rig, self._boards = first_poses(_worse(truth), self._views, 3)
        self._free = np.ones((8, 15), bool)
        self._free[3, :6] = False
        self.steps = 0
        self.n_views = self._views.pixels.shape[1]
        self.n_corners = int(self._views.seen.sum())

    def seconds(self) -> float:
        """One adjustment."""
        began = time.perf_counter()
        found = adjusted(self._rig, self._boards, self._views, self._free, 3, ())
        self.steps = found.steps
        return time.perf_counter() - began


def _worse(rig: CameraRig) -> CameraRig:
    """Lenses as they are before the adjustment: half a per cent off, undistorted."""
    return eqx.tree_at(
        lambda r: (r.focal_px, r.distortion),
        rig,
        (rig.focal_px * 1.005, 0.9 * rig.distortion),
    )


def measure_caliscope(data: pathlib.Path) -> dict:
    """The shipped corners: lenses given or found, against the shipped rig."""
    folder = data / "caliscope-charuco"
    shipped = read_rig(folder / "camera_array.toml")
    sizes = dict(zip(shipped.names, shipped.image_size, strict=True))
    views, _ = clean(read_board_corners(folder / "charuco-xy.csv", sizes))
    rows, measured = [], {}
    for name, lenses in (("lenses given", shipped), ("lenses found too", None)):
        found = calibrate_board(views, lenses=lenses)
        quality = measure(found)
        measured[name] = dataclasses.asdict(quality)
        rows.append(
            (
                name,
                quality.free_corner_px,
                quality.mean_px,
                quality.edge_rms_mm,
                quality.edge_bias_percent,
                max(quality.centre_sd_mm.values()),
            )
        )
        if lenses is not None:
            edges = edge_lengths(shipped, found)
            measured["shipped"] = dataclasses.asdict(edges)
            theirs = (edges.free_corner_px, None, edges.rms_mm, edges.bias_percent, None)
            rows.insert(0, ("shipped rig", *theirs))
    header = (
        "caliscope-charuco", "mean px, corners free", "mean px, board rigid", "edges, mm rms",
        "scale, %", "worst centre sd, mm",
    )  # fmt: skip
    return {"measured": measured, "report": markdown_table(header, rows)}


def measure_pose2sim(data: pathlib.Path) -> dict:
    """Lenses from seven pictures of a checkerboard each, against OpenCV and the shipped rig."""
    folder = data / "pose2sim-demo" / "calibration"
    board = make_board("checkerboard", 4, 7, 0.06)
    cameras = []
    for camera in read_footage(folder / "intrinsics", every=1):
        one = CameraSightings(camera.name)
        for label, picture in camera.pictures():
            one.add(label, picture, find_corners(picture, board), np.nan)
        cameras.append(one)
    views, _ = clean(gather(cameras, board)[0])
    shipped = np.asarray(read_rig(folder / "calib.toml").focal_px)
    rows, measured = [], {}
    for camera, name in enumerate(views.camera_names):
        chosen = estimate_lens(views, camera)
        ours, theirs = _same_model(views, camera)
        focal, sd = float(chosen.rig.focal_px[0, 0]), float(chosen.sd[0])
        off = focal / shipped[camera, 0] - 1.0
        measured[name] = {
            "views": chosen.n_views, "model": chosen.order, "rms_px": chosen.rms_px,
            "same_model_rms_px": ours, "opencv_rms_px": theirs, "focal_px": focal,
            "focal_sd_percent": 100 * sd, "focal_off_percent": 100 * off,
            "held_out_px": chosen.held_out_px,
        }  # fmt: skip
        rows.append(
            (name, chosen.n_views, ours, theirs, f"{ours / theirs:.6f}", chosen.order,
             chosen.held_out_px[chosen.order], chosen.held_out_px[OPENCV_ORDER], focal,
             100 * sd, 100 * off)
        )  # fmt: skip
    header = (
        "pose2sim-demo", "views", "rms px, OpenCV's model", "OpenCV", "ratio", "model chosen",
        "held out, px", "held out, OpenCV's model", "focal px", "sd, %", "off shipped, %",
    )  # fmt: skip
    return {"lenses": measured, "report": markdown_table(header, rows)}


def _same_model(views: BoardViews, camera: int) -> tuple[float, float]:
    """RMS of least squares with OpenCV's five distortion terms: ours and OpenCV's."""
    one = views.of_views(spread(views, camera, 60)).of_camera(camera)
    points = views.board.points
    ours = estimate_lens(views, camera, order=OPENCV_ORDER, least_squares=True).rms_px
    pictures = [p[s].astype(np.float32) for p, s in zip(one.pixels[0], one.seen[0], strict=True)]
    objects = [points[s].astype(np.float32) for s in one.seen[0]]
    _, matrix, distortion, turns, shifts = cv2.calibrateCamera(
        objects, pictures, one.image_size[0], np.eye(3), np.zeros(5)
    )[:5]
    squared = 0.0
    for view, seen in enumerate(one.seen[0]):
        image = cv2.projectPoints(points[seen], turns[view], shifts[view], matrix, distortion)[0]
        squared += np.sum((image.reshape(-1, 2) - one.pixels[0, view, seen]) ** 2)
    return ours, float(np.sqrt(squared / one.seen.sum()))
