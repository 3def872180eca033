"""What was measured."""

from diffbio.observations.keypoints import Keypoints as Keypoints
from diffbio.observations.keypoints import MIN_CONFIDENCE as MIN_CONFIDENCE
