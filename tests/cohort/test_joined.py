"""One population over participants whose keypoints are of different sets."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from diffbio.body import load_keypoint_set
from diffbio.body.keypoint_set import AnchorClass
from diffbio.cohort import first_population
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.joined import fit_joined_cohort, join_bodies
from diffbio.cohort.population import estimate_population
from diffbio.errors import FitError
from diffbio.io.cohort_file import number_names
from diffbio.observations import Markers

SETS = ("opencap_markers", "rajagopal_markers")


@pytest.fixture(scope="module")
def joined():
    return join_bodies([load_keypoint_set(name) for name in SETS])


def offsets_of(joined, set_name: str, marker: str) -> np.ndarray:
    """Numbers of a marker's offset among those of the joined body."""
    names = number_names(joined.parts[set_name])
    own = [i for i, name in enumerate(names) if name.startswith(f"marker_offset:{marker}:")]
    return joined.numbers[set_name][own]


def test_numbers_mean_the_same_in_both_bodies(joined):
    whole = number_names(joined.body)
    for set_name, part in joined.parts.items():
        for name, number in zip(number_names(part), joined.numbers[set_name], strict=True):
            kind, what, *axis = name.split(":")
            if number < 0:
                assert part.anchors[part.marker_names.index(what)].kind is AnchorClass.CLUSTER
                continue
            other_kind, other, *other_axis = whole[number].split(":")
            assert (kind, axis) == (other_kind, other_axis)
            if kind == "log_scale":
                assert what == other
                continue
            one = part.anchors[part.marker_names.index(what)]
            there = joined.body.anchors[joined.body.marker_names.index(other)]
            assert (one.body, one.position, one.kind) == (there.body, there.position, there.kind)


def test_one_place_is_one_offset_whatever_it_is_called(joined):
    one, other = (offsets_of(joined, *m) for m in zip(SETS, ("r.ASIS", "R.ASIS"), strict=True))
    assert len(one) == 3
    assert_array_equal(one, other)
    # Anywhere on the thigh is no place, although the table has both at the same point.
    for marker in zip(SETS, ("r_thigh1", "R.TH1"), strict=True):
        assert set(offsets_of(joined, *marker)) == {-1}


def test_no_number_is_used_twice_by_one_set(joined):
    for own in joined.numbers.values():
        assert len(set(own[own >= 0])) == (own >= 0).sum()
    crowded = load_keypoint_set("coco_wholebody_133")
    doubled = dataclasses.replace(crowded.anchors[0], keypoint="face-0")
    others = tuple(anchor for anchor in crowded.anchors if anchor.keypoint != "face-0")
    own = join_bodies([dataclasses.replace(crowded, anchors=(*others, doubled))])
    assert len(set(own.numbers[crowded.name])) == len(own.numbers[crowded.name])


def test_what_mark_no_place_is_eliminated_under_its_own_prior(joined):
    """Against the marginal of the joint Gaussian of trials and prior."""
    own = joined.numbers[SETS[1]]
    rng, n = np.random.default_rng(0), len(own)
    root = rng.normal(size=(n, n)) * 100
    evidence = Evidence(root @ root.T, rng.normal(size=n) * 100)
    rest = np.flatnonzero(own < 0)
    known = evidence.information.copy()
    # 60 mm: the prior of a cluster's marker.
    known[rest, rest] += 1 / 0.060**2
    common = np.flatnonzero(own >= 0)
    covariance = np.linalg.inv(known)[np.ix_(common, common)]
    told = joined.widened(SETS[1], evidence)
    square = np.ix_(own[common], own[common])
    assert_allclose(np.linalg.inv(told.information[square]), covariance, rtol=1e-6, atol=1e-12)
    mean = np.linalg.solve(known, evidence.vector)[common]
    assert_allclose(covariance @ told.vector[own[common]], mean, rtol=1e-6, atol=1e-9)
    narrowed = joined.narrowed(SETS[1], first_population(joined.body))
    assert_allclose(np.diag(narrowed.covariance)[rest], 0.060**2)


def test_what_one_set_tells_moves_the_other_only_where_they_share(joined):
    """A person with one set, known to the last digit, against the formula of one mean."""
    guess, n_scale = first_population(joined.body), len(joined.body.segment_names)
    shift = np.zeros(len(joined.numbers[SETS[0]]))
    names = number_names(joined.parts[SETS[0]])
    shift[names.index("marker_offset:r.ASIS:x")] = 0.02
    shift[names.index("marker_offset:r_thigh1:x")] = 0.1
    information = np.eye(len(shift)) * 1e10
    told = joined.widened(SETS[0], Evidence(information, information @ shift))
    found = estimate_population([told], guess, n_scale)
    other = joined.narrowed(SETS[1], found)
    of_other = number_names(joined.parts[SETS[1]])
    place = of_other.index("marker_offset:R.ASIS:x")
    share = 1 / (1 + other.covariance[place, place] / guess.mean_covariance[-1, -1])
    assert_allclose(other.mean[place], 0.02 * share, rtol=1e-3)
    rest = np.delete(other.mean, place)
    assert_allclose(rest, 0.0, atol=1e-12)


def test_a_set_alone_has_the_population_of_its_own_body():
    (one,) = (load_keypoint_set("halpe_26"),)
    alone = join_bodies([one])
    guess = first_population(alone.parts[one.name])
    there = alone.narrowed(one.name, first_population(alone.body))
    assert_allclose(there.mean, guess.mean, atol=0)
    assert_allclose(there.covariance, guess.covariance, atol=0)
    kinds = {anchor.kind for anchor in alone.body.anchors}
    assert kinds <= set(AnchorClass)


def test_nobody_who_can_be_fitted_is_an_error(joined):
    names = joined.parts[SETS[0]].marker_names
    nothing = Markers(names, np.full((4, len(names), 3), np.nan), np.arange(4) / 100, "nobody.trc")
    with pytest.raises(FitError, match=r"No participant could be fitted.*No frame has 4"):
        fit_joined_cohort(joined, {"sub-01": (SETS[0], {"walk": nothing})})
