"""`diffbio fit`: fit a body to one trial and write the result folder."""

import argparse
import dataclasses
import importlib
import pathlib
import time

from diffbio.cli.fit_arguments import (
    REFINEMENTS,
    add_fit_arguments,
    add_trial_arguments,
    method_of,
)
from diffbio.errors import FitError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio fit`."""
    add_trial_arguments(parser)
    parser.add_argument("-o", "--output", type=pathlib.Path, help="default: TRIAL/diffbio")
    parser.add_argument(
        "--base", type=pathlib.Path, metavar="COHORT",
        help="prior on the person: the cohort.nc that `diffbio cohort fit` learnt from others",
    )  # fmt: skip
    add_fit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read, fit, write, and say where the result is."""
    began = time.perf_counter()
    jax_support, progress = _import("_jax", "cli.progress")
    jax_support.enable_compilation_cache()
    console = progress.Console()
    trial = read_trial(arguments)
    output = arguments.output or _beside(arguments.trial_path)
    (result_folder,) = _import("report.result_folder")
    result_folder.check_writable(output)
    body = body_for(arguments, trial)
    console.say(describe(trial))
    for note in trial.notes:
        console.say(note)
    fit_it = _import("cli.base")[0].fit_with_base if arguments.base else fit_trial
    fit = fit_it(arguments, trial, body, console, began)
    verdict = result_folder.write_result(fit, trial, output, log=console.log)
    return report(verdict, fit, output)


def read_trial(arguments):
    """The trial that `add_trial_arguments` names."""
    (io,) = _import("io.read")
    return io.read_trial(
        arguments.trial_path,
        rig=arguments.rig,
        keypoint_set=arguments.keypoint_set,
        frame_rate_hz=arguments.frame_rate,
        trial=arguments.trial,
    )


def body_for(arguments, trial):
    """The body whose markers are the keypoints of a trial."""
    (body_package,) = _import("body")
    kinematics = arguments.kinematics
    keypoint_set = body_package.load_keypoint_set(
        arguments.keypoint_set or trial.keypoints.set_name
    )
    if arguments.body:
        return body_package.body_from_mjcf(arguments.body, keypoint_set, kinematics)
    return body_package.default_body(keypoint_set, kinematics)


def fit_trial(arguments, trial, body, console, began):
    """Fit a trial as the arguments say, with a progress bar.

    Raises:
        FitError: the fit ended in numbers that are not finite.
    """
    import jax
    import numpy as np

    fitting, motion_fit, schedule = _import("fitting", "fitting.motion_fit", "fitting.schedule")
    if arguments.double_precision:
        jax.config.update("jax_enable_x64", True)
    method = method_of(arguments)
    steps = arguments.steps or motion_fit.STEPS
    iterations = {"adamw": steps, "gauss-newton": schedule.MAX_ITERATIONS}
    loaded = time.perf_counter() - began
    with console.training(iterations[method["solver"]]) as bar:
        fit = fitting.fit_motion(
            body,
            trial.rig.astype(np.float64 if arguments.double_precision else np.float32),
            trial.keypoints,
            key=jax.random.key(arguments.seed),
            steps=steps,
            bandwidth_hz=arguments.bandwidth,
            refine=tuple(group for group in REFINEMENTS if group in (arguments.refine or ())),
            hold_out=arguments.hold_out,
            progress=bar,
            **method,
        )
    if fit.outcome == fitting.Outcome.NOT_FINITE:
        raise FitError(
            f"{trial.name}: the fit diverged, so nothing was written. Try the other --optimizer, "
            "and look at the keypoints and the calibration."
        )
    times = {"load": loaded, **fit.time_s, "total": time.perf_counter() - began}
    fit = dataclasses.replace(fit, time_s=times)
    _say(fit, trial, console)
    return fit


def _say(fit, trial, console) -> None:
    """How long it took and how well it fits, in sentences."""
    import numpy as np

    times, error = fit.time_s, fit.error
    console.say(
        f"Fitted {len(fit.motion.time)} frames in {times['total']:.1f} s (start "
        f"{times['start']:.1f}, compile {times['compile']:.1f}, solve {times['solve']:.1f}). "
        f"Reprojection error over all detections: median {error.median_px:.2f} px, mean "
        f"{error.mean_px:.2f} px, within 5 px {100 * error.share_within(5.0):.0f} %, within 10 px "
        f"{100 * error.share_within(10.0):.0f} %."
    )
    per_camera = ", ".join(f"{n} {e['median']:.1f}" for n, e in error.per_camera().items())
    console.say(f"Median per camera, in px: {per_camera}.")
    if "clocks" in fit.refined:
        late = 1e3 * np.asarray(fit.cameras.clock_offset)
        each = ", ".join(f"{n} {ms:+.1f}" for n, ms in zip(error.camera_names, late, strict=True))
        console.say(f"Pictures were taken later than their time stamps say by, in ms: {each}.")
    held_out = _import("report.held_out")[0].held_out_errors(fit, trial)
    if held_out is not None:
        console.say(held_out.sentence)


def report(verdict, fit, output: pathlib.Path) -> int:
    """Print the verdict and where the files are; 1 where the result should not be used."""
    for message in verdict.messages:
        print(f"- {message}")
    print(f"{verdict.sentence}\nThe result is in {output}; open {output / 'report.html'}.")
    return int(verdict.level == "fail")


def describe(trial) -> str:
    """A trial in one sentence."""
    keypoints = trial.keypoints
    return (
        f"{trial.name}: {len(keypoints.time)} frames at {trial.frame_rate_hz:g} Hz, "
        f"{len(keypoints.camera_names)} cameras, {len(keypoints.names)} keypoints "
        f"({keypoints.set_name})."
    )


def _beside(trial: pathlib.Path) -> pathlib.Path:
    """Results lie beside the trial, in a folder of their own."""
    if trial.is_dir():
        return trial / "diffbio"
    return trial.parent / "diffbio" / trial.stem


def _import(*names: str):
    """Modules of the package, imported only when a verb runs, so that `--help` is instant."""
    return [importlib.import_module(f"diffbio.{name}") for name in names]
