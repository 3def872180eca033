"""The few numbers that make a body model one person."""

import equinox as eqx
from jaxtyping import Array, Float


class BodyParameters(eqx.Module):
    """What differs between people, and nothing else. This is what gradients reach.

    Attributes:
        log_scale: natural logarithm of the size of each segment group relative to the base
            model, in the order of `BodyModel.segment_names`. Child segments sit at positions
            scaled by their parent's factor, markers and bones by their own.
        marker_offset: displacement of each marker from its scaled anchor, in the frame of the
            body that carries it, in metres.
    """

    log_scale: Float[Array, "segment"]
    marker_offset: Float[Array, "marker 3"]
