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
        coordinates: angles are converted to degrees; each column name ends in its unit,
            as in `knee_angle_r_deg` and `pelvis_tx_m`.
    """
    table = coordinates.in_degrees()
    columns = [f"{name}_{unit}" for name, unit in zip(table.names, table.units, strict=True)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *columns])
        for instant, row in zip(time, table.values, strict=True):
            writer.writerow([f"{instant:.6f}", *(f"{value:.6f}" for value in row)])
