"""Whether a C3D file is complete, before the library reads it: of one cut off it never returns."""

import math
import pathlib
import struct

from diffbio.errors import InputError

_BLOCK = 512
_KEY = 0x50
_INTEL, _DEC, _MIPS = 84, 85, 86
_MOST_DIMENSIONS = 7
_REMEDY = "It was cut off or damaged: export it again."


def check_structure(path: pathlib.Path) -> None:
    """Follow the header, the chain of parameters and the size of the data.

    Raises:
        InputError: the file is unreadable, no C3D file, or shorter than its header says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            str(path), f"The file cannot be read ({error.strerror}).", "Check name and permissions."
        ) from error
    if len(content) < 2 * _BLOCK or content[1] != _KEY:
        raise InputError(str(path), "It is no C3D file, or not all of one.", _REMEDY)
    start = (content[0] - 1) * _BLOCK
    if start < 0 or start + 4 > len(content) or content[start + 3] not in (_INTEL, _DEC, _MIPS):
        raise InputError(f"{path}, header", "It points to no parameters.", _REMEDY)
    order = ">" if content[start + 3] == _MIPS else "<"
    _check_parameters(path, content, start + 4, order)
    _check_data(path, content, content[start + 3], order)


def _check_parameters(path: pathlib.Path, content: bytes, at: int, order: str) -> None:
    """Every entry says where the next one is, the last one 0; its values must lie in between."""
    name = "parameters"
    while at + 2 <= len(content):
        name_length, group = struct.unpack_from("bb", content, at)
        if name_length == 0 or group == 0:
            return
        link = at + 2 + abs(name_length)
        name = content[at + 2 : link].decode("latin-1")
        if link + 2 > len(content):
            break
        step = struct.unpack_from(f"{order}h", content, link)[0]
        following = link + step if step else len(content)
        end = (_end_of_values if group > 0 else _end_of_text)(content, link + 2)
        if step < 0 or end > following:
            raise InputError(f"{path}, {name!r}", "The parameter is damaged.", _REMEDY)
        if step == 0:
            return
        at = following
    raise InputError(f"{path}, {name!r}", "The parameters go beyond the end of the file.", _REMEDY)


def _end_of_values(content: bytes, at: int) -> int:
    """First byte after a parameter's values and description; beyond the file where it has none."""
    if at + 2 > len(content):
        return len(content) + 1
    size, n_dimensions = struct.unpack_from("bB", content, at)
    if size not in (-1, 1, 2, 4) or n_dimensions > _MOST_DIMENSIONS:
        return len(content) + 1
    dimensions = content[at + 2 : at + 2 + n_dimensions]
    return _end_of_text(content, at + 2 + n_dimensions + abs(size) * math.prod(dimensions))


def _end_of_text(content: bytes, at: int) -> int:
    """First byte after a description, which begins with its length."""
    return at + 1 + content[at] if at < len(content) else len(content) + 1


def _check_data(path: pathlib.Path, content: bytes, processor: int, order: str) -> None:
    """Points and analog samples of all frames must be there."""
    n_points, n_analog, first, last = struct.unpack_from(f"{order}4H", content, 2)
    block = struct.unpack_from(f"{order}H", content, 16)[0]
    # The sign of the scale, a float at byte 12, says whether numbers take four bytes or two.
    sign = content[12 + {_INTEL: 3, _DEC: 1, _MIPS: 0}[processor]] & 0x80
    if last < first:
        raise InputError(
            f"{path}, header", f"Its frames are {first} to {last}.", "Export the file again."
        )
    size = (4 if sign else 2) * (4 * n_points + n_analog) * (last - first + 1)
    needed = (block - 1) * _BLOCK + size
    if block < 2 or len(content) < needed:
        raise InputError(
            f"{path}, data",
            f"It has {len(content)} bytes, and its {last - first + 1} frames of {n_points} points "
            f"and {n_analog} analog values need {needed}.",
            _REMEDY,
        )
