"""Motion as a function of time."""

from diffbio.trajectories.implicit import ImplicitTrajectory as ImplicitTrajectory
from diffbio.trajectories.reference import RootReference as RootReference
from diffbio.trajectories.spline import SplineTrajectory as SplineTrajectory

Trajectory = ImplicitTrajectory | SplineTrajectory
"""Either answers `(time)`, `velocity(time)` and `acceleration(time)` with a `Pose`."""
