"""A motion as tables: markers as a spreadsheet opens them, and everything in one tidy table."""

import csv
import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.io.read_result import FittedPerson
from diffbio.io.write_gait import Table

_AXES = "xyz"


def write_markers(
    path: pathlib.Path,
    time: Float[np.ndarray, "time"],
    markers: Float[np.ndarray, "time marker 3"],
    names: tuple[str, ...],
) -> None:
    """Write marker positions as comma-separated values, in the world frame.

    Args:
        path: the file to write.
        time: sample times, in seconds.
        markers: in metres, z up; a cell is empty where one is not known.
        names: of the markers; each has three columns, as in `RKnee_x_m`.
    """
    headings = [f"{name}_{axis}_m" for name in names for axis in _AXES]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *headings])
        for instant, row in zip(time, markers.reshape(len(time), -1), strict=True):
            cells = (f"{value:.6f}" if np.isfinite(value) else "" for value in row)
            writer.writerow([f"{instant:.6f}", *cells])


def motion_table(person: FittedPerson) -> Table:
    """One row per time and number: trial, time_s, kind, name, side, axis, value, sd, unit.

    `kind` is `coordinate` (pelvis in OpenSim's axes, then joints) or `marker` (world frame, z up).
    Side is `r`, `l`, or empty; axis is empty for coordinates. What is not known is NaN.
    """
    table: Table = {
        name: []
        for name in ("trial", "time_s", "kind", "name", "side", "axis", "value", "sd", "unit")
    }
    frames, times = len(person.time), person.time.tolist()
    coordinates = person.coordinates.in_degrees()
    columns = []
    for i, (name, unit) in enumerate(zip(coordinates.names, coordinates.units, strict=True)):
        sd = np.full(frames, np.nan) if coordinates.sd is None else coordinates.sd[:, i]
        columns.append(("coordinate", name, _side(name), "", coordinates.values[:, i], sd, unit))
    for i, name in enumerate(person.marker_names):
        for k, axis in enumerate(_AXES):
            unknown = np.full(frames, np.nan)
            columns.append(("marker", name, "", axis, person.markers[:, i, k], unknown, "m"))
    for kind, name, side, axis, values, sd, unit in columns:
        same = {"trial": person.name, "kind": kind, "name": name, "side": side, "axis": axis}
        for key, word in (same | {"unit": unit}).items():
            table[key] += [word] * frames  # type: ignore[operator]
        table["time_s"] += times  # type: ignore[operator]
        table["value"] += values.tolist()  # type: ignore[operator]
        table["sd"] += sd.tolist()  # type: ignore[operator]
    return table


def _side(name: str) -> str:
    return name[-1] if name.endswith(("_r", "_l")) else ""
