"""Heads: small models that predict a target of a person from a code, as scikit-learn pipelines.

Every step takes rows of features with the number of the cohort as last column
(`Examples.columns`), and everything a step knows it learnt from the rows it was fitted on.
"""

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from diffbio.errors import InputError, UnknownNameError
from diffbio.features.flax_head import FlaxClassifier, FlaxRegressor
from diffbio.features.phase_code import N_PHASES
from diffbio.features.summary import RANK, person_synergies, shared_basis

MODELS = ("logistic", "ridge", "flax_classifier", "flax_regressor")
REDUCTIONS = ("none", "shared", "per_person")

FEWEST = 5
"""Rows of a cohort from which a mean and a deviation of its own are estimated."""


class CohortScaler(TransformerMixin, BaseEstimator):
    """Features in standard deviations from the mean of their own cohort.

    Means and deviations are those of the rows fitted on. A cohort with fewer than `fewest` of
    them, or none (leave one cohort out), is scaled with the mean of the cohorts' means and the
    pooled deviation within cohorts. The column of the cohort is dropped.
    """

    def __init__(self, fewest: int = FEWEST) -> None:
        self.fewest = fewest

    def fit(self, columns: Float[np.ndarray, "row column"], target: object = None):
        """Learn means and deviations; the target is not looked at."""
        features, cohort = columns[:, :-1], columns[:, -1]
        own = {
            float(one): (features[cohort == one].mean(0), features[cohort == one].std(0))
            for one in np.unique(cohort)
        }
        counts = {one: int(np.sum(cohort == one)) for one in own}
        self.pooled_ = (
            np.mean([mean for mean, _ in own.values()], axis=0),
            np.sqrt(sum(counts[one] * own[one][1] ** 2 for one in own) / len(features)),
        )
        self.own_ = {one: own[one] for one in own if counts[one] >= self.fewest}
        return self

    def transform(
        self, columns: Float[np.ndarray, "row column"]
    ) -> Float[np.ndarray, "row feature"]:
        """Scaled features; what did not vary in the rows fitted on is only centred."""
        features, cohort = columns[:, :-1], columns[:, -1]
        scaled = np.empty_like(features)
        for one in np.unique(cohort):
            mean, sd = self.own_.get(float(one), self.pooled_)
            rows = cohort == one
            # A deviation from rounding alone is none.
            constant = sd <= 1e-9 * np.maximum(np.abs(mean), 1e-300)
            scaled[rows] = (features[rows] - mean) / np.where(constant, 1.0, sd)
        return scaled


class SynergySummary(TransformerMixin, BaseEstimator):
    """Muscle codes, flattened phase by phase, to the numbers of their synergies.

    With `shared` the basis is that of the rows fitted on, and others are projected on it; with
    `per_person` every row is factorised by itself. The column of the cohort is kept.
    """

    def __init__(
        self, reduction: str = "shared", rank: int = RANK, n_phases: int = N_PHASES
    ) -> None:
        self.reduction, self.rank, self.n_phases = reduction, rank, n_phases

    def fit(self, columns: Float[np.ndarray, "row column"], target: object = None):
        """Learn the shared basis; the target is not looked at."""
        codes = self._codes(columns)
        self.basis_ = shared_basis(codes, self.rank) if self.reduction == "shared" else None
        return self

    def transform(
        self, columns: Float[np.ndarray, "row column"]
    ) -> Float[np.ndarray, "row column_out"]:
        """One summary per row, then the cohort."""
        summaries = [
            (
                person_synergies(code, self.rank)
                if self.basis_ is None
                else self.basis_.project(code)
            )
            for code in self._codes(columns)
        ]
        return np.column_stack([np.stack([one.summary for one in summaries]), columns[:, -1]])

    def _codes(
        self, columns: Float[np.ndarray, "row column"]
    ) -> Float[np.ndarray, "row phase muscle"]:
        n_features = columns.shape[1] - 1
        if n_features % self.n_phases:
            raise InputError(
                "features",
                f"There are {n_features}, which {self.n_phases} phases do not divide.",
                "Give flattened muscle codes (examples_of), and the cohort as last column.",
            )
        return columns[:, :-1].reshape(len(columns), self.n_phases, -1)


def head(
    model: str,
    *,
    reduction: str = "none",
    variance: float = 0.95,
    strength: float = 1.0,
    seed: int = 0,
) -> Pipeline:
    """Summary (optional), scaling by cohort, principal components, and a model.

    Args:
        model: `logistic` and `flax_classifier` predict a class, `ridge` and `flax_regressor` a
            number.
        reduction: `shared` or `per_person` for the synergies of muscle codes first; `none` for
            any features as they are.
        variance: share of the variance of the rows fitted on that the components keep.
        strength: of the penalty on the model's weights; classes count alike however many they are.
        seed: of the first weights of a flax model; others have no chance in them.

    Raises:
        UnknownNameError: there is no such model or reduction.
    """
    for kind, name, known in (
        ("model", model, MODELS),
        ("reduction", reduction, REDUCTIONS),
    ):
        if name not in known:
            raise UnknownNameError("head", kind, name, known)
    steps: list[tuple[str, BaseEstimator]] = []
    if reduction != "none":
        steps.append(("summary", SynergySummary(reduction)))
    steps.append(("scaling", CohortScaler()))
    steps.append(("components", PCA(variance, svd_solver="full")))
    models: dict[str, BaseEstimator] = {
        "logistic": LogisticRegression(C=1.0 / strength, class_weight="balanced", max_iter=2000),
        "ridge": Ridge(strength),
        "flax_classifier": FlaxClassifier(seed=seed, strength=strength),
        "flax_regressor": FlaxRegressor(seed=seed, strength=strength),
    }
    return Pipeline([*steps, ("model", models[model])])
