"""From motion to forces: inverse dynamics of the scaled person, force plates, joint loads."""

from diffbio.dynamics.external import ExternalWrenches as ExternalWrenches
from diffbio.dynamics.feet import FootPaths as FootPaths
from diffbio.dynamics.feet import foot_paths as foot_paths
from diffbio.dynamics.ground_reaction import GroundReaction as GroundReaction
from diffbio.dynamics.ground_reaction import ground_reaction as ground_reaction
from diffbio.dynamics.ground_transition import (
    ground_reaction_by_transition as ground_reaction_by_transition,
)
from diffbio.dynamics.inertia import Anthropometry as Anthropometry
from diffbio.dynamics.inertia import PersonInertia as PersonInertia
from diffbio.dynamics.inertia import de_leva as de_leva
from diffbio.dynamics.inertia import person_inertia as person_inertia
from diffbio.dynamics.inverse import GRAVITY as GRAVITY
from diffbio.dynamics.inverse import Efforts as Efforts
from diffbio.dynamics.inverse import InverseDynamics as InverseDynamics
from diffbio.dynamics.inverse import efforts as efforts
from diffbio.dynamics.inverse import inverse_dynamics as inverse_dynamics
from diffbio.dynamics.joint_loads import KneeMoments as KneeMoments
from diffbio.dynamics.joint_loads import knee_moments as knee_moments
from diffbio.dynamics.movement import FilteredMotion as FilteredMotion
from diffbio.dynamics.movement import Movement as Movement
from diffbio.dynamics.movement import motion_along as motion_along
from diffbio.dynamics.movement import motion_through as motion_through
from diffbio.dynamics.plate_checks import check_plates as check_plates
from diffbio.dynamics.plate_samples import needed_wrench as needed_wrench
from diffbio.dynamics.plates import FootLoads as FootLoads
from diffbio.dynamics.plates import mass_on_plates as mass_on_plates
from diffbio.dynamics.plates import plates_on_feet as plates_on_feet
