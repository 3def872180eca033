"""How well a head predicts people it has not seen, beside what chance does with the same head."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from diffbio.errors import InputError
from diffbio.features.cohort_examples import Examples


@dataclasses.dataclass(frozen=True)
class Fold:
    """Rows to learn from and rows to predict; no person is in both.

    Attributes:
        training: indices of examples.
        held_out: the others, or some of them.
        name: of the fold; where one cohort is left out, the cohort's.
    """

    training: Int[np.ndarray, "training"]
    held_out: Int[np.ndarray, "held_out"]
    name: str


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a head predicts of people held out.

    Attributes:
        metric: `balanced_accuracy` of classes, `r2` of numbers.
        score: of all held-out predictions together.
        by_fold: the same in each fold, by its name; NaN where it is not defined.
        predicted: of every example; in the order of the examples.
        chance: score after the targets were dealt out anew among the people of each cohort, once
            per permutation.
    """

    metric: str
    score: float
    by_fold: dict[str, float]
    predicted: np.ndarray
    chance: Float[np.ndarray, "permutation"]

    @property
    def p_value(self) -> float:
        """How often chance scores as high, the score itself counted among it (Phipson 2010)."""
        return float((1 + np.sum(self.chance >= self.score)) / (1 + len(self.chance)))


def person_folds(examples: Examples, n_folds: int, *, seed: int) -> tuple[Fold, ...]:
    """Folds in which a person is either learnt from or predicted.

    Classes are spread over the folds as evenly as the people allow.

    Args:
        examples: of at least as many people as folds.
        n_folds: two or more.
        seed: of who goes where.

    Raises:
        InputError: there are fewer people than folds, or fewer people of a class.
    """
    person = examples.person_number
    n_people = int(person.max()) + 1
    fewest, what = n_people, "people"
    if examples.is_classified:
        of_class = {
            str(one): len(np.unique(person[examples.target == one]))
            for one in np.unique(examples.target)
        }
        name = min(of_class, key=of_class.__getitem__)
        fewest, what = of_class[name], f"people of class {name}"
    if not 2 <= n_folds <= fewest:
        raise InputError(
            "folds",
            f"{n_folds} folds were asked for, and there are {fewest} {what}.",
            f"Ask for 2 to {fewest}." if fewest > 1 else "Record more people.",
        )
    kind = StratifiedGroupKFold if examples.is_classified else GroupKFold
    split = kind(n_folds, shuffle=True, random_state=seed).split(
        examples.features, examples.target, person
    )
    return tuple(Fold(one, other, f"fold {n}") for n, (one, other) in enumerate(split))


def leave_one_cohort_out(examples: Examples) -> tuple[Fold, ...]:
    """One fold per cohort: learn from the others, predict it.

    Raises:
        InputError: there is one cohort only.
    """
    number = examples.cohort_number
    names = tuple(dict.fromkeys(examples.cohort))
    if len(names) < 2:
        raise InputError(
            "cohorts",
            f"There is one only, {examples.cohort[0]!r}.",
            "Give two or more, or fold by person.",
        )
    return tuple(
        Fold(np.flatnonzero(number != n), np.flatnonzero(number == n), name)
        for n, name in enumerate(names)
    )


def evaluate(
    head: Pipeline, examples: Examples, folds: Sequence[Fold], *, n_permutations: int, seed: int
) -> Evaluation:
    """Fit a head on each fold's training rows and predict the rows held out.

    The baseline keeps everything but the link between features and target: targets are dealt out
    anew among the people of each cohort, so that a head that only recognises cohorts of which one
    has more of a class scores as high there. The steps before the last look at no target, so they
    are fitted once per fold.

    Args:
        head: of `heads.head`; it is not changed.
        examples: of several people.
        folds: which together hold every example out once.
        n_permutations: of the baseline.
        seed: of the permutations.

    Raises:
        InputError: a fold shares a person between its two parts, examples are not held out just
            once, or the training rows of a fold have one class only.
    """
    _check(examples, folds)
    prepared = []
    for fold in folds:
        steps = _unfitted(head[:-1])
        training = steps.fit_transform(examples.columns[fold.training])
        prepared.append((fold, training, steps.transform(examples.columns[fold.held_out])))
    rng = np.random.default_rng(seed)
    predicted = _predicted(head, prepared, examples.target)
    chance = np.empty(n_permutations)
    for number in range(n_permutations):
        dealt = _dealt(examples, folds, rng)
        chance[number] = _score(examples, dealt, _predicted(head, prepared, dealt))
    by_fold = {
        fold.name: _score(examples, examples.target[fold.held_out], predicted[fold.held_out])
        for fold in folds
    }
    metric = "balanced_accuracy" if examples.is_classified else "r2"
    score = _score(examples, examples.target, predicted)
    return Evaluation(metric, score, by_fold, predicted, chance)


_Prepared = Sequence[tuple[Fold, np.ndarray, np.ndarray]]


def _predicted(head: Pipeline, prepared: _Prepared, target: np.ndarray) -> np.ndarray:
    """Predictions of all examples by models that saw the targets of the training rows only."""
    predicted = np.empty_like(target)
    for fold, training, held_out in prepared:
        model = _unfitted(head[-1]).fit(training, target[fold.training])
        predicted[fold.held_out] = model.predict(held_out)
    return predicted


def _unfitted(step: Any) -> Any:
    """A copy with the same settings that has learnt nothing."""
    return clone(step)


def _dealt(examples: Examples, folds: Sequence[Fold], rng: np.random.Generator) -> np.ndarray:
    """Targets permuted between the people of each cohort; a person's recordings keep one.

    Deals that leave the training rows of a fold with one class are dealt again: no head could
    learn from them.
    """
    person = examples.person_number
    _, first = np.unique(person, return_index=True)
    cohort = examples.cohort_number[first]
    while True:  # The targets as they are, at least, leave every fold its classes.
        of_person = examples.target[first]
        for one in np.unique(cohort):
            there = np.flatnonzero(cohort == one)
            of_person[there] = of_person[rng.permutation(there)]
        dealt = of_person[person]
        if all(len(np.unique(dealt[fold.training])) > 1 for fold in folds):
            return dealt


def _score(examples: Examples, target: np.ndarray, predicted: np.ndarray) -> float:
    if len(np.unique(target)) < 2:
        return float("nan")
    if not examples.is_classified:
        return float(r2_score(target, predicted))
    # Of the classes that are there: a prediction of another is simply wrong.
    recalls = [np.mean(predicted[target == one] == one) for one in np.unique(target)]
    return float(np.mean(recalls))


def _check(examples: Examples, folds: Sequence[Fold]) -> None:
    person = examples.person_number
    for fold in folds:
        shared = np.intersect1d(person[fold.training], person[fold.held_out])
        if len(shared):
            row = int(np.flatnonzero(person == shared[0])[0])
            raise InputError(
                f"folds, {fold.name}",
                f"{examples.person[row]!r} in {examples.cohort[row]!r} is in both parts.",
                "Make folds by person_folds or leave_one_cohort_out.",
            )
        if examples.is_classified and len(np.unique(examples.target[fold.training])) < 2:
            raise InputError(
                f"folds, {fold.name}",
                f"All training rows are of class {examples.target[fold.training[0]]}.",
                "Fold by person, or give more cohorts.",
            )
    held_out = np.sort(np.concatenate([fold.held_out for fold in folds]))
    if not np.array_equal(held_out, np.arange(len(person))):
        raise InputError(
            "folds",
            f"They hold {len(held_out)} rows out, of {len(person)} examples.",
            "Hold every example out once.",
        )
