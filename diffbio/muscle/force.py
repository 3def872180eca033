"""MuJoCo's muscle: active and passive force from length and velocity, activation from excitation.

The tendon does not stretch: length and velocity are those of the whole path. Lengths are counted in
optimal fibre lengths from the slack length of the tendon, both of which follow, as in MuJoCo, from
the shortest and longest path and the fibre lengths these stand for:

    optimal = (longest - shortest) / (range[1] - range[0])
    slack   = shortest - range[0] * optimal

For another person, `for_paths` takes that person's own shortest and longest path and keeps `range`,
so that every muscle works on the same part of its force-length curve as the generic one does.

Source: MuJoCo's documentation, Modeling, Muscles, and Computation, Muscle actuators; the curves are
its `mju_muscleGain`, `mju_muscleBias` and `mju_muscleDynamics`. Forces are tensions and positive
here, where MuJoCo's are negative.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.errors import InputError

SMALLEST = 1e-15
"""MuJoCo's `mjMINVAL`, least divisor."""

N_PARAMETERS = 9
"""range (2), force, scale, lmin, lmax, vmax, fpmax, fvmax: the order of `gainprm` and `biasprm`."""

MASS_EXPONENT = 2 / 3
"""Of maximal force: areas go with volumes to this power. Source: geometric similarity, as assumed
for instance by D. G. Thelen et al. (2003) when no strength was measured."""


class Muscles(eqx.Module):
    """Parameters of some muscles.

    Attributes:
        maximal_force: isometric, at optimal length, N.
        operating_range: optimal fibre lengths at the shortest and at the longest path.
        path_range: shortest and longest path, m.
        shortest: fibre length below which there is no active force, in optimal lengths (`lmin`).
        longest: fibre length above which there is none (`lmax`).
        fastest: shortening velocity at which there is none, optimal lengths/s (`vmax`).
        passive: passive force at `longest`, in maximal forces (`fpmax`).
        lengthening: active force at saturating lengthening velocity, in maximal forces (`fvmax`).
        time_constants: of activation and of deactivation, s.
        smoothing: range of excitation over which one goes over into the other; 0 for none.
        names: of the muscles.
    """

    maximal_force: Float[Array, "muscle"]
    operating_range: Float[Array, "muscle 2"]
    path_range: Float[Array, "muscle 2"]
    shortest: Float[Array, "muscle"]
    longest: Float[Array, "muscle"]
    fastest: Float[Array, "muscle"]
    passive: Float[Array, "muscle"]
    lengthening: Float[Array, "muscle"]
    time_constants: Float[Array, "muscle 2"]
    smoothing: Float[Array, "muscle"]
    names: tuple[str, ...] = eqx.field(static=True)

    @property
    def optimal_length(self) -> Float[Array, "muscle"]:
        """Of the fibres, m."""
        paths = self.path_range[:, 1] - self.path_range[:, 0]
        fibres = self.operating_range[:, 1] - self.operating_range[:, 0]
        return paths / jnp.maximum(SMALLEST, fibres)

    @property
    def slack_length(self) -> Float[Array, "muscle"]:
        """Of the tendon, m."""
        return self.path_range[:, 0] - self.operating_range[:, 0] * self.optimal_length

    def fibre_length(self, length: Float[Array, "muscle"]) -> Float[Array, "muscle"]:
        """Fibre length in optimal lengths, for a path length in m."""
        stretch = (length - self.path_range[:, 0]) / jnp.maximum(SMALLEST, self.optimal_length)
        return self.operating_range[:, 0] + stretch

    def active_force(
        self, length: Float[Array, "muscle"], velocity: Float[Array, "muscle"]
    ) -> Float[Array, "muscle"]:
        """Tension per unit of activation, N.

        Args:
            length: of the path, m.
            velocity: of the path, m/s, positive where it lengthens.
        """
        relative = velocity / jnp.maximum(SMALLEST, self.optimal_length * self.fastest)
        by_length = force_length(self.fibre_length(length), self.shortest, self.longest)
        return self.maximal_force * by_length * force_velocity(relative, self.lengthening)

    def passive_force(self, length: Float[Array, "muscle"]) -> Float[Array, "muscle"]:
        """Tension without activation, N, for a path length in m."""
        fibre = self.fibre_length(length)
        return self.maximal_force * force_passive(fibre, self.longest, self.passive)

    def activation_rate(
        self, excitation: Float[Array, "muscle"], activation: Float[Array, "muscle"]
    ) -> Float[Array, "muscle"]:
        """Time derivative of activation, 1/s. Excitations outside [0, 1] count as the nearer end.

        Source: M. Millard et al. (2013), J. Biomech. Eng. 135:021005, as MuJoCo has it.
        """
        rise = jnp.clip(excitation, 0, 1) - activation
        slower = 0.5 + 1.5 * jnp.clip(activation, 0, 1)
        activating = self.time_constants[:, 0] * slower
        deactivating = self.time_constants[:, 1] / slower
        abrupt = self.smoothing < SMALLEST
        smooth = _sigmoid(rise / jnp.where(abrupt, 1, self.smoothing) + 0.5)
        share = jnp.where(abrupt, (rise > 0).astype(rise.dtype), smooth)
        return rise / jnp.maximum(SMALLEST, deactivating + (activating - deactivating) * share)

    def for_paths(self, path_range: Float[Array, "muscle 2"]) -> "Muscles":
        """The same muscles on another person's paths.

        Optimal and slack lengths follow, operating ranges, curves and maximal forces stay. Maximal
        velocity stays in optimal lengths/s, so it grows with the fibres.

        Args:
            path_range: shortest and longest path of that person over the same range of motion as
                the generic one's, m; C MuJoCo's `lengthrange` of the scaled body.

        Raises:
            InputError: a path that does not change its length, or has none. Names the muscles.
        """
        limits = np.asarray(path_range)
        wrong = ~((limits[:, 0] > 0) & (limits[:, 1] > limits[:, 0]) & np.isfinite(limits[:, 1]))
        if wrong.any():
            found = f"No range of path lengths: {_list(self.names, wrong)}."
            remedy = "Give the shortest and the longest path in metres, of the scaled person."
            raise InputError("muscle paths", found, remedy)
        return eqx.tree_at(lambda muscles: muscles.path_range, self, path_range)

    def for_mass(self, mass: float, generic_mass: float) -> "Muscles":
        """Maximal forces scaled as areas are, by `(mass / generic_mass) ** MASS_EXPONENT`.

        Raises:
            InputError: a mass that is not positive.
        """
        if not (mass > 0 and generic_mass > 0):
            found = f"Masses are {mass:g} and {generic_mass:g} kg."
            raise InputError("maximal forces", found, "Give two positive masses.")
        factor = (mass / generic_mass) ** MASS_EXPONENT
        scaled = self.maximal_force * jnp.asarray(factor, self.maximal_force.dtype)
        return eqx.tree_at(lambda muscles: muscles.maximal_force, self, scaled)


def muscles_from_mujoco(
    names: Sequence[str],
    gain: np.ndarray,
    bias: np.ndarray,
    dynamics: np.ndarray,
    path_range: np.ndarray,
    acceleration: np.ndarray,
) -> Muscles:
    """Muscles out of the arrays of a compiled MuJoCo model, in its dtype.

    Args:
        names: of the muscles.
        gain: `actuator_gainprm`, one row for each muscle.
        bias: `actuator_biasprm`; must say the same.
        dynamics: `actuator_dynprm`.
        path_range: `actuator_lengthrange`, m.
        acceleration: `actuator_acc0`; a negative maximal force stands for MuJoCo's
            `scale / acceleration`.

    Raises:
        InputError: active and passive force of a muscle have different parameters; its range of
            path or of fibre lengths is empty. Names the muscles.
    """
    gain, names = np.asarray(gain)[:, :N_PARAMETERS], tuple(names)
    differs = np.any(gain != np.asarray(bias)[:, :N_PARAMETERS], axis=1)
    if differs.any():
        found = f"gainprm and biasprm differ: {_list(names, differs)}."
        raise InputError("muscle parameters", found, "Give both the same, as <muscle> does.")
    path_range = np.asarray(path_range)
    empty = ~((path_range[:, 1] > path_range[:, 0]) & (gain[:, 1] > gain[:, 0]))
    if empty.any():
        found = f"The range of path or fibre lengths is empty: {_list(names, empty)}."
        raise InputError("muscle parameters", found, "Let MuJoCo compute lengthrange.")
    force = np.where(gain[:, 2] < 0, gain[:, 3] / np.maximum(SMALLEST, acceleration), gain[:, 2])
    return Muscles(
        maximal_force=jnp.asarray(force),
        operating_range=jnp.asarray(gain[:, :2]),
        path_range=jnp.asarray(path_range),
        shortest=jnp.asarray(gain[:, 4]),
        longest=jnp.asarray(gain[:, 5]),
        fastest=jnp.asarray(gain[:, 6]),
        passive=jnp.asarray(gain[:, 7]),
        lengthening=jnp.asarray(gain[:, 8]),
        time_constants=jnp.asarray(dynamics[:, :2]),
        smoothing=jnp.asarray(dynamics[:, 2]),
        names=names,
    )


def force_length(
    fibre: Float[Array, "muscle"], shortest: Float[Array, "muscle"], longest: Float[Array, "muscle"]
) -> Float[Array, "muscle"]:
    """Active force in maximal forces: four parabolas, one at a fibre of one optimal length."""
    middle, outer = 0.5 * (shortest + 1), 0.5 * (1 + longest)
    rising = (fibre - shortest) / jnp.maximum(SMALLEST, middle - shortest)
    below = (1 - fibre) / jnp.maximum(SMALLEST, 1 - middle)
    above = (fibre - 1) / jnp.maximum(SMALLEST, outer - 1)
    falling = (longest - fibre) / jnp.maximum(SMALLEST, longest - outer)
    pieces = [0.5 * rising**2, 1 - 0.5 * below**2, 1 - 0.5 * above**2, 0.5 * falling**2]
    force = jnp.select([fibre <= middle, fibre <= 1, fibre <= outer], pieces[:3], pieces[3])
    return jnp.where((fibre >= shortest) & (fibre <= longest), force, 0)


def force_velocity(
    velocity: Float[Array, "muscle"], lengthening: Float[Array, "muscle"]
) -> Float[Array, "muscle"]:
    """Active force relative to that of no velocity; velocity in maximal shortening velocities."""
    most = lengthening - 1
    longer = lengthening - (most - velocity) ** 2 / jnp.maximum(SMALLEST, most)
    pieces = [jnp.zeros_like(velocity), (velocity + 1) ** 2, longer]
    return jnp.select([velocity <= -1, velocity <= 0, velocity <= most], pieces, lengthening)


def force_passive(
    fibre: Float[Array, "muscle"], longest: Float[Array, "muscle"], passive: Float[Array, "muscle"]
) -> Float[Array, "muscle"]:
    """Passive force in maximal forces: a parabola from one optimal length, later a line."""
    outer = 0.5 * (1 + longest)
    width = jnp.maximum(SMALLEST, outer - 1)
    parabola, line = 0.5 * ((fibre - 1) / width) ** 2, 0.5 + (fibre - outer) / width
    return passive * jnp.select(
        [fibre <= 1, fibre <= outer], [jnp.zeros_like(fibre), parabola], line
    )


def _sigmoid(x: Float[Array, "muscle"]) -> Float[Array, "muscle"]:
    """MuJoCo's `mju_sigmoid`: a polynomial of degree five between 0 and 1."""
    x = jnp.clip(x, 0, 1)
    return x**3 * (6 * x**2 - 15 * x + 10)


def _list(names: Sequence[str], chosen: np.ndarray) -> str:
    return ", ".join(name for name, one in zip(names, chosen, strict=True) if one)
