"""What comes before and after the solving of a trial, whichever solver does it."""

import dataclasses
import time as clock
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraAdjustment, CameraRig
from diffbio.errors import FitError, UnknownNameError
from diffbio.fitting.clock_search import search_clocks
from diffbio.fitting.correction import corrected
from diffbio.fitting.distil import as_spline
from diffbio.fitting.evaluate import (
    evaluate_motion,
    held_out_error,
    pictured_error,
    placed_error,
)
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.marker_problem import make_marker_problem, no_cameras, start_at_markers
from diffbio.fitting.problem import Problem, make_problem
from diffbio.fitting.solvers import Solved
from diffbio.fitting.start import Start, find_start
from diffbio.fitting.uncertainty import estimate_uncertainty
from diffbio.observations import Keypoints, Markers, retimed

BANDWIDTH_HZ = {"spline": 7.5, "implicit": 12.0}
"""Of walking, 6 Hz hold all but noise (Winter 1974); a network has to be taught beyond it."""


class Clocks(NamedTuple):
    """A first idea of the cameras' clocks.

    Attributes:
        offset: what is added to the time stamps of each camera, in seconds.
        reference: the camera whose clock is right by definition.
    """

    offset: Float[np.ndarray, "camera"]
    reference: int

    @classmethod
    def trusted(cls, keypoints: Keypoints) -> "Clocks":
        """Clocks as they were given."""
        return cls(np.zeros(len(keypoints.camera_names)), 0)

    @classmethod
    def found(cls, rig: CameraRig, keypoints: Keypoints) -> "Clocks":
        """Clocks from a coarse search."""
        found = search_clocks(rig, keypoints)
        # A camera that saw nothing has an offset of zero too, and would hold no clock in place.
        away = np.where(found.known | ~found.known.any(), np.abs(found.offset), np.inf)
        return cls(found.offset, int(np.argmin(away)))

    def added_to(self, cameras: CameraAdjustment) -> CameraAdjustment:
        """Corrections of the clocks as they were given."""
        offset = jnp.asarray(cameras.clock_offset)
        return CameraAdjustment(
            cameras.rotation,
            cameras.shift,
            cameras.log_focal,
            cameras.distortion,
            offset + jnp.asarray(self.offset, offset.dtype),
            cameras.clock_drift,
        )


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A trial, ready to solve.

    Attributes:
        body: the anatomy.
        rig: all cameras, as given.
        keypoints: of all cameras.
        used: keypoints of the cameras that are fitted.
        clocks: a first idea of their clocks.
        start: where the fit begins.
        problem: the objective.
        refine: what is unknown of the cameras.
        hold_out: name of the camera kept out.
        seconds: that preparing took.
    """

    body: BodyModel
    rig: CameraRig
    keypoints: Keypoints
    used: Keypoints
    clocks: Clocks
    start: Start
    problem: Problem
    refine: tuple[str, ...]
    hold_out: str | None
    seconds: float


def prepare(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    refine: tuple[str, ...] = (),
    hold_out: str | None = None,
    padded: int | None = None,
    expected: BodyParameters | None = None,
    posture_share: float = 1.0,
) -> Prepared:
    """Search the clocks, triangulate, size and pose the body, assemble the objective.

    Args:
        body: anatomy whose markers are keypoints of the set.
        rig: cameras in the order of the keypoints'; its precision is the fit's.
        keypoints: detections of one person.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        hold_out: name of a camera to keep out of the fit and to measure it by.
        padded: length to pad time to; by default the trial's own bucket.
        expected: the person before any detection; by default the base model itself.
        posture_share: what counts of the prior on posture; see `JointRange`.

    Raises:
        FitError: there is nothing to start from.
        UnknownNameError: there is no camera of that name.
    """
    began = clock.perf_counter()
    fitted_rig, used = rig, keypoints
    if hold_out is not None:
        kept = _without(hold_out, keypoints.camera_names)
        fitted_rig, used = rig.subset(kept), keypoints.of_cameras(kept)
    clocks = Clocks.found(fitted_rig, used) if "clocks" in refine else Clocks.trusted(used)
    synchronised = retimed(used, clocks.offset) if np.any(clocks.offset) else used
    start = find_start(body.with_kinematics("fused"), fitted_rig, synchronised, expected)
    problem = make_problem(
        body,
        fitted_rig,
        synchronised,
        start.depth,
        reference_clock=clocks.reference,
        timed="clocks" in refine,
        dtype=rig.focal_px.dtype,
        padded=padded,
        posture_share=posture_share,
    )
    seconds = clock.perf_counter() - began
    return Prepared(body, rig, keypoints, used, clocks, start, problem, refine, hold_out, seconds)


def prepare_markers(
    body: BodyModel,
    markers: Markers,
    *,
    dtype: np.dtype | type = np.float32,
    expected: BodyParameters | None = None,
    posture_share: float = 1.0,
) -> Prepared:
    """Size and pose the body at optical markers and assemble the objective; it has no cameras.

    Args:
        body: its markers are among those measured, by name.
        markers: measured.
        dtype: of everything.
        expected: the person before any marker was seen; by default the base model itself.
        posture_share: what counts of the prior on posture; see `JointRange`.

    Raises:
        FitError: a marker of the body was not measured, or no frame has enough of them.
    """
    began = clock.perf_counter()
    fused = body.with_kinematics("fused")
    start = start_at_markers(fused, markers, expected=expected, dtype=dtype)
    problem = make_marker_problem(body, markers, dtype=dtype, posture_share=posture_share)
    names = body.marker_names
    nothing = np.zeros((0, len(markers.time), len(names)))
    seen = Keypoints(
        np.zeros((*nothing.shape, 2)), nothing, markers.time, names, "optical markers", ()
    )
    clocks, rig = Clocks.trusted(seen), no_cameras(dtype)
    seconds = clock.perf_counter() - began
    return Prepared(body, rig, seen, seen, clocks, start, problem, (), None, seconds)


def bandwidth_of(keypoints: Keypoints, trajectory: str, bandwidth_hz: float | None = None) -> float:
    """Highest frequency of the motion, in Hz: as asked for, or `BANDWIDTH_HZ`, or a quarter of
    the frame rate where that is lower, since nothing observes what happens between frames.

    Raises:
        FitError: a spline was asked to follow more than a quarter of the frame rate.
    """
    highest = 0.25 / keypoints.interval
    if bandwidth_hz and trajectory == "spline" and bandwidth_hz > highest * (1 + 1e-6):
        raise FitError(
            f"A spline that follows {bandwidth_hz:g} Hz has a knot for every frame, and noise "
            f"becomes motion. At this frame rate ask for at most {highest:g} Hz."
        )
    return bandwidth_hz or min(BANDWIDTH_HZ[trajectory], highest)


def finish(
    prepared: Prepared,
    solved: Solved,
    *,
    solver: str,
    bandwidth_hz: float,
    solve_s: float,
    person: Float[np.ndarray, "person person"] | None = None,
) -> Fit:
    """Evaluate a solution: motion, errors in pixels, error bars, the camera that was held out.

    Args:
        prepared: the trial.
        solved: what the solver left.
        solver: its name.
        bandwidth_hz: highest frequency of the trajectory.
        solve_s: that solving took, in seconds.
        person: information about the person from elsewhere; see `estimate_uncertainty`.
    """
    body, unknowns = prepared.body, solved.unknowns
    fused = body.with_kinematics("fused")
    # MJX compiles only with options of its own, which belong to the training alone.
    problem = dataclasses.replace(prepared.problem, body=fused)
    cameras = prepared.clocks.added_to(unknowns.cameras)
    refined = problem.rig.adjusted(unknowns.cameras)
    began = clock.perf_counter()
    error_bars = None
    if solved.outcome != Outcome.NOT_FINITE:
        splined = as_spline(problem, unknowns, min(bandwidth_hz, BANDWIDTH_HZ["spline"]))
        error_bars = estimate_uncertainty(
            problem,
            splined,
            refine=prepared.refine,
            reference_clock=prepared.clocks.reference,
            person=person,
        )
        if error_bars is not None:
            error_bars = corrected(error_bars)
    barred_s = clock.perf_counter() - began
    held_out = None
    if prepared.hold_out is not None:
        held_out = held_out_error(
            fused, problem, unknowns, prepared.rig, prepared.keypoints, prepared.hold_out
        )
    return Fit(
        body=body,
        parameters=unknowns.parameters,
        motion=evaluate_motion(fused, problem, unknowns, prepared.used),
        rig=refined,
        rig_before=problem.rig,
        error=pictured_error(fused, problem, unknowns, refined, prepared.used, cameras),
        solver=solver,
        iterations=solved.iterations,
        cost=solved.cost,
        outcome=solved.outcome,
        time_s={
            "start": prepared.seconds,
            "compile": solved.compile_s,
            "solve": solve_s,
            "error_bars": barred_s,
        },
        cameras=cameras if prepared.refine else None,
        refined=prepared.refine,
        uncertainty=error_bars,
        held_out=held_out,
        placed=placed_error(fused, problem, unknowns),
    )


def _without(name: str, cameras: tuple[str, ...]) -> tuple[str, ...]:
    if name not in cameras:
        raise UnknownNameError("fit_motion", "camera to hold out", name, cameras)
    kept = tuple(other for other in cameras if other != name)
    if len(kept) < 2:
        raise FitError(
            f"Without {name} there is only one camera, which does not determine size and depth. "
            "Hold no camera out."
        )
    return kept
