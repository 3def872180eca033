"""What the arguments of several benchmarks share."""

import argparse
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
"""The repository."""


def positive(text: str) -> int:
    """A positive number out of an argument."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value
