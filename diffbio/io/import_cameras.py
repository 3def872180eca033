"""Importing keypoints: one file per camera, of several programs."""

import dataclasses
import pathlib
import re
import tomllib
from collections.abc import Callable

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.camera_folders import find_videos, frame_rate_of
from diffbio.io.detected_camera import DetectedCamera, one_person
from diffbio.io.folder import RIG_FILE
from diffbio.io.imported import Imported, Stated
from diffbio.io.read_deeplabcut import is_deeplabcut, read_deeplabcut
from diffbio.io.read_freemocap import (
    KEYPOINT_SET,
    calibration_file,
    pixel_file,
    read_freemocap,
    video_folder,
)
from diffbio.io.read_pose_json import (
    is_alphapose,
    is_coco_results,
    is_mmpose,
    read_mmpose,
    read_people,
)
from diffbio.io.read_sleap import is_sleap, read_sleap
from diffbio.io.rigs import read_rig_file
from diffbio.io.trial import Trial

_SUFFIXES = (".h5", ".hdf5", ".csv", ".json")

ANIPOSE_POSES = ("pose-2d-filtered", "pose-2d")
"""Where Anipose keeps keypoints, the most processed first."""


@dataclasses.dataclass(frozen=True)
class CameraFormat:
    """One file per camera.

    Attributes:
        title: what it is called.
        recognised: whether a file is one.
        read: the keypoints in it.
    """

    title: str
    recognised: Callable[[pathlib.Path], bool]
    read: Callable[[pathlib.Path], DetectedCamera]


FORMATS = {
    "deeplabcut": CameraFormat("DeepLabCut (.h5, .csv)", is_deeplabcut, read_deeplabcut),
    "sleap": CameraFormat("SLEAP analysis (.h5, .csv)", is_sleap, read_sleap),
    "mmpose": CameraFormat("MMPose (.json)", is_mmpose, read_mmpose),
    "alphapose": CameraFormat("AlphaPose (.json)", is_alphapose, read_people),
    "coco": CameraFormat("COCO results (.json)", is_coco_results, read_people),
}


def camera_files(path: pathlib.Path) -> dict[str, pathlib.Path]:
    """Files that may be of one camera each, by name: of a folder, or one in each of its folders."""
    if not path.is_dir():
        return {}
    own = [one for one in sorted(path.iterdir()) if _is_candidate(one)]
    if own:
        return {one.stem: one for one in own}
    found = {}
    for folder in sorted(one for one in path.iterdir() if one.is_dir()):
        files = [one for one in sorted(folder.iterdir()) if _is_candidate(one)]
        if len(files) == 1:
            found[folder.name] = files[0]
    return found


def _is_candidate(path: pathlib.Path) -> bool:
    return path.is_file() and path.suffix.lower() in _SUFFIXES


def format_of(path: pathlib.Path) -> str | None:
    """Key of the format that every camera's file of a folder has; None where there is none."""
    files = list(camera_files(path).values())
    for name, one in FORMATS.items():
        if files and all(one.recognised(file) for file in files):
            return name
    return None


def import_cameras(path: pathlib.Path, name: str, stated: Stated) -> Imported:
    """Import a folder with one file per camera.

    Raises:
        InputError: beside what the format's reader says: no rig or no frame rate is known, or the
            files do not go with the rig.
    """
    rig, notes = _rig(path, stated.rig or _rig_beside(path), path)
    cameras = {stem: FORMATS[name].read(file) for stem, file in camera_files(path).items()}
    return _imported(path, path.resolve().name, rig, cameras, stated, notes)


def is_anipose(path: pathlib.Path) -> bool:
    """Whether a folder is an Anipose project or session."""
    return bool(_anipose_folders(path)) and _anipose_config(path) is not None


def import_anipose(path: pathlib.Path, stated: Stated) -> Imported:
    """Import one trial of an Anipose project or session.

    Raises:
        InputError: as `import_cameras`; and where several trials are there and none is chosen.
    """
    config = _anipose_config(path)
    pattern = re.compile(_cam_regex(config))
    trials: dict[str, tuple[pathlib.Path, dict[str, pathlib.Path]]] = {}
    for folder in _anipose_folders(path):
        for file in sorted(one for one in folder.iterdir() if _is_candidate(one)):
            match = pattern.search(file.stem)
            if match is None:
                continue
            camera = match[1] if match.groups() else match[0]
            trial = pattern.sub("", file.stem)
            trials.setdefault(trial, (folder, {}))[1][camera] = file
    folder, files = _chosen(path, trials, stated.trial)
    session = folder.parent
    levels = (session, *session.parents[:2])
    nearest = next(filter(None, map(_rig_beside, levels)), None)
    rig, notes = _rig(path, stated.rig or nearest, session)
    cameras = {camera: read_deeplabcut(file) for camera, file in files.items()}
    name = next(trial for trial, one in trials.items() if one[1] is files)
    return _imported(session, name, rig, cameras, stated, notes)


def _anipose_folders(path: pathlib.Path) -> list[pathlib.Path]:
    """Folders of keypoints at or below a project; of one session the most processed."""
    found = []
    if not path.is_dir():
        return found
    for session in (path, *sorted(path.glob("*/")), *sorted(path.glob("*/*/"))):
        folders = [session / name for name in ANIPOSE_POSES if (session / name).is_dir()]
        found += folders[:1]
    return found


def _anipose_config(path: pathlib.Path) -> pathlib.Path | None:
    """`config.toml` here or above; Pose2Sim's begins with a capital."""
    for level in (path.resolve(), *path.resolve().parents[:2]):
        if level.is_dir() and "config.toml" in {one.name for one in level.iterdir()}:
            return level / "config.toml"
    return None


def _cam_regex(config: pathlib.Path | None) -> str:
    """How a camera's name stands in the name of a file; Anipose's own example where it is not said.

    Raises:
        InputError: the configuration cannot be read.
    """
    if config is None:
        return "-cam([A-Z])"
    try:
        content = tomllib.loads(config.read_text(encoding="utf-8"))
        section = content.get("triangulation", {})
        pattern = str(section.get("cam_regex", "-cam([A-Z])"))
        re.compile(pattern)
    except (OSError, ValueError, re.error) as error:
        raise InputError(
            f"{config}, triangulation.cam_regex", f"It cannot be read ({error}).", "Correct it."
        ) from error
    return pattern


def _chosen(path: pathlib.Path, trials: dict, name: str | None):
    """The trial that was named, or the only one."""
    listed = ", ".join(trials)
    if name is None and len(trials) == 1:
        return next(iter(trials.values()))
    if name in trials:
        return trials[name]
    found = f"It holds {len(trials)} trials ({listed or 'none'})."
    raise InputError(str(path), found, "Choose one with --trial.")


def is_freemocap(path: pathlib.Path) -> bool:
    """Whether a folder is a recording of FreeMoCap."""
    return path.is_dir() and pixel_file(path) is not None


def import_freemocap(path: pathlib.Path, stated: Stated) -> Imported:
    """Import the keypoints of a recording.

    Raises:
        InputError: as `import_cameras`.
    """
    rig, notes = _rig(path, stated.rig or calibration_file(path), path)
    cameras = read_freemocap(path, rig.names)
    stated = dataclasses.replace(stated, keypoint_set=stated.keypoint_set or KEYPOINT_SET)
    notes = (*notes, "FreeMoCap keeps no confidence: what was found counts fully.")
    return _imported(path, path.resolve().name, rig, cameras, stated, notes)


def _rig_beside(path: pathlib.Path) -> pathlib.Path | None:
    """The one calibration in a folder or its `calibration`; None where there is not one."""
    if (path / RIG_FILE).is_file():
        return path / RIG_FILE
    found = [*path.glob("*calibration*.toml"), *path.glob("[Cc]alib*/*.toml")]
    return found[0] if len(found) == 1 else None


def _rig(
    path: pathlib.Path, rig: pathlib.Path | None, folder: pathlib.Path
) -> tuple[CameraRig, tuple[str, ...]]:
    if rig is None:
        raise InputError(
            str(path),
            f"There is no calibration: looked for {RIG_FILE}, *calibration*.toml and "
            f"calibration/*.toml in {folder}.",
            "State it with --rig: `diffbio convert --help` names the formats that are read.",
        )
    reading = read_rig_file(rig)
    return reading.rig, reading.notes


def _imported(
    path: pathlib.Path,
    name: str,
    rig: CameraRig,
    cameras: dict[str, DetectedCamera],
    stated: Stated,
    notes: tuple[str, ...],
) -> Imported:
    folders = (path, path / "videos", path / "videos-raw", video_folder(path))
    videos: dict[str, pathlib.Path] = {}
    for folder in folders:
        videos = find_videos(folder, rig.names) | videos
    rate = stated.frame_rate_hz or frame_rate_of(str(path), videos)
    rig, keypoints, more = one_person(path, rig, cameras, stated.keypoint_set, rate)
    kept = {camera: video for camera, video in videos.items() if camera in rig.names}
    return Imported(Trial(name, path, rig, keypoints, rate, kept), notes=(*notes, *more))
