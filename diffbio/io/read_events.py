"""The events that `diffbio gait` found, read back from `events.csv`."""

import csv
import pathlib

from diffbio.errors import InputError
from diffbio.gait.events import KINDS, GaitEvent, Kind, Side

EVENTS = "events.csv"

_REMEDY = "Run `diffbio gait` again, or remove the file."


def read_events_table(path: pathlib.Path) -> tuple[GaitEvent, ...]:
    """Contacts and lift-offs; none where there is no such file.

    Raises:
        InputError: the file is not one of `diffbio gait`.
    """
    if not path.is_file():
        return ()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_event(row) for row in csv.DictReader(file))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(str(path), f"It is no table of events ({error}).", _REMEDY) from error


def _event(row: dict[str, str]) -> GaitEvent:
    kinds: dict[str, Kind] = {kind: kind for kind in KINDS}
    sides: dict[str, Side] = {"r": "r", "l": "l"}
    return GaitEvent(
        kinds[row["kind"]],
        sides[row["side"]],
        float(row["time_s"]),
        float(row["sd_s"] or "nan"),
        float(row["confidence"] or "nan"),
        row["method"],
    )
