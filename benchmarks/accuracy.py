"""`python -m benchmarks accuracy`: fits against references, and against simulated truth."""

import argparse
import dataclasses
import fnmatch
import functools
import pathlib
import sys
from collections.abc import Callable, Sequence

from tqdm import tqdm

from benchmarks.arguments import ROOT, positive
from benchmarks.beam import COSTS, FITS, beam_tables, measure_beam, measure_cold
from benchmarks.machine import load_average, load_sentence
from benchmarks.one_fit import HowToFit
from benchmarks.simulated import measure_simulated, simulated_names, simulated_table
from benchmarks.table import check_writable, write_result
from benchmarks.walks import RECORDINGS, measure_walk, walk_names, walk_table
from diffbio._jax import enable_compilation_cache
from diffbio.errors import DiffbioError, InputError
from diffbio.fitting.motion_fit import SOLVERS, STEPS

BOTH = "both"

Entries = dict[str, Callable[[], dict[str, object]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--trials", nargs="+", default=["*"], metavar="PATTERN",
        help="only these, for instance: gait-14-* beam* simulated-0",
    )  # fmt: skip
    parser.add_argument(
        "--solver", default="gauss-newton", choices=[*SOLVERS, BOTH],
        help="`both` shows the two side by side (default gauss-newton)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=positive, default=STEPS, metavar="N", help=f"of AdamW (default {STEPS})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Fit every trial asked for, and write the result. A trial that fails stops no other."""
    check_writable(arguments.output)
    solvers = tuple(SOLVERS) if arguments.solver == BOTH else (arguments.solver,)
    chosen = choose(entries(arguments.data, solvers, arguments.steps), arguments.trials)
    enable_compilation_cache()
    measured: dict[str, dict] = {}
    failed: dict[str, str] = {}
    bar = tqdm(chosen.items(), unit="fit", file=sys.stderr, dynamic_ncols=True)
    for name, measure in bar:
        bar.set_description(name)
        try:
            measured[name] = {**measure(), "load_average": load_average()}
        except DiffbioError as error:
            failed[name] = str(error)
    report = tables(measured, failed)
    if measured:
        loads = load_sentence([one["load_average"] for one in measured.values()])
        report = f"{loads}\n\n{report}"
    print(report)
    content = {"steps_of_adamw": arguments.steps, "trials": measured, "failed": failed}
    written = write_result(arguments.output, "accuracy", content, report)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return int(bool(failed))


def entries(recordings: pathlib.Path, solvers: Sequence[str], steps: int) -> Entries:
    """Everything that can be measured, by name; where AdamW does it, the name ends so.

    Args:
        recordings: folder of recordings.
        solvers: which to use.
        steps: of AdamW.

    Raises:
        InputError: the recordings are not there.
    """
    if not (recordings / RECORDINGS).is_dir():
        raise InputError(
            str(recordings),
            f"The recordings are not there: no folder {RECORDINGS}.",
            "Give the folder that holds them with --data.",
        )
    found: Entries = {}

    def add(name: str, how: HowToFit, measure: Callable[[HowToFit], dict[str, object]]) -> None:
        # Side by side: the two solvers follow each other under every name.
        for solver in solvers:
            one = dataclasses.replace(how, solver=solver, steps=steps)
            label = f"{name}, adamw" if solver == "adamw" else name
            found[label] = functools.partial(measure, one)

    for name in walk_names(recordings):
        add(name, HowToFit(), functools.partial(measure_walk, recordings, name))
    for name, how in FITS.items():
        add(name, how, functools.partial(measure_beam, recordings))
    for name, how in COSTS.items():
        if how.solver in solvers:
            one = dataclasses.replace(how, steps=steps)
            found[name] = functools.partial(measure_cold, recordings, one)
    for name in simulated_names():
        add(name, HowToFit(), functools.partial(measure_simulated, name))
    return found


def choose(known: Entries, patterns: Sequence[str]) -> Entries:
    """The entries whose name, without the solver, matches a pattern, in the order of all entries.

    Raises:
        InputError: a pattern matches none.
    """
    names = {label: label.partition(", ")[0] for label in known}
    for pattern in patterns:
        if not fnmatch.filter(names.values(), pattern):
            one_by_one = ", ".join(dict.fromkeys(names.values()))
            raise InputError(
                "--trials", f"Nothing is called {pattern!r}.", f"Known are: {one_by_one}."
            )
    return {
        label: measure
        for label, measure in known.items()
        if any(fnmatch.fnmatchcase(names[label], pattern) for pattern in patterns)
    }


def tables(measured: dict[str, dict], failed: dict[str, str]) -> str:
    """Everything measured as Markdown."""
    walks = {name: one for name, one in measured.items() if name.startswith("gait-")}
    beam = {name: one for name, one in measured.items() if name.startswith("beam")}
    simulated = {name: one for name, one in measured.items() if name.startswith("simulated-")}
    parts = []
    if walks:
        parts += [
            "Walks, real motion in simulated images; markers against the measured ones, angles "
            "against OpenSim's (RMSE with means removed; in brackets the bias, diffbio minus "
            "OpenSim, both sides):",
            walk_table(walks),
        ]
    if beam:
        parts += ["Beam, four real cameras; its references are other programs:", beam_tables(beam)]
    if simulated:
        parts += ["Simulated people, against their truth:", simulated_table(simulated)]
    parts += [f"{name} failed: {why}" for name, why in failed.items()]
    return "\n\n".join(parts)
