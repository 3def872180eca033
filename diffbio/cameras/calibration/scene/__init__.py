"""Cameras from points of known places: a surveyed volume, or the corners of force plates."""

from diffbio.cameras.calibration.scene.calibrate import SceneCalibration as SceneCalibration
from diffbio.cameras.calibration.scene.calibrate import calibrate_scene as calibrate_scene
from diffbio.cameras.calibration.scene.quality import SceneQuality as SceneQuality
from diffbio.cameras.calibration.scene.quality import measure_scene as measure_scene
from diffbio.cameras.calibration.scene.verdict import judge_scene as judge_scene
from diffbio.cameras.calibration.scene.views import SceneViews as SceneViews
