"""`diffbio rig`: look at a rig before recording with it."""

import argparse
import importlib

WAYS = {"show": ("rig_show", "write a page with the cameras and the precision to expect")}
"""What can be done with a rig: module with `add_arguments` and `run`, explanation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of everything that can be done with a rig."""
    ways = parser.add_subparsers(dest="way", metavar="WAY", required=True)
    for name, (module, summary) in WAYS.items():
        description = f"{summary[0].upper()}{summary[1:]}."
        way_parser = ways.add_parser(name, help=summary, description=description)
        way = importlib.import_module(f"diffbio.cli.{module}")
        way.add_arguments(way_parser)
        way_parser.set_defaults(run_way=way.run)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    return arguments.run_way(arguments)
