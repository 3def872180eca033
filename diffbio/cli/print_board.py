"""`diffbio calibrate print-board`: write a board to print, at scale."""

import argparse
import pathlib

from diffbio.errors import InputError

KINDS = ("charuco", "aruco", "checkerboard")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio calibrate print-board`."""
    parser.add_argument("file", metavar="FILE", type=pathlib.Path, help="to write, an .svg")
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    add_board_arguments(parser)


def add_board_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that describe a board."""
    board = parser.add_argument_group("the board")
    board.add_argument(
        "--board", choices=KINDS, default="charuco", help="what it is (default charuco)"
    )
    board.add_argument(
        "--columns",
        type=int,
        metavar="N",
        help="squares across (charuco), markers (aruco), inner corners (checkerboard)",
    )
    board.add_argument("--rows", type=int, metavar="N", help="likewise, downwards")
    board.add_argument(
        "--square-mm",
        type=float,
        metavar="MM",
        help="side of a square, measured on the print; of a grid of markers, from one to the next",
    )
    board.add_argument(
        "--marker-mm", type=float, metavar="MM", help="side of a marker (default 0.75 of a square)"
    )
    board.add_argument(
        "--dictionary",
        default="DICT_5X5_1000",
        metavar="NAME",
        help="OpenCV's name of the set of markers (default DICT_5X5_1000)",
    )


def board_of(arguments: argparse.Namespace):
    """The board that the arguments describe.

    Raises:
        InputError: the description is incomplete, or no such board exists.
    """
    from diffbio.cameras.calibration import make_board

    stated = {
        "--columns": arguments.columns,
        "--rows": arguments.rows,
        "--square-mm": arguments.square_mm,
    }
    if missing := [flag for flag, value in stated.items() if value is None]:
        raise InputError(
            "board",
            f"{', '.join(missing)} is missing.",
            "Describe the board: --board charuco --columns 9 --rows 7 --square-mm 90.",
        )
    marker = None if arguments.marker_mm is None else 1e-3 * arguments.marker_mm
    return make_board(
        arguments.board,
        arguments.columns,
        arguments.rows,
        1e-3 * arguments.square_mm,
        marker=marker,
        dictionary=arguments.dictionary,
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the board."""
    from diffbio.cameras.calibration.printing import board_size_mm, board_svg

    board = board_of(arguments)
    file = arguments.file
    if file.suffix.lower() != ".svg":
        raise InputError(str(file), "Boards are written as SVG.", "Give it a name ending in .svg.")
    if file.exists() and not arguments.force:
        raise InputError(str(file), "It is there already.", "Use --force to replace it.")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(board_svg(board), encoding="utf-8")
    partial.replace(file)
    width, height = board_size_mm(board)
    print(
        f"{board}: {width:g} x {height:g} mm, in {file}. Print it at 100 %, glue it to something "
        "flat and stiff, and measure a square: that is --square-mm."
    )
    return 0
