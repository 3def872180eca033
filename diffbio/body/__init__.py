"""Body models: fixed anatomy, its keypoints, and the few numbers that make it one person."""

from diffbio.body.default import body_from_mjcf as body_from_mjcf
from diffbio.body.default import default_body as default_body
from diffbio.body.keypoint_set import Anchor as Anchor
from diffbio.body.keypoint_set import KeypointSet as KeypointSet
from diffbio.body.keypoint_set import load_keypoint_set as load_keypoint_set
from diffbio.body.model import BodyModel as BodyModel
from diffbio.body.parameters import BodyParameters as BodyParameters
from diffbio.body.pose import Pose as Pose
