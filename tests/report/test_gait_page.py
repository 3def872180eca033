"""The page of a walk: its numbers are those of `gait.json`, and it needs nothing but itself."""

import dataclasses
import re
import shutil
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.io.gait_norms import NormCurve, Norms
from diffbio.observations import Markers
from diffbio.report.gait_analysis import Walk, analyse
from diffbio.report.gait_curves import NAMES, pelvis_inclination
from diffbio.report.gait_page import render_gait
from diffbio.report.gait_summary import gait_summary
from diffbio.report.gait_tables import shown
from tests.gait.fitted_walker import ANGLE_SD, BACKWARDS, fitted, knee_deg
from tests.gait.walkers import Walker

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

NORMS = Norms(
    "our lab, adults",
    {"speed": (1.3, 0.15), "stride_time": (1.05, 0.08)},
    {
        "knee_flexion": NormCurve(
            np.array([0.0, 50.0, 100.0]), np.array([5.0, 60.0, 5.0]), np.array([4.0, 6.0, 4.0])
        )
    },
)

FIT = {
    "simulated": True,
    "sentence": "The body explains <what> was seen.",
    "verdict": "ok",
    "reprojection_error_px": {"median": 3.2, "per_camera": {"<cam 1>": {"median": 3.3}}},
}


@pytest.fixture(scope="module")
def found():
    walk = dataclasses.replace(fitted(Walker(), "lab & hall"), fit=FIT)
    return analyse(walk, norms=NORMS)


@pytest.fixture(scope="module")
def page(found):
    return render_gait(found)


def curve(summary, name, side):
    return next(one for one in summary["curves"] if (one["name"], one["side"]) == (name, side))


def test_page_needs_nothing_but_itself(page):
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(|<script", page)
    assert not re.search(r"<(?:link|img|iframe)[^>]+(?:src|href)=[\"'](?!data:)", page)
    assert not re.search(r"@[a-z]+@", page)  # every field filled
    assert len(page.encode()) < 5_000_000
    assert "<h1>lab &amp; hall</h1>" in page and "&lt;cam 1&gt;" in page
    assert "explains &lt;what&gt; was" in page and "SIMULATED DATA" in page


def test_numbers_on_the_page_are_those_of_the_file(page, found):
    summary = gait_summary(found)
    text = re.sub(r"<small>", " ", page)
    text = re.sub(r"<[^>]+>", "", text)
    for one in summary["metrics"]:
        assert one["reason"] is None
        value, unit = shown(one["value"], one["unit"]), one["unit"].removesuffix(" of cycle")
        error = "" if one["sd"] is None else f" ± {shown(one['sd'], one['unit'])}"
        assert f"{value}{error} {unit}" in text
    assert summary["sentence"] in text
    assert "1.300 sd 0.150" in text  # the norm of speed
    for one in summary["curves"]:
        numbers = (one["minimum"], one["maximum"], one["between_strides"], one["sd_of_error"])
        assert "".join(f"<td>{shown(number, 'deg')}</td>" for number in numbers) in page


def test_curves_are_those_that_were_drawn(found):
    summary = gait_summary(found)
    percent = np.arange(101.0)
    for side in "rl":
        # A contact is found within a hundredth of a sample or so of the true one.
        knee = curve(summary, "knee_flexion", side)
        assert_allclose(knee["mean"], knee_deg(percent), atol=1.0)  # degrees
        assert_allclose(knee["sd"], np.rad2deg(ANGLE_SD), atol=1e-4)
        assert curve(summary, "trunk_flexion", side)["mean"][3] == pytest.approx(
            -np.rad2deg(BACKWARDS), abs=1e-3
        )
        assert curve(summary, "pelvis_rotation", side)["maximum"] == pytest.approx(0.0, abs=0.5)
        assert curve(summary, "foot_progression", side)["maximum"] == pytest.approx(0.0, abs=0.5)
        stance = found.table.metric("stance_percent", side).value
        assert knee["toe_off_percent"] == pytest.approx(stance, abs=1e-6)
    assert curve(summary, "knee_flexion", "r")["norm_from"] == "our lab, adults"


def test_every_chart_has_words_lines_and_bands(page, found):
    charts = re.findall(r'<svg viewBox="[^"]*" role="img" aria-label="([^"]+)">(.*?)</svg>', page)
    assert len(charts) == len(NAMES)
    cycles = len(found.table.cycles.cycles)
    for words, drawing in charts:
        assert re.search(r"over the gait cycle, .* positive: right .* degrees, left", words)
        assert drawing.count('class="cycle ') == cycles
        for side in "rl":
            assert drawing.count(f'class="curve {side}"') == 1
            assert drawing.count(f'class="band {side}"') == 1
            assert drawing.count(f'class="toe-off {side}"') == 1
        assert ('class="norm"' in drawing) == words.startswith("Knee flexion")
        assert "nan" not in drawing


def test_the_first_nine_angles_are_the_clinical_ones():
    assert NAMES[:9] == CLINICAL_ANGLES


def test_trunk_and_pelvis_turn_to_their_own_side():
    walk = fitted(Walker(heading=0.7))
    assert walk.coordinates is not None
    values = walk.coordinates.values.copy()
    for name in ("lumbar_bending", "lumbar_rotation"):  # to the right, to the left
        values[:, walk.coordinates.names.index(name)] = 0.1
    turned = dataclasses.replace(walk.coordinates, values=values)
    summary = gait_summary(analyse(dataclasses.replace(walk, coordinates=turned)))
    degrees = np.rad2deg(0.1)
    for side, own in (("r", 1.0), ("l", -1.0)):
        for name in ("trunk_lean", "trunk_rotation"):
            assert curve(summary, name, side)["mean"][0] == pytest.approx(own * degrees, abs=1e-3)
        assert curve(summary, "pelvis_rotation", side)["mean"][0] == pytest.approx(0.0, abs=0.5)


def test_who_walks_backwards_faces_where_the_feet_point():
    walk = fitted(Walker(facing=-1.0, speed=0.8))
    assert walk.coordinates is not None
    values = walk.coordinates.values.copy()
    values[:, walk.coordinates.names.index("pelvis_rotation")] = np.pi  # the pelvis faces -x
    turned = dataclasses.replace(walk.coordinates, values=values)
    found = analyse(dataclasses.replace(walk, coordinates=turned))
    for side in "rl":
        for name in ("pelvis_rotation", "foot_progression"):
            mean = np.array(curve(gait_summary(found), name, side)["mean"])
            assert_allclose(np.mod(mean + 180.0, 360.0) - 180.0, 0.0, atol=0.5)  # degrees
            assert np.abs(mean).max() < 180.0
    assert "The person walked backwards: norms are of walking forwards." in found.notes


def test_tilt_is_measured_from_the_iliac_spines():
    walk = fitted(Walker())
    assert walk.coordinates is not None
    names = ("RASI", "LASI", "RPSI", "LPSI")
    places = np.array([[0.1, -0.1, 0.9], [0.1, 0.1, 0.9], [-0.1, -0.05, 0.95], [-0.1, 0.05, 0.95]])
    frames = len(walk.markers.time)
    markers = Markers(names, np.tile(places, (frames, 1, 1)), walk.markers.time, "drawn")
    # The front is 0.05 m lower than the back, 0.2 m behind it; the model's pelvis is upright.
    found = pelvis_inclination(markers, walk.coordinates)
    assert found == pytest.approx(np.arctan2(0.05, 0.2))
    assert pelvis_inclination(walk.markers, walk.coordinates) is None


def test_markers_alone_have_no_joint_angles():
    walk = fitted(Walker())
    found = analyse(Walk("markers", walk.markers))
    summary, page = gait_summary(found), render_gait(found)
    assert curve(summary, "knee_flexion", "r")["mean"] is None
    assert "Markers alone have no joint angles" in page
    assert page.count("<svg") == 1  # foot progression needs none
    assert "No norms were given." in page


def test_a_person_who_stands_is_not_given_numbers():
    walk = fitted(Walker())
    still = np.repeat(walk.markers.positions[:1], len(walk.markers.time), axis=0)
    markers = dataclasses.replace(walk.markers, positions=still)
    found = analyse(dataclasses.replace(walk, markers=markers))
    summary, page = gait_summary(found), render_gait(found)
    assert "No stride was measured. No step was found" in summary["sentence"]
    assert all(one["value"] is None and one["reason"] for one in summary["metrics"])
    assert all(one["mean"] is None and one["reason"] for one in summary["curves"])
    assert "Not determined: all angles: There is no complete stride." in page
    assert "<svg" not in page and "nan" not in page.lower().replace("nantes", "")


def test_one_stride_has_no_spread_and_no_variability():
    found = analyse(fitted(Walker(duration=1.6)))
    summary, page = gait_summary(found), render_gait(found)
    assert summary["cycles"] == {"r": 1, "l": 0}
    assert summary["sentence"].startswith("1 right and 0 left stride:")
    open_ = {(one["name"], one["side"]): one["reason"] for one in summary["not_determined"]}
    assert open_["stride_time", "l"] == "The left foot has no complete stride."
    assert open_["knee_flexion", "l"] == "The left foot has no complete stride."
    assert open_["stride_time_variability", None].startswith("It needs 3 strides of one foot")
    speed = next(one for one in summary["metrics"] if one["name"] == "speed")
    assert speed["n"] == 1 and speed["spread"] is None
    assert 'class="curve r"' in page and 'class="curve l"' not in page and "nan" not in page


@pytest.mark.parametrize(("verdict", "words"), [("check", "checked first"), ("fail", "not to be")])
def test_a_fit_in_doubt_is_said(verdict, words):
    fit = FIT | {"verdict": verdict}
    page = render_gait(analyse(dataclasses.replace(fitted(Walker(duration=2.5)), fit=fit)))
    assert re.search(f"The fit is .*{words}.*, by its own verdict: The body explains", page)


def test_events_of_a_file_are_asked_for_where_there_are_none():
    with pytest.raises(InputError, match="holds no contacts and lift-offs"):
        analyse(fitted(Walker()), events_from="file")
    outside = dataclasses.replace(fitted(Walker(), start=3.0), events=Walker(duration=2.0).events())
    with pytest.raises(InputError, match="none within the recording"):
        analyse(outside, events_from="file")


def test_events_of_a_file_are_used_as_they_are():
    walker = Walker()
    found = analyse(dataclasses.replace(fitted(walker), events=walker.events()), events_from="file")
    assert found.table.metric("stride_time", "r").value == pytest.approx(walker.stride_time)
    assert found.table.metric("stance_percent", "l").value == pytest.approx(100 * walker.stance)


def test_a_belt_without_speed_leaves_lengths_open():
    walker = Walker(belt=True)
    open_ = analyse(fitted(walker))
    assert "speed not determined (on a treadmill" in gait_summary(open_)["sentence"]
    assert "the speed of its belt is not stated" in render_gait(open_)
    stated = analyse(fitted(walker), belt_speed=walker.speed)
    assert stated.table.metric("speed").value == pytest.approx(walker.speed, abs=0.02)


def test_a_browser_shows_it_without_complaint(tmp_path, page):
    if BROWSER is None:
        pytest.skip("no Chromium on the PATH, so the page cannot be shown")
    path = tmp_path / "gait.html"
    path.write_text(page, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0"]
    done = subprocess.run(
        [BROWSER, *flags, "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert done.stdout.count("<svg") == len(NAMES)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "s", "–"), (-0.04, "%", "0.0"), (-1.26, "%", "−1.3"), (1.0734, "s", "1.073")],
)
def test_numbers_have_the_digits_of_their_unit(value, unit, text):
    assert shown(value, unit) == text
