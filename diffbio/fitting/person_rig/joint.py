"""Body, motion, cameras and clocks at once: the fit, with cameras that may be anywhere nearby."""

import dataclasses
import time as clock
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import COLUMNS, no_adjustment
from diffbio.fitting.distil import start_spline
from diffbio.fitting.fit import Fit
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals import CameraPrior
from diffbio.fitting.residuals.cameras import camera_sd
from diffbio.fitting.solvers import solve_second_order
from diffbio.fitting.stages import bandwidth_of, finish, prepare
from diffbio.observations import Keypoints

ROTATION_SD, POSITION_SD = 0.05, 0.15
"""In radians and metres: how far cameras found from points alone may be from where they are."""


HELD_DISTORTION_SD = (0.002, 0.002)


class WidePrior(NamedTuple):
    """Standard deviations of what a joint solve may correct.

    Attributes:
        rotation: in radians.
        position: in metres.
        log_focal: of the focal lengths' logarithms; None where they are held.
    """

    rotation: float = ROTATION_SD
    position: float = POSITION_SD
    log_focal: float | None = None


def solve_jointly(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    clocks: bool,
    prior: WidePrior | None = None,
) -> Fit:
    """Fit a body to the detections together with the cameras, which are only roughly known.

    Args:
        body: anatomy whose markers are keypoints of the set.
        rig: metric cameras in the order of the keypoints'; its precision is the fit's.
        keypoints: detections of one person.
        clocks: whether the cameras' clocks are unknown too.
        prior: how far the cameras may be from where the rig has them.

    Raises:
        FitError: there is nothing to start from.
    """
    prior = prior or WidePrior()
    lenses = () if prior.log_focal is None else ("lenses",)
    refine = ("poses", *lenses, *(("clocks",) if clocks else ()))
    prepared = prepare(body, rig, keypoints, refine=refine)
    problem = _widened(prepared.problem, prior, prepared.clocks.reference)
    bandwidth_hz = bandwidth_of(keypoints, "spline")
    nothing = no_adjustment(len(rig.names), problem.time.dtype)
    spline = start_spline(problem, prepared.start, bandwidth_hz)
    began = clock.perf_counter()
    solved = solve_second_order(
        problem, Unknowns(spline, prepared.start.parameters, nothing), refine=refine, progress=None
    )
    solve_s = clock.perf_counter() - began - solved.compile_s
    prepared = dataclasses.replace(prepared, problem=problem)
    return finish(
        prepared, solved, solver="gauss-newton", bandwidth_hz=bandwidth_hz, solve_s=solve_s
    )


def _widened(problem: Problem, prior: WidePrior, reference_clock: int) -> Problem:
    """The problem with another prior on the cameras."""
    sd = _wide_sd(len(problem.rig.names), prior, reference_clock)
    which = next(i for i, one in enumerate(problem.priors) if isinstance(one, CameraPrior))
    return eqx.tree_at(lambda p: p.priors[which].sd, problem, jnp.asarray(sd, problem.time.dtype))


def _wide_sd(
    n_cameras: int, prior: WidePrior, reference_clock: int
) -> Float[np.ndarray, "camera 11"]:
    sd = camera_sd(n_cameras, reference_clock)
    poses, lenses = COLUMNS["poses"], COLUMNS["lenses"]
    sd[:, poses] = [prior.rotation] * 3 + [prior.position] * 3
    if prior.log_focal is not None:
        # The focal length is what is uncertain; distortion was given.
        sd[:, lenses] = [prior.log_focal, *HELD_DISTORTION_SD]
    return sd
