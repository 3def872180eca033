"""Pose2Sim projects: a calibration, a `Config.toml`, and a folder of keypoints per trial."""

import pathlib
import tomllib
from typing import Any

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.camera_folders import (
    Stated,
    camera_folders,
    find_videos,
    frame_rate_of,
    read_people,
)
from diffbio.io.rigs import read_rig_file
from diffbio.io.rigs.formats import rig_files
from diffbio.io.trial import Trial

KEYPOINT_FOLDERS = ("pose-associated", "pose-sync", "pose")
"""Where keypoints may lie, the most processed first."""

_LEVELS_UP = 2
"""Session, participant, trial: what a trial does not have is looked up this far above it."""

_SET_OF_MODEL = {
    "body_25": "body_25",
    "body_25b": "body_25b",
    "halpe_26": "halpe_26",
    "body_with_feet": "halpe_26",
    "coco_17": "coco_17",
    "body": "coco_17",
    "coco_133": "coco_wholebody_133",
    "whole_body": "coco_wholebody_133",
    "blazepose": "mediapipe_33",
}
"""Pose2Sim's `pose_model`, in lower case, and our keypoint set."""


def find_trials(path: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """Trials at or below a folder, each with the folder that holds its keypoints."""
    trials = {}
    for folder in (path, *sorted(path.glob("*/")), *sorted(path.glob("*/*/"))):
        keypoints = [folder / name for name in KEYPOINT_FOLDERS if camera_folders(folder / name)]
        if keypoints:
            trials[folder] = keypoints[0]
    return trials


def read_pose2sim(path: pathlib.Path, stated: Stated) -> Trial:
    """Read one trial of a Pose2Sim project.

    Args:
        path: the trial, or the project or participant above it. Calibration and configuration
            are looked up in the folders above, as Pose2Sim does. Of several trials the longest
            is read unless one is named.
        stated: what the caller knows better.

    Raises:
        InputError: no calibration, no frame rate, no keypoint set, or keypoints that do not go
            with the rig.
        UnknownNameError: no trial of that name.
    """
    trials = find_trials(path)
    folder, notes = _chosen_trial(path, trials, stated.trial)
    keypoints_in = trials[folder]
    config = _configuration(folder)
    calibration = read_rig_file(stated.rig or _calibration(folder))
    rig = calibration.rig
    videos = find_videos(folder / "videos", rig.names)
    frame_rate_hz = stated.frame_rate_hz or _frame_rate(folder, config, videos)
    keypoint_set = stated.keypoint_set or _keypoint_set(folder, config)
    rig, keypoints, more = read_people(
        rig, camera_folders(keypoints_in), keypoint_set, frame_rate_hz
    )
    return Trial(
        name=folder.resolve().name,
        source=keypoints_in,
        rig=rig,
        keypoints=keypoints,
        frame_rate_hz=frame_rate_hz,
        videos={name: video for name, video in videos.items() if name in rig.names},
        notes=(*notes, *calibration.notes, f"Keypoints were read from {keypoints_in}.", *more),
    )


def _chosen_trial(
    path: pathlib.Path, trials: dict[pathlib.Path, pathlib.Path], name: str | None
) -> tuple[pathlib.Path, tuple[str, ...]]:
    """The trial that was named, or the longest."""
    if name is not None:
        for folder in trials:
            if name in (folder.name, str(folder.relative_to(path))):
                return folder, ()
        names = tuple(str(folder.relative_to(path)) for folder in trials)
        raise UnknownNameError(str(path), "trial", name, names)
    if len(trials) == 1:
        return next(iter(trials)), ()
    frames = {folder: _n_frames(keypoints_in) for folder, keypoints_in in trials.items()}
    longest = max(trials, key=lambda folder: frames[folder])
    listed = ", ".join(f"{folder.relative_to(path)} ({frames[folder]})" for folder in trials)
    return longest, (
        f"Of {len(trials)} trials the longest was read, {longest.relative_to(path)} "
        f"(frames: {listed}).",
    )


def _n_frames(keypoints_in: pathlib.Path) -> int:
    return max(len(list(camera.glob("*.json"))) for camera in camera_folders(keypoints_in))


def _levels(trial: pathlib.Path) -> list[pathlib.Path]:
    """The trial and the folders above it, nearest first."""
    trial = trial.resolve()
    return [trial, *trial.parents[:_LEVELS_UP]]


def _calibration(trial: pathlib.Path) -> pathlib.Path:
    """The one calibration file of the nearest calibration folder."""
    for level in _levels(trial):
        for folder in sorted(level.glob("[Cc]alib*/")):
            files = sorted(folder.glob("*.toml")) or rig_files(folder)
            if len(files) > 1:
                raise InputError(
                    str(folder),
                    f"It holds several calibrations ({', '.join(f.name for f in files)}).",
                    "Keep one, or state which rig to use.",
                )
            if files:
                return files[0]
    raise InputError(
        str(trial),
        "No calibration was found (calibration/*.toml, here and in the two folders above).",
        "Calibrate the cameras first, or state the rig.",
    )


def _configuration(trial: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Sections of `Config.toml`, those of the trial over those of the folders above."""
    merged: dict[str, dict[str, Any]] = {}
    for level in reversed(_levels(trial)):
        path = level / "Config.toml"
        if not path.is_file():
            continue
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(
                str(path), f"It cannot be read as TOML ({error}).", "Correct or remove it."
            ) from error
        for section, values in content.items():
            if isinstance(values, dict):
                merged[section] = merged.get(section, {}) | values
    return merged


def _frame_rate(
    trial: pathlib.Path, config: dict[str, dict[str, Any]], videos: dict[str, pathlib.Path]
) -> float:
    """The configured rate; where that is absent or "auto", what the videos say."""
    rate = config.get("project", {}).get("frame_rate", "auto")
    if rate == "auto":
        return frame_rate_of(str(trial), videos)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.0 < rate < 1e5:
        raise InputError(
            f"Config.toml of {trial}, project.frame_rate",
            f"Found {rate!r}.",
            'Give a number of frames per second, or "auto" where there are videos.',
        )
    return float(rate)


def _keypoint_set(trial: pathlib.Path, config: dict[str, dict[str, Any]]) -> str | None:
    """The set that goes with the configured model; None where no model is configured."""
    model = config.get("pose", {}).get("pose_model")
    if model is None:
        return None
    known = _SET_OF_MODEL.get(str(model).lower())
    if known is None:
        raise InputError(
            f"Config.toml of {trial}, pose.pose_model",
            f"The model {model!r} has no keypoint table.",
            f"Known models are {', '.join(sorted(_SET_OF_MODEL))}; or state the keypoint set.",
        )
    return known
