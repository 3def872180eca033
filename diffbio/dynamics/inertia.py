"""Mass and inertia of one person: those of a body model, brought to the person's size and mass."""

import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.errors import InputError, UnknownNameError

LIGHTEST_KG = 0.002
"""Bodies up to this mass are frames between joints, which a simulator does not accept massless.
MyoFullBody gives 1 g to each, and to some of them 1 kg m^2: a radius of gyration of 30 m."""

HEAVIEST_KG = 400.0
"""No person who walks is heavier; a mass in grams or a weight in newtons may be."""

_UNPAIRED = ("head", "torso", "pelvis")

_TABLE = pathlib.Path(__file__).with_name("segment_masses.toml")


class PersonInertia(eqx.Module):
    """What resists acceleration. A pytree: gradients reach it.

    Attributes:
        mass: of every body, in kg.
        centre: centre of mass of every body, in the frame of the body, in metres.
        tensor: inertia about the centre of mass, in the axes of the body, in kg m^2.
    """

    mass: Float[Array, "body"]
    centre: Float[Array, "body 3"]
    tensor: Float[Array, "body 3 3"]

    @property
    def total_mass(self) -> Float[Array, ""]:
        """Mass of the person, in kg."""
        return self.mass.sum()


class Anthropometry(NamedTuple):
    """How mass is distributed in people, for a body model whose own distribution is not theirs.

    Attributes:
        shares: of each segment in the person's mass, by name. A segment that is not named is part
            of the one it hangs on.
        centres: centre of mass by body, in the frame of the body on the unscaled model, in
            metres. Bodies that are not named keep the model's own.
    """

    shares: Mapping[str, float]
    centres: Mapping[str, Float[np.ndarray, "3"]]


def de_leva(body: BodyModel, sex: str | None = None) -> Anthropometry:
    """Distribution of mass in an adult (de Leva 1996, table 4) on the default body.

    MyoFullBody has 32 % of its mass in the legs and 54 % in trunk and pelvis; people have 40 and
    43 %. The centre of its thigh is 48 % of the way to the knee, in people it is 39 %; and its
    sacrum's is between the anterior iliac spines, at the origin of the frame, not in the pelvis.

    Args:
        body: a body with segments named as the default body's; what it does not have is counted
            with the next one towards the pelvis.
        sex: `f` or `m`; None for the mean of both.

    Raises:
        InputError: the sex is neither, or the body has no pelvis among its segments.
    """
    if sex not in (None, "f", "m"):
        raise InputError("de_leva, sex", f"It is {sex!r}.", "Give 'f', 'm' or None.")
    if "pelvis" not in body.segment_names:
        raise InputError(
            f"{body.name}, segments",
            "None is called 'pelvis', so the table does not apply.",
            "Give shares by the names of this body's segments, or None for its own masses.",
        )
    table = tomllib.loads(_TABLE.read_text())
    columns = [0, 1] if sex is None else ["fm".index(sex)]
    shares = dict.fromkeys(body.segment_names, 0.0)
    for name, percent in table["percent"].items():
        part = float(np.mean([percent[column] for column in columns]))
        sides = ("",) if name in _UNPAIRED else ("_r", "_l")
        for side in sides:
            shares[_present(name, side, table["hangs_on"], body.segment_names)] += part
    total = sum(shares.values())
    return Anthropometry(
        {name: share / total for name, share in shares.items() if share > 0.0},
        _centres(body, table, columns),
    )


def _centres(
    body: BodyModel, table: dict[str, Any], columns: list[int]
) -> dict[str, Float[np.ndarray, "3"]]:
    """Centres of mass between joint centres, and those that the base model misplaces."""
    skeleton, names = body.skeleton, body.body_names
    found = {}
    for start, row in table["centre"].items():
        for side in "rl":
            first, last = f"{start}_{side}", f"{row['end']}_{side}"
            if first in names and last in names:
                along = float(np.mean([row["percent"][column] for column in columns])) / 100.0
                found[first] = along * skeleton.position[names.index(last)]
    for misplaced, other in table["centre_of_other"].items():
        if misplaced in names and other in names:
            found[misplaced] = np.asarray(skeleton.inertia[names.index(other)].centre)
    return found


def _present(name: str, side: str, hangs_on: dict[str, str], known: tuple[str, ...]) -> str:
    """The segment itself, or the nearest towards the pelvis that the body has."""
    while (full := name + ("" if name in _UNPAIRED else side)) not in known:
        name = hangs_on[name]
    return full


def person_inertia(
    body: BodyModel,
    parameters: BodyParameters,
    mass: float | None,
    *,
    anthropometry: Anthropometry | None = None,
) -> PersonInertia:
    """Inertia of one person.

    By the model's own masses: these grow with the cube of each segment's size, and are then
    multiplied by one factor, so that the total is the person's. By anthropometry: every segment has
    its share of the person's mass whatever its size, for how long a trunk is says little of how
    heavy it is. Centres of mass and radii of gyration grow with the segments' sizes in both cases.

    Args:
        body: the anatomy.
        parameters: the person's size.
        mass: of the person, in kg.
        anthropometry: for instance `de_leva(body)`; None for the base model's own masses.

    Raises:
        InputError: the mass is missing or no person's, the model has no mass, or a share is not
            positive.
        UnknownNameError: a share is of a segment the model does not have, or the root's is missing.
    """
    mass = _checked_mass(mass)
    base = _base_inertia(body)
    dtype = parameters.log_scale.dtype
    size = jnp.exp(parameters.log_scale)[np.asarray(body.segment_of_body)]
    centre = base.centre.copy()
    if anthropometry is None:
        relative = jnp.asarray(base.mass, dtype) * size**3
    else:
        factor = _factors(body, base.mass, anthropometry.shares)
        relative = jnp.asarray(base.mass * factor, dtype)
        for name, place in anthropometry.centres.items():
            centre[body.body_names.index(name)] = place
    masses = mass * relative / relative.sum()
    # Radii of gyration of the base model, squared, as a tensor.
    spread = base.tensor / np.where(base.mass > 0.0, base.mass, 1.0)[:, None, None]
    return PersonInertia(
        masses,
        jnp.asarray(centre, dtype) * size[:, None],
        jnp.asarray(spread, dtype) * (masses * size**2)[:, None, None],
    )


class _BaseInertia(NamedTuple):
    """Mass, centre and tensor of every body of the unscaled model; see `PersonInertia`."""

    mass: Float[np.ndarray, "body"]
    centre: Float[np.ndarray, "body 3"]
    tensor: Float[np.ndarray, "body 3 3"]


def _base_inertia(body: BodyModel) -> _BaseInertia:
    """The model's own, without frames between joints."""
    of = body.skeleton.inertia
    mass = np.asarray([inertia.mass for inertia in of])
    real = mass > LIGHTEST_KG
    if not real.any():
        raise InputError(
            f"{body.name}, inertia",
            "No body of the model has a mass.",
            "Give its bodies inertials, or geoms with a density, and load the model again.",
        )
    tensor = np.stack([inertia.tensor for inertia in of])
    return _BaseInertia(
        np.where(real, mass, 0.0),
        np.stack([inertia.centre for inertia in of]),
        np.where(real[:, None, None], tensor, 0.0),
    )


def _checked_mass(mass: float | None) -> float:
    remedy = "Weigh the person and give kilograms, or take it from plates (`mass_on_plates`)."
    if mass is None or not np.isfinite(mass):
        raise InputError("mass", "The person's mass is not known.", remedy)
    if not 0.0 < mass < HEAVIEST_KG:
        raise InputError("mass", f"A person would weigh {mass:g} kg.", remedy)
    return float(mass)


def _factors(
    body: BodyModel, mass: Float[np.ndarray, "body"], shares: Mapping[str, float]
) -> Float[np.ndarray, "body"]:
    """What each body's mass is multiplied by, for its segment to have its share."""
    names = body.segment_names
    for name in shares:
        if name not in names:
            raise UnknownNameError(f"{body.name}, mass shares", "segment", name, names)
    if min(shares.values()) <= 0.0:
        raise InputError(
            f"{body.name}, mass shares", "One is not positive.", "Leave such segments out."
        )
    owner: list[str] = []
    for segment, parent in zip(body.segment_of_body, body.body_parents, strict=True):
        name = names[segment]
        if name not in shares and parent < 0:
            raise UnknownNameError(f"{body.name}, mass shares", "segment", name, tuple(shares))
        owner.append(name if name in shares else owner[parent])
    wanted = np.asarray([shares[name] for name in owner])
    given = np.asarray([sum(m for m, o in zip(mass, owner, strict=True) if o == n) for n in owner])
    return wanted / np.where(given > 0.0, given, 1.0)
