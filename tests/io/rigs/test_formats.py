"""All formats together: recognised, written, read back, and refused for what they would lose."""

import contextlib
import itertools
import re

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.read import read_trial
from diffbio.io.rigs import FORMATS, StatedRig, read_rig, read_rig_file, write_rig
from diffbio.io.rigs.formats import format_for, format_of, rig_files

FILES = {
    "pose2sim": "rig.toml",
    "caliscope": "camera_array.toml",
    "freemocap": "walk_camera_calibration.toml",
    "qualisys": "lab.qca.txt",
    "vicon": "lab.xcp",
    "opencap": "session",
    "easymocap": "mocap",
    "opencv": "rig.yml",
}

WITH_FISHEYE = {"pose2sim", "caliscope", "freemocap", "opencv"}
WITHOUT_TANGENTIAL = {"vicon"}


def expresses(name: str, lens: str) -> bool:
    if lens == "fisheye":
        return name in WITH_FISHEYE
    return lens != "pinhole" or name not in WITHOUT_TANGENTIAL


def assert_same(found, expected):
    assert found.names == expected.names
    assert found.image_size == expected.image_size
    assert found.fisheye == expected.fisheye
    for field in (
        "focal_px",
        "principal_px",
        "distortion",
        "camera_from_world_rotation",
        "camera_from_world_translation",
    ):
        assert_allclose(getattr(found, field), getattr(expected, field), rtol=0.0, atol=1e-9)


def test_every_format_is_tested():
    assert set(FILES) == set(FORMATS)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FORMATS, FORMATS)))
def test_a_rig_survives_any_two_formats(rig_with, tmp_path, first, second):
    for lens in ("ideal", "radial", "pinhole", "fisheye"):
        if not (expresses(first, lens) and expresses(second, lens)):
            continue
        rig = rig_with(lens)
        for number, name in enumerate((first, second)):
            path = tmp_path / lens / str(number) / FILES[name]
            path.parent.mkdir(parents=True)
            write_rig(rig, path, name)
            reading = read_rig_file(path)
            assert reading.format_name == name == format_of(path)
            rig = reading.rig
        assert_same(rig, rig_with(lens))


@pytest.mark.parametrize("name", FORMATS)
def test_a_fit_takes_a_rig_of_every_format(plain_folder, three_cameras, tmp_path, name):
    path = tmp_path / FILES[name]
    write_rig(three_cameras, path, name)
    (plain_folder / "rig.toml").unlink()
    trial = read_trial(plain_folder, rig=path, frame_rate_hz=25.0)
    points = jnp.asarray([[0.1, -0.2, 1.0], [0.5, 0.3, 0.0]])
    assert_allclose(trial.rig.project(points), three_cameras.project(points), atol=1e-8)  # px


def test_a_project_calibrated_by_qualisys_is_found(
    write_json_folders, three_cameras, tmp_path, detections
):
    session = tmp_path / "session"
    write_json_folders(session / "walking" / "pose")
    (session / "calibration").mkdir()
    write_rig(three_cameras, session / "calibration" / "lab.qca.txt")
    (session / "Config.toml").write_text('[project]\nframe_rate = 25\n[pose]\npose_model="COCO_17"')
    assert read_trial(session).rig.names == three_cameras.names
    write_rig(three_cameras, session / "calibration", "easymocap")
    assert [p.name for p in rig_files(session / "calibration")] == ["extri.yml", "lab.qca.txt"]
    with pytest.raises(InputError, match=r"holds several calibrations \(extri\.yml, lab\.qca"):
        read_trial(session)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - WITH_FISHEYE))
def test_a_fisheye_is_not_lost(rig_with, tmp_path, name):
    with pytest.raises(InputError, match=r"camera cam_0: Its lens is a fisheye, which .* cannot"):
        write_rig(rig_with("fisheye"), tmp_path / FILES[name], name)
    assert list(tmp_path.iterdir()) == []


def test_tangential_terms_are_not_lost(rig_with, tmp_path):
    with pytest.raises(InputError, match=r"tangential terms \(p1 -0\.0013, p2 0\.0031\), which V"):
        write_rig(rig_with("pinhole"), tmp_path / "lab.xcp")


@pytest.mark.parametrize(
    ("name", "cameras", "message"),
    [
        ("opencap", ("a", "b/c", "d"), "camera b/c: Its name cannot be that of a folder"),
        ("easymocap", ("a", "b c", "d"), "camera b c: EasyMocap's names are made of letters"),
    ],
)
def test_names_that_a_format_cannot_hold(rig_with, tmp_path, name, cameras, message):
    with pytest.raises(InputError, match=message):
        write_rig(rig_with("ideal", cameras), tmp_path / "out", name)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"opencap", "easymocap"}))
def test_any_name_is_kept_where_it_is_a_text(rig_with, tmp_path, name):
    names = ('left "A" & <b>', "12", "Käm era")
    write_rig(rig_with("ideal", names), tmp_path / FILES[name], name)
    assert read_rig(tmp_path / FILES[name]).names == names


def test_a_rig_that_is_not_finite_is_not_written(rig_with, tmp_path):
    rig = rig_with("ideal")
    rig = type(rig)(**(vars(rig) | {"focal_px": rig.focal_px * np.nan}))
    with pytest.raises(InputError, match=r"The rig is not finite. Calibrate it again"):
        write_rig(rig, tmp_path / "rig.toml")


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("a.toml", "pose2sim"),
        ("a.qca.txt", "qualisys"),
        ("a.xcp", "vicon"),
        ("a.yaml", "opencv"),
        ("a.yml", "opencv"),
    ],
)
def test_the_name_tells_what_to_write(tmp_path, name, format_name):
    assert format_for(tmp_path / name) == format_name


def test_a_name_that_does_not_tell_is_refused(rig_with, tmp_path):
    with pytest.raises(InputError, match=r"does not tell the format. State it with --to, one of "):
        write_rig(rig_with("ideal"), tmp_path / "rig.txt")
    with pytest.raises(UnknownNameError, match=r"No format of rigs is called 'theia'"):
        write_rig(rig_with("ideal"), tmp_path / "rig.txt", "theia")


@pytest.mark.parametrize("name", ["rig.txt", "folder"])
def test_what_is_no_rig_is_refused_with_the_known_formats(tmp_path, name):
    path = tmp_path / name
    path.mkdir() if name == "folder" else path.write_text("x y z\n1 2 3\n")
    known = re.escape("Known are: Pose2Sim, aniposelib (.toml); Caliscope (.toml)")
    with pytest.raises(
        InputError, match=rf"{name}: It is no camera rig of a known format. {known}"
    ):
        read_rig(path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("<?xml version='1.0'?><calibration><cameras/></calibration>", "qualisys"),
        ('<?xml version="1.0"?><Cameras/>', "vicon"),
        ("%YAML:1.0\n---\na: 1\n", "opencv"),
    ],
)
def test_content_tells_where_the_name_does_not(tmp_path, content, name):
    (tmp_path / "export.txt").write_text(content)
    assert format_of(tmp_path / "export.txt") == name


@pytest.mark.parametrize("name", ["rig.qca.txt", "rig.xcp", "rig.yml", "rig.pickle", "folder"])
def test_missing_rig_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"The rig cannot be read \(No such file"):
        read_rig(tmp_path / name)


def test_an_interrupted_write_of_two_files_leaves_both(rig_with, tmp_path, monkeypatch):
    write_rig(rig_with("ideal"), tmp_path, "easymocap")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("diffbio.io.rigs.formats.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_rig(rig_with("radial"), tmp_path, "easymocap")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_world_with_another_axis_up_is_pointed_out(three_cameras, tmp_path):
    points_up = {"y": "--up=y", "-x": "--up=-x"}
    for axis, advice in points_up.items():
        turn = {"y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]], "-x": [[0, 0, -1], [0, 1, 0], [1, 0, 0]]}
        new_from_old = jnp.asarray(turn[axis], float)
        rotation = jnp.einsum("cij,kj->cik", three_cameras.camera_from_world_rotation, new_from_old)
        rig = type(three_cameras)(
            **(vars(three_cameras) | {"camera_from_world_rotation": rotation})
        )
        write_rig(rig, tmp_path / "rig.toml")
        (note,) = read_rig_file(tmp_path / "rig.toml").notes
        assert f"as if {axis} were up" in note and advice in note
    write_rig(three_cameras, tmp_path / "rig.toml")
    assert read_rig_file(tmp_path / "rig.toml").notes == ()


def test_a_rig_within_millimetres_is_in_another_unit(rig_with, tmp_path):
    write_rig(rig_with("ideal"), tmp_path / "rig.toml")
    with pytest.raises(InputError, match=r"stand within .* mm .* looks like another unit"):
        read_rig(tmp_path / "rig.toml", StatedRig(metres_per_unit=1e-4))


def test_a_stated_unit_is_used_where_the_format_leaves_it_open(rig_with, tmp_path):
    rig = rig_with("ideal")
    write_rig(rig, tmp_path / "rig.toml")
    found = read_rig(tmp_path / "rig.toml", StatedRig(metres_per_unit=0.01))
    assert_allclose(found.centres, rig.centres * 0.01, atol=1e-12)
    write_rig(rig, tmp_path / "rig.xcp")
    with pytest.raises(
        InputError, match=r"A unit of 1 m was stated, but in this file it is 0\.001"
    ):
        read_rig(tmp_path / "rig.xcp", StatedRig(metres_per_unit=1.0))


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_or_refused_but_no_accident(rig_with, tmp_path, name):
    path = tmp_path / FILES[name]
    write_rig(rig_with("radial"), path, name)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    random = np.random.default_rng(list(FORMATS).index(name))
    for _ in range(40):
        file = files[random.integers(len(files))]
        sound = file.read_bytes()
        at, length = random.integers(len(sound)), random.integers(1, 30)
        kinds = (bytes(random.integers(32, 127, 1).tolist()), b"", sound[: 2 * length])
        filling = kinds[random.integers(3)]
        file.write_bytes(sound[:at] + filling + sound[at + length :])
        with contextlib.suppress(InputError):
            read_rig(path)
        file.write_bytes(sound)
    assert_same(read_rig(path), rig_with("radial"))
