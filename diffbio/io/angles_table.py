"""One tidy Parquet table of every angle of every trial: a row for each time and coordinate."""

import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

import diffbio
from diffbio.errors import InputError
from diffbio.fitting.fit import Fit
from diffbio.io.coordinates import coordinates_of

COLUMNS = (
    "participant", "session", "trial", "time_s", "coordinate", "value", "sd", "unit",
    "population", "diffbio_version",
)  # fmt: skip

_NUMBERS = {"time_s", "value", "sd"}


def check_parquet() -> None:
    """Find out before any work is done whether tables can be written.

    Raises:
        InputError: the package pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise InputError(
            "pyarrow",
            "The package that writes Parquet tables is not installed.",
            "Run `pip install diffbio[cohort]`.",
        ) from error


def write_rows(
    path: pathlib.Path,
    fits: Sequence[tuple[str, str, Fit]],
    *,
    participant: str,
    population: str,
) -> None:
    """Write the angles of one participant, all of them or nothing; a row group for each trial.

    Args:
        path: the file to write.
        fits: session, trial and result.
        participant: whose they are.
        population: name of the prior they were fitted under; empty for the default prior.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    partial = _partial(path)
    try:
        with pq.ParquetWriter(partial, _schema(), compression="zstd") as writer:
            for session, trial, fit in fits:
                constant = {
                    "participant": participant,
                    "session": session,
                    "trial": trial,
                    "population": population,
                    "diffbio_version": diffbio.__version__,
                }
                columns = _columns(fit, constant)
                writer.write_table(pa.table(columns, schema=_schema()))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def join_tables(path: pathlib.Path, parts: Iterable[pathlib.Path]) -> int:
    """Write one table of many, row group by row group, so that memory holds one trial.

    Args:
        path: the file to write, all of it or nothing.
        parts: tables that `write_rows` wrote.

    Returns:
        Rows written.
    """
    import pyarrow.parquet as pq

    partial, rows = _partial(path), 0
    try:
        with pq.ParquetWriter(partial, _schema(), compression="zstd") as writer:
            for part in parts:
                with pq.ParquetFile(part) as table:
                    for group in range(table.num_row_groups):
                        one = table.read_row_group(group)
                        writer.write_table(one)
                        rows += one.num_rows
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _schema():
    """Names repeat in every row: they are stored once and counted."""
    import pyarrow as pa

    name = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([(one, pa.float64() if one in _NUMBERS else name) for one in COLUMNS])


def _columns(fit: Fit, constant: dict[str, str]) -> dict[str, object]:
    """Angles in degrees and lengths in metres, as in `angles.csv`; time changes slowest."""
    import pyarrow as pa

    time, coordinates = fit.motion.time, coordinates_of(fit).in_degrees()
    n_time, n_coordinate = coordinates.values.shape
    sd = np.full((n_time, n_coordinate), np.nan) if coordinates.sd is None else coordinates.sd
    which = np.tile(np.arange(n_coordinate, dtype=np.int32), n_time)
    rows = n_time * n_coordinate
    columns: dict[str, object] = {
        "time_s": np.repeat(np.asarray(time, float), n_coordinate),
        "value": np.asarray(coordinates.values, float).ravel(),
        # Not known is null, which averages leave out; NaN would spread.
        "sd": pa.array(np.asarray(sd, float).ravel(), from_pandas=True),
        "coordinate": pa.DictionaryArray.from_arrays(which, list(coordinates.names)),
        "unit": pa.DictionaryArray.from_arrays(which, list(coordinates.units))
        .cast(pa.string())
        .dictionary_encode(),
    }
    nothing = np.zeros(rows, np.int32)
    for name, value in constant.items():
        columns[name] = pa.DictionaryArray.from_arrays(nothing, [value])
    return columns


def _partial(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
