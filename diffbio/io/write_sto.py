"""OpenSim's storage file: any quantities over time."""

import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError


def write_sto(
    path: pathlib.Path,
    time: Float[np.ndarray, "time"],
    columns: Mapping[str, Float[np.ndarray, "_"]],
    title: str,
    *,
    in_degrees: bool = False,
) -> None:
    """Write columns in the format OpenSim's tools and GUI read.

    Args:
        path: the file to write.
        time: sample times, in seconds.
        columns: by name, one value for each time, in SI units. What is not finite is written as
            `nan`, as OpenSim does.
        title: first line of the header.
        in_degrees: whether angles among them are in degrees; else in radians.

    Raises:
        InputError: a name has a tab or is empty, or a column is of another length than the time.
    """
    for name, values in columns.items():
        if not name or "\t" in name or "\n" in name:
            raise InputError(f"{path}, {name!r}", "It is no name of a column.", "Name it plainly.")
        if len(values) != len(time):
            raise InputError(
                f"{path}, {name}",
                f"It has {len(values)} values for {len(time)} times.",
                "Give one value for each time.",
            )
    header = [
        title.replace("\n", " "),
        "version=1",
        f"nRows={len(time)}",
        f"nColumns={len(columns) + 1}",
        f"inDegrees={'yes' if in_degrees else 'no'}",
        "endheader",
        "\t".join(("time", *columns)),
    ]
    table = np.column_stack([time, *columns.values()])
    rows = ("\t".join(f"{value:.8f}" for value in row) for row in table.tolist())
    path.write_text("\n".join([*header, *rows]) + "\n", encoding="utf-8")
