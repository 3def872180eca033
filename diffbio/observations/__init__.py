"""What was measured."""

from diffbio.observations.keypoints import MIN_CONFIDENCE as MIN_CONFIDENCE
from diffbio.observations.keypoints import Keypoints as Keypoints
