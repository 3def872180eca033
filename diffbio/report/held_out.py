"""The camera that a fit did not use: its error where it was said to stand, and where it fits best.

With the pose it was given a camera charges the others with its own error of calibration, which
nobody corrected. With its pose fitted to the body what is left is the others' error and that of
its detections.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from diffbio.cameras.resection import placed_anew
from diffbio.fitting.fit import Fit
from diffbio.io.trial import Trial
from diffbio.report.quality import held_out_mm

MIN_DETECTIONS = 50
"""Fewer do not tell the error of a camera from the error of its pose."""


class HeldOutErrors(NamedTuple):
    """Median errors of a camera that was not used, in pixels, and in millimetres at the person.

    Attributes:
        name: of the camera.
        given_px, given_mm: with its pose as given.
        refitted_px, refitted_mm: with its pose refitted to the body; NaN where it detected too
            little for that.
        others_px: median error of the cameras that were fitted.
    """

    name: str
    given_px: float
    given_mm: float
    refitted_px: float
    refitted_mm: float
    others_px: float

    @property
    def ratio(self) -> float:
        """How many times the error with the pose as given is that of the others."""
        return self.given_px / max(self.others_px, 1e-9)

    @property
    def sentence(self) -> str:
        """Both errors, with their names."""
        refitted = (
            "too few detections to refit its pose"
            if np.isnan(self.refitted_px)
            else f"{self.refitted_px:.2f} px with its pose refitted to the body, which judges the "
            "others"
        )
        return (
            f"{self.name} was not used in the fit; median error there: {self.given_px:.2f} px with "
            f"its pose as given, {refitted} ({self.others_px:.2f} px in the cameras that were "
            "fitted)."
        )


def held_out_errors(fit: Fit, trial: Trial) -> HeldOutErrors | None:
    """Errors of the camera that was not used; None where there is none, or nothing was detected."""
    mm = held_out_mm(fit, trial)
    if fit.held_out is None or mm is None:
        return None
    if not all(np.isfinite(px).any() for px in (mm, fit.error.px)):
        return None
    return HeldOutErrors(
        fit.held_out.name,
        fit.held_out.error.median_px,
        float(np.nanmedian(mm)),
        *_refitted(fit, trial),
        fit.error.median_px,
    )


def _refitted(fit: Fit, trial: Trial) -> tuple[float, float]:
    """Median error with the pose fitted to the body, in pixels and in millimetres."""
    assert fit.held_out is not None
    rig = trial.rig.subset((fit.held_out.name,))
    keypoints = trial.keypoints.of_cameras(rig.names)
    order = [keypoints.names.index(name) for name in fit.body.marker_names]
    seen = np.isfinite(fit.held_out.error.px[0])
    if seen.sum() < MIN_DETECTIONS:
        return float("nan"), float("nan")
    points = np.asarray(fit.motion.markers, float)[seen]
    pixels = np.asarray(keypoints.pixels, float)[0][:, order][seen]
    placed = placed_anew(rig, points, pixels)
    places = jnp.asarray(points, placed.focal_px.dtype)
    px = np.linalg.norm(np.asarray(placed.project(places))[0] - pixels, axis=1)
    depth = np.asarray(placed.depth(places))[0]
    mm = 1e3 * px * depth / float(np.asarray(placed.focal_px).mean())
    return float(np.median(px)), float(np.median(mm))
