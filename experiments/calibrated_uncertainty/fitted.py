"""A fit as `fit_motion` makes it, with its error bars as they come out of the Hessian."""

import numpy as np

from diffbio.body import default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import no_adjustment
from diffbio.errors import FitError
from diffbio.fitting import Fit, Uncertainty
from diffbio.fitting.distil import start_spline
from diffbio.fitting.problem import Unknowns
from diffbio.fitting.solvers import solve_second_order
from diffbio.fitting.stages import bandwidth_of, finish, prepare
from diffbio.fitting.uncertainty import estimate_uncertainty
from diffbio.observations import Keypoints


def fit_with_error_bars(
    rig: CameraRig, keypoints: Keypoints, refine: tuple[str, ...]
) -> tuple[Fit, Uncertainty]:
    """Fit the default body in single precision, by its own steps.

    `fit_motion` takes the same steps, but the error bars it returns may be corrected already.

    Args:
        rig: cameras in the order of the keypoints'.
        keypoints: of a shipped set, which its anchors are taken from.
        refine: what to correct of the cameras.

    Raises:
        FitError: the fit ended without error bars.
    """
    body = default_body(load_keypoint_set(keypoints.set_name))
    prepared = prepare(body, rig.astype(np.float32), keypoints, refine=refine)
    problem, start = prepared.problem, prepared.start
    bandwidth_hz = bandwidth_of(keypoints, "spline")
    spline = start_spline(problem, start, bandwidth_hz)
    nothing = no_adjustment(len(rig.names), problem.time.dtype)
    unknowns = Unknowns(spline, start.parameters, nothing)
    solved = solve_second_order(problem, unknowns, refine=refine, progress=None)
    raw = estimate_uncertainty(
        problem, solved.unknowns, refine=refine, reference_clock=prepared.clocks.reference
    )
    if raw is None:
        raise FitError(f"The fit ended without error bars ({solved.outcome.name}).")
    fit = finish(prepared, solved, solver="gauss-newton", bandwidth_hz=bandwidth_hz, solve_s=0.0)
    return fit, raw
