"""Fitting bodies to what was measured."""

from diffbio.fitting.fit import Fit as Fit
from diffbio.fitting.fit import HeldOut as HeldOut
from diffbio.fitting.fit import Motion as Motion
from diffbio.fitting.fit import Outcome as Outcome
from diffbio.fitting.fit import ReprojectionError as ReprojectionError
from diffbio.fitting.fit import Uncertainty as Uncertainty
from diffbio.fitting.motion_fit import fit_motion as fit_motion
