"""Text files with a header and rows of numbers: what TRC and OpenSim's storage files share."""

import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError


def read_lines(path: pathlib.Path, expected: str) -> list[str]:
    """Lines of a text file.

    Args:
        path: the file.
        expected: what such a file should be, as a sentence, for the message.

    Raises:
        InputError: there is no such file, or it is not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(
            str(path), f"The file cannot be read ({error.strerror}).", "Check name and permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "It is not a text file.", expected) from error


def number_rows(
    path: pathlib.Path, rows: Sequence[Sequence[str]], n_columns: int, lines: Sequence[int]
) -> Float[np.ndarray, "row column"]:
    """Numbers of a table; NaN where a cell is empty or says so.

    Args:
        path: the file, for messages.
        rows: cells of each row.
        n_columns: how many a row must have.
        lines: number of each row's line in the file, for messages.

    Raises:
        InputError: a row has more or fewer cells, or one that is no number.
    """
    for line, row in zip(lines, rows, strict=True):
        if len(row) != n_columns:
            raise InputError(
                f"{path}, line {line}",
                f"It has {len(row)} columns, the header {n_columns}.",
                "The file was cut off or edited: export it again.",
            )
    try:
        table = [[float(cell) if cell else np.nan for cell in row] for row in rows]
    except ValueError:
        raise _no_number(path, rows, lines) from None
    return np.asarray(table, float).reshape(len(rows), n_columns)


def _no_number(
    path: pathlib.Path, rows: Sequence[Sequence[str]], lines: Sequence[int]
) -> InputError:
    for line, row in zip(lines, rows, strict=True):
        for column, cell in enumerate(row, 1):
            try:
                float(cell or "nan")
            except ValueError:
                return InputError(
                    f"{path}, line {line}, column {column}",
                    f"{cell!r} is no number.",
                    "Write numbers with a decimal point, separated as the format says.",
                )
    raise AssertionError("every cell is a number")
