"""A fit as the command line makes it, which has to have error bars."""

import jax
import numpy as np

from diffbio.body import default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.errors import FitError
from diffbio.fitting import Fit, Uncertainty, fit_motion
from diffbio.observations import Keypoints


def fit_with_error_bars(
    rig: CameraRig, keypoints: Keypoints, refine: tuple[str, ...]
) -> tuple[Fit, Uncertainty]:
    """Fit the default body in single precision.

    Args:
        rig: cameras in the order of the keypoints'.
        keypoints: of a shipped set, which its anchors are taken from.
        refine: what to correct of the cameras.

    Raises:
        FitError: the fit ended without error bars.
    """
    body = default_body(load_keypoint_set(keypoints.set_name))
    fit = fit_motion(
        body, rig.astype(np.float32), keypoints, key=jax.random.key(0), refine=refine
    )
    if fit.uncertainty is None:
        raise FitError(f"The fit ended without error bars ({fit.outcome.name}).")
    return fit, fit.uncertainty
