"""The `diffbio` command: finds the verb, runs it, turns errors into sentences.

Each verb is a module of this package with two functions:

    add_arguments(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace) -> int    # the exit status

A verb's module is imported only when that verb was asked for, and imports what it needs when it
runs, so that `diffbio --help` and `diffbio fit --help` answer at once.
"""

import argparse
import gc
import importlib
import keyword
import os
import sys
from collections.abc import Sequence

from diffbio import __version__
from diffbio.errors import DiffbioError

VERBS = {
    "demo": "simulate a walking trial, fit it, and compare with the truth",
    "import": "read a trial of another program, as it lies",
    "fit": "fit a body to a trial recorded with several calibrated cameras",
    "cohort": "fit a study: one body each, one base model for all",
    "view": "show a fit in space: bones, muscles, markers and cameras",
    "gait": "measure a walk: events, steps, joint angles over the cycle",
    "report": "make the pages of a result anew, and print them",
    "calibrate": "find where cameras stand and what their lenses are, with a board",
    "rig": "show the cameras of a rig, and the precision to expect of them",
    "export": "write a fit for OpenSim, Visual3D, Blender and spreadsheets",
    "convert": "rewrite a camera rig in the format of another program",
    "doctor": "say what is installed, what is missing, and how to get it",
}

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        argv: words after `diffbio`; those of the process where None.

    Returns:
        Exit status: 0 done, 1 done but with a bad verdict, 2 an error that was explained on
        standard error, 130 interrupted.
    """
    _prepare_process()
    words = list(sys.argv[1:] if argv is None else argv)
    asked = next((word for word in words if not word.startswith("-")), None)
    arguments = _parser(asked).parse_args(words)
    try:
        return arguments.run(arguments)
    except DiffbioError as error:
        print(f"diffbio {arguments.verb}: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("\nStopped; the previous result is intact.", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """Parser of all verbs, with the arguments of the one asked for."""
    parser = argparse.ArgumentParser(
        prog="diffbio",
        description="Fit a musculoskeletal body to what several calibrated cameras saw.",
        epilog="`diffbio VERB --help` explains a verb. Start with `diffbio demo`.",
    )
    parser.add_argument("--version", action="version", version=f"diffbio {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, summary in VERBS.items():
        verb_parser = verbs.add_parser(name, help=summary, description=_sentence(summary))
        if name == asked:
            # No module may be called `import`.
            module = f"{name}_" if keyword.iskeyword(name) else name
            verb = importlib.import_module(f"diffbio.cli.{module}")
            verb.add_arguments(verb_parser)
            verb_parser.set_defaults(run=verb.run)
    return parser


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _prepare_process() -> None:
    """Choose what libraries read from the environment, where the user has not, and spare garbage.

    The small dense solves of a fit are slower by two orders of magnitude when OpenBLAS spins up
    one thread per core for each of them.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Tracing makes objects by the million that live on; looking through them for garbage every
    # 700 takes a twentieth of a fit's time.
    gc.set_threshold(50_000, 20, 100)


if __name__ == "__main__":
    sys.exit(main())
