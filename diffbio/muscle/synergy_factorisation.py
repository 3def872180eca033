"""Synergies found in activations or in envelopes of EMG, by non-negative factors.

The factors minimise |X - C W'|^2 by scikit-learn's coordinate descent, from `STARTS` starts of
which the best is kept. The first start is NNDSVDa (singular vectors, zeros filled with the mean of
`X`); start i after it is random with seed i. So the same activations give the same synergies.

Sources: D. D. Lee, H. S. Seung (1999), Nature 401:788, for the factorisation; C. Boutsidis, E.
Gallopoulos (2008), Pattern Recognition 41:1350, for the first start.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from diffbio.errors import InputError
from diffbio.muscle.synergies import Factorisation, Synergies, variance_accounted_for

STARTS = 5
"""Of which the best is kept; more than one because the problem has local minima."""

TOLERANCE = 1e-5
"""Of the coordinate descent, relative to its first step."""

MOST_ITERATIONS = 2000
"""Of one start."""

_REMEDY = "Give activations or envelopes of at least 0, one column for each named muscle."


def factorise(
    activation: Float[np.ndarray, "sample muscle"],
    muscle_names: Sequence[str],
    n_synergies: int,
    *,
    samples_per_cycle: int | None = None,
    starts: int = STARTS,
) -> Factorisation:
    """The synergies that reproduce activations best.

    Args:
        activation: of a model's muscles, or envelopes of EMG, each scaled as it should count; at
            least 0.
        muscle_names: of the columns.
        n_synergies: how many to look for. One that is of no use, where fewer reproduce
            everything, moves no muscle and is left out.
        samples_per_cycle: where several cycles of equal length follow each other, for the order
            of the synergies; None where all samples are one cycle.
        starts: of which the best is kept.

    Raises:
        InputError: activations are negative, not finite or all zero, or the number of synergies
            is not between 1 and what samples and active muscles allow.
    """
    names = tuple(muscle_names)
    activation = np.asarray(activation, float)
    active = _checked(activation, names, n_synergies)
    best, vaf_of_start, converged = None, [], False
    for start in range(starts):
        command, weights, done = _one_start(activation[:, active], n_synergies, start)
        vaf, _ = variance_accounted_for(activation[:, active], command @ weights)
        if best is None or vaf > max(vaf_of_start):
            best, converged = (command, weights), done
        vaf_of_start.append(vaf)
    if best is None:
        raise InputError("synergies", "There are no starts.", "Give at least one.")
    command, weights = best
    spread = np.zeros((activation.shape[1], n_synergies))
    spread[active] = weights.T
    found, command, centre = _normalised(names, spread, command, samples_per_cycle)
    vaf, each = variance_accounted_for(activation, command @ found.weights.T)
    return Factorisation(found, command, centre, vaf, each, tuple(vaf_of_start), converged)


def _checked(activation: np.ndarray, names: tuple[str, ...], n_synergies: int) -> np.ndarray:
    """Which muscles are ever active."""
    if len(names) != activation.shape[1]:
        found = f"There are {len(names)} names for {activation.shape[1]} muscles."
        raise InputError("activations", found, _REMEDY)
    wrong = ~(np.isfinite(activation) & (activation >= 0)).all(0)
    if wrong.any():
        found = f"Of {names[int(wrong.argmax())]}, some are negative or not finite."
        raise InputError("activations", found, _REMEDY)
    active = activation.max(0) > 0
    most = min(activation.shape[0], int(active.sum()))
    if not 1 <= n_synergies <= most:
        found = f"{n_synergies} are asked for."
        remedy = (
            f"{active.sum()} active muscles and {activation.shape[0]} samples allow 1 to {most}."
        )
        raise InputError("number of synergies", found, remedy)
    return active


def _one_start(
    activation: np.ndarray, n_synergies: int, start: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Commands, weights (synergy x muscle), and whether the descent came to its end."""
    method = NMF(
        n_components=n_synergies,  # pyright: ignore[reportArgumentType]  # of its default "auto"
        init="random" if start else "nndsvda",
        random_state=start,
        tol=TOLERANCE,
        max_iter=MOST_ITERATIONS,
    )
    with warnings.catch_warnings():
        # Said by `converged`.
        warnings.simplefilter("ignore", ConvergenceWarning)
        command = method.fit_transform(activation)
    return command, method.components_, method.n_iter_ < MOST_ITERATIONS


def _normalised(
    names: tuple[str, ...],
    weights: np.ndarray,
    command: np.ndarray,
    samples_per_cycle: int | None,
) -> tuple[Synergies, np.ndarray, np.ndarray]:
    """Largest weight one, synergies in the order of their centres, those of no use left out."""
    largest = weights.max(0)
    used = (largest > 0) & (command.max(0) > 0)
    weights, command = weights[:, used] / largest[used], command[:, used] * largest[used]
    centre = centre_of_activity(command, samples_per_cycle)
    order = np.argsort(centre, kind="stable")
    return Synergies(names, weights[:, order]), command[:, order], centre[order]


def centre_of_activity(
    command: Float[np.ndarray, "sample synergy"], samples_per_cycle: int | None = None
) -> Float[np.ndarray, "synergy"]:
    """Circular mean of the time of activity, in cycles, of [0, 1).

    A command that is active around the start of the cycle may come first or last.

    Args:
        command: of whole cycles, the first sample at the start of one.
        samples_per_cycle: None where all samples are one cycle.

    Source: G. Martino and others (2014), J. Neurophysiol. 112:2810, for the centre of activity as
    the angle of the resultant on a circle.
    """
    angle = 2 * np.pi * np.arange(len(command)) / (samples_per_cycle or len(command))
    resultant = np.exp(1j * angle) @ command
    return np.angle(resultant) / (2 * np.pi) % 1.0
