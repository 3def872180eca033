"""Arguments of `diffbio fit` that other verbs take too: which trial, and how to fit it."""

import argparse
import pathlib
from collections.abc import Callable
from typing import Any

from diffbio.errors import InputError

REFINEMENTS = {
    "poses": ("cameras", "adjust where the cameras stand and look, with the body"),
    "lenses": ("lenses", "adjust their focal lengths and first distortion terms"),
    "clocks": ("clocks", "find how far their clocks are apart, up to half a second, and drift"),
}
"""What can be refined of the cameras: name of the switch, explanation."""


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


def method_of(arguments) -> dict[str, Any]:
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
