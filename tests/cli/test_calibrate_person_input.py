"""`diffbio calibrate person` on recordings that give no rig: one sentence, and nothing written."""

import json
import pathlib

import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cameras.rig_changes import rescaled
from diffbio.cli.main import main
from diffbio.fitting.person_rig.recording import tracks_of
from diffbio.io.rigs import write_rig
from diffbio.simulation import simulate_walking


@pytest.fixture(scope="module")
def walk():
    return simulate_walking(load_keypoint_set("halpe_26"), seed=1, duration=2.0, n_cameras=4)


@pytest.fixture
def refusal(walk, tmp_path, capsys):
    """What is said of a recording, out of the fields of its archive that are not as they should
    be and of the cameras that are used."""

    def said(*words: str, cameras=None, lenses=None, **changed) -> str:
        rig = walk.rig if cameras is None else walk.rig.subset(cameras)
        keypoints = walk.keypoints.of_cameras(rig.names)
        fields = {
            "pixels": keypoints.pixels,
            "confidence": keypoints.confidence,
            "keypoint_names": keypoints.names,
            "camera_names": keypoints.camera_names,
            "keypoint_set": keypoints.set_name,
            "time": keypoints.time,
        } | changed
        archive, output = tmp_path / "keypoints.npz", tmp_path / "rig"
        np.savez(archive, **{key: value for key, value in fields.items() if value is not None})
        write_rig(rig if lenses is None else lenses(rig), tmp_path / "lenses.toml")
        given = ["--intrinsics", str(tmp_path / "lenses.toml"), "-o", str(output)]
        assert main(["calibrate", "person", str(archive), *given, "--height-m", "1.7", *words]) == 2
        assert not output.exists()
        complaint = capsys.readouterr().err.strip().splitlines()[-1]
        assert complaint.startswith("diffbio calibrate: ")
        return complaint

    return said


@pytest.mark.parametrize("what", ["pixels", "confidence", "both"])
def test_detections_that_are_all_missing(walk, refusal, what):
    changed = {}
    if what != "confidence":
        changed["pixels"] = np.full_like(walk.keypoints.pixels, np.nan)
    if what != "pixels":
        changed["confidence"] = np.zeros_like(walk.keypoints.confidence)
    said = refusal(**changed)
    assert "No camera has a single detection with confidence 0.3 or more" in said


def test_a_frame_rate_that_no_file_tells(refusal):
    assert "The frame rate is unknown" in refusal(time=None)


def test_one_recording_given_twice(walk, refusal):
    pixels, confidence = np.array(walk.keypoints.pixels), np.array(walk.keypoints.confidence)
    pixels[2], confidence[2] = pixels[0], confidence[0]
    said = refusal(pixels=pixels, confidence=confidence)
    assert "camera cam03: Its keypoints are those of cam01, to the last digit" in said


def test_sides_exchanged_in_one_of_four_cameras(walk, refusal):
    swapped = tracks_of(walk.keypoints).swapped(2)
    said = refusal(pixels=swapped.pixels, confidence=swapped.weight)
    assert "camera cam03: Its left and right keypoints are exchanged" in said


@pytest.mark.slow
def test_sides_exchanged_in_one_of_two_cameras(walk, refusal):
    pair = ("cam01", "cam02")
    swapped = tracks_of(walk.keypoints.of_cameras(pair)).swapped(1)
    said = refusal(cameras=pair, pixels=swapped.pixels, confidence=swapped.weight)
    assert "right are exchanged in all of them (of two cameras, in one)" in said


def test_lenses_of_a_smaller_picture(walk, refusal):
    assert "resolution" in refusal(lenses=lambda rig: rescaled(rig, 1280, 720))


def test_lenses_of_a_larger_picture(walk, refusal):
    assert "resolution" in refusal(lenses=lambda rig: rescaled(rig, 3840, 2160))


def test_a_height_in_centimetres(refusal):
    assert "was probably measured in centimetres" in refusal("--height-m", "172")


def test_an_openpose_folder_without_people(walk, tmp_path, capsys):
    write_rig(walk.rig, tmp_path / "lenses.toml")
    words = ["--intrinsics", str(tmp_path / "lenses.toml"), "--height-m", "1.7"]
    words += ["--keypoint-set", "body_25", "--frame-rate", "60", "-o", str(tmp_path / "rig")]
    folder = tmp_path / "openpose"

    def said() -> str:
        assert main(["calibrate", "person", str(folder), *words]) == 2
        assert not (tmp_path / "rig").exists()
        return capsys.readouterr().err.strip().splitlines()[-1]

    for name in walk.rig.names:
        (folder / name).mkdir(parents=True)
    assert str(folder) in said()
    for name in walk.rig.names:
        for frame in range(12):
            write_frame(folder / name / f"{name}_{frame:012d}_keypoints.json")
    assert "diffbio calibrate" in said()


def write_frame(path: pathlib.Path) -> None:
    """A frame in which OpenPose found nobody."""
    path.write_text(json.dumps({"version": 1.3, "people": []}))
