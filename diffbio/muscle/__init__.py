"""What muscles do: their force, and how they share the moments of the joints."""

from diffbio.muscle.force import Muscles as Muscles
from diffbio.muscle.force import muscles_from_mujoco as muscles_from_mujoco
from diffbio.muscle.legs import leg_muscles as leg_muscles
from diffbio.muscle.paths import MusclePaths as MusclePaths
from diffbio.muscle.paths import PathState as PathState
from diffbio.muscle.person import FromFit as FromFit
from diffbio.muscle.person import MuscleState as MuscleState
from diffbio.muscle.person import muscle_state as muscle_state
from diffbio.muscle.person import scaled_muscles as scaled_muscles
from diffbio.muscle.redundancy import Activations as Activations
from diffbio.muscle.redundancy import Effort as Effort
from diffbio.muscle.redundancy import effort as effort
from diffbio.muscle.redundancy import share_moment as share_moment
from diffbio.muscle.redundancy import static_optimisation as static_optimisation
from diffbio.muscle.reserves import CoordinateReserve as CoordinateReserve
from diffbio.muscle.reserves import reserve_report as reserve_report
