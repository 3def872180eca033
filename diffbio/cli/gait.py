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
        choices=("markers", "file", "plates"),
        help="where contacts and toe-offs come from: found from heels and toes (default), those "
        "stored in a .c3d, or those of the force plates of a .c3d or of --grf where a foot stood "
        "on one, and of heels and toes elsewhere",
    )
    parser.add_argument(
        "--grf",
        metavar="FILE",
        type=pathlib.Path,
        help="ground reactions as .mot or .sto (OpenSim) or .c3d, on the clock and in the axes of "
        "the walk; events then come from the plates",
    )
    parser.add_argument(
        "--plate-foot",
        metavar="NAME=SIDE",
        type=_plate_foot,
        action="append",
        default=[],
        help="r or l, the foot of a plate, where it is not to be found from the pressure",
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
        "--reference",
        metavar="FILE",
        type=pathlib.Path,
        help="a .csv of a reference population's curves, for GDI, GPS and MAP: columns person, "
        "side, percent, coordinate, value, as in cycles.csv. diffbio ships none",
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
    parser.add_argument(
        "--compare",
        metavar="OTHER",
        type=pathlib.Path,
        help="another visit, as OUT: one more page says what changed, and whether beyond the error",
    )
    parser.add_argument(
        "--pdf", action="store_true", help="print the page as gait.pdf too; needs Chromium"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(arguments: argparse.Namespace) -> int:
    """Read, measure, write, and say in one sentence what was found."""
    from diffbio.report.gait_comparison import compare
    from diffbio.report.gait_folder import PAGE, write_gait
    from diffbio.report.gait_summary import headline

    events_from = arguments.events or ("markers" if arguments.grf is None else "plates")
    if arguments.grf is not None and events_from != "plates":
        raise InputError(
            "--grf", f"Events are to come from {events_from}.", "Leave out --events or --grf."
        )
    measure = _measuring(arguments, events_from)
    path = _walk_file(arguments.walk)
    found = measure(_read(path, events_from, arguments.grf, dict(arguments.plate_foot)))
    compared = None
    if arguments.compare is not None:
        # Its forces, if any, are in a file of their own that is not named.
        source = "markers" if arguments.grf is not None else events_from
        other = _measuring(arguments, source)(_read(_walk_file(arguments.compare), source))
        compared = compare(found, other)
    folder = arguments.output or _folder_of(path)
    parquet = write_gait(found, folder, compared)
    for note in found.notes:
        print(f"- {note}")
    for one in found.table.cycles.excluded:
        print(f"- Left out, {one.start:.2f} to {one.end:.2f} s, {one.side}: {one.reason}")
    if compared is not None:
        print(f"- {_changed(compared)}")
    if not parquet:
        print('- No .parquet: it needs pyarrow (pip install "diffbio[cohort]").')
    if arguments.pdf:
        print(f"- {print_page(folder / PAGE)}")
    print(f"{headline(found)} The page is {folder / PAGE}.")
    if arguments.open:
        import webbrowser

        webbrowser.open((folder / PAGE).absolute().as_uri())
    return 0 if found.table.strides else EXIT_NOTHING


def _measuring(arguments: argparse.Namespace, events_from: str):
    """How a walk is measured, as the arguments say.

    Raises:
        InputError: norms or reference cannot be read, or do not go with the other arguments.
    """
    from diffbio.io.gait_norms import read_norms
    from diffbio.io.gait_reference import read_reference
    from diffbio.report.gait_analysis import analyse

    norms = None
    if arguments.norms is not None:
        norms = read_norms(arguments.norms, arguments.norms_group)
    elif arguments.norms_group is not None:
        raise InputError("--norms-group", "There are no norms.", "Give their file with --norms.")
    reference = None if arguments.reference is None else read_reference(arguments.reference)

    def measure(walk):
        return analyse(
            walk,
            events_from=events_from,
            belt_speed=arguments.belt_speed,
            foot_point=arguments.foot_point,
            norms=norms,
            reference=reference,
        )

    return measure


def _changed(compared) -> str:
    """How much changed, in one sentence."""
    known = [one for one in compared.changes if one.beyond_error is not None]
    beyond = sum(bool(one.beyond_error) for one in known)
    return (
        f"Compared with {compared.other.walk.name}: {beyond} of {len(known)} numbers changed by "
        "more than their error (90 %)."
    )


def print_page(page: pathlib.Path) -> str:
    """Print a page beside itself, and say so; or say why not."""
    from diffbio.report.gait_print import NO_BROWSER, find_browser, print_pdf

    browser = find_browser()
    if browser is None:
        return NO_BROWSER
    target = page.with_suffix(".pdf")
    print_pdf(page, target, browser)
    return f"Printed as {target}."


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


def _read(
    path: pathlib.Path,
    events_from: str,
    grf: pathlib.Path | None = None,
    plate_feet: dict[str, str] | None = None,
):
    """The walk in a file, with the forces of another where one is given."""
    import dataclasses

    walk = _read_walk(path, events_from)
    if grf is not None:
        walk = dataclasses.replace(walk, reactions=_read_reactions(grf))
    if walk.reactions is not None and plate_feet:
        walk = dataclasses.replace(walk, reactions=walk.reactions.with_feet(plate_feet))
    return walk


def _read_reactions(path: pathlib.Path):
    """Forces of plates in a file of their own.

    Raises:
        InputError: it cannot be read, or holds no plate.
    """
    if path.suffix.lower() != ".c3d":
        from diffbio.io.read_ground_reactions import read_ground_reactions

        return read_ground_reactions(path)
    from diffbio.io.read_c3d import read_c3d

    reactions = read_c3d(path).reactions
    if reactions is None:
        raise InputError(str(path), "It holds no force plate.", "Give the file of the plates.")
    return reactions


def _read_walk(path: pathlib.Path, events_from: str):
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
        return Walk(
            path.stem,
            recording.markers,
            events=recording.events,
            notes=recording.notes,
            reactions=recording.reactions,
        )
    from diffbio.io.read_fit import read_fit
    from diffbio.io.read_sight import read_sight

    motion, fit = read_fit(path), _fit_summary(path.parent / "summary.json")
    name = str(fit.get("trial") or path.parent.resolve().name)
    return Walk(name, motion.markers, motion.coordinates, fit=fit, sight=read_sight(path))


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


def _plate_foot(text: str) -> tuple[str, str]:
    """A plate and its foot, for argparse."""
    name, _, side = text.rpartition("=")
    if not name or side not in ("r", "l"):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=r or NAME=l")
    return name, side
