"""The terms of the objective, one file each. Every weight is a standard deviation."""

from diffbio.fitting.residuals.base import AbstractPrior as AbstractPrior
from diffbio.fitting.residuals.base import AbstractResidual as AbstractResidual
from diffbio.fitting.residuals.base import Curvature as Curvature
from diffbio.fitting.residuals.base import Estimate as Estimate
from diffbio.fitting.residuals.cameras import CameraPrior as CameraPrior
from diffbio.fitting.residuals.joints import JointRange as JointRange
from diffbio.fitting.residuals.person import MarkerPrior as MarkerPrior
from diffbio.fitting.residuals.person import ScalePrior as ScalePrior
from diffbio.fitting.residuals.placement import Placement as Placement
from diffbio.fitting.residuals.reprojection import Reprojection as Reprojection
from diffbio.fitting.residuals.smoothness import Smoothness as Smoothness
