"""The report page: self-contained, complete, and alive in a real browser."""

import dataclasses
import json
import re
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from diffbio.fitting.fit import Fit
from diffbio.report.page import render
from diffbio.report.page_data import Comparison
from diffbio.report.page_parts import embedded_json
from diffbio.report.verdict import judge
from tests.walking_figure import (
    as_given,
    walking_fit,
    walking_trial,
    with_clocks,
    with_held_out,
    with_uncertainty,
)

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
COMPARISON = (
    Comparison("thigh length, right", 412.0, 405.0, 7.0, "mm"),
    Comparison("hip flexion, right", None, None, 1.25, "deg RMS"),
)


def page_of(fit: Fit, **options: Any) -> str:
    trial = walking_trial(walking_fit())
    return render(fit, trial, judge(fit, trial), **options)


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def page():
    return page_of(walking_fit())


@pytest.fixture(scope="module")
def fitted():
    """Cameras and clocks refined, one camera held out, with uncertainty."""
    fit = with_clocks(with_held_out(walking_fit(), "cam_05", 2.0), {"cam_03": 0.083})
    return with_uncertainty(fit, ("joint/pro_sup_r", "joint/pro_sup_l", "segment_scale/forearm_r"))


@pytest.fixture(scope="module")
def uncertain(fitted):
    return page_of(fitted)


def test_page_needs_nothing_but_itself(page):
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", page)
    assert not re.search(r"<(?:link|script|img|iframe)[^>]+(?:src|href)=[\"'](?!data:)", page)
    assert "@" not in re.sub(r"@media", "", page.split("<script", 1)[0])  # every field filled
    assert len(page) < 2_000_000  # bytes


def test_page_opens_with_the_verdict(page):
    fit = walking_fit()
    verdict = judge(fit, walking_trial(fit))
    assert verdict.sentence in page
    assert "Good to use" in page
    assert f"{fit.error.median_px:.1f} px" in page
    assert "Of two people the one tracked best was taken." in page


def test_embedded_numbers_are_those_of_the_fit(page):
    fit, data = walking_fit(), data_of(page)
    assert [row["name"] for row in data["cameras"]] == list(fit.rig.names)
    for row, px in zip(data["cameras"], fit.error.px, strict=True):
        assert row["median_px"] == pytest.approx(float(np.nanmedian(px)), abs=0.005)
    knee = next(c for c in data["curves"]["charts"] if c["coordinate"] == "knee_angle")
    own = np.rad2deg(fit.motion.joints[:, fit.body.joint_names.index("knee_angle_r")])
    np.testing.assert_allclose(knee["sides"]["r"], own, atol=0.006)  # deg; two decimals
    figure = data["figure"]
    assert len(figure["bodies"]) == len(figure["markers"]) == len(figure["time"])
    markers = np.reshape(figure["markers"][3], (-1, 3))
    np.testing.assert_allclose(markers, 1e3 * fit.motion.markers[3], atol=0.51)  # mm, whole
    assert figure["edges"]
    thigh = next(row for row in data["lengths"] if row["name"] == "femur to tibia")
    hip, shank = (fit.body.body_names.index(name) for name in ("femur_r", "tibia_r"))
    positions = fit.motion.body_positions
    length = np.median(np.linalg.norm(positions[:, shank] - positions[:, hip], axis=-1))
    assert thigh["r"] == pytest.approx(1e3 * length, abs=0.51)


def test_bands_are_those_of_the_fit(uncertain, fitted):
    charts = {c["coordinate"]: c for c in data_of(uncertain)["curves"]["charts"]}
    knee = fitted.uncertainty.joints[:, fitted.body.joint_names.index("knee_angle_r")]
    # deg; two decimals. Nine tenths of a normal distribution lie within 1.645 deviations.
    np.testing.assert_allclose(
        charts["knee_angle"]["bands"]["r"], np.rad2deg(1.64485 * knee), atol=0.006
    )
    assert "90 % band" in uncertain
    assert "No bands are drawn" not in uncertain


def test_without_uncertainty_nothing_is_claimed(page):
    charts = data_of(page)["curves"]["charts"]
    assert {band for chart in charts for band in chart["bands"].values()} == {None}
    assert "No bands are drawn: standard deviations were not estimated in this fit" in page
    assert "How sure this is" not in page
    assert "\u00b1" not in page.split("<script", 1)[0]


def test_sizes_have_bands_and_differences_know_the_covariance(uncertain, fitted):
    data, body, sure = data_of(uncertain), fitted.body, fitted.uncertainty
    thigh = next(row for row in data["lengths"] if row["name"] == "femur to tibia")
    r, other = (body.segment_names.index(f"thigh_{side}") for side in "rl")
    rng = np.random.default_rng(3)
    # Lengths are proportional to their scale; 40 000 people drawn, in mm.
    drawn = np.exp(rng.multivariate_normal(np.zeros(len(sure.log_scale)), sure.log_scale, 40_000))
    right, left = thigh["r"] * drawn[:, r], thigh["l"] * drawn[:, other]
    within = thigh["within"]
    assert within["r"] == pytest.approx(1.645 * right.std(), abs=0.7)  # mm, whole
    assert within["difference"] == pytest.approx(1.645 * (right - left).std(), abs=0.7)
    scale = next(row for row in data["scales"] if row["name"] == "thigh_r")
    size = np.exp(np.asarray(fitted.parameters.log_scale)[r])
    expected = 164.5 * size * np.sqrt(sure.log_scale[r, r])
    assert scale["within"] == pytest.approx(expected, abs=0.06)  # percent, one decimal
    height = re.search(r"<dt>Height</dt><dd>[\d.]+ m<small>± ([\d.]+) cm, estimated", uncertain)
    assert height and 0.1 < float(height[1]) < 10


def test_corrections_of_cameras_are_shown(uncertain, page, fitted):
    moved = data_of(uncertain)["adjustments"]
    expected = ["turned, deg", "moved, mm", "clock, ms", "in frames", "clock drift, ppm"]
    assert moved["headings"] == expected
    row = next(row for row in moved["rows"] if row["name"] == "cam_03")
    clock, frames = row["cells"][2:4]
    assert clock["value"] == 83.0 and clock["within"] == pytest.approx(1.645 * 0.8, abs=0.06)
    assert frames["value"] == pytest.approx(0.083 * 50, abs=0.051)  # one decimal
    only_poses = data_of(page)["adjustments"]
    assert only_poses["headings"] == ["turned, deg", "moved, mm"]
    assert only_poses["rows"][0]["cells"][0]["within"] is None
    assert data_of(page_of(as_given(walking_fit())))["adjustments"] is None


def test_held_out_camera_is_shown_and_not_mixed_with_the_others(uncertain, page, fitted):
    data, error = data_of(uncertain), fitted.held_out.error
    assert "cam_05" not in [row["name"] for row in data["cameras"]]
    assert data["held_out"]["name"] == "cam_05"
    assert data["held_out"]["median_px"] == pytest.approx(error.median_px, abs=0.005)
    focal, depth = 1000.0, 4.5  # px; m from the middle of the ring
    typical = 1e3 * error.median_px / focal * depth
    assert data["held_out"]["median_mm"] == pytest.approx(typical, rel=0.25)
    own, others = f"{error.median_px:.2f}", f"{fitted.error.median_px:.2f}"
    assert f"median error there: {own} px with its pose as given" in uncertain
    assert f"px with its pose refitted to the body, which judges the others ({others} px" in (
        uncertain
    )
    assert "no evidence by themselves" in uncertain
    assert "one more was held out" in uncertain
    assert data_of(page)["held_out"] is None
    assert "was not used in the fit" not in page
    given = page_of(with_held_out(as_given(walking_fit()), "cam_05"))
    assert "was not used in the fit" in given and "no evidence by themselves" not in given
    blind = page_of(with_held_out(walking_fit(), "cam_05", np.nan))
    assert "Camera cam_05 was not used in the fit; it detected nothing." in blind
    assert data_of(blind)["held_out"] is None


def test_what_the_images_leave_open_is_listed(uncertain):
    assert "<li>forearm rotation (right and left)</li>" in uncertain
    assert "<li>the size of the forearm (right)</li>" in uncertain
    assert "1.4 times what the fit assumed" in uncertain
    sure = page_of(with_uncertainty(walking_fit()))
    assert "The images determine everything that was estimated." in sure


def test_simulated_data_is_called_so(page):
    assert "SIMULATED" not in page
    simulated = page_of(walking_fit(), simulated=True, comparison=COMPARISON)
    assert "SIMULATED DATA" in simulated
    assert "<title>walk_01 (simulated data)</title>" in simulated
    assert "Estimated against true (simulated data)" in simulated
    assert "<td>412.0</td><td>405.0</td><td>7.00 mm (+1.7 %)</td>" in simulated
    assert "<td></td><td></td><td>1.25 deg RMS</td>" in simulated


def test_names_cannot_inject_markup():
    fit = walking_fit()
    trial = dataclasses.replace(walking_trial(fit), name="<script>alert(1)</script> & co")
    page = render(fit, trial, judge(fit, trial))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page
    assert embedded_json({"name": "</script>"}) == '{"name":"\\u003c/script>"}'


def test_nan_never_reaches_the_page():
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded_json({"value": float("nan")})
    fit = walking_fit()
    error = dataclasses.replace(fit.error, px=np.full_like(fit.error.px, np.nan))
    joints = np.full_like(fit.motion.joints, np.nan)
    motion = dataclasses.replace(fit.motion, joints=joints)
    data = data_of(page_of(dataclasses.replace(fit, error=error, motion=motion)))
    assert data["cameras"] == [] and data["pictures"] == []
    assert set(data["curves"]["error_px"]) == {None}


def test_unknown_keypoint_set_is_drawn_without_lines():
    fit = walking_fit()
    trial = walking_trial(fit)
    keypoints = dataclasses.replace(trial.keypoints, set_name="no_such_set")
    page = render(fit, dataclasses.replace(trial, keypoints=keypoints), judge(fit, trial))
    assert data_of(page)["figure"]["edges"] == []


def test_a_long_trial_stays_small():
    """A minute at 120 Hz: curves and figure are thinned, the page keeps below 2 MB."""
    fit, repeats = walking_fit(), 72
    motion = fit.motion
    long_motion = dataclasses.replace(
        motion,
        **{
            field.name: np.concatenate([getattr(motion, field.name)] * repeats)
            for field in dataclasses.fields(motion)
        },
    )
    error = fit.error
    long_error = dataclasses.replace(
        error,
        **{
            name: np.concatenate([getattr(error, name)] * repeats, axis=1)
            for name in ("px", "projected_px", "confidence")
        },
    )
    time = np.arange(len(long_motion.time)) / 120.0
    long_motion = dataclasses.replace(long_motion, time=time)
    long_fit = with_uncertainty(dataclasses.replace(fit, motion=long_motion, error=long_error))
    trial = walking_trial(long_fit)
    assert len(render(long_fit, trial, judge(long_fit, trial))) < 2_000_000  # bytes


def browse(tmp_path, page: str) -> tuple[str, list[str]]:
    """The page after its scripts ran, and what the browser's console complained about."""
    if BROWSER is None:
        pytest.skip("no Chromium on the PATH, so the page's scripts cannot be run")
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"]
    flags += ["--enable-logging=stderr", "--v=0", "--dump-dom"]
    done = subprocess.run(
        [BROWSER, *flags, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_scripts_run_in_a_browser(tmp_path, page):
    dom, complaints = browse(tmp_path, page)
    assert complaints == []
    data = data_of(page)
    panels = sum(len(frame["views"]) for frame in data["pictures"])
    # Every chart, every panel, the error bars, the error curve and the segment sizes.
    assert dom.count("<svg viewBox") == len(data["curves"]["charts"]) + panels + 3
    assert "s of 1.98 s" in dom


def test_bands_are_drawn_in_a_browser(tmp_path, uncertain):
    dom, complaints = browse(tmp_path, uncertain)
    assert complaints == []
    charts = data_of(uncertain)["curves"]["charts"]
    sides = sum(len(chart["sides"]) for chart in charts)
    assert len(re.findall(r'class="band [rlm]"', dom)) == sides
    assert dom.count('class="whisker"') == len(data_of(uncertain)["scales"])
    assert re.search(r"<td>83\.0 ± 1\.3</td><td>4\.[12]</td>", dom)
    assert 'class="bar unused"' in dom
    assert "NaN" not in dom.split('id="data"')[0]


def test_bands_have_gaps_where_they_are_not_known(tmp_path):
    fit = with_uncertainty(walking_fit())
    assert fit.uncertainty is not None
    joints = fit.uncertainty.joints.copy()
    joints[30:60, fit.body.joint_names.index("knee_angle_r")] = np.nan
    page = page_of(
        dataclasses.replace(fit, uncertainty=dataclasses.replace(fit.uncertainty, joints=joints))
    )
    dom, complaints = browse(tmp_path, page)
    assert complaints == []
    sides = sum(len(chart["sides"]) for chart in data_of(page)["curves"]["charts"])
    assert len(re.findall(r'class="band [rlm]"', dom)) == sides + 1


def test_browser_would_complain_about_a_broken_script(tmp_path, page):
    broken = page.replace("setTime(times[0]", "noSuchFunction(times[0]")
    assert broken != page
    _, complaints = browse(tmp_path, broken)
    assert "noSuchFunction is not defined" in complaints[0]
