"""`diffbio calibrate`: find where cameras stand and what their lenses are."""

import argparse
import importlib

WAYS = {
    "board": ("calibrate_board", "from pictures or videos of a board, or from its corners"),
    "person": ("calibrate_person", "from the keypoints of somebody who walks about, no board"),
    "scene": ("calibrate_scene", "from points whose places are known, and their lenses"),
    "refine": ("calibrate_refine", "from a trial: correct the rig it was recorded with"),
    "print-board": ("print_board", "write a board to print, at scale"),
}
"""Ways to calibrate: module with `add_arguments` and `run`, explanation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every way to calibrate."""
    ways = parser.add_subparsers(dest="way", metavar="WAY", required=True)
    for name, (module, summary) in WAYS.items():
        way_parser = ways.add_parser(name, help=summary, description=f"Calibrate {summary}.")
        way = importlib.import_module(f"diffbio.cli.{module}")
        way.add_arguments(way_parser)
        way_parser.set_defaults(run_way=way.run)


def run(arguments: argparse.Namespace) -> int:
    """Calibrate in the way asked for."""
    return arguments.run_way(arguments)
