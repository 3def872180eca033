"""Two visits: differences, and what of them is beyond the error."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from diffbio.gait import Metric
from diffbio.report.gait_analysis import analyse
from diffbio.report.gait_comparison import _change as change
from diffbio.report.gait_comparison import compare, comparison_table
from diffbio.report.gait_page import render_gait
from diffbio.report.gait_summary import gait_summary
from tests.gait.fitted_walker import fitted
from tests.gait.walkers import Walker


def metric(value, sd, spread, n, name="stride_length"):
    return Metric(name, "r", value, sd, spread, n, "m")


def of(compared, name, side):
    return next(one for one in compared.changes if (one.name, one.side) == (name, side))


@pytest.fixture(scope="module")
def compared():
    before = analyse(fitted(Walker(speed=1.05), "visit 1"))
    return compare(analyse(fitted(Walker(), "visit 2")), before)


def test_what_changed_is_said_and_what_did_not_is_not(compared):
    length = of(compared, "stride_length", "r")
    assert length.difference == pytest.approx(0.2 * 1.1, abs=0.002)  # m: speed by stride time
    assert length.beyond_error is True
    assert of(compared, "stride_time", "l").beyond_error is False
    knee = next(o for o in compared.curves if (o.name, o.side) == ("knee_flexion", "r"))
    assert knee.rms < 1.0 and knee.reason is None  # degrees; drawn the same


def test_interval_is_that_of_welch():
    """Without errors of measurement: scipy's t-test of the same two samples."""
    random = np.random.default_rng(4)
    one, two = random.normal(1.3, 0.02, 5), random.normal(1.25, 0.05, 3)
    metrics = [metric(x.mean(), 0.0, x.std(ddof=1), len(x)) for x in (one, two)]
    found = change(*metrics)
    interval = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.90)
    assert found.difference - found.half_width == pytest.approx(interval.low)
    assert found.difference + found.half_width == pytest.approx(interval.high)
    # With errors alone it is the normal's.
    exact = change(metric(1.0, 0.01, 0.0, 4), metric(1.1, 0.02, 0.0, 4))
    assert exact.half_width == pytest.approx(1.6449 * np.hypot(0.01, 0.02), rel=1e-4)


def test_nine_of_ten_unchanged_numbers_are_not_marked():
    """Two visits of one person, drawn 2000 times, with own error and differing strides."""
    random, marked = np.random.default_rng(5), 0
    for _ in range(2000):
        visits = []
        for n in (4, 3):
            strides = 1.3 + 0.02 * random.normal() + 0.03 * random.normal(size=n)
            visits.append(metric(strides.mean(), 0.02, strides.std(ddof=1), n))
        marked += bool(change(*visits).beyond_error)
    assert 0.06 < marked / 2000 < 0.14


@pytest.mark.parametrize(
    ("this", "other", "reason"),
    [
        (metric(1.0, 0.01, np.nan, 1), metric(1.1, 0.01, 0.02, 4), "has a single stride"),
        (metric(1.0, np.nan, 0.01, 3), metric(1.1, 0.01, 0.02, 4), "error of one of the visits"),
        (metric(1.0, 0.1, np.nan, 3), metric(1.1, 0.1, 0.02, 4), "stride to stride is not known"),
        (
            metric(1.0, 0.01, 0.02, 3),
            dataclasses.replace(metric(np.nan, np.nan, np.nan, 0), reason="It was dark."),
            "The other visit: It was dark",
        ),
    ],
)
def test_what_is_not_known_is_not_judged(this, other, reason):
    found = change(this, other)
    assert found.beyond_error is None and reason in found.reason
    assert np.isnan(found.sd)


def test_the_page_has_a_fourth_section(compared):
    this = analyse(fitted(Walker(), "visit 2"))
    page = render_gait(this, compared)
    assert page.count("<section") == 4 and 'id="visits"' in page
    assert render_gait(this).count("<section") == 3
    assert page.count('class="other r"') == 12 and "nan" not in page
    assert len(page.encode()) < 5_000_000
    summary = gait_summary(this, compared)["comparison"]
    assert summary["name"] == "visit 1"
    speed = next(one for one in summary["metrics"] if one["name"] == "speed")
    assert speed["difference"] == pytest.approx(0.2, abs=0.01) and speed["beyond_error"]


def test_the_table_has_a_row_of_everything(compared):
    table = comparison_table(compared)
    assert len({len(column) for column in table.values()}) == 1
    assert table["name"][-1] == "trunk_rotation" and np.isfinite(table["rms"][-1])
    assert set(table["beyond_error"]) == {"yes", "no", ""}


def test_a_visit_without_strides_leaves_everything_open():
    walk = fitted(Walker())
    still = np.repeat(walk.markers.positions[:1], len(walk.markers.time), axis=0)
    standing = dataclasses.replace(walk, markers=dataclasses.replace(walk.markers, positions=still))
    nothing = compare(analyse(walk), analyse(standing))
    assert all(one.beyond_error is None for one in nothing.changes)
    assert "The other visit: There is no complete stride." in str(nothing.curves[0].reason)
    page = render_gait(analyse(walk), nothing)
    assert "The other visit: No step was found" in page and "nan" not in page
