"""Marker trajectories in the TRC format, as OpenSim, Cortex, Mokka, Pose2Sim and OpenCap write."""

import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.io.axes import world_from_opensim
from diffbio.io.labels import without_subject
from diffbio.io.lengths import check_lengths, metres_per
from diffbio.io.text_table import number_rows, read_lines
from diffbio.observations import Markers

_FORMAT = (
    "A TRC file has six lines of header: the kind of file, eight names and their values, the "
    "marker names, the axes, and an empty one; then a line per frame, separated by tabs."
)

_RATE_TOLERANCE = 0.01
"""Of the frame rate. Times of a few decimals round a little; a wrong rate is a percent and more."""


def read_trc(path: pathlib.Path) -> Markers:
    """Read marker positions.

    The file's axes are taken as OpenSim's (X forward, Y up, Z right), which the format means; its
    unit is that of the header. Empty cells and `NaN` are missing positions.

    Args:
        path: a `.trc` file.

    Returns:
        Positions in the world frame, in metres.

    Raises:
        InputError: the file is no TRC file, or contradicts itself: counts, unit, frame rate,
            names that are there twice, lines of unequal length, a coordinate that is missing
            where the others of a marker are not.
    """
    lines = read_lines(path, _FORMAT)
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise InputError(str(path), "It is no TRC file.", _FORMAT)
    header = _header(path, lines)
    names = _marker_names(path, lines[3])
    _check_count(path, "NumMarkers", header, len(names), "marker names")
    filled = [i for i in range(5, len(lines)) if lines[i].strip()]
    width = 2 + 3 * len(names)
    rows = [_cells(lines[i], width) for i in filled]
    table = number_rows(path, rows, width, [i + 1 for i in filled])
    if len(table) == 0:
        raise InputError(f"{path}, NumFrames", "There is no frame.", _FORMAT)
    _check_count(path, "NumFrames", header, len(table), "frames")
    time = table[:, 1]
    positions = table[:, 2:].reshape(len(table), len(names), 3)
    _check_triples(path, names, positions)
    metres = positions * metres_per(header.get("Units"), f"{path}, Units")
    check_lengths(metres, f"{path}, Units", f"The unit is {header['Units']}")
    markers = Markers(without_subject(names), world_from_opensim(metres), time, str(path))
    _check_rate(path, header, markers)
    return markers


def _header(path: pathlib.Path, lines: Sequence[str]) -> dict[str, str]:
    keys, values = (line.split() for line in lines[1:3])
    if len(keys) != len(values):
        raise InputError(
            f"{path}, line 3", f"There are {len(values)} values for {len(keys)} names.", _FORMAT
        )
    return dict(zip(keys, values, strict=True))


def _marker_names(path: pathlib.Path, line: str) -> tuple[str, ...]:
    cells = [cell.strip() for cell in line.rstrip().split("\t")]
    if [cell.lower() for cell in cells[:2]] != ["frame#", "time"]:
        raise InputError(f"{path}, line 4", "It does not begin with Frame# and Time.", _FORMAT)
    if names := tuple(cell for cell in cells[2:] if cell):
        return names
    raise InputError(f"{path}, line 4", "It names no marker.", _FORMAT)


def _cells(line: str, expected: int) -> list[str]:
    """Cells of a line. Tabs beyond the last column, which some programs write, are left out."""
    cells = [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
    while len(cells) > expected and not cells[-1]:
        cells.pop()
    return cells


def _check_count(
    path: pathlib.Path, field: str, header: dict[str, str], found: int, what: str
) -> None:
    stated = header.get(field, "")
    if not stated.isdecimal() or int(stated) != found:
        raise InputError(
            f"{path}, {field}",
            f"It says {stated or 'nothing'}, and there are {found} {what}.",
            "The file was cut off or edited: export it again, or correct the header.",
        )


def _check_triples(
    path: pathlib.Path, names: tuple[str, ...], positions: Float[np.ndarray, "time marker 3"]
) -> None:
    known = np.isfinite(positions)
    half = np.asarray(known.any(axis=2) & ~known.all(axis=2))
    if half.any():
        frame, marker = np.argwhere(half)[0]
        axis = "XYZ"[int(np.flatnonzero(~known[frame, marker])[0])]
        often = int(half[:, marker].sum())
        raise InputError(
            f"{path}, {names[marker]}",
            f"Its {axis} is missing in frame {frame + 1}, its other coordinates are not "
            f"({often} such frames).",
            "A position has three numbers or none: export the file again.",
        )


def _check_rate(path: pathlib.Path, header: dict[str, str], markers: Markers) -> None:
    try:
        stated = float(header.get("DataRate", ""))
    except ValueError as error:
        raise InputError(f"{path}, DataRate", "It is no number.", _FORMAT) from error
    found = markers.frame_rate_hz
    if np.isfinite(found) and abs(found / stated - 1.0) > _RATE_TOLERANCE:
        raise InputError(
            f"{path}, DataRate",
            f"It says {stated:g} Hz, and the times are {found:.4g} Hz apart.",
            "Correct the header or the times: one of them is wrong.",
        )
