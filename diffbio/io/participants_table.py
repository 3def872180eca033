"""`participants.tsv`: what a study knows of its people besides their trials."""

import csv
import dataclasses
import pathlib

from diffbio.errors import InputError
from diffbio.io.lengths import metres_per

TABLE = "participants.tsv"
PREFIX = "sub-"

_ABSENT = frozenset({"", "n/a", "nan", "na"})
"""How a table says that a value is not known; the first is BIDS's own."""

_LENGTHS = ("height", "leg_length_r", "leg_length_l")
_PLAUSIBLE = {"height": (0.5, 2.6), "leg_length_r": (0.2, 1.5), "leg_length_l": (0.2, 1.5)}
"""In metres: outside of it the unit is wrong."""

_MOST_SD, _MOST_MASS_SD = 0.5, 100.0
"""In metres and kilograms: beyond it the unit is wrong."""

_SEXES = {"m": "m", "male": "m", "f": "f", "female": "f"}

_COLUMNS = (
    "Columns are participant_id, and any of height_m, height_cm, height_mm, mass_kg, sex, "
    "leg_length_r_m, leg_length_l_m (or _cm, _mm), and of their standard deviations height_sd_m, "
    "mass_sd_kg, leg_length_r_sd_m and so on, tab separated; n/a where not known."
)


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a person besides their trials; None where it is not.

    Attributes:
        height: standing, in metres.
        mass: in kilograms.
        sex: `m` or `f`.
        leg_length_r: right leg, in metres, from the anterior iliac spine to the medial malleolus.
        leg_length_l: left leg, in metres.
        height_sd: standard deviation of the height, in metres.
        mass_sd: of the mass, in kilograms.
        leg_length_r_sd: of the right leg, in metres.
        leg_length_l_sd: of the left leg, in metres.
    """

    height: float | None = None
    mass: float | None = None
    sex: str | None = None
    leg_length_r: float | None = None
    leg_length_l: float | None = None
    height_sd: float | None = None
    mass_sd: float | None = None
    leg_length_r_sd: float | None = None
    leg_length_l_sd: float | None = None


def read_participants(
    path: pathlib.Path,
) -> tuple[dict[str, Facts], tuple[tuple[str, str], ...]]:
    """Read the table of participants.

    Args:
        path: a tab-separated table with the column `participant_id`, `sub-01` or `01`; the other
            columns carry their unit. Columns that are not known are not looked at.

    Returns:
        Facts by name of the folder, none where there is no table; and participants with a reason
        for doubt: a duplicate, of which the first row counts, or a value that cannot be used.

    Raises:
        InputError: the table cannot be read, or has no column `participant_id`.
    """
    if not path.is_file():
        return {}, ()
    rows = _rows(path)
    known: dict[str, Facts] = {}
    doubts: list[tuple[str, str]] = []
    for line, row in enumerate(rows, 2):
        name = (row.get("participant_id") or "").strip()
        if not name:
            doubts.append(("", f"{path.name}, line {line}: there is no participant_id."))
            continue
        name = name if name.startswith(PREFIX) else PREFIX + name
        if name in known:
            reason = f"{path.name}, line {line}: listed twice. Only the first row counts."
            doubts.append((name, reason))
            continue
        known[name], wrong = _facts(row)
        doubts += [(name, f"{path.name}, line {line}: {reason}") for reason in wrong]
    return known, tuple(doubts)


def _rows(path: pathlib.Path) -> list[dict[str, str | None]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter="\t")
            rows = list(reader)
    except OSError as error:
        found = f"The table cannot be read ({error.strerror})."
        raise InputError(str(path), found, _COLUMNS) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"It is no table of text ({error}).", _COLUMNS) from error
    if "participant_id" not in (reader.fieldnames or ()):
        raise InputError(str(path), "It has no column participant_id.", _COLUMNS)
    return rows


def _facts(row: dict[str, str | None]) -> tuple[Facts, list[str]]:
    """Facts of one row, and what is wrong with the others."""
    values: dict[str, float | str] = {}
    wrong = []
    for column, text in row.items():
        text = (text or "").strip() if isinstance(text, str) else ""
        if not column or text.lower() in _ABSENT:
            continue
        try:
            if column.removesuffix("_sd") in (*_LENGTHS, "mass"):
                wrong.append(f"{column} has no unit, and is not used. {_COLUMNS}")
            elif column == "sex":
                values["sex"] = _SEXES[text.lower()]
            elif column == "mass_kg":
                values["mass"] = _between(float(text), 2.0, 400.0)
            elif column == "mass_sd_kg":
                values["mass_sd"] = _between(float(text), 1e-3, _MOST_MASS_SD)
            elif (quantity := _length_of(column, "_sd")) is not None:
                metres = float(text) * metres_per(column.removeprefix(f"{quantity}_"), column)
                values[quantity] = _between(metres, 1e-5, _MOST_SD)
            elif (quantity := _length_of(column)) is not None:
                metres = float(text) * metres_per(column.removeprefix(f"{quantity}_"), column)
                values[quantity] = _between(metres, *_PLAUSIBLE[quantity])
        except (ValueError, KeyError):
            wrong.append(f"{column} is {text!r}, which nobody is; it is not used.")
    return Facts(**values), wrong  # type: ignore[arg-type]


def _length_of(column: str, suffix: str = "") -> str | None:
    """The length that a column has, or with a suffix its standard deviation, without the unit."""
    names = (f"{name}{suffix}" for name in _LENGTHS)
    return next((name for name in names if column.startswith(f"{name}_")), None)


def _between(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError
    return value
