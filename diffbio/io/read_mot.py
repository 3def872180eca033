"""OpenSim's storage files, `.mot` and `.sto`: coordinates, ground reactions, or any columns."""

import dataclasses
import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.coordinates import Coordinates
from diffbio.io.text_table import number_rows, read_lines
from diffbio.observations.markers import check_increasing, check_unique

_FORMAT = (
    "A storage file has a header that ends with the line `endheader`, then a line of column names "
    "that begins with `time`, then a line per sample."
)

_LARGEST_ANGLE = 4.0 * np.pi
"""Radians. Beyond two turns a joint angle said to be in radians is one in degrees."""

_SMALLEST_RANGE_DEG = 2.0
"""Degrees, of the coordinate that moves most. A person who moves less over a whole recording was
written in radians."""


@dataclasses.dataclass(frozen=True)
class StorageTable:
    """Columns of a storage file, as they stand there.

    Attributes:
        names: column names, without `time`.
        values: one column per name, in the file's units and axes.
        time: sample times, in seconds.
        in_degrees: what the header says of angles; None where it says nothing.
        source: the file.
        notes: what the header says and the rows do not, as sentences.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "time column"]
    time: Float[np.ndarray, "time"]
    in_degrees: bool | None
    source: str
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> Float[np.ndarray, "time"]:
        """One column.

        Raises:
            UnknownNameError: there is no column of that name.
        """
        if name not in self.names:
            raise UnknownNameError(self.source, "column", name, self.names)
        return self.values[:, self.names.index(name)]


def read_storage(path: pathlib.Path) -> StorageTable:
    """Read a storage file without interpreting it.

    Numbers of rows and columns in the header that are not those of the table are noted and not
    refused: OpenSim reads such files, and programs that cut and resample write them.

    Raises:
        InputError: the file has no header or no samples, a row has another length than the
            names, a name is there twice, a cell is no number, or time does not
            increase.
    """
    lines = read_lines(path, _FORMAT)
    ends = [i for i, line in enumerate(lines) if line.strip().lower() == "endheader"]
    if not ends:
        raise InputError(str(path), "The line `endheader` is missing.", _FORMAT)
    header = _header(lines[: ends[0]])
    filled = [i for i in range(ends[0] + 1, len(lines)) if lines[i].strip()]
    if len(filled) < 2:
        raise InputError(str(path), "There is no sample after the header.", _FORMAT)
    names = _cells(lines[filled[0]])
    if names[0].lower() != "time":
        raise InputError(f"{path}, {names[0]}", "The first column is not `time`.", _FORMAT)
    check_unique(str(path), "column", tuple(names))
    rows = [_cells(lines[i]) for i in filled[1:]]
    table = number_rows(path, rows, len(names), [i + 1 for i in filled[1:]])
    check_increasing(str(path), table[:, 0])
    return StorageTable(
        tuple(names[1:]),
        table[:, 1:],
        table[:, 0],
        _in_degrees(path, header),
        str(path),
        (*_count_note(header, "rows", len(rows)), *_count_note(header, "columns", len(names))),
    )


def _header(lines: list[str]) -> dict[str, str]:
    """Keys in lower case; `key=value` since version 1, `key value` before and in some since."""
    pairs = (line.replace("=", " ", 1).split() for line in lines)
    return {pair[0].lower(): pair[1] for pair in pairs if len(pair) == 2}


def _cells(line: str) -> list[str]:
    """Cells of a line: separated by tabs or by spaces, with any spaces around."""
    return line.split()


def _in_degrees(path: pathlib.Path, header: dict[str, str]) -> bool | None:
    stated = header.get("indegrees")
    if stated is None:
        return None
    if stated.lower() not in ("yes", "no"):
        raise InputError(f"{path}, inDegrees", f"It says {stated!r}.", "Write `yes` or `no`.")
    return stated.lower() == "yes"


def _count_note(header: dict[str, str], what: str, found: int) -> tuple[str, ...]:
    stated = header.get(f"n{what}") or header.get(f"data{what}")
    if stated is None or stated == str(found):
        return ()
    return (f"Its header says {stated} {what}, and there are {found}.",)


def read_coordinates(
    path: pathlib.Path,
) -> tuple[Float[np.ndarray, "time"], Coordinates]:
    """Read a motion: times in seconds, and coordinates in radians and metres.

    A coordinate is a length where its name ends in `_tx`, `_ty` or `_tz`, else an angle, as in
    every model OpenSim ships. Patella angles (`knee_angle_r_beta`), which follow from the knee's,
    are left out: OpenSim writes them in degrees whatever the header says. Of a file of states
    (`/jointset/hip_r/hip_flexion_r/value`) the values are taken. Pelvis translations stay in
    OpenSim's axes, as in `io.coordinates`.

    Raises:
        InputError: beside `read_storage`: the header does not say whether angles are in degrees,
            or says what the angles contradict, or a coordinate is not a number anywhere.
    """
    table = read_storage(path)
    kept = [i for i, name in enumerate(table.names) if _is_value(name)]
    names = tuple(_coordinate_name(table.names[i]) for i in kept)
    check_unique(str(path), "coordinate", names)
    values = table.values[:, kept]
    for name, column in zip(names, values.T, strict=True):
        if not np.isfinite(column).any():
            raise InputError(f"{path}, {name}", "It holds no number.", "Leave the column out.")
    length = np.array([name.endswith(("_tx", "_ty", "_tz")) for name in names])
    _check_angles(path, table.in_degrees, values[:, ~length])
    values = np.where(length | (not table.in_degrees), values, np.deg2rad(values))
    return table.time, Coordinates(names, tuple("m" if one else "rad" for one in length), values)


def _is_value(name: str) -> bool:
    if _coordinate_name(name).endswith("_beta"):
        return False
    return not name.startswith("/") or name.endswith("/value")


def _coordinate_name(name: str) -> str:
    return name.split("/")[-2] if name.startswith("/") and name.count("/") > 1 else name


def _check_angles(
    path: pathlib.Path, in_degrees: bool | None, angles: Float[np.ndarray, "time angle"]
) -> None:
    if in_degrees is None:
        raise InputError(
            f"{path}, inDegrees", "The header does not say it.", "Write inDegrees=yes or no."
        )
    if angles.size == 0:
        return
    largest = float(np.nanmax(np.abs(angles)))
    if not in_degrees and largest > _LARGEST_ANGLE:
        raise InputError(
            f"{path}, inDegrees",
            f"It says no, and an angle reaches {largest:.3g}.",
            "These are degrees: write inDegrees=yes.",
        )
    movement = float(np.nanmax(np.ptp(angles, axis=0)))
    if in_degrees and 0.0 < movement < _SMALLEST_RANGE_DEG:
        raise InputError(
            f"{path}, inDegrees",
            f"It says yes, and the angle that moves most moves {movement:.3g} degrees.",
            "These may be radians: correct the header.",
        )
