"""The muscles of the default body's legs."""

from diffbio.body.default import default_mjcf
from diffbio.body.mjcf import compile_mjcf
from diffbio.body.muscle_routes import (
    Route,
    forces_from_model,
    muscles_between,
    routes_from_model,
)
from diffbio.muscle.force import Muscles, muscles_from_mujoco

FIRST, LAST = "addbrev_r", "vasmed_l"
"""Of the 80 in MyoFullBody, where they lie together, those of the right leg before the left's."""


def leg_muscles() -> tuple[tuple[Route, ...], Muscles]:
    """Routes and parameters of the 80 muscles of MyoFullBody's legs.

    Raises:
        InputError: the package with the default body is not installed.
    """
    model = compile_mjcf(default_mjcf())
    names = muscles_between(model, FIRST, LAST)
    return routes_from_model(model, names), muscles_from_mujoco(*forces_from_model(model, names))
