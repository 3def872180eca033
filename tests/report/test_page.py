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
from diffbio.report.page import embedded_json, render
from diffbio.report.page_data import Comparison
from diffbio.report.verdict import judge
from tests.walking_figure import walking_fit, walking_trial

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
    long_fit = dataclasses.replace(fit, motion=long_motion, error=long_error)
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


def test_browser_would_complain_about_a_broken_script(tmp_path, page):
    broken = page.replace("setTime(times[0]", "noSuchFunction(times[0]")
    assert broken != page
    _, complaints = browse(tmp_path, broken)
    assert "noSuchFunction is not defined" in complaints[0]
