"""`diffbio cohort`: what concerns many participants at once."""

import argparse
import importlib

TASKS = {
    "fit": ("cohort_fit", "fit a study: one body a participant, one base model for all"),
    "detector": ("cohort_detector", "bias and noise of every keypoint, learnt from a fitted study"),
}
"""What can be done: module with `add_arguments` and `run`, explanation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every task."""
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for name, (module, summary) in TASKS.items():
        sentence = f"{summary[0].upper()}{summary[1:]}."
        task_parser = tasks.add_parser(name, help=summary, description=sentence)
        task = importlib.import_module(f"diffbio.cli.{module}")
        task.add_arguments(task_parser)
        task_parser.set_defaults(run_task=task.run)


def run(arguments: argparse.Namespace) -> int:
    """Do the task asked for."""
    return arguments.run_task(arguments)
