"""What was measured.

Markers and forces need NumPy alone; keypoints need JAX, which takes a second to load. Each is
loaded when it is first asked for, so that who reads markers does not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffbio.observations.clocks import merge_cameras as merge_cameras
    from diffbio.observations.clocks import retimed as retimed
    from diffbio.observations.ground_reactions import GroundReactions as GroundReactions
    from diffbio.observations.keypoints import MIN_CONFIDENCE as MIN_CONFIDENCE
    from diffbio.observations.keypoints import Keypoints as Keypoints
    from diffbio.observations.markers import Markers as Markers

_HOME = {
    "merge_cameras": "clocks",
    "retimed": "clocks",
    "GroundReactions": "ground_reactions",
    "MIN_CONFIDENCE": "keypoints",
    "Keypoints": "keypoints",
    "Markers": "markers",
}
"""Module of every name of this package."""


def __getattr__(name: str) -> object:
    """A name of the package, loaded with its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
