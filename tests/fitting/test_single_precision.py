"""Columns of clocks and lenses in single precision, in which fits run.

XLA has compiled their sum over a twist wrongly, at this size, so that the later half of the cameras
had the columns of the first. Compiled and not compiled must agree.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body.jacobian import Twists, twist_kinematics
from diffbio.fitting.camera_equations import camera_columns
from diffbio.fitting.sight import Instruments, Sight

N_TIME, N_EXTRA = 256, 2


@pytest.mark.as_shipped
def test_compiled_columns_are_those_that_are_not_compiled(recording):
    rng, rig = np.random.default_rng(0), recording.rig.astype(np.float32)
    kinematics = twist_kinematics(recording.body)
    n_mover, n_marker = kinematics.carried.shape
    n_camera = len(rig.names)

    def noise(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    each = (n_camera, n_marker, N_TIME)
    twists = Twists(
        noise(3, n_marker, N_TIME),
        noise(3, 3, n_marker, N_TIME),
        noise(6, n_mover, N_TIME),
        noise(n_marker, 3),
    )
    information = [[noise(*each)] * 3] * 3
    slopes, errors = (noise(3, *each), noise(3, *each)), (noise(*each), noise(*each))
    sight = Sight(information, noise(3, *each), jnp.abs(noise(*each)), slopes, errors)
    images = (noise(N_EXTRA, *each), noise(N_EXTRA, *each))

    def movers(twists: Twists, sight: Sight, images: tuple[jax.Array, jax.Array]) -> jax.Array:
        instruments = Instruments(rig, None, images)
        columns = camera_columns(kinematics, twists, sight, noise(3, N_TIME), instruments)
        return columns.movers

    plain = movers(twists, sight, images)
    compiled = jax.jit(movers)(twists, sight, images)
    assert_allclose(compiled, plain, rtol=0, atol=1e-5 * float(jnp.abs(plain).max()))
