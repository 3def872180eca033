"""`python -m benchmarks`: finds the benchmark asked for, runs it, writes its result.

Each benchmark is a module of this package with two functions, as a verb of `diffbio` is:

    add_arguments(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace) -> int    # the exit status

It is imported only when it was asked for, so that `--help` answers at once.
"""

import argparse
import importlib
import os
import pathlib
import sys
from collections.abc import Sequence

from benchmarks.arguments import ROOT
from diffbio.errors import DiffbioError

BENCHMARKS = {
    "kinematics": "compile and run time and accuracy of forward kinematics: fused, mjx, C MuJoCo",
    "fit": "both solvers on the same trials: time, cost and truth",
    "accuracy": "fits of recordings with a reference, and of simulated ones with a truth",
    "arrow": "elimination of the control points of a trial: in turn, and by cyclic reduction",
    "first_result": "a fresh process from the command line to its files, cold and warm cache",
    "calibration": "rigs from boards: against simulated truth, OpenCV and shipped rigs",
    "cohort": "one body per participant, one base model per cohort, and studies of many trials",
    "gait": "gait events and metrics against force plates and a clinical laboratory's table",
    "dynamics": "inverse dynamics against C MuJoCo, and walks on plates against OpenSim",
    "muscles": "sharing of joint moments among muscles: time, optimality, and a library",
    "memory": "peak memory and time of fits from 150 to 9600 frames",
}

EXIT_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark.

    Args:
        argv: words after `python -m benchmarks`; those of the process where None.

    Returns:
        Exit status: 0 done, 2 an error that was explained on standard error.
    """
    # As the command line of diffbio does, and for the same reason: OpenBLAS spins up a thread
    # per core for every small dense solve. JAX's own threads are left alone.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    words = list(sys.argv[1:] if argv is None else argv)
    asked = next((word for word in words if not word.startswith("-")), None)
    arguments = _parser(asked).parse_args(words)
    try:
        return arguments.run(arguments)
    except DiffbioError as error:
        print(f"benchmarks {arguments.benchmark}: {error}", file=sys.stderr)
        return EXIT_ERROR


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """Parser of all benchmarks, with the arguments of the one asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure diffbio on this machine. benchmarks/README.md explains the numbers.",
    )
    names = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK", required=True)
    for name, summary in BENCHMARKS.items():
        one = names.add_parser(name, help=summary, description=f"Measure {summary}.")
        one.add_argument(
            "-o",
            "--output",
            type=pathlib.Path,
            metavar="FOLDER",
            default=ROOT / "benchmarks" / "results",
            help="where NAME-MACHINE.json and .md are written (default: benchmarks/results)",
        )
        if name == asked:
            module = importlib.import_module(f"benchmarks.{name}")
            module.add_arguments(one)
            one.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
