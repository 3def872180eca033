"""What muscles do: their force, and how they share the moments of the joints."""

from diffbio.muscle.force import Muscles as Muscles
from diffbio.muscle.force import muscles_from_mujoco as muscles_from_mujoco
from diffbio.muscle.redundancy import Activations as Activations
from diffbio.muscle.redundancy import Effort as Effort
from diffbio.muscle.redundancy import effort as effort
from diffbio.muscle.redundancy import share_moment as share_moment
from diffbio.muscle.redundancy import static_optimisation as static_optimisation
from diffbio.muscle.reserves import CoordinateReserve as CoordinateReserve
from diffbio.muscle.reserves import reserve_report as reserve_report
