"""OpenSim's motion file: coordinates in degrees and metres, Y up."""

import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.io.axes import PELVIS_ANGLES, PELVIS_TRANSLATIONS
from diffbio.io.coordinates import Coordinates


def write_mot(
    path: pathlib.Path, time: Float[np.ndarray, "time"], coordinates: Coordinates, title: str
) -> None:
    """Write coordinates in the format OpenSim's tools and GUI read.

    Args:
        path: the file to write.
        time: sample times, in seconds.
        coordinates: pelvis and joints; the pelvis comes first, angles before translations,
            as in OpenSim's own models. Angles are converted to degrees.
        title: first line of the header.
    """
    pelvis = PELVIS_ANGLES + PELVIS_TRANSLATIONS
    joints = tuple(name for name in coordinates.names if name not in pelvis)
    table = coordinates.in_degrees().select(pelvis + joints)
    header = [
        title.replace("\n", " "),
        "version=1",
        f"nRows={len(time)}",
        f"nColumns={len(table.names) + 1}",
        "inDegrees=yes",
        "",
        "Units are S.I. units (second, meters, Newtons, ...)",
        "If the header above contains a line with 'inDegrees', this indicates whether "
        "rotational values are in degrees (yes) or radians (no).",
        "",
        "endheader",
        "\t".join(("time", *table.names)),
    ]
    rows = (
        "\t".join(f"{value:.8f}" for value in (instant, *row))
        for instant, row in zip(time, table.values, strict=True)
    )
    path.write_text("\n".join([*header, *rows]) + "\n", encoding="utf-8")
