"""Calibrated cameras: lenses, projection, triangulation."""

from diffbio.cameras.adjustment import CameraAdjustment as CameraAdjustment
from diffbio.cameras.rig import CameraRig as CameraRig
from diffbio.cameras.triangulation import Triangulation as Triangulation
from diffbio.cameras.triangulation import least_squares_points as least_squares_points
from diffbio.cameras.triangulation import triangulate as triangulate
from diffbio.cameras.triangulation import triangulate_dlt as triangulate_dlt
