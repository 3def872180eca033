"""`diffbio report`: the pages of a result, made anew and printed."""

import argparse
import pathlib

from diffbio.cli import gait
from diffbio.errors import InputError

FIT_PAGE = "report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio report`: those of `diffbio gait`."""
    gait.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure the walk anew and write its page; with `--pdf`, print that of the fit too.

    A fit in which nobody walks has its page all the same, which is no failure here.

    Raises:
        InputError: there is neither a fit nor a walk.
    """
    folder: pathlib.Path = arguments.walk
    page = folder / FIT_PAGE
    try:
        status = gait.run(arguments)
    except InputError as error:
        if not page.is_file():
            raise
        print(f"- No page of a walk: {error}")
        status = gait.EXIT_NOTHING
    if page.is_file():
        if arguments.pdf:
            print(f"- {gait.print_page(page)}")
        print(f"The page of the fit is {page}.")
        return 0
    return status
