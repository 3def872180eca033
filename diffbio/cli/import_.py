"""`diffbio import`: another program's trial as one that `diffbio fit` or `diffbio gait` reads."""

import argparse
import pathlib

SOURCES = (
    "opencap",
    "addbiomechanics",
    "freemocap",
    "anipose",
    "pose2sim",
    "theia",
    "deeplabcut",
    "sleap",
    "mmpose",
    "alphapose",
    "coco",
)
"""Keys of `diffbio.io.import_sources.SOURCES`, repeated so that `--help` need not load it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio import`."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=pathlib.Path,
        help="a session of OpenCap, a subject of AddBiomechanics, a recording of FreeMoCap, a "
        "project of Anipose or Pose2Sim, a .c3d of Theia3D, or a folder with one file per camera "
        "of DeepLabCut, SLEAP, MMPose, AlphaPose or COCO results; which one is found by its "
        "content, and nothing of it is moved or changed",
    )
    parser.add_argument(
        "-o", "--output", metavar="TRIAL", type=pathlib.Path, required=True, help="folder to write"
    )
    parser.add_argument("--format", choices=SOURCES, help="what SOURCE is, where it does not tell")
    parser.add_argument("--trial", help="which trial, where there are several")
    parser.add_argument(
        "--rig", type=pathlib.Path, help="calibration, in any format `diffbio convert` knows"
    )
    parser.add_argument(
        "--frame-rate", type=_rate, metavar="HZ", help="where no file and no video tells"
    )
    parser.add_argument("--keypoint-set", help="name of a set, or a keypoint table of your own")
    parser.add_argument("--force", action="store_true", help="replace files that are there")


def run(arguments: argparse.Namespace) -> int:
    """Read, write, and say what was decided on the way and what to do next."""
    from diffbio.io.import_sources import SOURCES, import_source
    from diffbio.io.imported import MARKERS_FILE, Stated, write_imported

    stated = Stated(arguments.rig, arguments.keypoint_set, arguments.frame_rate, arguments.trial)
    name, found = import_source(arguments.source, stated, arguments.format)
    output: pathlib.Path = arguments.output
    files = write_imported(found, output, force=arguments.force)
    for note in found.notes:
        print(f"- {note}")
    print(f"Read as {SOURCES[name].title}: {_described(found)}. Written: {', '.join(files)}.")
    if found.trial is not None:
        print(f"Next: diffbio fit {output}")
    else:
        print(f"Next: diffbio gait {output / MARKERS_FILE}")
    return 0


def _described(found) -> str:
    if found.trial is not None:
        keypoints = found.trial.keypoints
        return (
            f"{found.trial.name}, {len(keypoints.time)} frames at "
            f"{found.trial.frame_rate_hz:g} Hz, {len(keypoints.camera_names)} cameras, "
            f"{len(keypoints.names)} keypoints ({keypoints.set_name})"
        )
    markers = found.markers
    return (
        f"{len(markers.time)} frames at {markers.frame_rate_hz:g} Hz, "
        f"{len(markers.names)} points in space"
    )


def _rate(text: str) -> float:
    """A frame rate, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e5:
        raise argparse.ArgumentTypeError(f"{text} is not a number of frames per second")
    return value
