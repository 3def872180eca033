"""Keypoints as DeepLabCut writes them, as a table with several lines of header (`.csv`, `.h5`).

The header has the scorer, the individuals where there are several, the body parts and the
coordinates x, y, likelihood; a row per frame follows. The `.h5` is the same table as pandas stores
it through PyTables, `table` or `fixed`; it is read without either, and the labels of its columns,
which PyTables pickles, by a reader that builds texts and lists only. Anipose's `pose-2d` folders
hold such files.

Source: DeepLabCut's user guide (output files), pandas' HDFStore.
"""

import csv
import io
import pathlib
import pickle
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.io.detected_camera import DetectedCamera, cleaned
from diffbio.io.hdf5 import array, attribute, dataset, groups, shows, text

_FORMAT = (
    "Give the table of one video as DeepLabCut writes it: lines scorer, (individuals,) bodyparts, "
    "coords with x, y, likelihood, then one per frame."
)

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")
_COORDINATES = ("x", "y", "likelihood")

Label = tuple[str, ...]


def is_deeplabcut(path: pathlib.Path) -> bool:
    """Whether a file looks like one, by its first line or its datasets."""
    if path.suffix.lower() == ".csv":
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                return file.readline().split(",")[0].strip() == "scorer"
        except OSError:
            return False
    return shows(path, lambda file: any("pandas_type" in one.attrs for one in groups(file)))


def read_deeplabcut(path: pathlib.Path) -> DetectedCamera:
    """Read the keypoints of one camera.

    Raises:
        InputError: the file is unreadable, or is no such table.
    """
    if path.suffix.lower() == ".csv":
        labels, values = _csv_table(path)
    else:
        labels, values = _h5_table(path)
    if not labels or any(label[-1] not in _COORDINATES for label in labels):
        found = sorted({label[-1] for label in labels})
        raise InputError(
            f"{path}, coords", f"There are {', '.join(found) or 'no columns'}.", _FORMAT
        )
    if len(labels) != values.shape[1]:
        raise InputError(
            str(path), f"It has {len(labels)} labels for {values.shape[1]} columns.", _FORMAT
        )
    column = {label: i for i, label in enumerate(labels)}
    parts = list(dict.fromkeys(label[-2] for label in labels))
    owners = list(dict.fromkeys(label[:-2] for label in labels))
    people = np.full((len(values), len(owners), len(parts), 3), np.nan)
    for o, owner in enumerate(owners):
        for p, part in enumerate(parts):
            for c, coordinate in enumerate(_COORDINATES):
                index = column.get((*owner, part, coordinate))
                if index is not None:
                    people[:, o, p, c] = values[:, index]
    seen = cleaned(people)
    frames = {number: one[(one[..., 2] > 0.0).any(axis=1)] for number, one in enumerate(seen)}
    return DetectedCamera(path, tuple(parts), frames, len(values))


def _csv_table(path: pathlib.Path) -> tuple[list[Label], Float[np.ndarray, "time column"]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", _FORMAT) from error
    head = [row for row in rows[:4] if row and row[0].strip() in _LEVELS]
    if len(head) < 3 or head[-1][0].strip() != "coords":
        raise InputError(str(path), "Its header is not that of DeepLabCut.", _FORMAT)
    width = len(head[0])
    if any(len(row) != width for row in head):
        raise InputError(str(path), "The lines of its header are not equally long.", _FORMAT)
    labels = [tuple(row[i].strip() for row in head) for i in range(1, width)]
    body = [row for row in rows[len(head) :] if row]
    for line, row in enumerate(body, len(head) + 1):
        if len(row) != width:
            raise InputError(
                f"{path}, line {line}", f"It has {len(row)} cells, not {width}.", _FORMAT
            )
    try:
        values = [[float(cell) if cell.strip() else np.nan for cell in row[1:]] for row in body]
    except ValueError as error:
        raise InputError(str(path), f"A cell is no number ({error}).", _FORMAT) from error
    return labels, np.array(values, float).reshape(len(values), width - 1)


def _h5_table(path: pathlib.Path) -> tuple[list[Label], Float[np.ndarray, "time column"]]:
    try:
        with h5py.File(path, "r") as file:
            tables = [one for one in groups(file) if "pandas_type" in one.attrs]
            if len(tables) != 1:
                raise InputError(str(path), f"It holds {len(tables)} tables.", _FORMAT)
            group = tables[0]
            return _appendable(path, group) if "table" in group else _fixed(path, group)
    except (OSError, KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), f"It cannot be read ({error}).", _FORMAT) from error


def _appendable(path: pathlib.Path, group: h5py.Group) -> tuple[list[Label], np.ndarray]:
    """A table of PyTables: columns in blocks of one type, named in a pickled attribute."""
    table = dataset(group, "table")
    labels: list[Label] = []
    columns: list[np.ndarray] = []
    content = np.asarray(table[...])
    for name in content.dtype.names or ():
        if name.startswith("values_block_"):
            labels += _pickled_labels(path, attribute(table, f"{name}_kind"))
            columns.append(np.asarray(content[name], float).reshape(len(content), -1))
    if not columns:
        raise InputError(str(path), "Its table holds no numbers.", _FORMAT)
    return labels, np.concatenate(columns, axis=1)


def _fixed(path: pathlib.Path, group: h5py.Group) -> tuple[list[Label], np.ndarray]:
    """A table of pandas' `fixed` format: blocks of values, and codes of their columns' labels."""
    labels: list[Label] = []
    columns: list[np.ndarray] = []
    for block in range(int(attribute(group, "nblocks"))):
        items = f"block{block}_items"
        levels = int(attribute(group, f"{items}_nlevels"))
        texts = [[text(x) for x in array(group, f"{items}_level{i}")] for i in range(levels)]
        codes = [array(group, f"{items}_label{i}") for i in range(levels)]
        labels += [
            tuple(level[int(code)] for level, code in zip(texts, row, strict=True))
            for row in zip(*codes, strict=True)
        ]
        columns.append(np.asarray(array(group, f"block{block}_values"), float))
    if not columns:
        raise InputError(str(path), "Its table holds no numbers.", _FORMAT)
    return labels, np.concatenate(columns, axis=1)


class _Texts(pickle.Unpickler):
    """Builds containers and texts; a pickle that asks for anything more is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}")


def _pickled_labels(path: pathlib.Path, stored: Any) -> list[Label]:
    content = stored.encode("latin-1") if isinstance(stored, str) else bytes(stored)
    try:
        found: Sequence[Any] = _Texts(io.BytesIO(content), encoding="utf-8").load()
    except Exception as error:  # whatever a damaged pickle may run into
        raise InputError(
            f"{path}, labels of the columns", f"They cannot be read ({error}).", _FORMAT
        ) from error
    if not isinstance(found, list) or any(not isinstance(one, tuple) for one in found):
        raise InputError(f"{path}, labels of the columns", "They are no list.", _FORMAT)
    return [tuple(text(part) for part in one) for one in found]
