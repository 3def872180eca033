"""`diffbio cohort fit`: fit a study, on as many workers as there are; restartable."""

import argparse
import contextlib
import importlib
import pathlib
import sys

from tqdm import tqdm

from diffbio.cli.fit_arguments import REFINEMENTS
from diffbio.errors import DiffbioError, InputError

DEFAULT_OUTPUT = pathlib.Path("derivatives") / "diffbio"
"""Of a study: where BIDS has what was computed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio cohort fit`."""
    parser.add_argument(
        "study", metavar="STUDY", type=pathlib.Path,
        help="a folder with sub-*/ses-*/TRIAL or sub-*/TRIAL, and perhaps participants.tsv",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, help=f"default: STUDY/{DEFAULT_OUTPUT}"
    )
    for group, (what, explanation) in REFINEMENTS.items():
        parser.add_argument(
            f"--refine-{what}", dest="refine", action="append_const", const=group, help=explanation
        )
    parser.add_argument(
        "--keypoint-set", help="of the study (default: that of the first trial that can be read)"
    )
    parser.add_argument(
        "--bandwidth", type=float, metavar="HZ", help="highest frequency of the motion"
    )
    parser.add_argument(
        "--rounds", type=int, default=4, metavar="N",
        help="times one participant is solved for at most to learn the population (default 4)",
    )  # fmt: skip
    parser.add_argument(
        "--per-participant-only", action="store_true",
        help="one body a participant under the default prior; learn no population",
    )  # fmt: skip
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine (default: this one)"
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that runs already")


def run(arguments: argparse.Namespace) -> int:
    """Fit a study and say where the results are; 1 where a participant has none."""
    for name in ("workers", "rounds", "bandwidth"):
        if (value := getattr(arguments, name)) is not None and not value > 0:
            raise InputError(f"--{name}", f"{value} is not positive.", "Give a positive number.")
    tables, studies, files, jax_support = _import("io.angles_table", "study", "study.files", "_jax")
    tables.check_parquet()
    jax_support.enable_compilation_cache()
    study = _import("io.study")[0].read_study(arguments.study)
    output = arguments.output or arguments.study / DEFAULT_OUTPUT
    _import("report.result_folder")[0].check_writable(output)
    n_trials = sum(len(one.trials) for one in study.participants)
    print(f"{arguments.study}: {len(study.participants)} participants, {n_trials} trials.")
    settings = studies.Settings(
        keypoint_set=arguments.keypoint_set or keypoint_set_of(study),
        refine=tuple(group for group in REFINEMENTS if group in (arguments.refine or ())),
        bandwidth_hz=arguments.bandwidth,
    )
    with _runner(arguments) as runner, _Bar() as bar:
        fit = studies.fit_study(
            study,
            output,
            settings,
            run=runner,
            rounds=arguments.rounds,
            learn_population=not arguments.per_participant_only,
            progress=bar,
        )
    rows = files.write_study(fit, output)
    return _report(fit, study, output, rows)


def keypoint_set_of(study) -> str:
    """Name of the keypoints of the first trial that can be read.

    Raises:
        InputError: none can.
    """
    (io,) = _import("io.read")
    reasons = []
    for participant in study.participants:
        for trial in participant.trials:
            try:
                return io.read_trial(trial.path, rig=trial.rig).keypoints.set_name
            except (DiffbioError, OSError) as error:
                reasons.append(str(error))
    first = "; ".join(reasons[:3])
    raise InputError(
        str(study.path),
        f"None of its {len(reasons)} trials can be read. {first}",
        "Read one of them with `diffbio fit` to see what is missing.",
    )


@contextlib.contextmanager
def _runner(arguments):
    """Who does the work."""
    if arguments.workers is None and arguments.scheduler is None:
        yield _import("study.runners")[0].in_turn
        return
    (cluster,) = _import("study.cluster")
    with cluster.cluster_runner(workers=arguments.workers, scheduler=arguments.scheduler) as runner:
        yield runner


class _Bar:
    """Progress over participants, one bar for each round."""

    def __enter__(self) -> "_Bar":
        self._bar: tqdm | None = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, what: str, done: int, of: int) -> None:
        if done == 0:
            self.__exit__()
            self._bar = tqdm(
                total=of, desc=what, unit="participant", file=sys.stderr, dynamic_ncols=True
            )
        elif self._bar is not None:
            self._bar.update(done - self._bar.n)


def _report(fit, study, output: pathlib.Path, rows: int) -> int:
    for one in fit.remarks:
        where = " ".join(filter(None, (one.participant, one.trial)))
        print(f"- {where}: {one.reason}" if where else f"- {one.reason}")
    for message in _import("study.summary")[0].messages_of(fit):
        print(f"- {message}")
    without = [one.name for one in study.participants if one.name not in fit.delivered]
    n_trials = sum(len(one.trials) for one in fit.delivered.values())
    now = fit.jobs["deliver"]
    print(
        f"{len(fit.delivered)} of {len(study.participants)} participants have results "
        f"({now} of them fitted now), {n_trials} trials, {rows} rows of angles."
    )
    names = ", ".join(_import("study.files")[0].files_of(fit))
    print(f"The results are in {output}: {names}, and a folder for each participant.")
    return int(bool(without))


def _import(*names: str):
    """Modules of the package, imported only when a verb runs, so that `--help` is instant."""
    return [importlib.import_module(f"diffbio.{name}") for name in names]
