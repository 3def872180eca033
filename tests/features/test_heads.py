"""Heads on simulated cohorts: what is there is found, and nothing else. No person was measured."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from diffbio.errors import InputError, UnknownNameError
from diffbio.features import (
    Examples,
    evaluate,
    examples_of,
    head,
    leave_one_cohort_out,
    person_folds,
)
from diffbio.features.heads import CohortScaler, SynergySummary
from tests.features.simulated_cohorts import simulated_cohorts


@pytest.fixture(scope="module")
def signal():
    return simulated_cohorts(seed=1, effect=0.4)


@pytest.fixture(scope="module")
def no_signal():
    return simulated_cohorts(seed=1, effect=0.0)


def test_a_known_signal_is_found_above_the_permutation_baseline(signal):
    found = evaluate(
        head("logistic"), signal, person_folds(signal, 5, seed=0), n_permutations=40, seed=0
    )
    assert found.metric == "balanced_accuracy"
    assert found.score > 0.9
    assert found.score > found.chance.max()
    assert found.p_value == pytest.approx(1 / 41)


def test_it_is_found_in_a_cohort_never_seen(signal):
    found = evaluate(
        head("logistic"), signal, leave_one_cohort_out(signal), n_permutations=20, seed=0
    )
    assert list(found.by_fold) == ["cohort 0", "cohort 1", "cohort 2"]
    assert found.score > 0.6 and found.score > found.chance.max()


def test_it_is_found_in_the_550_numbers_too(signal):
    found = evaluate(
        head("logistic", reduction="shared"),
        signal,
        person_folds(signal, 3, seed=0),
        n_permutations=20,
        seed=0,
    )
    assert found.score > 0.8 and found.score > found.chance.max()


def test_without_a_signal_the_score_is_chance(no_signal):
    folds = person_folds(no_signal, 5, seed=0)
    found = evaluate(head("logistic"), no_signal, folds, n_permutations=40, seed=0)
    # 60 people: the accuracy of guesses has a deviation of 0.065.
    assert abs(found.score - 0.5) < 0.2
    assert found.p_value > 0.02
    assert abs(found.chance.mean() - 0.5) < 0.05


def test_a_network_finds_the_signal_and_nothing_else(signal, no_signal):
    network = head("flax_classifier").set_params(model__n_iterations=40)
    folds = person_folds(signal, 2, seed=0)
    there = evaluate(network, signal, folds, n_permutations=3, seed=0)
    # Guesses about 60 people have a deviation of 0.065: three of them.
    assert there.score > 0.7 and there.score > there.chance.max()
    absent = evaluate(network, no_signal, folds, n_permutations=0, seed=0)
    assert abs(absent.score - 0.5) < 0.2


def test_shuffled_targets_give_chance(signal):
    person = signal.person_number
    shuffled = np.random.default_rng(3).permutation(np.arange(person.max() + 1) % 2)[person]
    examples = signal.with_target(shuffled)
    scores = [
        evaluate(
            head("logistic"), examples, person_folds(examples, 5, seed=k), n_permutations=0, seed=0
        ).score
        for k in range(4)
    ]
    assert abs(np.mean(scores) - 0.5) < 0.2


def test_telling_cohorts_apart_is_no_better_than_the_baseline():
    """One cohort has more of one class: a head that knows the cohort only is not credited."""
    rng = np.random.default_rng(0)
    n = 30
    cohort = ["a"] * n + ["b"] * n
    target = np.array([0] * 24 + [1] * 6 + [0] * 6 + [1] * 24)
    features = rng.normal(size=(2 * n, 3))
    features[:, 0] += 5.0 * (np.arange(2 * n) >= n)
    examples = Examples(features, tuple(f"{k}" for k in range(2 * n)), tuple(cohort), target)
    # The scaler alone would take the cohort away; here it is left in.
    pipeline = head("logistic").set_params(scaling=CohortScaler(fewest=1000))
    found = evaluate(
        pipeline, examples, person_folds(examples, 5, seed=0), n_permutations=20, seed=0
    )
    assert found.score > 0.7
    assert abs(found.score - found.chance.mean()) < 0.1


@pytest.mark.parametrize("model", ["ridge", "flax_regressor"])
def test_a_number_is_predicted(model):
    of_person = np.random.default_rng(2).normal(size=(60, 6))
    features = np.repeat(of_person, 2, axis=0)
    features[1::2] += 0.01
    target = np.repeat(3.0 + of_person[:, 0] - 0.5 * of_person[:, 1], 2)
    names = tuple(f"{k // 2}" for k in range(120))
    examples = Examples(features, names, ("one",) * 120, target)
    folds = person_folds(examples, 2, seed=1)
    found = evaluate(head(model, variance=0.999), examples, folds, n_permutations=3, seed=1)
    assert found.metric == "r2"
    assert found.score > 0.8 and found.chance.max() < 0.3


def test_folds_never_split_a_person(signal):
    for folds in (person_folds(signal, 5, seed=7), leave_one_cohort_out(signal)):
        held_out = np.sort(np.concatenate([fold.held_out for fold in folds]))
        assert held_out.tolist() == list(range(len(signal.person)))
        for fold in folds:
            there = {(signal.cohort[k], signal.person[k]) for k in fold.training}
            assert not there & {(signal.cohort[k], signal.person[k]) for k in fold.held_out}


def test_the_same_name_in_two_cohorts_is_two_people(signal):
    assert signal.person_number.max() + 1 == 60


def test_scaling_knows_the_training_rows_only(signal):
    """Held-out rows may be anything: what is learnt does not change."""
    fold = person_folds(signal, 5, seed=0)[0]
    once = CohortScaler().fit(signal.columns[fold.training])
    wild = signal.columns.copy()
    wild[fold.held_out, :-1] = 1e6
    again = CohortScaler().fit(wild[fold.training])
    for a, b in zip(once.pooled_, again.pooled_, strict=True):
        assert_allclose(a, b, atol=0)
    rows = signal.columns[fold.training]
    for one in range(3):
        there = rows[:, -1] == one
        oracle = (rows[there, :-1] - rows[there, :-1].mean(0)) / rows[there, :-1].std(0)
        assert_allclose(once.transform(rows)[there], oracle, atol=1e-9)


class Witness(TransformerMixin, BaseEstimator):
    """A step that writes down what it was fitted on."""

    seen: ClassVar[list[tuple[np.ndarray, object]]] = []

    def fit(self, columns, target=None):
        Witness.seen.append((columns, target))
        return self

    def transform(self, columns):
        return columns


def test_nothing_is_fitted_on_rows_held_out(signal):
    """The steps see the training rows of each fold, once, and no target."""
    Witness.seen.clear()
    folds = person_folds(signal, 4, seed=0)
    pipeline = Pipeline([("witness", Witness()), *head("logistic").steps])
    evaluate(pipeline, signal, folds, n_permutations=2, seed=0)
    assert len(Witness.seen) == len(folds)
    for fold, (columns, target) in zip(folds, Witness.seen, strict=True):
        assert target is None
        assert_allclose(columns, signal.columns[fold.training], atol=0)


def test_a_head_never_sees_the_targets_it_is_asked_for(signal):
    """With other targets held out, the predictions stay."""
    fold, other = person_folds(signal, 2, seed=0)
    changed = signal.target.copy()
    changed[fold.held_out] = 1 - changed[fold.held_out]
    found = [
        evaluate(head("logistic"), one, (fold, other), n_permutations=0, seed=0).predicted
        for one in (signal, signal.with_target(changed))
    ]
    assert (found[0][fold.held_out] == found[1][fold.held_out]).all()
    assert (found[0][other.held_out] != found[1][other.held_out]).any()


def test_held_out_rows_do_not_change_each_others_predictions(signal):
    """Nothing is learnt from what is to be predicted, neither scale nor synergies."""
    fold = person_folds(signal, 5, seed=0)[0]
    pipeline = head("logistic", reduction="shared")
    pipeline.fit(signal.columns[fold.training], signal.target[fold.training])
    rows = signal.columns[fold.held_out]
    alone = np.concatenate([pipeline[:-1].transform(row[None]) for row in rows[:4]])
    assert_allclose(alone, pipeline[:-1].transform(rows)[:4], atol=1e-9)


def test_a_cohort_never_seen_is_scaled_by_the_others():
    rows = np.array([[0.0, 0], [2.0, 0], [10.0, 1], [14.0, 1]])
    scaler = CohortScaler(fewest=2).fit(rows)
    # Mean of the means 1 and 12; variances within are 1 and 4.
    found = scaler.transform(np.array([[7.0, 2], [2.0, 0]]))
    assert_allclose(found[:, 0], [0.5 / np.sqrt(2.5), 1.0], atol=1e-12)
    assert_allclose(CohortScaler(fewest=3).fit(rows).transform(rows[:1]), -6.5 / np.sqrt(2.5))


def test_a_feature_that_does_not_vary_is_only_centred():
    rows = np.array([[0.1, 0], [0.1, 0], [0.1, 0]])
    assert_allclose(CohortScaler(fewest=1).fit(rows).transform(rows), 0.0, atol=1e-12)


def test_each_person_may_have_their_own_synergies(signal):
    step = SynergySummary("per_person").fit(signal.columns[:3])
    assert step.transform(signal.columns[:3]).shape == (3, 551)
    with pytest.raises(InputError, match="30 phases do not divide"):
        step.transform(signal.columns[:3, 5:])


def test_flax_and_linear_heads_agree_without_hidden_layers():
    """Softmax regression with a square penalty is one convex problem; bias is penalised too."""
    rng = np.random.default_rng(4)
    features = rng.normal(size=(60, 3))
    target = np.where(features[:, 0] + 0.3 * rng.normal(size=60) > 0, "b", "a")
    flax = head("flax_classifier", seed=1)[-1].set_params(widths=()).fit(features, target)
    linear = head("logistic", strength=0.5)[-1].fit(features, target)
    assert flax.classes_.tolist() == ["a", "b"]
    # Two columns of weights w, -w cost twice the square of each, of half the logit.
    difference = flax.predict_proba(features) - linear.predict_proba(features)
    assert np.abs(difference).max() < 0.02
    assert (flax.predict(features) == linear.predict(features)).mean() > 0.95


def test_a_head_is_repeatable(signal):
    columns, target = signal.columns[::5], signal.target[::5]
    first, again = (head("flax_classifier", seed=3).fit(columns, target) for _ in range(2))
    assert_allclose(first.predict_proba(columns), again.predict_proba(columns), atol=0)


def test_what_cannot_be_evaluated_is_refused(signal):
    fold = person_folds(signal, 5, seed=0)[0]
    logistic = head("logistic")
    with pytest.raises(InputError, match="is in both parts"):
        bad = dataclasses.replace(fold, training=np.append(fold.training, fold.held_out[0]))
        evaluate(logistic, signal, [bad], n_permutations=0, seed=0)
    with pytest.raises(InputError, match="Hold every example out once"):
        evaluate(logistic, signal, [fold], n_permutations=0, seed=0)
    with pytest.raises(InputError, match=r"31 folds were asked for, and there are 30 people of"):
        person_folds(signal, 31, seed=0)
    one = Examples(signal.features, signal.person, ("x",) * len(signal.person), signal.target * 0)
    with pytest.raises(InputError, match="There is one only, 'x'"):
        leave_one_cohort_out(one)
    with pytest.raises(InputError, match="All training rows are of class 0"):
        folds = person_folds(one, 2, seed=0)
        evaluate(logistic, one, folds, n_permutations=0, seed=0)


def test_an_unknown_head_is_named():
    with pytest.raises(UnknownNameError, match="No model is called 'forest'"):
        head("forest")
    with pytest.raises(UnknownNameError, match="No reduction is called 'pca'"):
        head("ridge", reduction="pca")


def test_codes_must_have_one_shape():
    with pytest.raises(InputError, match=r"Their shapes are \(30, 2\), \(30, 3\)"):
        examples_of([np.ones((30, 2)), np.ones((30, 3))], ["a", "b"], ["x", "x"], np.arange(2))


def test_examples_must_be_whole(signal):
    with pytest.raises(InputError, match="Give one of each per recording"):
        dataclasses.replace(signal, person=signal.person[1:])
    with pytest.raises(InputError, match=r"target of 'person 0' in 'cohort 0'.*0, 1"):
        target = signal.target.copy()
        target[1] = 1
        signal.with_target(target)
    with pytest.raises(InputError, match=r"features of 'person 0'.*values that are missing"):
        features = signal.features.copy()
        features[1, 5] = np.nan
        dataclasses.replace(signal, features=features)
