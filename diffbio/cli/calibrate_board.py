"""`diffbio calibrate board`: from footage of a board to a rig and a verdict."""

import argparse
import math
import pathlib
import sys

from diffbio.cli import board_views, print_board
from diffbio.errors import InputError, UnknownNameError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio calibrate board`."""
    parser.add_argument(
        "footage",
        metavar="FOOTAGE",
        type=pathlib.Path,
        help="a folder with one folder of pictures, or one video, per camera; or a table of "
        "corners (.csv)",
    )
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, help="default: FOOTAGE-calibration, beside it"
    )
    print_board.add_board_arguments(parser)
    cameras = parser.add_argument_group("the cameras")
    cameras.add_argument(
        "--intrinsics", type=pathlib.Path, metavar="RIG", help="hold the lenses of this rig"
    )
    cameras.add_argument(
        "--lens-views",
        type=pathlib.Path,
        metavar="FOLDER",
        help="further footage of the same board, of each camera by itself, for the lenses",
    )
    cameras.add_argument(
        "--not-synchronised",
        action="store_true",
        help="the cameras were recorded one after the other: find their lenses only",
    )
    cameras.add_argument(
        "--fisheye",
        nargs="+",
        default=[],
        metavar="CAMERA",
        help="these have a fisheye lens; by default a camera has one if that predicts views that "
        "were kept from the fit clearly better",
    )
    cameras.add_argument(
        "--pinhole", nargs="+", default=[], metavar="CAMERA", help="these have an ordinary lens"
    )
    cameras.add_argument(
        "--image-size", metavar="WxH", help="of the pictures, where a table of corners is given"
    )
    parser.add_argument(
        "--floor",
        nargs="+",
        metavar="VIEW",
        help="the board lay on the floor in these views: z is up from it, and the origin is at the "
        "board in the first",
    )
    parser.add_argument(
        "--every", type=int, default=10, metavar="N", help="read every Nth frame of a video"
    )


def run(arguments: argparse.Namespace) -> int:
    """Detect, calibrate, judge, write, and say where the result is."""
    import jax

    jax.config.update("jax_enable_x64", True)  # an adjustment in single precision stalls

    from diffbio._jax import enable_compilation_cache
    from diffbio.cameras.calibration import calibrate_board, judge, measure
    from diffbio.cameras.calibration.floor import floor_of
    from diffbio.cli.progress import Console
    from diffbio.report import board_folder, calibration_folder

    enable_compilation_cache()
    console = Console()
    if arguments.every < 1:
        raise InputError("--every", f"Found {arguments.every}.", "Give 1 or more.")
    output = arguments.output or _beside(arguments.footage)
    calibration_folder.check_writable(output)
    views, single, dropped, pictures = board_views.read_views(arguments, console)
    lenses = _lenses(arguments, views, console)
    fisheye = _fisheye(arguments, views.camera_names)
    if arguments.not_synchronised:
        return _lenses_only(views, fisheye, output, dropped, pictures, console)
    check_half_turn(views)
    with _bar(console, len(views.camera_names) if lenses is None else 0) as progress:
        calibration = calibrate_board(
            views, single=single, lenses=lenses, fisheye=fisheye, progress=progress
        )
    floor = floor_of(calibration, tuple(arguments.floor)) if arguments.floor else None
    quality = measure(calibration)
    verdict = judge(calibration, quality)
    notes = _notes(calibration, floor)
    result = board_folder.BoardResult(
        calibration, floor, quality, verdict, dropped, pictures, notes
    )
    shown = result.shown(output)
    console.say(_numbers(quality))
    console.say(shown.headline)
    board_folder.write_calibration(output, result, shown, console.log)
    for message in (*verdict.reasons, *notes):
        print(f"- {message}")
    print(f"{verdict.sentence[0].upper()}{verdict.sentence[1:]}")
    print(f"The rig is {output / 'rig.toml'}; look at rig.html and the pictures beside it.")
    return int(verdict.level == "fail")


def _numbers(quality) -> str:
    """How right a calibration is, in one sentence."""
    said = (
        f"Corners miss their detections by {quality.median_px:.2f} px in the median (mean "
        f"{quality.mean_px:.2f})"
    )
    if math.isfinite(quality.edge_rms_mm):
        said += f"; lengths on the board come out within {quality.edge_rms_mm:.2f} mm rms"
    if len(quality.centre_sd_mm) > 1:
        said += f"; cameras stand within {max(quality.centre_sd_mm.values()):.1f} mm (1 sd)"
    return f"{said}."


def _notes(calibration, floor) -> list[str]:
    """What to know of the world and of the lenses."""
    names = calibration.views.camera_names
    notes = []
    if floor:
        notes.append(floor.sentence)
    else:
        notes.append(
            f"The world is the frame of camera {names[calibration.reference]}, whose y axis points "
            "down its picture. With --floor VIEW, of a view in which the board lies on the floor, "
            "z is up."
        )
    if calibration.lenses and any(calibration.rig.fisheye):
        wide = [n for n, yes in zip(names, calibration.rig.fisheye, strict=True) if yes]
        notes.append(f"Fisheye lenses were fitted to {', '.join(wide)}.")
    return notes


def _fisheye(arguments, names: tuple[str, ...]) -> tuple[bool | None, ...]:
    """Of which cameras it is known whether they have a fisheye lens.

    Raises:
        InputError: of one it is said that it has and that it has not.
        UnknownNameError: there is no such camera.
    """
    for option, named in (("--fisheye", arguments.fisheye), ("--pinhole", arguments.pinhole)):
        for name in named:
            if name not in names:
                raise UnknownNameError(option, "camera", name, names)
    if both := set(arguments.fisheye) & set(arguments.pinhole):
        raise InputError(
            "--fisheye, --pinhole",
            f"Both name {', '.join(sorted(both))}.",
            "Name a camera in one of them, or in none, to let the views decide.",
        )
    known = dict.fromkeys(arguments.fisheye, True) | dict.fromkeys(arguments.pinhole, False)
    return tuple(known.get(name) for name in names)


def _lenses(arguments, views, console):
    """The rig whose lenses are held, for the pictures' size; None where there is none.

    Raises:
        InputError: a camera is missing there, or its pictures had other proportions.
    """
    if not arguments.intrinsics:
        return None
    from diffbio.cameras.calibration.rig_arrays import side_by_side
    from diffbio.cameras.rig_changes import rescaled
    from diffbio.io.rigs import read_rig

    rig = read_rig(arguments.intrinsics).subset(views.camera_names)
    each = []
    for name, size, given in zip(rig.names, views.image_size, rig.image_size, strict=True):
        each.append(rig.subset((name,)))
        if size != given:
            each[-1] = rescaled(each[-1], *size)
            console.say(f"The lens of {name} was rescaled to {size[0]} x {size[1]}.")
    return side_by_side(each)


def check_half_turn(views) -> None:
    """Refuse a board of which two cameras may number the corners from opposite ends.

    Raises:
        InputError: the board is the same turned by half.
    """
    from diffbio.cameras.calibration.detection import half_turn_is_ambiguous

    if len(views.camera_names) > 1 and half_turn_is_ambiguous(views.board):
        raise InputError(
            "board",
            f"A checkerboard of {views.board} looks the same turned by 180 degrees, so that two "
            "cameras cannot tell which corner is which.",
            "Use one with an odd and an even number of inner corners, or a ChArUco board; or "
            "find lenses only, with --not-synchronised.",
        )


def _lenses_only(views, fisheye, output, dropped, pictures, console) -> int:
    from diffbio.cameras.calibration import estimate_lens
    from diffbio.report import board_folder

    with _bar(console, len(views.camera_names)) as progress:
        found = [
            estimate_lens(views, camera, fisheye=fisheye[camera], progress=progress)
            for camera in range(len(views.camera_names))
        ]
    board_folder.write_lenses(output, views, found, dropped, pictures, console.log)
    for name, one in zip(views.camera_names, found, strict=True):
        fx, fy = one.rig.focal_px[0]
        print(
            f"- {name}: focal length {fx:.1f} x {fy:.1f} px +- {100 * one.sd[0]:.2f} %, "
            f"{one.order}; {one.n_views} views, {one.rms_px:.2f} px rms."
        )
    print(
        f"The lenses are in {output / 'lenses.toml'}, for --intrinsics; their poses there mean "
        "nothing."
    )
    return 0


def _bar(console, n_cameras: int):
    """A progress bar over the lens models tried, which also takes the names of later stages."""
    import contextlib

    from tqdm import tqdm

    from diffbio.cameras.calibration.lens_models import PINHOLE_ORDERS

    @contextlib.contextmanager
    def shown():
        total = n_cameras * len(PINHOLE_ORDERS) + 2
        with tqdm(
            total=total, unit="step", desc="calibrating", file=sys.stderr, leave=False
        ) as bar:

            def progress(stage: str) -> None:
                console.note(stage)
                bar.set_postfix_str(stage, refresh=False)
                bar.update()

            yield progress

    return shown()


def _beside(footage: pathlib.Path) -> pathlib.Path:
    folder = footage if footage.is_dir() else footage.parent
    return (
        folder.parent / f"{folder.name}-calibration"
        if footage.is_dir()
        else (folder / f"{footage.stem}-calibration")
    )
