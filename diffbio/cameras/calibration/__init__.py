"""Calibrating cameras with a board: detection, lenses, poses, and how right they are."""

from diffbio.cameras.calibration.boards import Board as Board
from diffbio.cameras.calibration.boards import board_from_points as board_from_points
from diffbio.cameras.calibration.boards import make_board as make_board
from diffbio.cameras.calibration.calibrate import BoardCalibration as BoardCalibration
from diffbio.cameras.calibration.calibrate import calibrate_board as calibrate_board
from diffbio.cameras.calibration.intrinsics import LensEstimate as LensEstimate
from diffbio.cameras.calibration.intrinsics import estimate_lens as estimate_lens
from diffbio.cameras.calibration.quality import measure as measure
from diffbio.cameras.calibration.sightings import BoardViews as BoardViews
from diffbio.cameras.calibration.verdict import judge as judge
