"""FreeMoCap's `*_camera_calibration.toml`: aniposelib's layout, in the unit of the board.

FreeMoCap asks for the square of the ChArUco board in millimetres and writes it into
`[metadata]`; so translations are in millimetres, unless it was left at 1, when they are in
squares of an unknown size. The world is the first camera's frame until the recording was
aligned with the ground plane.
"""

import pathlib
from typing import Any

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.rigs.camera import FileCamera, StatedRig, cameras_of, unit_of
from diffbio.io.rigs.pose2sim import METADATA, camera_text, cameras_of_tables, tables_of

_SQUARE, _UNIT = "charuco_square_size", "length_unit"

_MILLIMETRE = 1e-3


def is_freemocap(content: dict[str, Any]) -> bool:
    """Whether a TOML file says, in its metadata, that it is FreeMoCap's."""
    metadata = content.get(METADATA)
    keys = (_SQUARE, "charuco_board_object", "path_to_recorded_videos", _UNIT)
    return isinstance(metadata, dict) and any(key in metadata for key in keys)


def read_freemocap(
    path: pathlib.Path, stated: StatedRig
) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the cameras.

    Raises:
        InputError: the file cannot be read, its unit is unknown, or a camera is impossible.
    """
    content = tables_of(path)
    metadata = content[METADATA]
    square = metadata.get(_SQUARE)
    if metadata.get(_UNIT, "mm") != "mm":
        raise InputError(
            f"{path}, {METADATA}.{_UNIT}", f"Found {metadata[_UNIT]!r}.", 'Expected "mm".'
        )
    if square == 1 and stated.metres_per_unit is None:
        raise InputError(
            f"{path}, {METADATA}.{_SQUARE}",
            "It was left at 1, so lengths are in squares of the board.",
            "State the side of a square in metres: `diffbio convert ... --unit 0.039`.",
        )
    unit = unit_of(path, None if square == 1 else _MILLIMETRE, stated)
    tables = {k: v for k, v in content.items() if k != METADATA and isinstance(v, dict)}
    note = "FreeMoCap writes positions in millimetres; they were read as such."
    return cameras_of_tables(path, tables, unit), () if square == 1 else (note,)


def write_freemocap(rig: CameraRig) -> dict[str, str]:
    """The file, in millimetres."""
    texts = [
        camera_text(camera, f"cam_{row}", units_per_metre=1 / _MILLIMETRE)
        for row, camera in enumerate(cameras_of(rig))
    ]
    return {"": "\n".join([*texts, f'[{METADATA}]\n{_UNIT} = "mm"\n'])}
