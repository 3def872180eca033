"""Error bars brought to the size that errors turned out to have.

The numbers are what `python -m experiments.calibrated_uncertainty` learns; its README has the
evidence. A quantity is corrected only where that helps trials nothing was learnt from, and
nothing is narrowed.
"""

import dataclasses

import numpy as np

from diffbio.fitting.fit import Uncertainty

MARKER_FLOOR = 0.0016
"""Skin moves against bone and nobody is the model: no marker is known better than this, in metres.
Learnt from eight walks of one person with measured markers, evaluated on simulated people."""


def corrected(uncertainty: Uncertainty) -> Uncertainty:
    """The same error bars with those of markers corrected.

    Args:
        uncertainty: as it comes out of the Hessian.
    """
    markers = np.hypot(uncertainty.markers, MARKER_FLOOR)
    return dataclasses.replace(uncertainty, markers=markers)
