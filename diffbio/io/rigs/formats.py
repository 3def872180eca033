"""Every format of camera rigs: which one a file has, reading it, writing it."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable

import numpy as np

from diffbio.cameras import CameraRig
from diffbio.cameras.rig_changes import upward_axis
from diffbio.errors import InputError, UnknownNameError
from diffbio.io.rigs import opencap, opencv, pose2sim
from diffbio.io.rigs.caliscope import is_caliscope, read_caliscope, write_caliscope
from diffbio.io.rigs.camera import FileCamera, StatedRig, rig_of, unreadable
from diffbio.io.rigs.easymocap import EXTRINSICS, INTRINSICS, read_easymocap, write_easymocap
from diffbio.io.rigs.freemocap import is_freemocap, read_freemocap, write_freemocap
from diffbio.io.rigs.qualisys import read_qualisys, write_qualisys
from diffbio.io.rigs.vicon import read_vicon, write_vicon

_HEAD = 4096
"""Bytes in which a format shows itself."""


@dataclasses.dataclass(frozen=True)
class RigFormat:
    """How one program stores its cameras.

    Attributes:
        title: what it is called, and its files.
        ending: of a file's name; empty where a rig is several files in a folder.
        read: the cameras at a path, and what was decided on the way.
        write: content of the files of a rig, by their path in the folder; "" for the one file.
    """

    title: str
    ending: str
    read: Callable[[pathlib.Path, StatedRig], tuple[list[FileCamera], tuple[str, ...]]]
    write: Callable[[CameraRig], dict[str, str] | dict[str, bytes]]


FORMATS = {
    "pose2sim": RigFormat(
        "Pose2Sim, aniposelib (.toml)", ".toml", pose2sim.read_pose2sim, pose2sim.write_pose2sim
    ),
    "caliscope": RigFormat("Caliscope (.toml)", ".toml", read_caliscope, write_caliscope),
    "freemocap": RigFormat("FreeMoCap (.toml)", ".toml", read_freemocap, write_freemocap),
    "qualisys": RigFormat("Qualisys (.qca.txt)", ".qca.txt", read_qualisys, write_qualisys),
    "vicon": RigFormat("Vicon (.xcp)", ".xcp", read_vicon, write_vicon),
    "opencap": RigFormat(
        "OpenCap (session, or its cameraIntrinsicsExtrinsics.pickle)",
        "",
        opencap.read_opencap,
        opencap.write_opencap,
    ),
    "easymocap": RigFormat(
        f"EasyMocap (folder with {INTRINSICS} and {EXTRINSICS})",
        "",
        read_easymocap,
        write_easymocap,
    ),
    "opencv": RigFormat(
        "OpenCV (.yml, .yaml, or a folder of them)", ".yml", opencv.read_opencv, opencv.write_opencv
    ),
}

_KNOWN = f"Known are: {'; '.join(known.title for known in FORMATS.values())}."


@dataclasses.dataclass(frozen=True)
class RigReading:
    """A rig, its format, and what was decided in reading it."""

    rig: CameraRig
    format_name: str
    notes: tuple[str, ...]


def read_rig(path: pathlib.Path, stated: StatedRig | None = None) -> CameraRig:
    """The calibrated rig at a path, in any of the formats; see `read_rig_file`."""
    return read_rig_file(path, stated).rig


def read_rig_file(path: pathlib.Path, stated: StatedRig | None = None) -> RigReading:
    """Read a calibrated rig, in the format that its name and content show.

    Args:
        path: a file, or the folder of those that keep a rig in several.
        stated: what the file does not say and the caller knows.

    Returns:
        The rig in metres, in the world of the file, and notes on what was left out, assumed
        or converted. Where the cameras are held as if another axis than z were up, a note
        says so.

    Raises:
        InputError: no format is recognised, or the file cannot be used as what it is; the
            message says where, what was found and what to do.
    """
    name = format_of(path)
    cameras, notes = FORMATS[name].read(path, stated or StatedRig())
    rig = rig_of(path, cameras)
    axis = upward_axis(rig)
    if axis != "z":
        notes += (
            f"The cameras are held as if {axis} were up in the world of {path.name}, and diffbio "
            f"expects z; turn the world with `diffbio convert ... --up={axis}`.",
        )
    return RigReading(rig, name, notes)


def format_of(path: pathlib.Path) -> str:
    """Name of the format of what lies at a path.

    Raises:
        InputError: there is nothing, it cannot be read, or no format is recognised.
    """
    try:
        found = _format_of_folder(path) if path.is_dir() else _format_of_file(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if found is None:
        raise InputError(str(path), "It is no camera rig of a known format.", _KNOWN)
    return found


def rig_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of a folder whose names are those of rigs; of two for one rig, the first."""
    endings = (".toml", ".qca.txt", ".xcp", ".yml", ".yaml")
    found = sorted(path for path in folder.iterdir() if path.name.endswith(endings))
    return [path for path in found if path.name != INTRINSICS or folder / EXTRINSICS not in found]


def _format_of_folder(path: pathlib.Path) -> str | None:
    if (path / INTRINSICS).is_file() or (path / EXTRINSICS).is_file():
        return "easymocap"
    if opencap.camera_files(path):
        return "opencap"
    return "opencv" if opencv.camera_files(path) else None


def _format_of_file(path: pathlib.Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if path.name in (INTRINSICS, EXTRINSICS):
        return "easymocap"
    if path.suffix == ".toml":
        content = pose2sim.tables_of(path)
        if is_caliscope(content):
            return "caliscope"
        return "freemocap" if is_freemocap(content) else "pose2sim"
    if path.suffix in (".pickle", ".pkl"):
        return "opencap"
    if path.suffix == ".xcp" or b"<Cameras" in head:
        return "vicon"
    if path.name.endswith(".qca.txt") or b"<calibration" in head:
        return "qualisys"
    if path.suffix in (".yml", ".yaml") or head.startswith(b"%YAML"):
        return "opencv"
    return None


def format_for(path: pathlib.Path) -> str:
    """Name of the format that a file to be written should have, by its name.

    Raises:
        InputError: the name does not tell.
    """
    endings = {known.ending: name for name, known in reversed(FORMATS.items()) if known.ending}
    endings[".yaml"] = endings[".yml"]
    for ending, name in endings.items():
        if path.name.endswith(ending):
            return name
    raise InputError(
        str(path),
        "Its name does not tell the format.",
        f"State it with --to, one of {', '.join(FORMATS)}, or end the name in "
        f"{', '.join(sorted(endings))}.",
    )


def files_of(rig: CameraRig, path: pathlib.Path, format_name: str) -> dict[pathlib.Path, bytes]:
    """Content of every file of a rig, by path.

    Raises:
        InputError: the format cannot express the rig; nothing is ever left out.
        UnknownNameError: there is no such format.
    """
    if format_name not in FORMATS:
        raise UnknownNameError(str(path), "format of rigs", format_name, tuple(FORMATS))
    contents = FORMATS[format_name].write(rig)
    for array in (rig.focal_px, rig.principal_px, rig.distortion, rig.centres):
        if not np.all(np.isfinite(array)):
            raise InputError(str(path), "The rig is not finite.", "Calibrate it again.")
    return {
        path / name if name else path: c.encode("utf-8") if isinstance(c, str) else c
        for name, c in contents.items()
    }


def write_rig(rig: CameraRig, path: pathlib.Path, format_name: str | None = None) -> None:
    """Write a rig in one step: what was there stays until all of it is done.

    Args:
        rig: the cameras.
        path: the file, or the folder of a format that keeps a rig in several.
        format_name: a key of `FORMATS`; where None, by the name of the file.

    Raises:
        InputError: the format cannot express the rig, or the folder cannot be written.
        UnknownNameError: there is no such format.
    """
    files = files_of(rig, path, format_name or format_for(path))
    drafts = {file.with_name(f".{file.name}.{os.getpid()}.part"): file for file in files}
    try:
        for draft, file in drafts.items():
            if file != path:
                file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(files[file])
        for draft, file in drafts.items():
            os.replace(draft, file)
    except OSError as error:
        raise InputError(
            str(path),
            f"The rig cannot be written ({error.strerror}).",
            "Choose a folder that exists and may be written.",
        ) from error
    finally:
        for draft in drafts:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
