"""550 numbers instead of 2,400: five synergies of a muscle code, and when each is active.

A code `(30 phases, 80 muscles)` is approximated by `primitives (30, 5) @ weights (5, 80)`, all
non-negative; the summary is the 5 x (80 + 30) numbers of the two factors.
"""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from diffbio.errors import InputError

RANK = 5
"""Four to five synergies are reported for walking; 5 x (80 + 30) = 550 is our reading of the
number of features of Zhu et al. (2026, MuscleLens), whose text does not break it down."""

_PULL = 0.01
"""Of a person's weights towards the shared ones, relative to the mean energy of a primitive. The
weights of a synergy that a person does not use are determined by nothing else."""

_MOST_ITERATIONS = 2000


@dataclasses.dataclass(frozen=True)
class CodeFactors:
    """Two non-negative factors of a code, ordered by when their primitives are active.

    Attributes:
        weights: of each muscle in each synergy, of unit length where they come from a
            factorisation.
        primitives: of each synergy over the cycle, in the unit of the code.
    """

    weights: Float[np.ndarray, "synergy muscle"]
    primitives: Float[np.ndarray, "phase synergy"]

    @property
    def code(self) -> Float[np.ndarray, "phase muscle"]:
        """What the factors say the code is."""
        return self.primitives @ self.weights

    @property
    def summary(self) -> Float[np.ndarray, "feature"]:
        """Weights synergy by synergy, then primitives synergy by synergy."""
        return np.concatenate([self.weights.ravel(), self.primitives.T.ravel()])


def summary_names(muscles: Sequence[str], n_phases: int = 30, rank: int = RANK) -> tuple[str, ...]:
    """What the numbers of a summary are called, in their order."""
    weights = (f"weight:{k}:{muscle}" for k in range(rank) for muscle in muscles)
    primitives = (f"primitive:{k}:{phase}" for k in range(rank) for phase in range(n_phases))
    return (*weights, *primitives)


def person_synergies(code: Float[np.ndarray, "phase muscle"], rank: int = RANK) -> CodeFactors:
    """CodeFactors of one person alone.

    Two people's may differ in number and order by chance: `synergy 2` of one need not be that of
    another. `SharedBasis` is the default for that reason.

    Raises:
        InputError: the code is not finite, is negative, or is zero throughout.
    """
    _check(code, "muscle code", rank)
    return _ordered(*_factors(code, rank), len(code))


@dataclasses.dataclass(frozen=True)
class SharedBasis:
    """CodeFactors of several people at once, on which others are projected.

    Attributes:
        weights: of unit length, in the order of the centre of their activity.
    """

    weights: Float[np.ndarray, "synergy muscle"]

    def project(self, code: Float[np.ndarray, "phase muscle"]) -> CodeFactors:
        """A person's synergies that correspond, one by one, to those of the basis.

        Primitives are the non-negative least-squares solution on the shared weights, and weights
        then that on these primitives, held near the shared ones where the person's activity does
        not determine them. The two never approximate the code less well than the shared weights.

        Raises:
            InputError: the code is not finite, is negative, or has other muscles.
        """
        _check(code, "muscle code", 1)
        if code.shape[1] != self.weights.shape[1]:
            raise InputError(
                "muscle code",
                f"It has {code.shape[1]} muscles, and the basis has {self.weights.shape[1]}.",
                "Give codes of the same muscles in the same order.",
            )
        primitives = _non_negative(self.weights.T, code.T).T
        pull = np.sqrt(_PULL * np.mean(np.sum(primitives**2, axis=0)))
        lowest = pull * np.eye(len(self.weights))
        weights = _non_negative(
            np.vstack([primitives, lowest]), np.vstack([code, pull * self.weights])
        )
        return CodeFactors(weights, primitives)


def shared_basis(codes: Float[np.ndarray, "person phase muscle"], rank: int = RANK) -> SharedBasis:
    """CodeFactors of the people given: those of the training folds, never those to be predicted.

    Every person counts alike, whatever the level of their activations.

    Raises:
        InputError: a code is not finite, is negative, or is zero throughout.
    """
    for number, code in enumerate(codes):
        _check(code, f"muscle code {number}", 1)
    level = np.sqrt(np.mean(codes**2, axis=(1, 2), keepdims=True))
    stacked = (codes / level).reshape(-1, codes.shape[2])
    if rank > min(stacked.shape):
        raise _too_high(rank, stacked.shape)
    return SharedBasis(_ordered(*_factors(stacked, rank), codes.shape[1]).weights)


def _factors(values: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Primitives and weights of unit length; the start is deterministic (Boutsidis 2008)."""
    model = NMF(
        n_components=rank,  # pyright: ignore[reportArgumentType]  # of its default "auto"
        init="nndsvda",
        solver="cd",
        tol=1e-5,
        max_iter=_MOST_ITERATIONS,
    )
    with warnings.catch_warnings():
        # The last digits matter to nobody: what is reached is a factorisation all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        primitives = np.asarray(model.fit_transform(values))
    weights = np.asarray(model.components_)
    length = np.linalg.norm(weights, axis=1)
    length[length == 0.0] = 1.0
    return primitives * length, weights / length[:, None]


def _ordered(primitives: np.ndarray, weights: np.ndarray, n_phases: int) -> CodeFactors:
    """By centre of activity: the circular mean of phase, which the contact at 0 does not cut."""
    mean = primitives.reshape(-1, n_phases, len(weights)).mean(0)
    turn = np.exp(2j * np.pi * np.arange(n_phases) / n_phases)
    order = np.argsort(np.angle(turn @ mean) % (2 * np.pi), kind="stable")
    return CodeFactors(weights[order], primitives[:, order])


def _non_negative(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Non-negative `x` of least `|matrix @ x - values|`, column by column."""
    return np.stack([nnls(matrix, column)[0] for column in values.T], axis=1)


def _check(code: np.ndarray, where: str, rank: int) -> None:
    remedy = "Give activations, which are between 0 and 1."
    if not np.isfinite(code).all():
        raise InputError(where, "It has values that are missing.", remedy)
    if (code < 0.0).any():
        raise InputError(where, f"It has negative values, the lowest {code.min():.3g}.", remedy)
    if not code.any():
        raise InputError(where, "It is zero throughout.", remedy)
    if rank > min(code.shape):
        raise _too_high(rank, code.shape)


def _too_high(rank: int, shape: tuple[int, ...]) -> InputError:
    return InputError(
        "rank",
        f"{rank} synergies were asked for of {shape[0]} rows and {shape[1]} muscles.",
        f"Ask for {min(shape)} or fewer.",
    )
