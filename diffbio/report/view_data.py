"""What the viewer draws: numbers packed tightly, with a table of where they lie."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import load_keypoint_set
from diffbio.errors import InputError
from diffbio.geometry import quaternion_from_matrix
from diffbio.io.deviations import NINETY_PERCENT
from diffbio.io.posed_person import PosedPerson
from diffbio.io.read_events import EVENTS, read_events_table
from diffbio.io.read_result import FittedPerson
from diffbio.report.body_rows import rounded
from diffbio.report.curves import GROUPS, charts_of, drawn_frames
from diffbio.report.packed_arrays import MISSING, Packed
from diffbio.report.view_cameras import shown_cameras, triangulated

LENGTH_UNIT = 1e-4
"""In metres, of everything that moves: a tenth of a millimetre."""

VERTEX_UNIT = 5e-5
"""In metres, of the bones' surfaces."""

TURN_UNIT = 1.0 / 32767.0
"""Of quaternions."""

_MOST_CURVE_FRAMES = 1200


@dataclasses.dataclass(frozen=True)
class ViewData:
    """Content of a viewer's page.

    Attributes:
        described: names, tables and curves, as JSON holds them.
        numbers: the packed arrays.
    """

    described: dict[str, Any]
    numbers: str


def view_data(person: FittedPerson, posed: PosedPerson) -> ViewData:
    """Everything the page draws.

    Args:
        person: the fit.
        posed: its bones and muscles.
    """
    packed = Packed()
    packed.add("time", person.time, "float32")
    packed.add("root", person.root_position, "float32")
    _add_motion(packed, person, posed)
    described = {
        "name": person.name,
        "rate": person.frame_rate_hz,
        "units": {"length": LENGTH_UNIT, "vertex": VERTEX_UNIT, "turn": TURN_UNIT},
        "missing": MISSING,
        "parts": _parts(packed, posed),
        "muscles": _muscles(packed, posed),
        "markers": _markers(packed, person),
        "cameras": shown_cameras(packed, person),
        "events": _events(person),
        "curves": _curves(person),
    }
    return ViewData({**described, "arrays": packed.table}, packed.text())


def _parts(packed: Packed, posed: PosedPerson) -> list[dict[str, Any]]:
    """Where the vertices and faces of each part lie in the arrays of all."""
    rows, first, face = [], 0, 0
    for part in posed.parts:
        counts = {"vertices": len(part.vertices), "faces": len(part.faces)}
        rows.append({"name": part.name, "vertex": first, "face": face, **counts})
        first += len(part.vertices)
        face += len(part.faces)
    vertices = np.concatenate([part.vertices for part in posed.parts])
    faces = np.concatenate([part.faces for part in posed.parts])
    packed.add("vertices", np.round(vertices / VERTEX_UNIT), "int16")
    packed.add("faces", faces, "uint32", moving=True)
    return rows


def _add_motion(packed: Packed, person: FittedPerson, posed: PosedPerson) -> None:
    relative = posed.positions - person.root_position[:, None]
    packed.add("positions", _whole(relative), "int16", moving=True)
    turns = np.array(quaternion_from_matrix(jnp.asarray(posed.rotations)))
    # The same sign from frame to frame, so that turns can be interpolated.
    signs = np.where((turns[1:] * turns[:-1]).sum(-1) < 0.0, -1.0, 1.0)
    turns[1:] *= np.cumprod(signs, axis=0)[..., None]
    packed.add("turns", np.round(turns / TURN_UNIT), "int16", moving=True)


def _muscles(packed: Packed, posed: PosedPerson) -> dict[str, Any] | None:
    paths = posed.muscles
    if paths is None:
        return None
    fixed = np.where(np.isnan(paths.local), 0.0, paths.local)
    wrapped = np.full(len(paths.body), -1)
    wrapped[paths.wrapped] = np.arange(len(paths.wrapped))
    packed.add("path_start", paths.start, "uint32")
    packed.add("path_part", paths.body, "uint16")
    packed.add("path_fixed", fixed, "float32")
    packed.add("path_wrapped", wrapped, "int16")
    packed.add("wrapped", _whole(posed.wrapped), "int16", moving=True)
    return {"names": list(paths.names), "force": [round(f, 1) for f in paths.force.tolist()]}


def _markers(packed: Packed, person: FittedPerson) -> dict[str, Any]:
    root = person.root_position[:, None]
    packed.add("markers", _whole(person.markers - root), "int16", moving=True)
    points = triangulated(person)
    packed.add("triangulated", _whole(points - root), "int16", moving=True)
    return {"names": list(person.marker_names), "edges": _edges(person)}


def _edges(person: FittedPerson) -> list[list[int]]:
    """Pairs of markers to connect, where the keypoint set is one of ours."""
    try:
        named = load_keypoint_set(person.keypoint_set).edges
    except InputError:
        return []
    order = {name: i for i, name in enumerate(person.marker_names)}
    return [[order[a], order[b]] for a, b in named if a in order and b in order]


def _events(person: FittedPerson) -> list[dict[str, Any]]:
    """Contacts and lift-offs, where `diffbio gait` has found them."""
    return [
        {"time": round(one.time, 4), "kind": one.kind, "side": one.side}
        for one in read_events_table(person.folder / EVENTS)
    ]


def _curves(person: FittedPerson) -> dict[str, Any]:
    coordinates = person.coordinates.in_degrees()
    frames = drawn_frames(len(person.time), _MOST_CURVE_FRAMES)
    values = coordinates.values[frames]
    sd = None if coordinates.sd is None else NINETY_PERCENT * coordinates.sd[frames]
    charts = [
        {
            "group": chart.group,
            "title": chart.title,
            "coordinate": chart.coordinate,
            "unit": chart.unit,
            "sides": {side: _column(values, at, chart.unit) for side, at in chart.column.items()},
            "bands": {
                side: None if sd is None else _column(sd, at, chart.unit)
                for side, at in chart.column.items()
            },
        }
        for chart in charts_of(coordinates)
    ]
    return {
        "time": [round(t, 4) for t in person.time[frames].tolist()],
        "seen": [int(flag) for flag in person.seen[frames]],
        "groups": [group for group in GROUPS if any(c["group"] == group for c in charts)],
        "charts": charts,
    }


def _column(values: Float[np.ndarray, "time coordinate"], at: int, unit: str) -> list[float | None]:
    return [rounded(value, 2 if unit == "deg" else 4) for value in values[:, at]]


def _whole(metres: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """In whole units; what is not known, or further than three metres away, is missing."""
    units = np.round(metres / LENGTH_UNIT)
    return np.where(np.isfinite(units) & (np.abs(units) < -MISSING), units, MISSING)
