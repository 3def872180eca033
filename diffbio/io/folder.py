"""A plain folder: `rig.toml` beside OpenPose folders named like the cameras, or one `.npz`."""

import dataclasses
import pathlib

from diffbio.errors import InputError
from diffbio.io.camera_folders import (
    Stated,
    camera_folders,
    find_videos,
    frame_rate_of,
    read_people,
)
from diffbio.io.npz import read_keypoints
from diffbio.io.rigs import read_rig_file
from diffbio.io.trial import Trial

RIG_FILE = "rig.toml"


def read_archive(path: pathlib.Path, stated: Stated) -> Trial:
    """Read an `.npz` of keypoints, with the rig that was stated or lies beside it.

    Raises:
        InputError: there is no rig, or the archive cannot be used.
    """
    calibration = read_rig_file(_rig_path(path.parent, stated, path))
    rig, keypoints, frame_rate_hz, notes = read_keypoints(
        path, calibration.rig, keypoint_set=stated.keypoint_set, frame_rate_hz=stated.frame_rate_hz
    )
    return Trial(path.stem, path, rig, keypoints, frame_rate_hz, {}, (*calibration.notes, *notes))


def read_folder(path: pathlib.Path, stated: Stated) -> Trial:
    """Read a folder of keypoints: one `.npz`, or one folder of JSON files per camera.

    Videos, in the folder or in `videos/`, are found by their camera's name.

    Raises:
        InputError: there is no rig, no frame rate, or both or neither kind of keypoints.
    """
    archives, folders = sorted(path.glob("*.npz")), camera_folders(path)
    if len(archives) + bool(folders) != 1:
        found = [*(archive.name for archive in archives), *(f"{f.name}/" for f in folders)]
        raise InputError(
            str(path),
            f"Found {', '.join(found) or 'no keypoints'}, where one `.npz` or one folder of JSON "
            "files per camera was expected.",
            "Keep one trial per folder, or give the path of the `.npz` itself.",
        )
    name = path.resolve().name
    if archives:
        trial = read_archive(archives[0], stated)
        return dataclasses.replace(trial, name=name, videos=_videos(path, trial.rig.names))
    calibration = read_rig_file(_rig_path(path, stated, path))
    videos = _videos(path, calibration.rig.names)
    frame_rate_hz = stated.frame_rate_hz or frame_rate_of(str(path), videos)
    rig, keypoints, notes = read_people(
        calibration.rig, folders, stated.keypoint_set, frame_rate_hz
    )
    videos = {camera: video for camera, video in videos.items() if camera in rig.names}
    notes = (*calibration.notes, *notes)
    return Trial(name, path, rig, keypoints, frame_rate_hz, videos, notes)


def _videos(path: pathlib.Path, names: tuple[str, ...]) -> dict[str, pathlib.Path]:
    return find_videos(path, names) | find_videos(path / "videos", names)


def _rig_path(folder: pathlib.Path, stated: Stated, source: pathlib.Path) -> pathlib.Path:
    path = stated.rig or folder / RIG_FILE
    if stated.rig is None and not path.is_file():
        raise InputError(
            str(source),
            f"There is no rig: {path} does not exist and none was stated.",
            "State the rig with --rig: `diffbio convert --help` names the formats that are read.",
        )
    return path
