"""Ground reactions in OpenSim's storage files, and which foot each column is of."""

import pathlib
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.io.axes import world_from_opensim
from diffbio.io.read_mot import StorageTable, read_storage
from diffbio.observations import GroundReactions

_FORCE = re.compile(r"(?P<column>.*force.*)_?v[xyz]", re.IGNORECASE)

_UNLOADED_N = 5.0
"""Below this vertical force a centre of pressure is a quotient of noises."""

_FARTHEST = 50.0
"""Metres. No laboratory is larger; a centre of pressure in millimetres is farther."""

_FORMAT = (
    "Ground reactions have columns NAME_vx, _vy, _vz (N), NAME_px, _py, _pz (m), and the same "
    "name with `torque` for `force` and x, y, z (N m)."
)


def read_ground_reactions(
    path: pathlib.Path, feet: dict[str, str] | None = None
) -> GroundReactions:
    """Read force, centre of pressure and free moment of every plate or foot.

    Args:
        path: `.mot` or `.sto` with OpenSim's column names, in newtons, metres and newton metres,
            in OpenSim's axes.
        feet: `r` or `l` by column name (`ground_force`, `1_ground_force`, ...), as
            `read_external_loads` finds them; a name alone is not taken as a statement.

    Raises:
        InputError: beside `read_storage`: there is no force, an array is incomplete or nowhere a
            number, lengths are not in metres, or the ground pulls.
    """
    table = read_storage(path)
    found = (_FORCE.fullmatch(name) for name in table.names)
    columns = list(dict.fromkeys(match["column"].rstrip("_") for match in found if match))
    if not columns:
        raise InputError(str(path), "It holds no ground force.", _FORMAT)
    stacked = np.stack([_plate(table, column) for column in columns], axis=2)
    force, point, moment = world_from_opensim(stacked)
    loaded = np.abs(force[..., 2]) > _UNLOADED_N
    _check_plausible(path, columns, force, np.where(loaded[..., None], point, np.nan))
    reactions = GroundReactions(
        tuple(columns),
        force,
        np.where(loaded[..., None], point, np.nan),
        moment,
        table.time,
        (None,) * len(columns),
        str(path),
    )
    return reactions.with_feet(feet or {})


def _plate(table: StorageTable, column: str) -> Float[np.ndarray, "3 time 3"]:
    """Force, point and torque as they stand in the file."""
    torque = re.sub("force", "torque", column, flags=re.IGNORECASE)
    moment = re.sub("force", "moment", column, flags=re.IGNORECASE)
    return np.stack(
        [
            _vector(table, (f"{column}_v", f"{column}v")),
            _vector(table, (f"{column}_p", f"{column}p")),
            _vector(table, (f"{torque}_", f"{moment}_", f"{column}_m", torque)),
        ]
    )


def _vector(table: StorageTable, beginnings: tuple[str, ...]) -> Float[np.ndarray, "time 3"]:
    beginning = next((b for b in beginnings if f"{b}x" in table.names), beginnings[0])
    for axis in "xyz":
        name = f"{beginning}{axis}"
        if name not in table.names:
            raise InputError(f"{table.source}, {name}", "The column is missing.", _FORMAT)
        if not np.isfinite(table.column(name)).all():
            often = int((~np.isfinite(table.column(name))).sum())
            raise InputError(
                f"{table.source}, {name}",
                f"{often} of {len(table.time)} values are missing.",
                "Export the file again; an unloaded plate measures 0, not nothing.",
            )
    return np.stack([table.column(f"{beginning}{axis}") for axis in "xyz"], axis=1)


def _check_plausible(
    path: pathlib.Path,
    columns: list[str],
    force: Float[np.ndarray, "time plate 3"],
    point: Float[np.ndarray, "time plate 3"],
) -> None:
    for i, column in enumerate(columns):
        vertical = force[:, i, 2]
        if -vertical.min() > vertical.max() > 0.0 or (vertical.max() <= 0.0 > vertical.min()):
            raise InputError(
                f"{path}, {column}",
                f"The ground would pull with {-vertical.min():.0f} N.",
                "Give the force of the ground on the foot, Y up.",
            )
        reach = float(np.nanmax(np.abs(point[:, i]), initial=0.0))
        if reach > _FARTHEST:
            raise InputError(
                f"{path}, {column}",
                f"A centre of pressure would be {reach:.3g} m away.",
                "Give metres; these may be millimetres.",
            )


def read_external_loads(path: pathlib.Path) -> dict[str, str]:
    """Which foot each force of OpenSim's set-up of external loads is applied to.

    Returns:
        `r` or `l` by column name, as `read_ground_reactions` takes it. Forces on bodies that are
        of no side are left out.

    Raises:
        InputError: the file is unreadable or holds no external force.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(
            str(path), f"It cannot be read ({error}).", "Give OpenSim's external loads (.xml)."
        ) from error
    feet = {}
    for force in root.iter("ExternalForce"):
        body = (force.findtext("applied_to_body") or "").strip()
        column = (force.findtext("force_identifier") or "").strip().removesuffix("v").rstrip("_")
        if column and body[-2:] in ("_r", "_l"):
            feet[column] = body[-1]
    if not feet:
        raise InputError(
            str(path), "It holds no external force on a foot.", "Give the file of this trial."
        )
    return feet
