"""What was measured."""

from diffbio.observations.clocks import merge_cameras as merge_cameras
from diffbio.observations.clocks import retimed as retimed
from diffbio.observations.ground_reactions import GroundReactions as GroundReactions
from diffbio.observations.keypoints import MIN_CONFIDENCE as MIN_CONFIDENCE
from diffbio.observations.keypoints import Keypoints as Keypoints
from diffbio.observations.markers import Markers as Markers
