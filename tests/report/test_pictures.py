"""Frames and image parts chosen for the report."""

import base64
import dataclasses

import numpy as np
import pytest

from diffbio.report.pictures import MAX_PICTURE_BYTES, chosen_frames, panels
from tests.walking_figure import (
    FRAME_RATE_HZ,
    FRAMES,
    walking_fit,
    walking_trial,
    with_clocks,
    with_held_out,
)

cv2 = pytest.importorskip("cv2")


def brightness(frame: int) -> int:
    return 20 + 20 * (frame % 11)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Brightness tells a frame from its neighbours."""
    path = tmp_path_factory.mktemp("video") / "cam_02.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FRAME_RATE_HZ, (1280, 720))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write a video")
    for frame in range(FRAMES):
        writer.write(np.full((720, 1280, 3), brightness(frame), np.uint8))
    writer.release()
    return path


def test_typical_and_worst_frames_are_what_they_say():
    fit = walking_fit()
    median = np.nanmedian(fit.error.px, axis=(0, 2))
    chosen = {label: frame for frame, label in chosen_frames(fit)}
    everyone_sees = np.arange(FRAMES // 5, FRAMES)
    assert chosen["worst frame"] == everyone_sees[np.argmax(median[everyone_sees])]
    assert abs(median[chosen["typical frame"]] - fit.error.median_px) < 0.05  # px, of about 1.7


def test_nothing_detected_gives_no_pictures():
    fit = walking_fit()
    error = dataclasses.replace(fit.error, px=np.full_like(fit.error.px, np.nan))
    blind = dataclasses.replace(fit, error=error)
    assert panels(blind, walking_trial(fit), ()) == []


def test_points_lie_in_the_part_shown():
    fit = walking_fit()
    for frame in panels(fit, walking_trial(fit), ()):
        assert [view["camera"] for view in frame["views"]] == list(fit.rig.names)
        for view in frame["views"]:
            left, top, width, height = view["crop"]
            assert 0 <= left <= left + width <= 1281 and 0 <= top <= top + height <= 721
            points = np.array([p for p in view["detected"] + view["projected"] if p])
            assert np.all(points >= [left, top]) and np.all(points <= [left + width, top + height])
            assert view["image"] is None


def test_picture_is_the_video_frame_of_that_time(video):
    fit = walking_fit()
    trial = dataclasses.replace(walking_trial(fit), videos={"cam_02": video})
    for frame in panels(fit, trial, ()):
        address = frame["views"][1]["image"]
        jpeg = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
        assert len(jpeg) < MAX_PICTURE_BYTES / 12
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        expected = brightness(round(frame["time"] * FRAME_RATE_HZ))
        assert abs(float(image.mean()) - expected) < 5  # grey levels; neighbours differ by 20
        assert frame["views"][0]["image"] is None


def test_unreadable_video_is_said_in_the_log(tmp_path, caplog):
    fit = walking_fit()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    trial = dataclasses.replace(walking_trial(fit), videos={"cam_02": broken})
    assert panels(fit, trial, ())[0]["views"][1]["image"] is None
    assert "the video has no such frame" in caplog.text


def test_held_out_camera_comes_last_and_is_marked():
    fit = with_held_out(walking_fit(), "cam_05")
    for frame in panels(fit, walking_trial(walking_fit()), ()):
        names = [view["camera"] for view in frame["views"]]
        assert names == [*fit.rig.names, "cam_05"]
        assert [view["note"] for view in frame["views"]] == [""] * 5 + ["not used"]
        assert frame["views"][-1]["detected"][0] is not None


def test_picture_follows_the_corrected_clock(video):
    """A camera that is two frames late shows the person two of its own frames before."""
    fit = with_clocks(walking_fit(), {"cam_02": 2 / FRAME_RATE_HZ})
    trial = dataclasses.replace(walking_trial(walking_fit()), videos={"cam_02": video})
    for frame in panels(fit, trial, ()):
        address = frame["views"][1]["image"]
        jpeg = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        sample = round(frame["time"] * FRAME_RATE_HZ)
        assert abs(float(image.mean()) - brightness(sample - 2)) < 5  # grey levels
        projected = np.array(frame["views"][1]["projected"])
        expected = fit.error.projected_px[1, sample - 2]
        np.testing.assert_allclose(projected, expected, atol=0.06)  # px; one decimal


def test_no_picture_where_the_camera_was_not_running():
    fit = with_clocks(walking_fit(), {"cam_02": 10.0})
    for frame in panels(fit, walking_trial(walking_fit()), ()):
        view = frame["views"][1]
        assert view["median_px"] is None and set(map(str, view["projected"])) == {"None"}
