"""`diffbio fit --base`: one trial under a population that was learnt from others."""

import argparse
import dataclasses
import importlib
import time

from diffbio.errors import FitError, InputError


def fit_with_base(arguments: argparse.Namespace, trial, body, console, began: float):
    """Fit a trial as `diffbio cohort fit` fits a participant who has that trial alone.

    Raises:
        InputError: the population is of another body, or something was asked for that goes with
            the default prior alone.
        FitError: the fit ended in numbers that are not finite.
    """
    import jax
    import numpy as np

    _refuse_others(arguments)
    cohort, files = _import("cohort", "io.cohort_file")
    if arguments.double_precision:
        jax.config.update("jax_enable_x64", True)
    population = files.read_population(arguments.base, body)
    console.say(
        f"Prior: population {files.population_id(population)}, learnt from "
        f"{population.n_participants} participants ({arguments.base})."
    )
    loaded = time.perf_counter() - began
    rig = trial.rig.astype(np.float64 if arguments.double_precision else np.float32)
    found = cohort.fit_participant(
        body,
        {trial.name: (rig, trial.keypoints)},
        prior=population.as_prior(),
        bandwidth_hz=arguments.bandwidth,
        refine=tuple(dict.fromkeys(arguments.refine or ())),
    )
    if trial.name in found.failed:
        raise FitError(f"{trial.name}: {found.failed[trial.name]}")
    fit = found.fits[trial.name]
    times = {"load": loaded, **fit.time_s, "total": time.perf_counter() - began}
    fit = dataclasses.replace(fit, time_s=times)
    console.say(
        f"Fitted {len(fit.motion.time)} frames in {times['total']:.1f} s. Reprojection error over "
        f"all detections: median {fit.error.median_px:.2f} px, mean {fit.error.mean_px:.2f} px."
    )
    return fit


def _refuse_others(arguments: argparse.Namespace) -> None:
    """A population is a prior of Gauss-Newton on a spline, with all cameras."""
    asked = {
        "--trajectory implicit": arguments.trajectory == "implicit",
        "--optimizer adamw": arguments.optimizer == "adamw",
        "--warm-start": arguments.warm_start,
        "--kinematics mjx": arguments.kinematics == "mjx",
        "--hold-out": arguments.hold_out is not None,
    }
    if others := [words for words, meant in asked.items() if meant]:
        raise InputError(
            f"--base {arguments.base}",
            f"It does not go with {', '.join(others)}.",
            "Leave one of them out: a population is a prior for gauss-newton with all cameras.",
        )


def _import(*names: str):
    """Modules of the package, imported only when a verb runs, so that `--help` is instant."""
    return [importlib.import_module(f"diffbio.{name}") for name in names]
