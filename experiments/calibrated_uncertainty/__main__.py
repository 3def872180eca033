"""Measure how well error bars are calibrated, learn a correction, and measure again."""

import argparse
import os
import pathlib
import sys
import tempfile

# OpenBLAS and matplotlib read these when they are imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from diffbio._jax import enable_compilation_cache
from diffbio.errors import DiffbioError
from experiments.calibrated_uncertainty.fits import all_fits
from experiments.calibrated_uncertainty.pictures import draw_reliability
from experiments.calibrated_uncertainty.result import Compared, evaluate
from experiments.calibrated_uncertainty.simulated import CASES, PER_CASE
from experiments.calibrated_uncertainty.tables import report

HERE = pathlib.Path(__file__).parent


def main() -> int:
    """Fit what is not fitted yet, evaluate, and write tables and pictures."""
    arguments = _arguments()
    enable_compilation_cache()
    try:
        fits = all_fits(arguments.cache, arguments.data, arguments.trials, arguments.walks)
    except DiffbioError as error:
        print(f"calibrated_uncertainty: {error}", file=sys.stderr)
        return 2
    result = evaluate(fits)
    text = report(result)
    print(text)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "measured.md").write_text(f"# Measured\n\n{text}\n")
    draw_reliability(
        result.unseen,
        arguments.output / "reliability_simulated.png",
        "Simulated people that nothing was learnt from",
    )
    draw_reliability(
        {**_named(result.markers, "simulated, "), **_named(result.walks, "walks, ")},
        arguments.output / "reliability_markers.png",
        "Marker positions of simulated people and of measured walks",
    )
    print(f"\nWritten to {arguments.output}: measured.md and two pictures.")
    return 0


def _named(measured: dict[str, Compared], before: str) -> dict[str, Compared]:
    return {before + name: one for name, one in measured.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.calibrated_uncertainty", description=__doc__
    )
    parser.add_argument(
        "--trials", type=int, default=len(CASES) * PER_CASE, metavar="N",
        help=f"simulated trials (default {len(CASES) * PER_CASE}; at least 2 x {len(CASES)})",
    )  # fmt: skip
    parser.add_argument("--walks", type=int, metavar="N", help="measured walks (default all)")
    parser.add_argument(
        "--data", type=pathlib.Path, default=HERE.parents[2] / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=pathlib.Path, metavar="FOLDER",
        default=pathlib.Path(tempfile.gettempdir(), "diffbio-calibrated-uncertainty"),
        help="where finished fits are kept; fits of other code are not used (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, default=HERE, metavar="FOLDER",
        help="for the tables and pictures (default: this experiment's own folder)",
    )  # fmt: skip
    arguments = parser.parse_args()
    if arguments.trials < 2 * len(CASES):
        parser.error(f"--trials: both halves need every case: at least {2 * len(CASES)}")
    if arguments.walks is not None and arguments.walks < 2:
        parser.error("--walks: a correction is learnt without the walk itself: at least 2")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
