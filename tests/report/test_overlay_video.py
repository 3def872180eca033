"""The body over a video: drawn where the camera would see it, in the picture of that time."""

import base64
import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.cli.main import EXIT_ERROR, main
from diffbio.errors import InputError
from diffbio.io.posed_person import posed_person
from diffbio.io.read_result import read_result
from diffbio.report.overlay_video import camera_of, write_overlay
from diffbio.report.view_cameras import straightened
from diffbio.report.view_pictures import camera_pictures
from tests.result_of_a_walk import write_result_of
from tests.walking_figure import walking_fit

cv2 = pytest.importorskip("cv2")

FRAMES = 12
"""Frames of the fit that the video shows: the rest takes long and shows nothing new."""


def write_video(path, size=(1280, 720), frames=FRAMES):
    """Brightness of the lower left corner tells the frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50.0, size)
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write a video")
    for frame in range(frames):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[-60:, :60] = 20 * frame
        writer.write(picture)
    writer.release()
    return path


def read_video(path):
    capture, pictures = cv2.VideoCapture(str(path)), []
    while (found := capture.read())[0]:
        pictures.append(found[1])
    capture.release()
    return pictures


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    return read_result(write_result_of(walking_fit(), tmp_path_factory.mktemp("over") / "out"))


@pytest.fixture(scope="module")
def posed(person):
    return posed_person(person)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "Cam02.avi")


def lit(picture, place, reach=4):
    u, v = np.round(place).astype(int)
    return picture[max(0, v - reach) : v + reach + 1, max(0, u - reach) : u + reach + 1].max()


def test_the_body_is_drawn_where_the_camera_sees_it(person, posed, video, tmp_path):
    made = write_overlay(person, posed, video, "cam_02", tmp_path / "over.mp4")
    assert (made.camera, made.frames) == ("cam_02", FRAMES)
    pictures = read_video(made.path)
    assert len(pictures) == FRAMES
    for frame in (0, 7):
        picture = pictures[frame]
        assert abs(int(picture[-30, 30, 0]) - 20 * frame) < 12  # of that time
        shown = person.projected_px[1, frame]
        inside = np.all((shown > 5) & (shown < [1275, 715]), axis=1)
        assert inside.sum() > 15
        assert all(lit(picture, place) > 90 for place in shown[inside])
        # Nothing far from the body.
        low, high = shown.min(axis=0) - 90, shown.max(axis=0) + 90
        columns = np.arange(1280)
        beside = (columns < low[0]) | (columns > high[0])
        assert picture[:600, beside].max() < 40
        knee = shown[person.marker_names.index("RKnee")]
        hip = shown[person.marker_names.index("RHip")]
        blue, _, red = picture[tuple(np.round(0.5 * (knee + hip)).astype(int)[::-1])].astype(int)
        assert blue > red + 20  # the right side


def test_a_late_clock_is_followed(person, posed, video, tmp_path):
    """A camera that is two frames late shows the body of two frames on."""
    late = dataclasses.replace(person, clock_offset=np.array([0.0, 0.04, 0.0, 0.0, 0.0, 0.0]))
    still = dataclasses.replace(person, detected_px=np.full_like(person.detected_px, np.nan))
    late = dataclasses.replace(late, detected_px=still.detected_px)
    first = read_video(write_overlay(still, posed, video, "cam_02", tmp_path / "a.mp4").path)
    second = read_video(write_overlay(late, posed, video, "cam_02", tmp_path / "b.mp4").path)
    same = np.abs(first[4][:600].astype(int) - second[2][:600].astype(int)).mean()
    other = np.abs(first[2][:600].astype(int) - second[2][:600].astype(int)).mean()
    assert same < 0.2 * other


def test_another_size_of_the_same_picture_is_scaled(person, posed, tmp_path):
    half = write_video(tmp_path / "cam_02 half.avi", (640, 360), 2)
    made = write_overlay(person, posed, half, "cam_02", tmp_path / "over.mp4")
    picture = read_video(made.path)[1]
    shown = person.projected_px[1, 1] / 2
    assert all(lit(picture, place) > 90 for place in shown if np.all((place > 5) & (place < 350)))


def test_videos_that_do_not_fit_are_refused(person, posed, tmp_path):
    tall = write_video(tmp_path / "cam_02 tall.avi", (720, 1280), 2)
    with pytest.raises(InputError, match=r"720 x 1280, and the camera was calibrated for 1280"):
        write_overlay(person, posed, tall, "cam_02", tmp_path / "over.mp4")
    (tmp_path / "cam_02.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="cannot be read as a video"):
        write_overlay(person, posed, tmp_path / "cam_02.mp4", "cam_02", tmp_path / "over.mp4")
    later = dataclasses.replace(person, time=person.time + 10.0)
    short = write_video(tmp_path / "cam_02 short.avi", frames=2)
    with pytest.raises(InputError, match="It ends before the first frame"):
        write_overlay(later, posed, short, "cam_02", tmp_path / "over.mp4")
    assert not (tmp_path / "over.mp4").exists()


def test_a_video_is_of_the_camera_in_its_name(person, tmp_path):
    assert camera_of(tmp_path / "trial-CAM03.mp4", person.rig) == "cam_03"
    assert camera_of(tmp_path / "gopro.mp4", person.rig) is None


def test_from_the_command_line(person, tmp_path, capsys):
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("cam01", "cam04", "other"):
        write_video(folder / f"{name}.avi", frames=2)
    out = write_result_of(walking_fit(), tmp_path / "out")
    assert main(["view", str(out), "--overlay", "--videos", str(folder)]) == 0
    made = {path.name for path in out.glob("overlay_*")}
    assert made == {"overlay_cam_01.mp4", "overlay_cam_04.mp4"}
    assert "2 frames of cam_01 with the body over them" in capsys.readouterr().out
    assert main(["view", str(out), "--videos", str(folder / "other.avi")]) == EXIT_ERROR
    assert "named after a camera: cam_01" in capsys.readouterr().err
    assert main(["view", str(out), "--overlay"]) == EXIT_ERROR
    assert "There are no videos" in capsys.readouterr().err


def test_pictures_of_the_page_are_those_of_the_frames(person, video):
    bent = jnp.tile(jnp.asarray([[-0.2, 0.05, 0.0, 0.0, 0.0]]), (6, 1))
    rig = eqx.tree_at(lambda r: r.distortion, person.rig, bent)
    lens = dataclasses.replace(person, rig=rig)
    ((camera, shown),) = camera_pictures(lens, [(video, "cam_02")], budget=200_000).items()
    assert camera == "cam_02" and shown.frames[0] == 0 and len(shown.frames) == len(shown.images)
    assert sum(map(len, shown.images)) < 200_000 and shown.frames[-1] < FRAMES
    for frame, image in zip(shown.frames, shown.images, strict=True):
        jpeg = base64.b64decode(image.removeprefix("data:image/jpeg;base64,"))
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[0] / picture.shape[1] == pytest.approx(720 / 1280, abs=0.01)
        # A barrel straightened: what was in the corner lies further out, beyond the picture.
        place = np.asarray(straightened(rig, jnp.full((6, 1, 1, 2), jnp.asarray([59.0, 661.0]))))
        u, v = place[1, 0, 0] * picture.shape[0] / 720
        assert abs(int(picture[int(v) + 6, max(0, int(u) - 6), 0]) - 20 * frame) < 25
