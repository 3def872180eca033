"""Keypoints as SLEAP exports them for analysis (`.h5`, `.csv`).

The `.h5` has `tracks` (track, x and y, node, frame), `node_names` and `point_scores` (track, node,
frame); the `.csv` a row per instance with `track`, `frame_idx`, and `NODE.x`, `NODE.y`,
`NODE.score`. Points that were not found are not numbers.

Source: SLEAP's documentation (analysis HDF5, CSV export).
"""

import csv
import pathlib

import h5py
import numpy as np

from diffbio.errors import InputError
from diffbio.io.detected_camera import DetectedCamera, cleaned
from diffbio.io.hdf5 import array, shows, text

_FORMAT = "Export the analysis file of one video from SLEAP again (HDF5 or CSV)."


def is_sleap(path: pathlib.Path) -> bool:
    """Whether a file looks like one, by its datasets or its first line."""
    if path.suffix.lower() == ".csv":
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                return {"track", "frame_idx"} <= set(file.readline().strip().split(","))
        except OSError:
            return False
    return shows(path, lambda file: {"tracks", "node_names"} <= set(file))


def read_sleap(path: pathlib.Path) -> DetectedCamera:
    """Read the keypoints of one camera.

    Raises:
        InputError: the file is unreadable, or its arrays do not go together.
    """
    return _csv_table(path) if path.suffix.lower() == ".csv" else _h5(path)


def _h5(path: pathlib.Path) -> DetectedCamera:
    try:
        with h5py.File(path, "r") as file:
            tracks = np.asarray(array(file, "tracks"), float)
            names = tuple(text(one) for one in array(file, "node_names").tolist())
            scores = array(file, "point_scores") if "point_scores" in file else None
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", _FORMAT) from error
    if tracks.ndim != 4 or tracks.shape[1:3] != (2, len(names)):
        raise InputError(
            f"{path}, tracks",
            f"Its shape is {tracks.shape}, with {len(names)} nodes.",
            "It must be (track, 2, node, frame): give the file as SLEAP writes it.",
        )
    confidence = np.ones((len(tracks), *tracks.shape[2:]))
    if scores is not None:
        if scores.shape != confidence.shape:
            raise InputError(
                f"{path}, point_scores", f"Its shape is {scores.shape}.", "As tracks, without x, y."
            )
        confidence = np.asarray(scores, float)
    # A point that somebody corrected by hand has no score.
    known = np.isfinite(tracks).all(axis=1)
    confidence = np.where(known & ~(np.isfinite(confidence) & (confidence > 0)), 1.0, confidence)
    values = np.concatenate([tracks, confidence[:, None]], axis=1).transpose(3, 0, 2, 1)
    seen = cleaned(values)
    frames = {n: one[(one[..., 2] > 0.0).any(axis=1)] for n, one in enumerate(seen)}
    return DetectedCamera(path, names, frames, tracks.shape[3])


def _csv_table(path: pathlib.Path) -> DetectedCamera:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", _FORMAT) from error
    columns = [name for name in (rows[0] if rows else ()) if name is not None]
    names = tuple(name.removesuffix(".x") for name in columns if name.endswith(".x"))
    if not names:
        raise InputError(str(path), "It has no column NODE.x.", _FORMAT)
    people: dict[int, list[np.ndarray]] = {}
    for line, row in enumerate(rows, 2):
        try:
            frame = int(float(row["frame_idx"]))
            person = [[_number(row[f"{name}.{key}"]) for key in ("x", "y")] for name in names]
            score = [_number(row.get(f"{name}.score") or "1") for name in names]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}, line {line}", f"It is incomplete or holds no numbers ({error}).", _FORMAT
            ) from error
        values = np.concatenate([np.array(person), np.array(score)[:, None]], axis=1)
        people.setdefault(frame, []).append(cleaned(values))
    return DetectedCamera(path, names, {n: np.stack(one) for n, one in people.items()}, None)


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else np.nan
