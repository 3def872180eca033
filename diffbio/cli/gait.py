"""`diffbio gait`: how a person walks, as tables and as a page."""

import argparse
import json
import math
import pathlib

from diffbio.errors import InputError

EXIT_NOTHING = 1
"""Done, and no stride was measured."""

_MARKER_FILES = (".trc", ".c3d")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio gait`."""
    parser.add_argument(
        "walk",
        metavar="OUT",
        type=pathlib.Path,
        help="the folder that `diffbio fit` wrote; or markers as .trc or .c3d",
    )
    parser.add_argument(
        "--belt-speed",
        metavar="M_PER_S",
        type=_speed,
        help="of the treadmill, in m/s; without it lengths and speed on one are not determined. "
        "That it is a treadmill is found from the feet",
    )
    parser.add_argument(
        "--events",
        choices=("markers", "file"),
        default="markers",
        help="where contacts and toe-offs come from: found from heels and toes (default), or "
        "those stored in a .c3d",
    )
    parser.add_argument(
        "--foot-point",
        choices=("heel", "toe"),
        default="heel",
        help="what stride and step lengths join at contacts; some laboratories use the toe "
        "(default: heel)",
    )
    parser.add_argument(
        "--norms",
        metavar="FILE",
        type=pathlib.Path,
        help="a .csv of norms to compare with: columns name, mean, sd, and percent for curves, "
        "with the names of metrics.csv and cycles.csv; or curve, axis, percent, mean, sd of "
        "Plug-in Gait. diffbio ships none",
    )
    parser.add_argument(
        "--norms-group",
        metavar="NAME",
        help="which of several groups, column speed or group, in the file of norms",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=pathlib.Path,
        help="default: the folder of the fit; NAME-gait beside a .trc or .c3d",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(arguments: argparse.Namespace) -> int:
    """Read, measure, write, and say in one sentence what was found."""
    from diffbio.io.gait_norms import read_norms
    from diffbio.report.gait_analysis import analyse
    from diffbio.report.gait_folder import PAGE, write_gait
    from diffbio.report.gait_summary import headline

    norms = None
    if arguments.norms is not None:
        norms = read_norms(arguments.norms, arguments.norms_group)
    elif arguments.norms_group is not None:
        raise InputError("--norms-group", "There are no norms.", "Give their file with --norms.")
    path = _walk_file(arguments.walk)
    found = analyse(
        _read(path, arguments.events),
        events_from=arguments.events,
        belt_speed=arguments.belt_speed,
        foot_point=arguments.foot_point,
        norms=norms,
    )
    folder = arguments.output or _folder_of(path)
    parquet = write_gait(found, folder)
    for note in found.notes:
        print(f"- {note}")
    for one in found.table.cycles.excluded:
        print(f"- Left out, {one.start:.2f} to {one.end:.2f} s, {one.side}: {one.reason}")
    if not parquet:
        print('- No .parquet: it needs pyarrow (pip install "diffbio[cohort]").')
    print(f"{headline(found)} The page is {folder / PAGE}.")
    if arguments.open:
        import webbrowser

        webbrowser.open((folder / PAGE).absolute().as_uri())
    return 0 if found.table.strides else EXIT_NOTHING


def _walk_file(asked: pathlib.Path) -> pathlib.Path:
    """The file to read: a result's `fit.nc`, or markers.

    Raises:
        InputError: there is neither.
    """
    remedy = "Give the folder that `diffbio fit` wrote, or markers as .trc or .c3d."
    if asked.is_dir():
        for path in (asked / "fit.nc", asked / "diffbio" / "fit.nc"):
            if path.is_file():
                return path
        raise InputError(str(asked), "The folder holds no fit.nc.", remedy)
    if not asked.is_file():
        raise InputError(str(asked), "It does not exist.", remedy)
    if asked.suffix.lower() not in (*_MARKER_FILES, ".nc"):
        raise InputError(str(asked), f"Files of type {asked.suffix!r} are not read here.", remedy)
    return asked


def _folder_of(path: pathlib.Path) -> pathlib.Path:
    if path.suffix.lower() in _MARKER_FILES:
        return path.with_name(f"{path.stem}-gait")
    return path.parent


def _read(path: pathlib.Path, events_from: str):
    """The walk in a file."""
    from diffbio.report.gait_analysis import Walk

    kind = path.suffix.lower()
    if events_from == "file" and kind != ".c3d":
        raise InputError(
            f"--events {events_from}",
            f"{path.name} stores no events.",
            "Leave it out: events are then found from heels and toes.",
        )
    if kind == ".trc":
        from diffbio.io.read_trc import read_trc

        return Walk(path.stem, read_trc(path))
    if kind == ".c3d":
        from diffbio.io.read_c3d import read_c3d

        recording = read_c3d(path)
        return Walk(path.stem, recording.markers, events=recording.events, notes=recording.notes)
    from diffbio.io.read_fit import read_fit

    motion, fit = read_fit(path), _fit_summary(path.parent / "summary.json")
    name = str(fit.get("trial") or path.parent.resolve().name)
    return Walk(name, motion.markers, motion.coordinates, fit=fit)


def _fit_summary(path: pathlib.Path) -> dict:
    """What the fit says of itself; nothing where the file is not there or not diffbio's."""
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def _speed(text: str) -> float:
    """A speed, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 15.0:
        raise argparse.ArgumentTypeError(f"{text} is not a speed in m/s, above 0 and below 15")
    return value
