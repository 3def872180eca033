"""One fit as the command line makes it, and what every fit is asked."""

import dataclasses

import jax
import numpy as np

from diffbio.body import default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.errors import FitError
from diffbio.fitting import Fit, Outcome, fit_motion
from diffbio.fitting.motion_fit import STEPS
from diffbio.observations import Keypoints


@dataclasses.dataclass(frozen=True)
class HowToFit:
    """What a benchmark may vary.

    Attributes:
        solver: one of `diffbio.fitting.motion_fit.SOLVERS`, on the trajectory that goes with it.
        steps: of AdamW.
        kinematics: `fused` or `mjx`.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        hold_out: camera to keep out of the fit and to measure it by.
        seed: of the network.
    """

    solver: str = "gauss-newton"
    steps: int = STEPS
    kinematics: str = "fused"
    refine: tuple[str, ...] = ()
    hold_out: str | None = None
    seed: int = 0


def fit_keypoints(rig: CameraRig, keypoints: Keypoints, how: HowToFit) -> Fit:
    """Fit the default body in single precision, as `diffbio fit` does.

    Args:
        rig: cameras in the order of the keypoints'.
        keypoints: of a shipped set, which its anchors are taken from.
        how: what to vary.

    Raises:
        FitError: it ended in numbers that are not finite.
    """
    fit = fit_motion(
        default_body(load_keypoint_set(keypoints.set_name), how.kinematics),
        rig.astype(np.float32),
        keypoints,
        key=jax.random.key(how.seed),
        solver=how.solver,
        steps=how.steps,
        refine=how.refine,
        hold_out=how.hold_out,
    )
    if fit.outcome == Outcome.NOT_FINITE:
        raise FitError("The fit ended in numbers that are not finite.")
    return fit


def fit_summary(fit: Fit) -> dict[str, object]:
    """Pixels over all detections of confidence 0.3 or more, the person, the way there, and time."""
    held_out = None
    if fit.held_out is not None:
        left = fit.held_out.error
        held_out = {
            "camera": fit.held_out.name,
            "median_px": left.median_px,
            "mean_px": left.mean_px,
        }
    scales = np.exp(np.asarray(fit.parameters.log_scale, float))
    return {
        "median_px": fit.error.median_px,
        "mean_px": fit.error.mean_px,
        "p95_px": fit.error.p95_px,
        "gc5": fit.error.share_within(5),
        "gc10": fit.error.share_within(10),
        "per_camera_px": fit.error.per_camera(),
        "height_m": fit.body.height(fit.parameters),
        "scales": dict(zip(fit.body.segment_names, map(float, scales), strict=True)),
        "held_out": held_out,
        "clock_offset_ms": _clock_offset_ms(fit),
        "solver": fit.solver,
        "iterations": fit.iterations,
        "cost_per_frame": fit.cost,
        "time_s": dict(fit.time_s),
        "outcome": fit.outcome.name,
    }


def _clock_offset_ms(fit: Fit) -> dict[str, float] | None:
    """By how much later than its time stamps every camera took its pictures."""
    if fit.cameras is None or "clocks" not in fit.refined:
        return None
    offset_ms = 1e3 * np.asarray(fit.cameras.clock_offset, float)
    return dict(zip(fit.rig.names, offset_ms.tolist(), strict=True))
