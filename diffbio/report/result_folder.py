"""The result folder: all of it, or what was there before."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
import time
from collections.abc import Iterator

from diffbio.errors import FitError, InputError
from diffbio.fitting.fit import Fit, Outcome
from diffbio.io.coordinates import coordinates_of
from diffbio.io.rigs import write_rig
from diffbio.io.trial import Trial
from diffbio.io.write_mot import write_mot
from diffbio.io.write_netcdf import write_netcdf
from diffbio.io.write_tables import write_angles
from diffbio.io.write_trc import write_trc
from diffbio.report.page import render
from diffbio.report.page_data import Comparison
from diffbio.report.summary import summary_of, write_summary
from diffbio.report.verdict import Verdict, judge

RESULT_FILES = ("fit.nc", "summary.json", "angles.csv", "motion.mot", "markers.trc", "body.xml")
RESULT_FILES += ("rig.toml", "report.html", "log.txt")
"""Everything diffbio writes; other files in the folder are the user's and are left alone."""

_REMEDY = "Choose another folder with -o, or make this one writable."


def check_writable(folder: pathlib.Path) -> None:
    """Find out, before any work is done, whether a result can be written; leaves nothing behind.

    Raises:
        InputError: the folder is a file, or cannot be created or written.
    """
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise InputError(str(folder), f"{existing} is a file, not a folder.", _REMEDY)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(
            str(folder), f"The folder cannot be written ({error.strerror}).", _REMEDY
        ) from error


def write_result(
    fit: Fit,
    trial: Trial,
    folder: pathlib.Path,
    *,
    log: str,
    messages: tuple[str, ...] = (),
    simulated: bool = False,
    comparison: tuple[Comparison, ...] = (),
) -> Verdict:
    """Write every file of a result, or none.

    A previous result in the folder stays as it is until the new one is complete, and is
    brought back when putting the new one in place fails or is interrupted. Files that are
    not diffbio's are never touched.

    Args:
        fit: the result.
        trial: what was fitted.
        folder: where to; created if need be.
        log: content of `log.txt`.
        messages: further findings, appended to those of the verdict.
        simulated: whether the recording was simulated; the report then says so.
        comparison: estimates against a known truth, for the report.

    Returns:
        The verdict written into `summary.json` and `report.html`.

    Raises:
        FitError: the fit is not finite; nothing is written.
        InputError: the folder cannot be written.
    """
    if fit.outcome == Outcome.NOT_FINITE:
        raise FitError(
            f"{trial.name}: the fit ended in numbers that are not finite, so nothing was written "
            f"to {folder}. Check the calibration and the keypoints, then fit again."
        )
    check_writable(folder)
    verdict = judge(fit, trial)
    verdict = dataclasses.replace(verdict, messages=verdict.messages + messages)
    page = render(fit, trial, verdict, simulated=simulated, comparison=comparison)
    try:
        with _staged(folder) as staging:
            started = time.perf_counter()
            _write_files(fit, trial, staging)
            (staging / "report.html").write_text(page, encoding="utf-8")
            (staging / "log.txt").write_text(log, encoding="utf-8")
            summary = summary_of(_with_write_time(fit, started), trial, verdict)
            write_summary(staging / "summary.json", summary | {"simulated": simulated})
    except OSError as error:
        raise InputError(
            str(folder), f"The folder cannot be written ({error.strerror}).", _REMEDY
        ) from error
    return verdict


def _write_files(fit: Fit, trial: Trial, staging: pathlib.Path) -> None:
    motion, coordinates = fit.motion, coordinates_of(fit)
    names, rate = fit.body.marker_names, trial.frame_rate_hz
    write_netcdf(staging / "fit.nc", fit, trial)
    write_angles(staging / "angles.csv", motion.time, coordinates)
    write_mot(staging / "motion.mot", motion.time, coordinates, trial.name)
    write_trc(staging / "markers.trc", motion.time, motion.markers, names, rate)
    (staging / "body.xml").write_text(fit.body.to_mjcf(fit.parameters), encoding="utf-8")
    write_rig(fit.rig, staging / "rig.toml")


def _with_write_time(fit: Fit, started: float) -> Fit:
    """The fit with the time of writing in its account, total included."""
    write_s = time.perf_counter() - started
    times = {"write": write_s} | fit.time_s
    if "write" not in fit.time_s and "total" in fit.time_s:
        times["total"] += write_s
    return dataclasses.replace(fit, time_s=times)


@contextlib.contextmanager
def _staged(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder to write into, whose files are put in place on leaving without an exception.

    It lies inside the result folder, hidden: so it is on the same file system, and the
    result folder itself, which may be a mount point, the working directory or full of the
    user's own files, is never moved.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    workplace = pathlib.Path(tempfile.mkdtemp(prefix=".diffbio-writing-", dir=folder))
    try:
        (workplace / "new").mkdir()
        (workplace / "previous").mkdir()
        yield workplace / "new"
        _put_in_place(workplace / "new", workplace / "previous", folder)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
        for path in missing:
            # Not empty: the result arrived, or somebody else uses it. Either way it stays.
            with contextlib.suppress(OSError):
                path.rmdir()


def _put_in_place(new: pathlib.Path, previous: pathlib.Path, folder: pathlib.Path) -> None:
    """Exchange the files of the result by renaming; undone as a whole if it does not succeed."""
    try:
        for name in RESULT_FILES:
            if (folder / name).exists():
                os.replace(folder / name, previous / name)
        for name in RESULT_FILES:
            os.replace(new / name, folder / name)
    except BaseException:
        for name in RESULT_FILES:
            if (previous / name).exists():
                os.replace(previous / name, folder / name)
            elif not (new / name).exists():
                (folder / name).unlink(missing_ok=True)
        raise
