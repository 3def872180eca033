"""`diffbio export`: a fit in the formats of other programs."""

import argparse
import pathlib

from diffbio.errors import InputError

FORMATS = {
    "mot": "OpenSim: coordinates in degrees and metres",
    "sto": "OpenSim: the same in radians",
    "trc": "OpenSim, Mokka: markers",
    "osim": "OpenSim 4: the scaled body, with bones; goes with the .mot",
    "c3d": "Visual3D, Vicon, Mokka: markers, angles, events, analog channels",
    "bvh": "Blender, Unreal, MotionBuilder: skeleton and motion",
    "glb": "Blender, browsers: bones that move, markers, cameras",
    "bids": "BIDS-motion: a data set of tables",
    "csv": "spreadsheets: markers and coordinates",
    "parquet": "statistics: one tidy table",
}
"""What can be written, and who opens it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio export`."""
    parser.add_argument(
        "result", metavar="OUT", type=pathlib.Path, help="the folder that `diffbio fit` wrote"
    )
    listed = "; ".join(f"{name}: {words}" for name, words in FORMATS.items())
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=(*FORMATS, "all"),
        default=["all"],
        metavar="FORMAT",
        help=f"{listed}. Default: all that can be written",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=pathlib.Path,
        help="default: export in the folder of the fit",
    )
    parser.add_argument(
        "--analog",
        metavar="FILE",
        type=pathlib.Path,
        help="a .c3d of the same recording, whose analog channels (force plates, EMG) go into the "
        "new .c3d",
    )
    parser.add_argument(
        "--subject", default="01", metavar="LABEL", help="of the person, for bids (default: 01)"
    )
    parser.add_argument(
        "--task", default="walk", metavar="LABEL", help="of what they did, for bids (default: walk)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, write every format, and say where they are."""
    import jax

    jax.config.update("jax_enable_x64", True)  # files keep more digits than single precision has

    from diffbio.io.export_files import write_formats
    from diffbio.io.posed_person import ANATOMY_OF
    from diffbio.io.read_result import read_result
    from diffbio.io.write_gait import can_write_parquet

    everything = "all" in arguments.formats
    wanted = list(FORMATS) if everything else list(dict.fromkeys(arguments.formats))
    if not can_write_parquet() and "parquet" in wanted:
        remedy = 'Install it: pip install "diffbio[cohort]".'
        if not everything:
            raise InputError("--formats parquet", "It needs pyarrow.", remedy)
        wanted.remove("parquet")
        print(f"- No .parquet: it needs pyarrow. {remedy}")
    person = read_result(arguments.result)
    if everything and person.body_model != ANATOMY_OF:
        wanted.remove("osim")
        print(f"- No .osim: only {ANATOMY_OF} can be written for OpenSim.")
    folder = arguments.output or person.folder / "export"
    written, notes = write_formats(
        person,
        folder,
        wanted,
        analog=arguments.analog,
        subject=arguments.subject,
        task=arguments.task,
    )
    for note in notes:
        print(f"- {note}")
    for name, paths in written.items():
        size = sum(path.stat().st_size for path in paths)
        first, *others = paths
        more = f" and {len(others)} more" if others else ""
        print(f"- {name}: {first}{more} ({size / 1e6:.2f} MB)")
    print(
        f"{person.name}: {len(person.time)} frames were written in {len(written)} formats to "
        f"{folder}."
    )
    return 0
