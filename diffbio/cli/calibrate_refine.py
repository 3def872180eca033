"""`diffbio calibrate refine`: a rig corrected from a trial, and what speaks for the correction."""

import argparse
import dataclasses
import math
import pathlib

from diffbio.cli import fit as fit_verb
from diffbio.cli.fit_arguments import REFINEMENTS, add_trial_arguments
from diffbio.errors import FitError, InputError, UnknownNameError

BY_ITSELF, ALL, TIME = "auto", "all", "time"
"""What `--hold-out` may be besides a camera."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio calibrate refine`."""
    add_trial_arguments(parser)
    parser.add_argument("-o", "--output", type=pathlib.Path, help="default: TRIAL-rig, beside it")
    for group, (what, explanation) in REFINEMENTS.items():
        if group != "poses":
            parser.add_argument(
                f"--refine-{what}",
                dest="refine",
                action="append_const",
                const=group,
                help=f"besides where cameras stand and look: {explanation}",
            )
    parser.add_argument(
        "--hold-out",
        metavar="WHAT",
        default=BY_ITSELF,
        help=f"measure the change by this camera, which is not used; {ALL}: by each in turn; "
        f"{TIME}: by the second half of the trial (default: the camera with most detections)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Fit with something left out, then with everything; judge, write, and say where."""
    import jax

    from diffbio._jax import enable_compilation_cache
    from diffbio.cli.progress import Console
    from diffbio.report.calibration_folder import check_writable
    from diffbio.report.refined_folder import write_refined
    from diffbio.report.refinement import judge_refinement

    enable_compilation_cache()
    console = Console()
    trial = fit_verb.read_trial(arguments)
    output = arguments.output or _beside(arguments.trial_path)
    check_writable(output)
    held_out = what_to_hold_out(arguments.hold_out, trial)
    console.say(fit_verb.describe(trial))
    for note in trial.notes:
        console.say(note)
    arguments.kinematics = "fused"
    body = fit_verb.body_for(arguments, trial)
    groups = tuple(g for g in REFINEMENTS if g == "poses" or g in (arguments.refine or ()))
    evidence = []
    for name in held_out:
        one = _by_time if name == TIME else _by_camera
        evidence.append(one(body, trial, groups, name, console))
        console.say(evidence[-1].sentence)
    before = _fitted(body, trial, (), None, console, "all cameras, as given")
    fit = _fitted(body, trial, groups, None, console, "all cameras, refined")
    console.say(_what_changed(fit))
    verdict = judge_refinement(fit, trial, evidence)
    jax.config.update("jax_enable_x64", True)  # differences of far points want the digits
    notes = write_refined(output, before, fit, trial, evidence, verdict, console.log)
    for message in (*verdict.reasons, *notes):
        print(f"- {message}")
    print(f"{verdict.sentence[0].upper()}{verdict.sentence[1:]}")
    print(
        f"The rig is {output / 'rig.toml'}; the numbers are in {output / 'summary.json'}, and "
        f"{output / 'rig.html'} shows it."
    )
    return int(verdict.level == "fail")


def what_to_hold_out(asked: str, trial) -> tuple[str, ...]:
    """Names of cameras, or `TIME`.

    Raises:
        InputError: of two cameras one was to be left out.
        UnknownNameError: there is no such camera.
    """
    from diffbio.report.refinement import camera_to_hold_out

    names = trial.rig.names
    if asked == TIME:
        return (TIME,)
    if asked == BY_ITSELF:
        return (camera_to_hold_out(trial) or TIME,)
    if asked != ALL and asked not in names:
        raise UnknownNameError("--hold-out", "camera", asked, (*names, ALL, TIME))
    if len(names) < 3:
        raise InputError(
            "--hold-out",
            f"There are {len(names)} cameras, and a fit needs two.",
            f"Give --hold-out {TIME}: the second half of the trial is left out instead.",
        )
    return names if asked == ALL else (asked,)


def _by_camera(body, trial, groups, name, console):
    """The error of a camera that two fits did not use, one of which refined the others."""
    from diffbio.report.held_out import held_out_errors
    from diffbio.report.refinement import evidence_of

    errors = []
    for refine in ((), groups):
        fit = _fitted(body, trial, refine, name, console, f"without {name}")
        errors.append(held_out_errors(fit, trial))
        if errors[-1] is None or math.isnan(errors[-1].refitted_px):
            raise InputError(
                f"--hold-out {name}", "It detected next to nothing.", "Hold another camera out."
            )
    return evidence_of(*errors)


def _by_time(body, trial, groups, _, console):
    """The error in the second half of a trial, with the rig as refined by the first."""
    import numpy as np

    from diffbio.report.quality import error_mm
    from diffbio.report.refinement import Evidence

    count = len(trial.keypoints.time)
    halves = [part(trial, slice(0, count // 2)), part(trial, slice(count // 2, count))]
    refined = _fitted(body, halves[0], groups, None, console, "first half, refined").rig
    errors = []
    for rig in (trial.rig, refined):
        second = dataclasses.replace(halves[1], rig=rig)
        fit = _fitted(body, second, (), None, console, "second half")
        errors.append((fit.error.median_px, float(np.nanmedian(error_mm(fit)))))
    (before_px, before_mm), (after_px, after_mm) = errors
    return Evidence("The second half of the trial", before_px, after_px, before_mm, after_mm)


def part(trial, frames: slice):
    """Some frames of a trial."""
    keypoints = trial.keypoints
    lag = keypoints.lag
    keypoints = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, frames],
        confidence=keypoints.confidence[:, frames],
        time=keypoints.time[frames],
        lag=None if lag is None else lag[:, frames],
    )
    return dataclasses.replace(trial, keypoints=keypoints)


def _fitted(body, trial, refine, hold_out, console, what):
    """One fit, by the default solver.

    Raises:
        FitError: it ended in numbers that are not finite.
    """
    import jax
    import numpy as np

    from diffbio.fitting import Outcome, fit_motion
    from diffbio.fitting.schedule import MAX_ITERATIONS

    console.note(f"Fitting: {what}{', refined' if refine and hold_out else ''}.")
    with console.training(MAX_ITERATIONS) as bar:
        fit = fit_motion(
            body,
            trial.rig.astype(np.float32),
            trial.keypoints,
            key=jax.random.key(0),
            refine=refine,
            hold_out=hold_out,
            progress=bar,
        )
    if fit.outcome == Outcome.NOT_FINITE:
        raise FitError(
            f"{trial.name}: the fit diverged ({what}), so nothing was written. Look at the "
            "keypoints and the calibration."
        )
    return fit


def _what_changed(fit) -> str:
    """Every camera's correction, with its standard deviation."""
    from diffbio.report.adjustments import camera_adjustments

    each = []
    for name, row in camera_adjustments(fit).items():
        parts = [
            f"{row[key]:.{digits}f}" + (f" +- {row[sd]:.{digits}f}" if row[sd] else "") + unit
            for key, sd, digits, unit in (
                ("translation_mm", "translation_sd_mm", 0, " mm"),
                ("rotation_deg", "rotation_sd_deg", 2, " deg"),
                ("focal_percent", "focal_sd_percent", 2, " % focal length"),
                ("time_offset_ms", "time_offset_sd_ms", 1, " ms"),
            )
            if row[key] is not None
        ]
        each.append(f"{name} {', '.join(parts)}")
    return f"Cameras were moved (1 sd): {'; '.join(each)}."


def _beside(trial: pathlib.Path) -> pathlib.Path:
    """Not in the trial, where a further folder may be taken for a recording."""
    return trial.absolute().parent / f"{trial.absolute().stem}-rig"
