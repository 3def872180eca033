"""Trials of other programs, written here as their documentation says they look."""

import csv
import json

import ezc3d
import h5py
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cli import import_ as import_verb
from diffbio.cli.main import main
from diffbio.errors import InputError, UnknownNameError
from diffbio.io.detected_camera import cleaned
from diffbio.io.import_sources import SOURCES, import_source
from diffbio.io.imported import Imported, Stated, write_imported
from diffbio.io.read import read_trial
from diffbio.io.read_deeplabcut import read_deeplabcut
from diffbio.io.read_trc import read_trc
from diffbio.io.rigs import write_rig
from diffbio.io.write_trc import write_trc

NAMES = ("RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "RHeel", "LHeel")
SPELLED = ("right_hip", "knee_R", "RAnkle", "LeftHip", "left_knee", "ankle_l", "RHeel", "heel_left")
FRAMES = 5
RATE = Stated(frame_rate_hz=50.0)


@pytest.fixture(scope="module")
def rig() -> CameraRig:
    """Three cameras around the origin, at eye level, that look at it."""
    rotations, translations = [], []
    for angle in (0.3, 1.6, 2.9):
        centre = 4.0 * np.array([np.cos(angle), np.sin(angle), 0.0])
        forward = -centre / 4.0
        right = np.cross(forward, [0.0, 0.0, 1.0])
        rotation = np.stack([right, np.cross(forward, right), forward])
        rotations.append(rotation)
        translations.append(-rotation @ centre)
    return CameraRig(
        focal_px=jnp.full((3, 2), 900.0),
        principal_px=jnp.tile(jnp.array([639.5, 359.5]), (3, 1)),
        distortion=jnp.zeros((3, 5)),
        camera_from_world_rotation=jnp.array(np.array(rotations)),
        camera_from_world_translation=jnp.array(np.array(translations)),
        names=("cam1", "cam2", "cam3"),
        image_size=((1280, 720),) * 3,
        fisheye=(False,) * 3,
    )


@pytest.fixture(scope="module")
def points():
    """A walk of eight points, in metres."""
    random = np.random.default_rng(1)
    return random.uniform(-0.4, 0.4, (FRAMES, len(NAMES), 3))


@pytest.fixture(scope="module")
def pixels(rig, points):
    """What the cameras see: camera, frame, point, u and v."""
    return np.asarray(rig.project(jnp.asarray(points)))


@pytest.fixture
def folder(tmp_path, rig):
    """A folder with a rig, into which a test writes the cameras' files."""
    write_rig(rig, tmp_path / "rig.toml")
    return tmp_path


def seen(pixels):
    """With confidence; the first point is not seen in the first frame of the first camera."""
    values = np.concatenate([pixels, np.full((*pixels.shape[:-1], 1), 0.9)], axis=-1)
    values[0, 0, 0] = 0.0
    return values


def check(found: Imported, pixels, names=NAMES):
    """The same pixels under the names of the set."""
    trial = found.trial
    assert trial is not None and trial.keypoints.names == names
    assert trial.keypoints.camera_names == ("cam1", "cam2", "cam3")
    expected = seen(pixels)
    assert_allclose(np.asarray(trial.keypoints.pixels), expected[..., :2], atol=1e-4)  # px
    assert_allclose(np.asarray(trial.keypoints.confidence), expected[..., 2], atol=1e-6)
    assert_allclose(np.asarray(trial.keypoints.time), np.arange(FRAMES) / 50.0)


def write_dlc_csv(path, values, names=SPELLED, individuals=()):
    columns = [
        (*((one,) if individuals else ()), name, key)
        for one in (individuals or ("",))
        for name in names
        for key in ("x", "y", "likelihood")
    ]
    levels = ("scorer", *(("individuals",) if individuals else ()), "bodyparts", "coords")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for level, heading in enumerate(levels):
            cells = ["DLC_net"] * len(columns) if level == 0 else [c[level - 1] for c in columns]
            writer.writerow([heading, *cells])
        for frame, row in enumerate(values.reshape(len(values), -1)):
            writer.writerow([frame, *(f"{x:.6f}" for x in row)])


def test_deeplabcut_tables(folder, pixels):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        write_dlc_csv(folder / f"{name}DLC_resnet50_walkshuffle1_100000.csv", values)
    name, found = import_source(folder, RATE)
    assert name == "deeplabcut"
    check(found, pixels)
    assert "Keypoints are taken as those of halpe_26." in found.notes
    assert any("body_25" in note and "state the one" in note for note in found.notes)


def test_points_no_set_knows_are_left_out(folder, pixels):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        write_dlc_csv(folder / f"{name}.csv", values, (*SPELLED[:7], "tail"))
    _, found = import_source(folder, RATE)
    assert found.trial is not None and len(found.trial.keypoints.names) == 7
    assert any("does not know them: tail" in note for note in found.notes)
    for name in ("cam1", "cam2", "cam3"):
        write_dlc_csv(folder / f"{name}.csv", seen(pixels)[0], tuple("abcdefgh"))
    with pytest.raises(
        InputError, match=r"keypoint names: Of a, b, c.* knows 0. State the keypoint"
    ):
        import_source(folder, RATE)


def write_dlc_h5(path, values, names=SPELLED, pickled=None):
    """As PyTables stores what pandas hands it: blocks of columns, labels pickled by protocol 0."""
    labels = [("DLC_net", n, c) for n in names for c in ("x", "y", "likelihood")]
    text = "(lp0\n" + "".join(
        "(" + "".join(f"V{part}\n" for part in label) + "ta" for label in labels
    ) + "."  # fmt: skip
    width = len(labels)
    table = np.zeros(len(values), [("index", "<i8"), ("values_block_0", "<f8", (width,))])
    table["index"], table["values_block_0"] = range(len(values)), values.reshape(len(values), -1)
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        group.create_dataset("table", data=table)
        group["table"].attrs["values_block_0_kind"] = np.bytes_(pickled or text.encode())


def test_deeplabcut_h5(folder, pixels):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        write_dlc_h5(folder / f"{name}.h5", values)
    name, found = import_source(folder, RATE)
    assert name == "deeplabcut"
    check(found, pixels)


def test_labels_that_would_run_code_are_refused(tmp_path, pixels):
    path = tmp_path / "cam1.h5"
    write_dlc_h5(path, pixels[0][..., [0, 1, 1]], pickled=b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(InputError, match=r"labels of the columns: .*asks for os\.system"):
        read_deeplabcut(path)


def test_a_file_that_was_cut_off_is_named(folder, pixels):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        write_dlc_h5(folder / f"{name}.h5", values)
    content = (folder / "cam2.h5").read_bytes()
    (folder / "cam2.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cam2\.h5: It is cut off or damaged"):
        import_source(folder, RATE)


def test_anipose_groups_files_by_camera(folder, pixels):
    (folder / "config.toml").write_text('[triangulation]\ncam_regex = "-(cam[0-9])"\n')
    poses = folder / "session1" / "pose-2d"
    poses.mkdir(parents=True)
    for trial in ("walk", "run"):
        for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
            write_dlc_h5(poses / f"{trial}-{name}.h5", values)
    with pytest.raises(
        InputError, match=r"It holds 2 trials \(run, walk\). Choose one with --trial"
    ):
        import_source(folder, RATE)
    name, found = import_source(folder, Stated(frame_rate_hz=50.0, trial="walk"))
    assert name == "anipose" and found.trial is not None and found.trial.name == "walk"
    check(found, pixels)


def test_sleap_analysis(folder, pixels):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        points = np.where(values[..., 2:] > 0, values, np.nan)
        with h5py.File(folder / f"{name}.analysis.h5", "w") as file:
            file["tracks"] = points[..., :2].transpose(2, 1, 0)[None]
            file["point_scores"] = points[..., 2].T[None]
            file["node_names"] = np.array([n.encode() for n in SPELLED])
    name, found = import_source(folder, RATE)
    assert name == "sleap"
    check(found, pixels)


def test_sleap_csv(folder, pixels):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            keys = [f"{n}.{k}" for n in SPELLED for k in ("x", "y", "score")]
            writer.writerow(["track", "frame_idx", "instance.score", *keys])
            for frame, row in enumerate(values):
                writer.writerow(["", frame, 0.8, *("" if x == 0.0 else x for x in row.ravel())])
    name, found = import_source(folder, RATE)
    assert name == "sleap"
    check(found, pixels)


def test_mmpose(folder, pixels):
    names = {str(i): name for i, name in enumerate(SPELLED)}
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        frames = [
            {"frame_id": i, "instances": [
                {"keypoints": one[:, :2].tolist(), "keypoint_scores": one[:, 2].tolist()}
            ]}
            for i, one in enumerate(values)
        ]  # fmt: skip
        content = {"meta_info": {"keypoint_id2name": names}, "instance_info": frames}
        (folder / f"{name}.json").write_text(json.dumps(content))
    name, found = import_source(folder, RATE)
    assert name == "mmpose"
    check(found, pixels)


COCO = 17


@pytest.mark.parametrize(("kind", "image"), [("alphapose", "{}.jpg"), ("coco", None)])
def test_lists_of_people(folder, rig, kind, image):
    """Seventeen points are COCO's; frames nobody is in are left out, and numbered all the same."""
    random = np.random.default_rng(2)
    where = random.uniform(-0.5, 0.5, (FRAMES, COCO, 3))
    pixels = np.asarray(rig.project(jnp.asarray(where)))
    for camera, (name, views) in enumerate(zip(rig.names, pixels, strict=True)):
        people = []
        for frame, one in enumerate(views):
            if camera == 1 and frame in (0, 3):
                continue
            values = np.concatenate([one, np.full((COCO, 1), 0.7)], axis=1)
            number = image.format(frame) if image else frame
            people.append({"image_id": number, "category_id": 1, "score": 2.0,
                           "keypoints": values.ravel().tolist()})  # fmt: skip
        (folder / name).mkdir()
        (folder / name / "results.json").write_text(json.dumps(people))
    found_name, found = import_source(folder, RATE)
    assert found_name == kind and found.trial is not None
    keypoints = found.trial.keypoints
    assert keypoints.set_name == "coco_17"
    confidence = np.asarray(keypoints.confidence)
    assert (confidence[1, [0, 3]] == 0.0).all() and (confidence[1, 1] > 0.0).all()
    assert_allclose(np.asarray(keypoints.pixels)[0], pixels[0], atol=1e-4)


def test_freemocap(tmp_path, rig, pixels):
    raw = tmp_path / "output_data" / "raw_data"
    raw.mkdir(parents=True)
    array = np.full((3, FRAMES, 553, 3), np.nan)
    array[:, :, 23 : 23 + 8, :2] = seen(pixels)[..., :2]
    array[0, 0, 23] = np.nan
    np.save(raw / "mediapipe_2dData_numCams_numFrames_numTrackedPoints_pixelXY.npy", array)
    write_rig(rig, tmp_path / "recording_camera_calibration.toml")
    name, found = import_source(tmp_path, RATE)
    assert name == "freemocap" and found.trial is not None
    keypoints = found.trial.keypoints
    assert keypoints.set_name == "mediapipe_33" and len(keypoints.names) == 33
    assert_allclose(np.asarray(keypoints.pixels)[:, :, 23:31], seen(pixels)[..., :2], atol=1e-4)
    assert set(np.unique(np.asarray(keypoints.confidence))) == {0.0, 1.0}
    with pytest.raises(InputError, match="frame rate is unknown"):
        import_source(tmp_path, Stated())


def write_markers(path, points, names=NAMES):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_trc(path, np.arange(len(points)) / 50.0, points, names, 50.0)


def test_opencap_session(tmp_path, points):
    for trial in ("neutral", "walk1"):
        write_markers(tmp_path / "MarkerData" / f"{trial}.trc", points)
    motion = tmp_path / "OpenSimData" / "Kinematics" / "walk1.mot"
    motion.parent.mkdir(parents=True)
    motion.write_text("angles")
    name, found = import_source(tmp_path, Stated())
    assert name == "opencap" and found.markers is not None and found.trial is None
    assert_allclose(found.markers.positions, points, atol=1e-6)
    assert found.copies == {"opencap.mot": motion}
    write_markers(tmp_path / "MarkerData" / "walk2.trc", points)
    with pytest.raises(InputError, match=r"It holds 2 trials \(walk1, walk2\)"):
        import_source(tmp_path, Stated())
    assert import_source(tmp_path, Stated(trial="neutral"))[1].markers is not None


def test_addbiomechanics_subject(tmp_path, points):
    (tmp_path / "_subject.json").write_text('{"massKg": 70}')
    write_markers(tmp_path / "trials" / "walk" / "markers.trc", points)
    (tmp_path / "trials" / "walk" / "grf.mot").write_text("forces")
    name, found = import_source(tmp_path, Stated())
    assert name == "addbiomechanics" and found.markers is not None
    assert list(found.copies) == ["grf.mot"]
    packed = tmp_path / "subject.b3d"
    packed.write_bytes(b"\0")
    with pytest.raises(InputError, match="are read by its own package, nimblephysics, only"):
        import_source(packed, Stated())


def write_theia(path, points, labels, units="mm"):
    """Segment poses in the group ROTATION, as the C3D format has them."""
    content = ezc3d.c3d()
    content["parameters"]["POINT"]["UNITS"]["value"] = [units]
    content["parameters"]["POINT"]["RATE"]["value"] = [50.0]
    content.add_parameter("POINT", "Y_SCREEN", ["+Z"])
    content["parameters"]["POINT"]["LABELS"]["value"] = ["dummy"]
    content["data"]["points"] = np.ones((4, 1, len(points)))
    content.add_parameter("ROTATION", "LABELS", list(labels))
    content.add_parameter("ROTATION", "RATE", [50.0])
    matrices = np.zeros((4, 4, len(labels), len(points)))
    matrices[[0, 1, 2, 3], [0, 1, 2, 3]] = 1.0
    matrices[:3, 3] = 1000.0 * points.transpose(2, 1, 0)
    content["data"]["rotations"] = matrices
    content.write(str(path))


def test_theia_poses(tmp_path, points):
    path = tmp_path / "pose_0.c3d"
    write_theia(path, points, [f"{name}_4X4" for name in NAMES])
    name, found = import_source(path, Stated())
    assert name == "theia" and found.markers is not None and found.markers.names == NAMES
    assert_allclose(found.markers.positions, points, atol=1e-4)  # m, stored in single precision
    assert found.markers.frame_rate_hz == pytest.approx(50.0)
    write_theia(path, points, [f"{name}_4X4" for name in NAMES], units="m")
    with pytest.raises(InputError, match="POINT:UNITS: The unit is m, and the markers would be"):
        import_source(path, Stated())


def test_an_import_is_a_trial_that_fit_reads(folder, pixels, tmp_path, capsys):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        write_dlc_csv(folder / f"{name}.csv", values)
    out = tmp_path / "trial"
    words = ["import", str(folder), "-o", str(out), "--frame-rate", "50"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Read as DeepLabCut (.h5, .csv)" in said and f"Next: diffbio fit {out}" in said
    trial = read_trial(out)
    assert trial.frame_rate_hz == 50.0 and trial.keypoints.names == NAMES
    assert_allclose(np.asarray(trial.keypoints.pixels), seen(pixels)[..., :2], atol=1e-4)
    assert main(words) == 2
    assert "It is there already. Use --force" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0


def test_imported_markers_are_walked_with(tmp_path, points, capsys):
    session = tmp_path / "session"
    write_markers(session / "MarkerData" / "walk.trc", points)
    out = tmp_path / "walk"
    assert main(["import", str(session), "-o", str(out)]) == 0
    assert f"Next: diffbio gait {out / 'markers.trc'}" in capsys.readouterr().out
    assert_allclose(read_trc(out / "markers.trc").positions, points, atol=1e-6)


def test_the_demo_of_pose2sim_is_imported_as_it_is_read(shared_data, tmp_path):
    source = shared_data / "pose2sim-demo"
    name, found = import_source(source, Stated())
    assert name == "pose2sim" and found.trial is not None
    write_imported(found, tmp_path / "trial")
    again = read_trial(tmp_path / "trial")
    assert_allclose(np.asarray(again.keypoints.pixels), np.asarray(found.trial.keypoints.pixels))
    assert again.rig.names == found.trial.rig.names


def test_what_is_not_there_is_not_guessed(folder, pixels, tmp_path):
    for name, values in zip(("cam1", "cam2", "cam3"), seen(pixels), strict=True):
        write_dlc_csv(folder / f"{name}.csv", values)
    with pytest.raises(InputError, match="The frame rate is unknown"):
        import_source(folder, Stated())
    (folder / "rig.toml").unlink()
    with pytest.raises(InputError, match=r"There is no calibration: looked for rig\.toml, "):
        import_source(folder, RATE)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"recognised there\. Looked for: OpenCap session: Mark"):
        import_source(empty, Stated())
    with pytest.raises(InputError, match="There is no such file or folder"):
        import_source(tmp_path / "nowhere", Stated())
    with pytest.raises(UnknownNameError, match="No source is called 'vicon'"):
        import_source(empty, Stated(), "vicon")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("deeplabcut", "scorer,a\nbodyparts,b\n", "Its header is not that of DeepLabCut"),
        ("deeplabcut", "scorer,a,a\nbodyparts,b,b\ncoords,x,z\n0,1,2\n", "coords: There are x, z"),
        ("deeplabcut", "scorer,a,a\nbodyparts,b,b\ncoords,x,y\n0,1\n", "line 4: It has 2 cells"),
        ("deeplabcut", "scorer,a,a\nbodyparts,b\ncoords,x,y\n0,1,2\n", "not equally long"),
        ("sleap", "track,frame_idx,a.y\n,0,1\n", "It has no column NODE.x"),
        ("sleap", "track,frame_idx,a.x,a.y\n,0,left,1\n", "line 2: It is incomplete"),
    ],
)
def test_tables_that_are_none_are_named(folder, name, text, complaint):
    (folder / "cam1.csv").write_text(text)
    with pytest.raises(InputError, match=complaint):
        import_source(folder, RATE, name)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("mmpose", [{"instances": []}], "frame 0: It has no `frame_id`"),
        ("mmpose", [{"frame_id": 0, "instances": [{"keypoints": 1}]}], "instance is incomplete"),
        ("mmpose", [{"frame_id": 0, "instances": []}] * 2, "Frame 0 is there twice"),
        ("alphapose", [{"image_id": "first.jpg", "keypoints": [1, 2, 3]}], "has no number"),
        ("coco", [{"image_id": 1, "keypoints": [1, 2]}], "It has 2 numbers, not triples"),
        ("coco", [{"image_id": 1, "keypoints": "x"}], "It has no numbers in `keypoints`"),
        ("coco", {"people": []}, "It holds no list of people"),
    ],
)
def test_json_that_is_none_is_named(folder, name, content, complaint):
    (folder / "cam1.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=complaint):
        import_source(folder, RATE, name)


def test_scores_of_heat_maps_are_cut_and_gaps_are_zero():
    values = np.array([[[10.0, 20.0, 3.5], [np.nan, 1.0, 0.9], [0.0, 0.0, 0.9], [5.0, 5.0, 0.0]]])
    assert_allclose(cleaned(values)[0], [[10, 20, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_the_command_knows_every_source():
    assert tuple(SOURCES) == import_verb.SOURCES
