"""`diffbio fit`: fit a body to one trial and write the result folder."""

import argparse
import dataclasses
import importlib
import pathlib
import time
from collections.abc import Callable
from typing import Any

from diffbio.errors import FitError, InputError

REFINEMENTS = {
    "poses": ("cameras", "adjust where the cameras stand and look, with the body"),
    "lenses": ("lenses", "adjust their focal lengths and first distortion terms"),
    "clocks": ("clocks", "find how far their clocks are apart, up to half a second, and drift"),
}
"""What can be refined of the cameras: name of the switch, explanation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio fit`."""
    add_trial_arguments(parser)
    parser.add_argument("-o", "--output", type=pathlib.Path, help="default: TRIAL/diffbio")
    parser.add_argument(
        "--base", type=pathlib.Path, metavar="COHORT",
        help="prior on the person: the cohort.nc that `diffbio cohort fit` learnt from others",
    )  # fmt: skip
    add_fit_arguments(parser)


def add_trial_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that say which trial and which body, common to `fit` and `calibrate refine`."""
    parser.add_argument(
        "trial_path",
        metavar="TRIAL",
        type=pathlib.Path,
        help="a Pose2Sim trial or project, a folder with rig.toml and keypoints, or an .npz",
    )
    parser.add_argument(
        "--rig", type=pathlib.Path,
        help="calibration, where it lies elsewhere: any format `diffbio convert` knows",
    )  # fmt: skip
    parser.add_argument("--trial", help="which trial of a project (default: the longest)")
    parser.add_argument("--keypoint-set", help="name of a set, or a keypoint table of your own")
    parser.add_argument(
        "--frame-rate", type=_positive(float), metavar="HZ", help="where no file tells"
    )
    parser.add_argument(
        "--body",
        type=pathlib.Path,
        metavar="MJCF",
        help="a body of your own instead of MyoFullBody",
    )


def add_fit_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that say how to fit, common to `fit` and `demo`."""
    for group, (what, explanation) in REFINEMENTS.items():
        parser.add_argument(
            f"--refine-{what}", dest="refine", action="append_const", const=group, help=explanation
        )
    parser.add_argument(
        "--hold-out",
        metavar="CAMERA",
        help="fit without this camera and report the error there",
    )
    parser.add_argument(
        "--kinematics",
        choices=("fused", "mjx"),
        default="fused",
        help="forward kinematics: diffbio's own (default), or MuJoCo's MJX, which is trained",
    )
    parser.add_argument(
        "--trajectory",
        choices=("spline", "implicit"),
        help="what moves: a spline (default), or a network from time to pose",
    )
    parser.add_argument(
        "--optimizer",
        choices=("gauss-newton", "adamw"),
        help="second-order steps (default), or training; a network is always trained",
    )
    parser.add_argument(
        "--warm-start",
        action="store_true",
        help="begin training at the solution of gauss-newton",
    )
    parser.add_argument("--steps", type=_positive(int), metavar="N", help="training steps of AdamW")
    parser.add_argument(
        "--bandwidth",
        type=_positive(float),
        metavar="HZ",
        help="highest frequency of the motion (default 7.5, of a network 12; at most a quarter "
        "of the frame rate)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the network (default 0); a spline needs none"
    )
    parser.add_argument(
        "--double-precision", action="store_true", help="64-bit numbers: slower, for comparisons"
    )
    parser.add_argument(
        "--offline", action="store_true", help="accepted for scripts; nothing is ever fetched"
    )


def _positive(kind: type[int] | type[float]) -> Callable[[str], int | float]:
    """Parser of a positive number, for argparse."""

    def number(text: str) -> int | float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not a positive number")
        return value

    return number


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
    method = _method(arguments)
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
    error = fit.error
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
    if fit.held_out is not None:
        left = fit.held_out.error
        console.say(
            f"{fit.held_out.name} was not used in the fit; error there: median "
            f"{left.median_px:.2f} px, mean {left.mean_px:.2f} px."
        )
    return fit


def _method(arguments) -> dict[str, Any]:
    """Which solver, on which trajectory.

    Raises:
        InputError: the choices do not go together.
    """
    trained = arguments.trajectory == "implicit" or arguments.warm_start
    trained |= arguments.kinematics == "mjx"
    solver = arguments.optimizer or ("adamw" if trained else "gauss-newton")
    if trained and solver == "gauss-newton":
        raise InputError(
            "--optimizer gauss-newton",
            "It solves for a spline, from its own start, by diffbio's own kinematics.",
            "Leave out --optimizer: a network, MJX, and anything with a warm start is trained.",
        )
    return {
        "solver": solver,
        "trajectory": arguments.trajectory,
        "warm_start": arguments.warm_start,
    }


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
