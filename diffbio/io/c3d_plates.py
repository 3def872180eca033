"""Force plates of a C3D file: from channels, corners and origins to forces in the laboratory.

A plate's own axes follow from its corners, which the format numbers by the quadrants (+x +y),
(-x +y), (-x -y), (+x -y) of its surface; z points into the floor. The format's types 1 to 4 are
known: force with centre of pressure, force with moment, eight sensors (Kistler), and force with
moment after a calibration matrix.
"""

import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.io.c3d_parameters import C3dParameters
from diffbio.io.lengths import metres_per
from diffbio.observations import GroundReactions

_CHANNELS = {1: 6, 2: 6, 3: 8, 4: 6}

_LOADED_N = 5.0
"""Below this vertical force a centre of pressure is a quotient of noises."""

_FORMAT = "Correct the group FORCE_PLATFORM or export the file again."

Signals = Float[np.ndarray, "time 3"]


def read_plates(
    path: pathlib.Path,
    parameters: C3dParameters,
    analog: Float[np.ndarray, "channel time"],
    first_time: float,
    metres: float,
) -> GroundReactions | None:
    """Forces of all plates in the axes of the file, in newtons, metres and newton metres.

    The baseline that FORCE_PLATFORM:ZERO names is not subtracted.

    Args:
        path: the file, for messages.
        parameters: of the file.
        analog: scaled analog channels.
        first_time: of the first sample, in seconds.
        metres: length of the unit of corners and origins, in metres.

    Returns:
        None where the file has no plate.

    Raises:
        InputError: a plate is of another type, lacks corners, origin or channels, has no units,
            or the ground would pull.
    """
    count = parameters.array("FORCE_PLATFORM", "USED")
    count = int(count.ravel()[0]) if count.size else 0
    if count == 0 or analog.size == 0:
        return None
    types = _shaped(path, parameters, "TYPE", (count,))
    corners = metres * _shaped(path, parameters, "CORNERS", (3, 4, count))
    origins = metres * _shaped(path, parameters, "ORIGIN", (3, count))
    rate = parameters.number("ANALOG", "RATE")
    force, pressure, moment = [], [], []
    for plate in range(count):
        where = f"{path}, FORCE_PLATFORM, plate {plate + 1}"
        kind = int(types[plate])
        if kind not in _CHANNELS:
            raise InputError(where, f"Its type is {kind}.", "Types 1 to 4 are known.")
        channels = _channels(where, parameters, analog, plate, _CHANNELS[kind])
        signals = channels[0]
        if kind == 4:
            signals = _calibration(where, parameters, plate, count) @ signals
        units = channels[1] if kind != 4 else ("N",) * 3 + (channels[1][3],) * 3
        newtons, moments, point = _in_plate(where, kind, signals, units, origins[:, plate], metres)
        lab_from_plate, centre = _axes(where, corners[:, :, plate])
        loaded = np.abs(newtons[:, 2]) > _LOADED_N
        force.append(newtons @ lab_from_plate.T)
        _check_sign(where, force[-1], lab_from_plate)
        placed = centre + point @ lab_from_plate.T
        pressure.append(np.where(loaded[:, None], placed, np.nan))
        moment.append(np.where(loaded, moments, 0.0)[:, None] * lab_from_plate[:, 2])
    time = first_time + np.arange(analog.shape[1]) / rate
    names = tuple(f"plate {plate + 1}" for plate in range(count))
    return GroundReactions(
        names,
        np.stack(force, axis=1),
        np.stack(pressure, axis=1),
        np.stack(moment, axis=1),
        time,
        (None,) * count,
        str(path),
    )


def _shaped(
    path: pathlib.Path, parameters: C3dParameters, name: str, shape: tuple[int, ...]
) -> Float[np.ndarray, "..."]:
    found = parameters.array("FORCE_PLATFORM", name)
    if found.size != np.prod(shape):
        raise InputError(
            f"{path}, FORCE_PLATFORM:{name}",
            f"It holds {found.size} numbers, and {shape[-1]} plates need {np.prod(shape)}.",
            _FORMAT,
        )
    return found.reshape(shape)


def _channels(
    where: str,
    parameters: C3dParameters,
    analog: Float[np.ndarray, "channel time"],
    plate: int,
    needed: int,
) -> tuple[Float[np.ndarray, "signal time"], tuple[str, ...]]:
    """Signals of a plate, and their units."""
    table = parameters.array("FORCE_PLATFORM", "CHANNEL")
    if table.ndim != 2 or table.shape[0] < needed or table.shape[1] <= plate:
        raise InputError(where, f"It has no {needed} channels.", _FORMAT)
    rows = table[:needed, plate].astype(int) - 1
    if rows.min() < 0 or rows.max() >= len(analog):
        raise InputError(
            where, f"Its channels are not among the {len(analog)} that are stored.", _FORMAT
        )
    units = parameters.texts("ANALOG", "UNITS")
    stated = tuple(units[row] if row < len(units) else "" for row in rows)
    signals = np.asarray(analog[rows], float)
    if not np.isfinite(signals).all():
        raise InputError(where, "A channel holds values that are no numbers.", _FORMAT)
    return signals, stated


def _calibration(
    where: str, parameters: C3dParameters, plate: int, count: int
) -> Float[np.ndarray, "6 6"]:
    found = parameters.array("FORCE_PLATFORM", "CAL_MATRIX")
    if found.size != 36 * count:
        raise InputError(where, "It has no calibration matrix (6 x 6).", _FORMAT)
    return found.reshape(6, 6, count)[:, :, plate]


def _in_plate(
    where: str,
    kind: int,
    signals: Float[np.ndarray, "signal time"],
    units: tuple[str, ...],
    origin: Float[np.ndarray, "3"],
    metres: float,
) -> tuple[Signals, Float[np.ndarray, "time"], Signals]:
    """Force (N), free moment (N m) and centre of pressure (m) in the plate's own axes."""
    if kind == 1:
        force = signals[:3].T * _newtons(where, units[0])
        point = np.stack([*signals[3:5] * metres, np.zeros(signals.shape[1])], axis=1)
        return force, signals[5] * _newton_metres(where, units[5]), point
    # From the sensors' origin to the middle of the surface, which is above it: z points down.
    # Some programs write the opposite vector.
    surface = origin if origin[2] <= 0.0 else -origin
    if kind == 3:
        force, moment = _eight_sensors(signals * _newtons(where, units[0]), origin)
        surface = np.array([0.0, 0.0, -abs(origin[2])])
    else:
        force = signals[:3].T * _newtons(where, units[0])
        moment = signals[3:6].T * _newton_metres(where, units[3])
    moment = moment + np.cross(force, surface)
    vertical = np.where(np.abs(force[:, 2]) > _LOADED_N, force[:, 2], np.nan)
    x, y = -moment[:, 1] / vertical, moment[:, 0] / vertical
    free = moment[:, 2] - x * force[:, 1] + y * force[:, 0]
    return force, free, np.stack([x, y, np.zeros(len(x))], axis=1)


def _eight_sensors(
    signals: Float[np.ndarray, "8 time"], origin: Float[np.ndarray, "3"]
) -> tuple[Signals, Signals]:
    """Force and moment of Kistler's fx12, fx34, fy14, fy23, fz1 ... fz4 about the origin.

    Args:
        signals: in newtons.
        origin: half the distances of the sensors along x and y, in metres, and the height.
    """
    fx12, fx34, fy14, fy23, *fz = signals
    a, b = np.abs(origin[:2])
    force = np.stack([fx12 + fx34, fy14 + fy23, sum(fz)], axis=1)
    moment = np.stack(
        [
            b * (fz[0] + fz[1] - fz[2] - fz[3]),
            a * (-fz[0] + fz[1] + fz[2] - fz[3]),
            b * (fx34 - fx12) + a * (fy14 - fy23),
        ],
        axis=1,
    )
    return force, moment


def _axes(
    where: str, corners: Float[np.ndarray, "3 4"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """`lab_from_plate` rotation, and the centre of the surface in the laboratory, in metres."""
    along_x = corners[:, 0] - corners[:, 1] + corners[:, 3] - corners[:, 2]
    along_y = corners[:, 0] - corners[:, 3] + corners[:, 1] - corners[:, 2]
    down = np.cross(along_x, along_y)
    if np.linalg.norm(down) < 1e-4:
        raise InputError(where, "Its corners enclose no surface.", _FORMAT)
    x, z = along_x / np.linalg.norm(along_x), down / np.linalg.norm(down)
    return np.stack([x, np.cross(z, x), z], axis=1), corners.mean(axis=1)


def _check_sign(
    where: str, force: Float[np.ndarray, "time 3"], lab_from_plate: Float[np.ndarray, "3 3"]
) -> None:
    """The ground pushes: along the axis in which the plate lies flat, the force is upwards."""
    axis = int(np.abs(lab_from_plate[:, 2]).argmax())
    vertical = force[:, axis]
    if -vertical.min() > max(vertical.max(), 50.0):
        raise InputError(
            where,
            f"The ground would pull with {-vertical.min():.0f} N.",
            "Its corners are in the wrong order, or its channels have the wrong sign.",
        )


def _newtons(where: str, unit: str) -> float:
    if unit.lower() != "n":
        raise InputError(
            where, f"The unit of its force is {unit!r} (ANALOG:UNITS).", "Only newtons are read."
        )
    return 1.0


def _newton_metres(where: str, unit: str) -> float:
    plain = unit.lower().replace(".", "").replace("*", "").replace(" ", "")
    if not plain.startswith("n") or plain == "n":
        raise InputError(
            where,
            f"The unit of its moment is {unit!r} (ANALOG:UNITS).",
            "State newton metres or millimetres (Nm, Nmm).",
        )
    return metres_per(plain[1:], where)
