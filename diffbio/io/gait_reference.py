"""A reference population for gait scores: angle curves of people without disorder, the user's own.

diffbio ships none, because no population's curves are under a licence that lets it. One table
holds everybody, with the columns of `cycles.csv` and one more, `person`:

    person, side, percent, coordinate, value

`cycle` may be there too; the cycles of one side of a person are averaged. Rows of other angles
than the nine of clinical gait analysis, and other columns, are passed over. `cycles.csv` files of
one's own laboratory become such a table by writing the person's name before each line.
"""

import csv
import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.gait.indices import Reference, ReferenceMean, ReferencePopulation
from diffbio.io.gait_norms import NormCurve, Norms

PERCENT = np.linspace(0.0, 100.0, 51)
"""Of the cycle: every 2 %, as in the papers."""

_COLUMNS = ("person", "side", "percent", "coordinate", "value")
_FORMAT = f"Give a comma-separated table with the columns {', '.join(_COLUMNS)}; angles in degrees."

_Curves = dict[tuple[str, str], dict[tuple[str, str], list[tuple[float, float]]]]
"""By person and side, by cycle and angle: percent and value."""


def read_reference(path: pathlib.Path) -> ReferencePopulation:
    """Read the curves of a reference population.

    Args:
        path: a `.csv` as above.

    Returns:
        One mean curve per person and side, at `PERCENT`.

    Raises:
        InputError: the table cannot be read, lacks a column, has a value that is no number, a
            person's side lacks an angle or part of the cycle, or there are fewer than three.
    """
    curves = _curves(path)
    people = [_person(path, name, side, found) for (name, side), found in curves.items()]
    if not people:
        known = ", ".join(CLINICAL_ANGLES)
        raise InputError(str(path), f"It holds no curve of {known}.", _FORMAT)
    return ReferencePopulation(CLINICAL_ANGLES, np.stack(people), path.name)


def mean_of_norms(norms: Norms) -> ReferenceMean | None:
    """The mean curves of norms, at `PERCENT`; None where one of the nine is not among them."""
    found = [norms.curves.get(name) for name in CLINICAL_ANGLES]
    if any(one is None or one.percent[0] > 0.0 or one.percent[-1] < 100.0 for one in found):
        return None
    columns = [np.interp(PERCENT, one.percent, one.mean) for one in found if one is not None]
    return ReferenceMean(CLINICAL_ANGLES, np.stack(columns, axis=1), norms.source)


def norms_of(reference: Reference) -> Norms:
    """Mean and standard deviation of a population's curves, to be drawn behind a walk."""
    if not isinstance(reference, ReferencePopulation):
        return Norms(reference.source, {}, {})
    sd = reference.curves.std(axis=0, ddof=1)
    percent = np.linspace(0.0, 100.0, len(sd))
    curves = {
        name: NormCurve(percent, reference.mean[:, i], sd[:, i])
        for i, name in enumerate(reference.names)
    }
    return Norms(reference.source, {}, curves)


def _curves(path: pathlib.Path) -> _Curves:
    found: _Curves = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise InputError(f"{path}, {missing[0]}", "The column is missing.", _FORMAT)
            for line, row in enumerate(reader, 2):
                if row["coordinate"] not in CLINICAL_ANGLES:
                    continue
                point = (_number(path, line, row, "percent"), _number(path, line, row, "value"))
                cycle = (row.get("cycle") or "", row["coordinate"])
                person = found.setdefault((row["person"], row["side"]), {})
                person.setdefault(cycle, []).append(point)
    except OSError as error:
        raise InputError(str(path), f"It cannot be read ({error.strerror}).", _FORMAT) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"It is no table of text ({error}).", _FORMAT) from error
    return found


def _number(path: pathlib.Path, line: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise InputError(
            f"{path}, line {line}, {column}", f"It says {row[column]!r}.", "Write a number there."
        )
    return value


def _person(
    path: pathlib.Path,
    name: str,
    side: str,
    found: dict[tuple[str, str], list[tuple[float, float]]],
) -> Float[np.ndarray, "percent angle"]:
    """Mean over the cycles of one side of one person."""
    where = f"{path}, person {name}, side {side}"
    if side not in ("r", "l"):
        raise InputError(where, f"The side is {side!r}.", "Write r or l.")
    columns = []
    for angle in CLINICAL_ANGLES:
        cycles = [points for (_, one), points in found.items() if one == angle]
        if not cycles:
            raise InputError(where, f"There is no {angle}.", "Give all nine angles of everybody.")
        columns.append(np.mean([_resampled(f"{where}, {angle}", one) for one in cycles], axis=0))
    return np.stack(columns, axis=1)


def _resampled(where: str, points: list[tuple[float, float]]) -> Float[np.ndarray, "percent"]:
    percent, values = np.array(sorted(points)).T
    if (np.diff(percent) <= 0).any() or percent[0] != 0.0 or percent[-1] != 100.0:
        raise InputError(
            where,
            f"A cycle has {len(percent)} points from {percent[0]:g} to {percent[-1]:g} %.",
            "Give each percent once, from 0 to 100, and number several cycles in a column `cycle`.",
        )
    return np.interp(PERCENT, percent, values)
