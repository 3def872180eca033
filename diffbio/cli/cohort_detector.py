"""`diffbio cohort detector`: bias and noise of every keypoint, and what it is worth."""

import argparse
import importlib
import json
import pathlib

from diffbio.cli.cohort_fit import DEFAULT_OUTPUT
from diffbio.errors import InputError

FILES = ("detector.tsv", "detector.json", "detector.html")
"""What is written beside the results of the study."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio cohort detector`."""
    parser.add_argument(
        "out", metavar="OUT", type=pathlib.Path,
        help="the folder that `diffbio cohort fit` wrote, or the study that holds it",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, metavar="FOLDER",
        help="where to write the table and the page (default: OUT)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Calibrate a study's detector and say where the results are."""
    detector, pages, records, cohort_file, job, errors = _import(
        "study.detector", "study.detector_page", "study.records", "io.cohort_file", "study.job",
        "io.fit_errors",
    )  # fmt: skip
    folder = results_of(arguments.out)
    output = arguments.output or folder
    _import("report.result_folder")[0].check_writable(output)
    keypoint_set = _keypoint_set(folder)
    body = job.Settings(keypoint_set).body()
    population = cohort_file.read_population(folder / "cohort.nc", body)
    trials = (errors.read_fit_errors(path) for path in _fits(folder))
    noise = detector.noise_of_trials(trials)
    qualities = detector.keypoint_qualities(body, population, noise)
    people = population.n_participants
    content = (
        pages.detector_table(qualities),
        pages.detector_json(qualities, noise, keypoint_set, people),
        pages.detector_page(body, qualities, noise, keypoint_set, people),
    )
    for name, text in zip(FILES, content, strict=True):
        records.replace_text(output / name, text)
    print("\n".join(pages.detector_lines(qualities)))
    little = [one.name for one in qualities if one.verdict == "little"]
    print(
        f"{keypoint_set} by {people} participants and {noise.n_trials} trials: "
        + (f"{', '.join(little)} carry little information. " if little
           else "every keypoint carries information. ")
        + f"The results are in {output}: {', '.join(FILES)}."
    )  # fmt: skip
    return 0


def results_of(folder: pathlib.Path) -> pathlib.Path:
    """Where the results of a study are.

    Raises:
        InputError: there are none.
    """
    for place in (folder, folder / DEFAULT_OUTPUT):
        if (place / "cohort.json").is_file() and (place / "cohort.nc").is_file():
            return place
    raise InputError(
        str(folder),
        "It holds no cohort.json with a cohort.nc.",
        "Run `diffbio cohort fit STUDY -o OUT` first, and give OUT.",
    )


def _keypoint_set(folder: pathlib.Path) -> str:
    path = folder / "cohort.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["keypoint_set"])
    except (OSError, ValueError, KeyError) as error:
        remedy = "Run `diffbio cohort fit` again."
        raise InputError(str(path), f"It cannot be read ({error}).", remedy) from error


def _fits(folder: pathlib.Path) -> list[pathlib.Path]:
    """Results of all trials, whatever their sessions."""
    return sorted(folder.glob("sub-*/**/fit.nc"))


def _import(*names: str):
    """Modules of the package, imported only when a verb runs, so that `--help` is instant."""
    return [importlib.import_module(f"diffbio.{name}") for name in names]
