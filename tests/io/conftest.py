"""A small simulated recording that tests of readers write in every layout."""

import json
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.io.rigs import write_rig

N_FRAMES = 12


def look_at(centre: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation of an upright camera that looks at a point."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


@pytest.fixture(scope="session")
def three_cameras() -> CameraRig:
    """Three cameras around the origin, 4 m away."""
    centres = np.array([[4.0, 0.5, 1.2], [-1.5, 3.8, 1.6], [-2.0, -3.4, 1.4]])
    rotation = np.stack([look_at(centre, np.array([0.0, 0.0, 0.9])) for centre in centres])
    return CameraRig(
        focal_px=jnp.full((3, 2), 1000.0),
        principal_px=jnp.tile(jnp.asarray([[640.0, 480.0]]), (3, 1)),
        distortion=jnp.tile(jnp.asarray([[-0.1, 0.02, 0.0, 0.0, 0.0]]), (3, 1)),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=("cam1", "cam2", "cam3"),
        image_size=((1280, 960),) * 3,
        fisheye=(False,) * 3,
    )


@pytest.fixture(scope="session")
def walker() -> np.ndarray:
    """Seventeen points of somebody 1.7 m tall who walks along x: time, keypoint, metres."""
    shape = np.random.default_rng(5).uniform([-0.2, -0.3, 0.0], [0.2, 0.3, 1.7], (17, 3))
    shape[0, 2], shape[1, 2] = 1.7, 0.0
    advance = np.linspace(-0.3, 0.3, N_FRAMES)[:, None, None] * np.array([[[1.0, 0.0, 0.0]]])
    return shape[None] + advance


@pytest.fixture(scope="session")
def detections(three_cameras, walker) -> np.ndarray:
    """Exact images of the walker: camera, time, keypoint, (u, v, confidence)."""
    pixels = np.asarray(three_cameras.project(jnp.asarray(walker)))
    return np.concatenate([pixels, np.full((*pixels.shape[:-1], 1), 0.9)], axis=-1)


def write_frame(path: pathlib.Path, people: list[np.ndarray]) -> None:
    """One OpenPose file."""
    content = [{"person_id": [-1], "pose_keypoints_2d": p.ravel().tolist()} for p in people]
    path.write_text(json.dumps({"version": 1.3, "people": content}))


@pytest.fixture
def write_json_folders(detections):
    """A function that writes `<folder>/<camera name>/<camera>_<frame>.json`."""

    def write(folder: pathlib.Path, names=("cam1", "cam2", "cam3"), people=None) -> None:
        people = detections[:, :, None] if people is None else people
        for name, frames in zip(names, people, strict=False):
            (folder / name).mkdir(parents=True)
            for number, frame in enumerate(frames):
                write_frame(folder / name / f"{name}_{number:06d}_keypoints.json", list(frame))

    return write


@pytest.fixture
def plain_folder(tmp_path, three_cameras, write_json_folders) -> pathlib.Path:
    """`rig.toml` beside one folder of JSON per camera."""
    folder = tmp_path / "walk"
    write_json_folders(folder)
    write_rig(three_cameras, folder / "rig.toml")
    return folder


@pytest.fixture
def write_npz(tmp_path, three_cameras, detections):
    """A function that writes an archive with changed or removed (None) arrays, and a rig."""

    def write(**changes) -> pathlib.Path:
        arrays = {
            "pixels": detections[..., :2],
            "confidence": detections[..., 2],
            "keypoint_names": np.asarray(load_keypoint_set("coco_17").keypoints),
            "camera_names": np.asarray(three_cameras.names),
            "fps": np.asarray(50.0),
        }
        arrays = {k: v for k, v in (arrays | changes).items() if v is not None}
        path = tmp_path / "walk.npz"
        np.savez(path, **arrays)
        write_rig(three_cameras, tmp_path / "rig.toml")
        return path

    return write
