"""Error bars brought to the size that errors turned out to have.

The numbers are what `python -m experiments.calibrated_uncertainty` learns; its README has the
evidence. A quantity is corrected only where that helps trials nothing was learnt from, and
narrowed only where measured walks say so.
"""

import dataclasses

import numpy as np

from diffbio.fitting.fit import Uncertainty

MARKER_FACTOR, MARKER_FLOOR = 0.74, 0.0018
"""Skin moves against bone and nobody is the model: no marker is known better than the floor, in
metres. The factor is below one because slow detector errors count fully even for quick movement.
Learnt from eight walks of one person with measured markers, evaluated on simulated people."""

SHOULDER_FACTOR, SHOULDER_FLOOR = 1.5, float(np.deg2rad(2.7))
"""Elevation is a distance from a pole that a hanging arm is near, where the smoothness of the
coordinates biases them. Learnt from one half of the simulated people, evaluated on the other."""

SHOULDER_COORDINATES = ("elv_angle", "shoulder_elv", "shoulder_rot")
"""How the names of the coordinates of plane, elevation and rotation of an upper arm begin."""


def corrected(uncertainty: Uncertainty, joint_names: tuple[str, ...]) -> Uncertainty:
    """The same error bars with those of markers and shoulders corrected.

    Args:
        uncertainty: as it comes out of the Hessian.
        joint_names: of the independent joint coordinates, in the order of the error bars.
    """
    shoulder = np.asarray([name.startswith(SHOULDER_COORDINATES) for name in joint_names])
    wider = np.hypot(SHOULDER_FACTOR * uncertainty.joints, SHOULDER_FLOOR)
    return dataclasses.replace(
        uncertainty,
        joints=np.where(shoulder[None], wider, uncertainty.joints),
        markers=np.hypot(MARKER_FACTOR * uncertainty.markers, MARKER_FLOOR),
    )
