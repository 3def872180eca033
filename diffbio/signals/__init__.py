"""Functions of time: splines and their fitting."""

from diffbio.signals.bspline import evaluate as evaluate
from diffbio.signals.bspline import fit_control_points as fit_control_points
