"""What the table of participants says of a person, used for their fit, or refused and said so."""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.cohort import ParticipantFit
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.prior import BodyPrior
from diffbio.cohort.stated import (
    LENGTHS,
    StatedLength,
    contradicted,
    informed,
    log_lengths,
    stated_evidence,
)
from diffbio.fitting.person_rig.stature import stature
from diffbio.io.participants_table import TABLE
from diffbio.io.study import Enrolled

Solved = TypeVar("Solved")


def stated_lengths(participant: Enrolled) -> tuple[StatedLength, ...]:
    """Lengths of a person that the table of participants states."""
    facts = dataclasses.asdict(participant.facts)
    return tuple(
        StatedLength(what, facts[what], facts[f"{what}_sd"])
        for what in LENGTHS
        if facts[what] is not None
    )


def solve_with_facts(
    body: BodyModel,
    participant: Enrolled,
    prior: BodyPrior,
    solve: Callable[[BodyPrior], Solved],
    person_of: Callable[[Solved], Float[np.ndarray, "person"]],
) -> tuple[Solved, Evidence, str]:
    """Solve for a person with what is stated of them, but for what their trials contradict.

    A wrong entry of the table must not bend a fit: it is found by the fit, which is then made
    again without it.

    Args:
        body: the base model.
        participant: whose facts.
        prior: on the person before any fact.
        solve: what to do with the prior that knows the facts.
        person_of: log scales and marker offsets of what that returned, flat.

    Returns:
        What `solve` returned, what the facts in use say, and why others are not used.
    """
    stated = stated_lengths(participant)
    told = stated_evidence(body, stated, prior)
    found = solve(informed(prior, told))
    wrong = contradicted(body, stated, person_of(found))
    if not wrong:
        return found, told, ""
    told = stated_evidence(body, tuple(one for one in stated if one not in wrong), prior)
    found = solve(informed(prior, told))
    own = log_lengths(body, person_of(found))
    reasons = [
        f"{one.what} of {one.value:.2f} m in {TABLE} contradicts their trials "
        f"({np.exp(own[one.what][0]):.2f} m), and is not used: a wrong entry, somebody else's "
        "trials, or a rig in other units."
        for one in wrong
    ]
    return found, told, " ".join(reasons)


def body_facts(participant: Enrolled, body: BodyModel, fit: ParticipantFit) -> dict[str, object]:
    """A person's body beside what is stated of it; units are in the keys."""
    facts, height = participant.facts, body.height(fit.parameters)
    # The model's own crown stands nearer to its shoulders than people's does.
    standing = stature(body, fit.parameters)
    scales = np.exp(np.asarray(fit.parameters.log_scale, float))
    return {
        "height_m": None if height is None else round(height, 4),
        "stature_m": None if standing is None else round(standing.height, 4),
        "stature_sd_m": None if standing is None else round(standing.height * standing.sd, 4),
        "stated_height_m": facts.height,
        "stated_height_sd_m": facts.height_sd,
        "stated_leg_length_r_m": facts.leg_length_r,
        "stated_leg_length_l_m": facts.leg_length_l,
        "mass_kg": round(body.mass(fit.parameters), 2),
        "stated_mass_kg": facts.mass,
        "stated_mass_sd_kg": facts.mass_sd,
        "sex": facts.sex,
        "scales": {
            name: round(float(scale), 5)
            for name, scale in zip(body.segment_names, scales, strict=True)
        },
        "iterations": fit.iterations,
        "outcome": fit.outcome.name.lower(),
    }
