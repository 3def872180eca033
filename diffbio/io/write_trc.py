"""Marker trajectories in the TRC format, in metres, Y up."""

import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.io.axes import opensim_from_world

_RATES = ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"]
_RATES += ["OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"]


def write_trc(
    path: pathlib.Path,
    time: Float[np.ndarray, "time"],
    markers: Float[np.ndarray, "time marker 3"],
    names: tuple[str, ...],
    frame_rate_hz: float,
) -> None:
    """Write marker positions in the format OpenSim, Mokka and others read.

    Args:
        path: the file to write.
        time: sample times, in seconds.
        markers: positions in the world frame, in metres; written in OpenSim's axes. A
            position that is not finite becomes an empty cell, the format's missing value.
        names: one name per marker.
        frame_rate_hz: sampling rate.
    """
    frames, rate = len(time), f"{frame_rate_hz:g}"
    labels = ("X", "Y", "Z")
    header = [
        ("PathFileType", "4", "(X/Y/Z)", path.name),
        _RATES,
        (rate, rate, str(frames), str(len(names)), "m", rate, "1", str(frames)),
        ("Frame#", "Time", *(cell for name in names for cell in (name, "", ""))),
        ("", "", *(f"{axis}{i + 1}" for i in range(len(names)) for axis in labels)),
        (),
    ]
    rows = (
        (str(i + 1), f"{instant:.6f}", *map(_cell, frame.ravel().tolist()))
        for i, (instant, frame) in enumerate(zip(time, opensim_from_world(markers), strict=True))
    )
    lines = ["\t".join(cells) for cells in [*header, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(metres: float) -> str:
    return f"{metres:.6f}" if np.isfinite(metres) else ""
