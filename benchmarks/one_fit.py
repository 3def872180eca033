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
        steps: of training.
        kinematics: `fused` or `mjx`.
        refine_cameras: adjust the cameras with the body.
        seed: of the network.
    """

    steps: int = STEPS
    kinematics: str = "fused"
    refine_cameras: bool = False
    seed: int = 0


def fit_keypoints(rig: CameraRig, keypoints: Keypoints, how: HowToFit) -> Fit:
    """Fit the default body in single precision, as `diffbio fit` does.

    Args:
        rig: cameras in the order of the keypoints'.
        keypoints: of a shipped set, which its anchors are taken from.
        how: what to vary.

    Raises:
        FitError: training diverged.
    """
    fit = fit_motion(
        default_body(load_keypoint_set(keypoints.set_name), how.kinematics),
        rig.astype(np.float32),
        keypoints,
        key=jax.random.key(how.seed),
        steps=how.steps,
        refine_cameras=how.refine_cameras,
    )
    if fit.outcome == Outcome.NOT_FINITE:
        raise FitError("Training diverged.")
    return fit


def fit_summary(fit: Fit) -> dict[str, object]:
    """Pixels over all detections of confidence 0.3 or more, the person, and time."""
    solve = fit.time_s["solve"]
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
        "solver": fit.solver,
        "steps": fit.iterations,
        "steps_per_s": fit.iterations / solve,
        "time_s": dict(fit.time_s),
        "outcome": fit.outcome.name,
    }
