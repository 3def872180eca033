"""How a person walks: events, cycles, and what is measured of them."""

from diffbio.gait.angles import angle_curves as angle_curves
from diffbio.gait.angles import clinical_angles as clinical_angles
from diffbio.gait.cycles import Cycle as Cycle
from diffbio.gait.cycles import Cycles as Cycles
from diffbio.gait.cycles import find_cycles as find_cycles
from diffbio.gait.cycles import resampled as resampled
from diffbio.gait.events import GaitEvent as GaitEvent
from diffbio.gait.events import GaitEvents as GaitEvents
from diffbio.gait.gait_points import GaitPoints as GaitPoints
from diffbio.gait.gait_points import PointNames as PointNames
from diffbio.gait.gait_points import gait_points as gait_points
from diffbio.gait.indices import ReferenceMean as ReferenceMean
from diffbio.gait.indices import ReferencePopulation as ReferencePopulation
from diffbio.gait.indices import deviation_scale as deviation_scale
from diffbio.gait.indices import gait_profile as gait_profile
from diffbio.gait.marker_events import marker_events as marker_events
from diffbio.gait.metrics import Metric as Metric
from diffbio.gait.plate_events import feet_on_plates as feet_on_plates
from diffbio.gait.plate_events import plate_events as plate_events
from diffbio.gait.plated_events import PlatedEvents as PlatedEvents
from diffbio.gait.plated_events import with_plates as with_plates
from diffbio.gait.spatiotemporal import Spatiotemporal as Spatiotemporal
from diffbio.gait.spatiotemporal import spatiotemporal as spatiotemporal
