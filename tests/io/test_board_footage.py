"""Footage of boards is read as it was recorded, and what is no footage is refused."""

import pathlib

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.board_footage import check_simultaneous, read_footage

SIZE = (96, 64)


def write_video(path: pathlib.Path, frames: int = 12, rate: float = 20.0) -> None:
    """Frames that grow brighter by 12 each, with a bright stripe along the top."""
    path.parent.mkdir(exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, SIZE, False)
    for frame in range(frames):
        picture = np.full(SIZE[::-1], 12 * frame, np.uint8)
        picture[:16] = 250
        video.write(picture)
    video.release()


def write_picture(path: pathlib.Path, size=SIZE) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full(size[::-1], 90, np.uint8))


def test_every_nth_frame_of_a_video_is_read(tmp_path):
    write_video(tmp_path / "cam1.mp4")
    (camera,) = read_footage(tmp_path, every=5)
    frames = dict(camera.pictures())
    assert camera.name == "cam1" and camera.is_video and len(camera) == 3
    assert list(frames) == ["000000", "000005", "000010"]
    # Lossy, and in limited range.
    means = [picture[32:].mean() for picture in frames.values()]
    assert_allclose(means, [0.0, 60.0, 120.0], atol=4.0)
    assert camera.video_claims == (20.0, 12)


def test_a_video_recorded_upright_is_shown_upright(tmp_path):
    write_video(tmp_path / "cam1.mp4")
    content = (tmp_path / "cam1.mp4").read_bytes()
    # ISO/IEC 14496-12, 8.3.2: the track header's matrix, which phones turn by a quarter.
    matrix = content.find(b"tkhd") + 44
    one = 1 << 16
    turned = np.array([0, one, 0, -one, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    (tmp_path / "cam1.mp4").write_bytes(content[:matrix] + turned + content[matrix + 36 :])
    (camera,) = read_footage(tmp_path, every=1)
    _, picture = next(camera.pictures())
    assert picture.shape == SIZE  # taller than wide now
    # Turned clockwise, the stripe along the top is at the right.
    assert picture[:, -12:].mean() > 200.0 > 50.0 > picture[:, :40].mean()


def test_pictures_are_labelled_by_their_last_number(tmp_path):
    for name in ("img_7.png", "img_12.png", "last.png"):
        write_picture(tmp_path / "cam1" / name)
    (camera,) = read_footage(tmp_path, every=10)
    assert sorted(label for label, _ in camera.pictures()) == ["000007", "000012", "last"]
    write_picture(tmp_path / "cam1" / "other_7.png")
    with pytest.raises(InputError, match=r"img_7.png and other_7.png end in the same number"):
        read_footage(tmp_path, every=10)


def test_what_cannot_be_decoded_is_refused(tmp_path):
    write_video(tmp_path / "cam1.mp4")
    content = (tmp_path / "cam1.mp4").read_bytes()
    (tmp_path / "cam1.mp4").write_bytes(content[: len(content) // 2])
    (camera,) = read_footage(tmp_path, every=1)
    for read in (len, lambda c: list(c.pictures()), lambda c: check_simultaneous([c])):
        with pytest.raises(InputError, match=r"cam1.mp4: It cannot be opened as a video"):
            read(camera)
    (tmp_path / "cam1.mp4").unlink()
    write_picture(tmp_path / "cam2" / "1.png")
    content = (tmp_path / "cam2" / "1.png").read_bytes()
    (tmp_path / "cam2" / "1.png").write_bytes(content[: len(content) // 2])
    (camera,) = read_footage(tmp_path, every=1)
    with pytest.raises(InputError, match=r"1.png: It cannot be read as a picture"):
        list(camera.pictures())


def test_a_video_whose_size_changes_is_refused(tmp_path, monkeypatch):
    sizes = iter([(64, 96, 3), (64, 96, 3), (48, 72, 3)])

    class Changing:
        """A camera that lowers its resolution while it records."""

        def isOpened(self):  # noqa: N802 - OpenCV's name
            return True

        def grab(self):
            return True

        def retrieve(self):
            return True, np.zeros(next(sizes), np.uint8)

    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Changing())
    (tmp_path / "cam1.mp4").write_bytes(b"")
    (camera,) = read_footage(tmp_path, every=1)
    with pytest.raises(InputError, match="It is 72 x 48, the pictures before it are 96 x 64"):
        list(camera.pictures())


def test_videos_must_have_been_taken_at_the_same_times(tmp_path):
    write_video(tmp_path / "cam1.mp4")
    write_video(tmp_path / "cam2.mp4", frames=14)
    cameras = read_footage(tmp_path, every=1)
    assert check_simultaneous(cameras) == ()
    write_video(tmp_path / "cam2.mp4", frames=20)
    (doubt,) = check_simultaneous(read_footage(tmp_path, every=1))
    assert doubt.startswith("The videos have 12 to 20 frames: they must start at the same moment")
    write_video(tmp_path / "cam2.mp4", rate=25.0)
    with pytest.raises(InputError, match=r"cam2.mp4: It has 25.00 frames per second, and cam1.mp4"):
        check_simultaneous(read_footage(tmp_path, every=1))
    (tmp_path / "cam2.mp4").unlink()
    write_picture(tmp_path / "cam3" / "1.png")
    with pytest.raises(InputError, match="It is a video, and other cameras have pictures"):
        check_simultaneous(read_footage(tmp_path, every=1))


def test_a_folder_with_pictures_and_videos_is_refused(tmp_path):
    write_picture(tmp_path / "cam1" / "1.png")
    write_video(tmp_path / "cam1" / "film.mp4")
    with pytest.raises(InputError, match="It holds 1 pictures and 1 videos"):
        read_footage(tmp_path, every=1)
