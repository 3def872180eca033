"""What an import found, and the trial folder it becomes."""

import dataclasses
import pathlib
import shutil

import numpy as np

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.folder import RIG_FILE
from diffbio.io.rigs import write_rig
from diffbio.io.trial import Trial
from diffbio.io.write_trc import write_trc
from diffbio.observations import Markers

KEYPOINTS_FILE = "keypoints.npz"
MARKERS_FILE = "markers.trc"


@dataclasses.dataclass(frozen=True)
class Stated:
    """What the caller states of a source; None where nothing is stated.

    Attributes:
        rig: calibration, in any format that is read.
        keypoint_set: name of a set, or a table of one's own.
        frame_rate_hz: of all cameras.
        trial: which of several.
    """

    rig: pathlib.Path | None = None
    keypoint_set: str | pathlib.Path | None = None
    frame_rate_hz: float | None = None
    trial: str | None = None


@dataclasses.dataclass(frozen=True)
class Imported:
    """One trial of another program.

    Attributes:
        trial: keypoints of calibrated cameras; None where the source has none.
        markers: points in space; None likewise.
        rig: cameras that go with the markers, where they are known.
        copies: further files, by the name they get.
        notes: what was decided on the way, as sentences.
    """

    trial: Trial | None = None
    markers: Markers | None = None
    rig: CameraRig | None = None
    copies: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write_imported(found: Imported, folder: pathlib.Path, *, force: bool = False) -> list[str]:
    """Write a trial that `diffbio fit` reads, or markers that `diffbio gait` reads.

    Nothing of the source is moved or changed.

    Args:
        found: what was imported.
        folder: created if need be.
        force: whether files of these names are replaced.

    Returns:
        Names of the files.

    Raises:
        InputError: a file is there already, or the folder cannot be written.
    """
    rig = found.rig if found.trial is None else found.trial.rig
    names = [*([KEYPOINTS_FILE] if found.trial is not None else [])]
    names += [MARKERS_FILE] if found.markers is not None else []
    names += [RIG_FILE] if rig is not None else []
    names += list(found.copies)
    for name in names:
        if (folder / name).exists() and not force:
            raise InputError(
                str(folder / name), "It is there already.", "Use --force to replace it."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if found.trial is not None:
            _write_keypoints(found.trial, folder / KEYPOINTS_FILE)
        if found.markers is not None:
            one = found.markers
            write_trc(folder / MARKERS_FILE, one.time, one.positions, one.names, one.frame_rate_hz)
        if rig is not None:
            write_rig(rig, folder / RIG_FILE)
        for name, path in found.copies.items():
            shutil.copyfile(path, folder / name)
    except OSError as error:
        raise InputError(
            str(folder), f"It cannot be written ({error.strerror}).", "Choose another -o."
        ) from error
    return names


def _write_keypoints(trial: Trial, path: pathlib.Path) -> None:
    keypoints = trial.keypoints
    confidence = np.asarray(keypoints.confidence)
    np.savez_compressed(
        path,
        pixels=np.asarray(keypoints.pixels),
        confidence=confidence,
        keypoint_names=np.array(keypoints.names),
        camera_names=np.array(keypoints.camera_names),
        fps=np.array(trial.frame_rate_hz),
        time=np.asarray(keypoints.time),
        keypoint_set=np.array(keypoints.set_name),
    )
