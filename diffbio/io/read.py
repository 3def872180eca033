"""Read a trial, whatever kind of file or folder it is."""

import pathlib

from diffbio.errors import InputError
from diffbio.io.camera_folders import Stated, camera_folders
from diffbio.io.checks import check_trial
from diffbio.io.folder import RIG_FILE, read_archive, read_folder
from diffbio.io.pose2sim import KEYPOINT_FOLDERS, find_trials, read_pose2sim
from diffbio.io.trial import Trial

_LOOKED_FOR = (
    "Looked for: an `.npz` with keypoints; a Pose2Sim trial or project (folders "
    f"{', '.join(KEYPOINT_FOLDERS)} with one folder of OpenPose JSON per camera); a folder with "
    f"{RIG_FILE} and either one `.npz` or one folder of OpenPose JSON per camera."
)


def read_trial(
    path: pathlib.Path,
    *,
    rig: pathlib.Path | None = None,
    keypoint_set: str | pathlib.Path | None = None,
    frame_rate_hz: float | None = None,
    trial: str | None = None,
    posed: bool = True,
) -> Trial:
    """Read and check one trial; what kind it is follows from what lies there.

    Args:
        path: an `.npz`, a Pose2Sim trial or project, or a folder with `rig.toml` and keypoints.
        rig: calibration to use instead of the one that lies with the keypoints.
        keypoint_set: name of a shipped set or path of a table, where the files do not tell.
        frame_rate_hz: where the files do not tell.
        trial: which trial of a project; by default the longest.
        posed: whether the rig says where the cameras stand; else its lenses alone count.

    Raises:
        InputError: nothing readable lies there, or it cannot be used; the message says where,
            what was found and what to do.
    """
    if frame_rate_hz is not None and not 0.0 < frame_rate_hz < 1e5:
        raise InputError("frame rate", f"Found {frame_rate_hz:g}.", "State frames per second.")
    stated = Stated(rig, keypoint_set, frame_rate_hz, trial)
    if not path.exists():
        raise InputError(str(path), "There is no such file or folder.", _LOOKED_FOR)
    if path.is_dir() and not _is_plain(path, stated) and find_trials(path):
        return check_trial(read_pose2sim(path, stated), posed=posed)
    if trial is not None:
        raise InputError(
            str(path),
            f"It is no project in which a trial {trial!r} could be chosen.",
            "Give the path of the trial itself, or of the project that holds it.",
        )
    if path.is_file() and path.suffix == ".npz":
        return check_trial(read_archive(path, stated), posed=posed)
    if path.is_dir() and _is_plain(path, stated):
        return check_trial(read_folder(path, stated), posed=posed)
    raise InputError(str(path), "No trial was recognised there.", _LOOKED_FOR)


def _is_plain(path: pathlib.Path, stated: Stated) -> bool:
    """A folder with `rig.toml`, or one with keypoints for a rig that was stated."""
    if (path / RIG_FILE).is_file():
        return True
    return stated.rig is not None and (bool(camera_folders(path)) or any(path.glob("*.npz")))
