"""`diffbio convert`: rewrite a camera rig in the format of another program."""

import argparse
import pathlib
import re

from diffbio.errors import InputError

FORMATS = (
    "pose2sim",
    "caliscope",
    "freemocap",
    "qualisys",
    "vicon",
    "opencap",
    "easymocap",
    "opencv",
)
"""Keys of `diffbio.io.rigs.FORMATS`, repeated so that `--help` need not load it."""

AXES = ("x", "-x", "y", "-y", "z", "-z")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio convert`."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=pathlib.Path,
        help="a rig of Pose2Sim, aniposelib, Caliscope or FreeMoCap (.toml), Qualisys (.qca.txt), "
        "Vicon (.xcp), OpenCap (session folder), EasyMocap (folder) or OpenCV (.yml)",
    )
    parser.add_argument("target", metavar="TARGET", type=pathlib.Path, help="where to write it")
    parser.add_argument(
        "--to", choices=FORMATS, help="format of TARGET, where its name does not tell"
    )
    parser.add_argument("--force", action="store_true", help="replace TARGET if it is there")
    unsaid = parser.add_argument_group("what SOURCE may not say")
    unsaid.add_argument(
        "--unit", type=_unit, metavar="UNIT", help="of its lengths: m, cm, mm, or metres in one"
    )
    unsaid.add_argument(
        "--calibrated-at", type=_size, metavar="WxH", help="size of the pictures, in pixels"
    )
    change = parser.add_argument_group("what to change, in this order")
    change.add_argument(
        "--turn",
        type=int,
        choices=(90, 180, 270),
        help="the videos were turned clockwise by so many degrees since",
    )
    change.add_argument(
        "--size", type=_size, metavar="WxH", help="the videos were resized to this since"
    )
    change.add_argument(
        "--up", choices=AXES, help="this axis points up in SOURCE, and is to be z (write --up=-y)"
    )
    change.add_argument(
        "--axes", metavar="WORDS", help="which way those of the world point: x=right,y=forward,z=up"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, change, write, and say what was decided on the way."""
    import jax

    jax.config.update("jax_enable_x64", True)  # nine digits would be lost in single precision

    from diffbio.cameras.rig_changes import quarter_turned, rescaled, with_upward
    from diffbio.cameras.world_axes import axes_in_words
    from diffbio.io.rigs import StatedRig, read_rig_file, write_rig
    from diffbio.io.rigs.formats import files_of, format_for

    stated = StatedRig(arguments.calibrated_at, arguments.unit)
    reading = read_rig_file(arguments.source, stated)
    rig = reading.rig
    for note in reading.notes:
        print(f"- {note}")
    if arguments.turn:
        rig = quarter_turned(rig, arguments.turn // 90)
        print(f"- The cameras were turned for pictures turned clockwise by {arguments.turn}°.")
    if arguments.size:
        before = ", ".join(sorted({f"{w}x{h}" for w, h in rig.image_size}))
        rig = rescaled(rig, *arguments.size)
        print("- The lenses were rescaled from {} to {}x{}.".format(before, *arguments.size))
    if arguments.up:
        rig = with_upward(rig, arguments.up)
        print(f"- The world was turned: its {arguments.up} axis is now z, upwards.")
    if arguments.axes:
        rig = axes_in_words(arguments.axes).of_rig(rig)
        print("- The world was turned: x is now forward, y left and z up.")
    name = arguments.to or format_for(arguments.target)
    files = files_of(rig, arguments.target, name)
    _check_free(list(files), arguments.force)
    write_rig(rig, arguments.target, name)
    where = f"{len(files)} files in {arguments.target}" if len(files) > 1 else next(iter(files))
    print(
        f"{len(rig.names)} cameras ({', '.join(rig.names)}), read as {reading.format_name}, were "
        f"written as {name}: {where}."
    )
    return 0


def _check_free(files: list[pathlib.Path], force: bool) -> None:
    """Do not replace a calibration that may be the only one.

    Raises:
        InputError: a file is there, and replacing it was not asked for; or a folder is.
    """
    for file in files:
        if file.is_dir():
            raise InputError(str(file), "It is a folder.", "Give the name of a file.")
        if file.exists() and not force:
            raise InputError(str(file), "It is there already.", "Use --force to replace it.")


def _size(text: str) -> tuple[int, int]:
    """Width and height, for argparse."""
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a size such as 1920x1080")
    return int(match[1]), int(match[2])


def _unit(text: str) -> float:
    """Metres in one unit, for argparse."""
    known = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
    if text in known:
        return known[text]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e4:
        raise argparse.ArgumentTypeError(f"{text} is not m, cm, mm, or a length in metres")
    return value
