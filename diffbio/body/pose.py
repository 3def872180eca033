"""How a body stands: the generalised position of a body, with a singularity-free root."""

import equinox as eqx
from jaxtyping import Array, Float


class Pose(eqx.Module):
    """Generalised positions over time.

    Attributes:
        root_position: origin of the body's root segment in the world, in metres.
        root_quaternion: `world_from_root`, unit, wxyz.
        joints: independent joint coordinates in the order of `BodyModel.joint_names`,
            radians for hinges and metres for slides. Coupled joints are not among them.
    """

    root_position: Float[Array, "time 3"]
    root_quaternion: Float[Array, "time 4"]
    joints: Float[Array, "time joint"]
