"""Which synergy of one set is which of another: their order and scale mean nothing."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from diffbio.muscle.synergies import Synergies


class SynergyMatch(NamedTuple):
    """Pairs of synergies, of which the sum of similarities is largest.

    Attributes:
        first: number of each pair's synergy in the first set, ascending.
        second: number of its partner in the second.
        similarity: cosine between their weights, of [0, 1], 1 where they are the same. Weights
            are never negative, so that unrelated ones are above 0.
    """

    first: Int[np.ndarray, "pair"]
    second: Int[np.ndarray, "pair"]
    similarity: Float[np.ndarray, "pair"]


def match_synergies(first: Synergies, second: Synergies) -> SynergyMatch:
    """Match two sets; of a larger set, some have no partner.

    The second set's muscles are put in the first's order.

    Raises:
        InputError: the sets are of different muscles.

    Source: H. W. Kuhn (1955), Naval Res. Logist. Q. 2:83, for the assignment.
    """
    similarity = cosine_similarity(first.weights, second.reordered(first.muscle_names).weights)
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    return SynergyMatch(rows, columns, similarity[rows, columns])


def cosine_similarity(
    first: Float[np.ndarray, "muscle synergy"], second: Float[np.ndarray, "muscle other"]
) -> Float[np.ndarray, "synergy other"]:
    """Cosine between every two columns, none of which vanishes."""
    one, other = (columns / np.linalg.norm(columns, axis=0) for columns in (first, second))
    return np.minimum(one.T @ other, 1.0)
