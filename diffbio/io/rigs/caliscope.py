"""Caliscope's `camera_array.toml`: a table `[cameras.N]` per camera, in metres.

Beside the fields of aniposelib a table has `cam_id` (or `port`, before 0.2), `ignore`,
`rotation_count` and more. `rotation_count` says how the picture was turned for detection; points
and camera matrices are those of the unturned picture (shown on the recording in
`caliscope-charuco`). The world is the frame of one camera until the user has set an origin.
"""

import pathlib
import re
from typing import Any

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.rigs.camera import FileCamera, StatedRig, cameras_of, unit_of
from diffbio.io.rigs.pose2sim import LAYOUT, camera_text, cameras_of_tables, tables_of

_POSE = ("rotation", "translation")


def is_caliscope(content: dict[str, Any]) -> bool:
    """Whether a TOML file is laid out as Caliscope's."""
    return isinstance(content.get("cameras"), dict)


def read_caliscope(
    path: pathlib.Path, stated: StatedRig
) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the cameras, but not those that Caliscope ignores or has not posed yet.

    Raises:
        InputError: the file cannot be read, holds no calibrated camera, or one is impossible.
    """
    unit = unit_of(path, 1.0, stated)
    tables, notes = {}, []
    for key, table in tables_of(path)["cameras"].items():
        if not isinstance(table, dict):
            raise InputError(f"{path}, cameras.{key}", f"Found {table!r}.", LAYOUT)
        name = _name(key, table)
        if table.get("ignore") is True:
            notes.append(f"{name} was left out: Caliscope was told to ignore it.")
        elif all(table.get(field) in (None, "null") for field in _POSE):
            notes.append(f"{name} was left out: it has no pose; calibrate its extrinsics.")
        else:
            tables[name] = {"name": name} | table
        if table.get("rotation_count"):
            notes.append(
                f"Caliscope shows the picture of {name} turned; its calibration, and so the "
                "keypoints must be, of the unturned picture."
            )
    return cameras_of_tables(path, tables, unit), tuple(notes)


def write_caliscope(rig: CameraRig) -> dict[str, str]:
    """The file; cameras are numbered as `cam_N` says where all names are such, else in order."""
    named = [re.fullmatch(r"cam_(0|[1-9]\d*)", name) for name in rig.names]
    texts = []
    for row, (match, camera) in enumerate(zip(named, cameras_of(rig), strict=True)):
        number = match[1] if match and all(named) else row
        text = camera_text(camera, f"cameras.{number}")
        texts.append(f"{text}cam_id = {number}\nrotation_count = 0\nignore = false\n")
    return {"": "\n".join(texts)}


def _name(key: str, table: dict[str, Any]) -> str:
    """What the camera is called in the other files of the recording."""
    if "name" in table:
        return str(table["name"])
    if "port" in table and "cam_id" not in table:
        return f"port_{table['port']}"
    return f"cam_{table.get('cam_id', key)}"
