"""Solve the same objectives in every way, and write tables and figures."""

import argparse
import functools
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")

from tqdm import tqdm

from benchmarks.arguments import ROOT
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, write_result
from diffbio._jax import cache_folder, enable_compilation_cache
from experiments.trajectories.pictures import draw_bandwidths, draw_ways
from experiments.trajectories.plan import fits_of
from experiments.trajectories.scores import score, score_of_truth
from experiments.trajectories.store import Measured, Store
from experiments.trajectories.tables import NOISE, report
from experiments.trajectories.trials import Trial, is_simulated, load_trial
from experiments.trajectories.ways import How, Solutions

HERE = pathlib.Path(__file__).parent


class Bench:
    """One trial, prepared and solved only as far as results are missing."""

    def __init__(self, name: str, recordings: pathlib.Path):
        self.name, self.recordings = name, recordings

    @functools.cached_property
    def trial(self) -> Trial:
        """The trial itself."""
        return load_trial(self.name, self.recordings)

    @functools.cached_property
    def solutions(self) -> Solutions:
        """Its solutions."""
        return Solutions(self.trial)

    def measure(self, how: How) -> Measured:
        """One fit: how it was made, what it took, how good it is."""
        solved = self.solutions(how)
        return {
            "way": how.way,
            "bandwidth_hz": how.bandwidth_hz,
            "steps": how.steps,
            "iterations": solved.value.iterations,
            "seconds": solved.seconds,
            "cpu_s": solved.cpu_s,
            **score(self.trial, solved.value.unknowns),
            "load_average": load_average(),
        }

    def measure_noise(self) -> Measured:
        """What the truth itself leaves."""
        return {**score_of_truth(self.trial)}


def main() -> None:
    """Measure what is missing, then write everything that was measured."""
    arguments = _arguments()
    check_writable(arguments.output)
    enable_compilation_cache()
    store = Store(arguments.measured, fresh=arguments.fresh)
    measured: dict[str, dict[str, Measured]] = {}
    plan = fits_of(arguments.data)
    bar = tqdm(total=sum(map(len, plan.values())), unit="fit", file=sys.stderr)
    for name, fits in plan.items():
        bench = Bench(name, arguments.data)
        measured[name] = {}
        if is_simulated(name):
            measured[name][NOISE] = store.get(f"{name} {NOISE}", bench.measure_noise)
        for how in fits:
            bar.set_description(f"{name}: {how}")
            measure = functools.partial(bench.measure, how)
            measured[name][str(how)] = store.get(f"{name} {how}", measure)
            bar.update()
    bar.close()
    ones = [one for fits in measured.values() for key, one in fits.items() if key != NOISE]
    text = f"{load_sentence([one['load_average'] for one in ones])}\n\n{report(measured)}"  # pyright: ignore[reportArgumentType]
    print(text)
    written = write_result(arguments.output, "trajectories", {"trials": measured}, text)
    draw_ways(measured, HERE / "ways.png")
    draw_bandwidths(measured, HERE / "bandwidths.png")
    print(f"\nThe result is in {written[0]} and {written[1].name}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m experiments.trajectories", description=__doc__)
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--measured", type=pathlib.Path, metavar="FOLDER",
        default=cache_folder() / "experiments" / "trajectories",
        help="where every fit's numbers are kept as soon as they are there",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, default=HERE / "results", metavar="FOLDER"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
