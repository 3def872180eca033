"""`python -m benchmarks cohort`: one body per participant, one base model per cohort, at scale.

Parts:
    kept_out: a walk fitted alone, and with the body of the participant's other walks.
    optical: optical markers of real participants, beside what their source's own pipeline left.
    held_out_markers: markers that a fit did not see, predicted with what other participants taught.
    deviations: stated deviations of segment sizes by the number of trials.
    cohort: simulated participants whose base model is wrong: are its markers recovered, and do
        people who were not among them gain?
    scale_out: the same study by one process and by Dask with two workers, one of them killed.
    memory: peak memory by the number of trials.
"""

import argparse
import pathlib

from benchmarks import shared_body
from benchmarks.arguments import ROOT, positive
from benchmarks.cohort_scale import measure_memory, measure_scale_out
from benchmarks.cohort_simulated import measure_cohort
from benchmarks.optical import measure_optical
from benchmarks.optical_cohort import measure_held_out
from benchmarks.table import check_writable, write_result

PARTS = ("kept_out", "optical", "held_out_markers", "deviations", "cohort", "scale_out", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--kind", choices=("markers", "body"), default="markers", help="keypoints of real walks"
    )
    parser.add_argument(
        "--participants", type=positive, default=24, metavar="N", help="simulated (default 24)"
    )
    parser.add_argument(
        "--held-out", type=positive, default=6, metavar="N",
        help="simulated participants whom the cohort never saw (default 6)",
    )  # fmt: skip
    parser.add_argument(
        "--trials", type=positive, default=12, metavar="N",
        help="of scale_out (default 12, to see that it works; 1000 for the number)",
    )  # fmt: skip
    parser.add_argument(
        "--frames", type=positive, default=300, metavar="N", help="of those (default 300)"
    )
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="(default 2)")


def run(arguments: argparse.Namespace) -> int:
    """Measure the parts asked for, and write each one's result as soon as it is there."""
    check_writable(arguments.output)
    measures = {
        "kept_out": lambda: shared_body.measure_kept_out(arguments.data, arguments.kind),
        "optical": lambda: measure_optical(arguments.data),
        "held_out_markers": lambda: measure_held_out(arguments.data),
        "deviations": lambda: shared_body.measure_deviations(arguments.data, arguments.kind),
        "cohort": lambda: measure_cohort(arguments.participants, arguments.held_out),
        "scale_out": lambda: measure_scale_out(
            arguments.trials, arguments.frames, arguments.workers
        ),
        "memory": lambda: measure_memory(arguments.frames),
    }
    for part in arguments.parts:
        measured = dict(measures[part]())
        report = measured.pop("report")
        print(f"\n## {part}\n\n{report}")
        written = write_result(arguments.output, f"cohort-{part}", measured, report)
        print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0
