"""Coordinates as a table that any spreadsheet opens: `angles.csv`."""

import csv
import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.io.coordinates import Coordinates


def write_angles(
    path: pathlib.Path, time: Float[np.ndarray, "time"], coordinates: Coordinates
) -> None:
    """Write coordinates over time as comma-separated values.

    Args:
        path: the file to write.
        time: sample times, in seconds.
        coordinates: angles are converted to degrees; each column name ends in its unit, as in
            `knee_angle_r_deg` and `pelvis_tx_m`. Where standard deviations are known, each
            column is followed by its own, as in `knee_angle_r_sd_deg`; the cell is empty
            where a single one is not known.
    """
    table = coordinates.in_degrees()
    columns = [("time_s", time)]
    for i, (name, unit) in enumerate(zip(table.names, table.units, strict=True)):
        columns.append((f"{name}_{unit}", table.values[:, i]))
        if table.sd is not None:
            columns.append((f"{name}_sd_{unit}", table.sd[:, i]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([heading for heading, _ in columns])
        for row in zip(*(values for _, values in columns), strict=True):
            writer.writerow([f"{value:.6f}" if np.isfinite(value) else "" for value in row])
