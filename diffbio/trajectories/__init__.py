"""Motion as a function of time."""

from diffbio.trajectories.implicit import ImplicitTrajectory as ImplicitTrajectory
from diffbio.trajectories.reference import RootReference as RootReference
