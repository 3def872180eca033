"""The benchmarks start, refuse what they cannot do, and write what they measured."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks import accuracy, fit, kinematics, machine, table
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.angles import both_sides, inclination_deg, read_motion
from benchmarks.arguments import ROOT
from benchmarks.c_mujoco import NativeKinematics
from benchmarks.fit_case import SIZES, Size, keypoint_set, simulate
from benchmarks.fit_floor import elimination_flop
from benchmarks.fit_sizes import is_wrong, report_seeds
from benchmarks.kinematics_case import random_person, random_poses
from diffbio.body import default_body, load_keypoint_set
from diffbio.errors import InputError
from diffbio.io.axes import PELVIS_ANGLES


def test_help_of_the_module_answers():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in done.stdout for name in BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "--output" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "required: BENCHMARK"),
        (["speed"], "invalid choice: 'speed'"),
        (["kinematics", "--frames", "0"], "0 is not positive"),
        (["kinematics", "--sets", "halpe_27"], "invalid choice: 'halpe_27'"),
        (["kinematics", "--kinematics", "warp"], "invalid choice: 'warp'"),
        (["accuracy", "--steps", "0"], "0 is not positive"),
        (["accuracy", "--steps", "many"], "invalid positive value: 'many'"),
        (["accuracy", "--solver", "newton"], "invalid choice: 'newton'"),
        (["fit", "--parts", "seed"], "invalid choice: 'seed'"),
        (["fit", "--batch", "0"], "0 is not positive"),
    ],
)
def test_wrong_arguments_are_refused(words, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_absent_recordings_are_explained(tmp_path, capsys):
    words = ["accuracy", "--data", str(tmp_path / "nowhere"), "-o", str(tmp_path)]
    assert main(words) == 2
    assert "The recordings are not there" in capsys.readouterr().err


def test_unwritable_output_is_found_before_the_measuring(tmp_path, capsys):
    blocking = tmp_path / "results"
    blocking.write_text("a file, where a folder is wanted")
    assert main(["kinematics", "-o", str(blocking)]) == 2
    assert "Results cannot be written there" in capsys.readouterr().err


def test_trials_are_chosen_by_pattern():
    known: accuracy.Entries = {}
    for name in ("gait-14-body", "gait-14-markers", "beam", "simulated-0"):
        known[name] = dict
    assert list(accuracy.choose(known, ["beam", "gait-14-*"])) == list(known)[:3]
    with pytest.raises(InputError, match=r"Nothing is called 'walk'.*Known are: gait-14-body"):
        accuracy.choose(known, ["walk"])


def test_every_recording_is_an_entry(shared_data):
    names = list(accuracy.entries(shared_data, ("gauss-newton",), steps=1))
    assert sum(name.startswith("gait-") for name in names) == 16
    assert {"beam", "beam-refined", "beam-clocks", "beam-cold", "simulated-4"} <= set(names)
    assert "beam-cold-mjx" not in names


def test_both_solvers_stand_side_by_side(shared_data):
    known = accuracy.entries(shared_data, ("gauss-newton", "adamw"), steps=1)
    assert list(accuracy.choose(known, ["beam"])) == ["beam", "beam, adamw"]
    assert "beam-cold-mjx" in known


def test_table_is_aligned_markdown():
    text = table.markdown_table(("name", "value"), [("a", 1.2345), ("longer", None)])
    assert text.splitlines() == [
        "| name   | value |",
        "| :----- | ----: |",
        "| a      |  1.23 |",
        "| longer |     – |",
    ]
    with pytest.raises(ValueError, match="1 cells under 2 headings"):
        table.markdown_table(("name", "value"), [("a",)])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"), (0.0, "0"), (0.0123, "0.0123"), (0.5, "0.50"), (12.34, "12.3"),
        (1234.5, "1234"), (-0.00002, "-2.0e-05"), (float("nan"), "–"), (True, "True"),
    ],
)  # fmt: skip
def test_cells_show_what_matters(value, shown):
    assert table.cell(value) == shown


def test_results_name_the_machine(tmp_path):
    measured = {"value": [1.0, float("nan")]}
    written = table.write_result(tmp_path / "results", "trying", measured, "A table.")
    content = json.loads(written[0].read_text())
    assert written[0].name == f"trying-{machine.short_name()}.json"
    assert content["value"] == [1.0, None]
    assert content["machine"]["jax"] == jax.__version__
    assert content["machine"]["cores"] >= 1
    assert "A table." in written[1].read_text()
    assert sorted(path.suffix for path in (tmp_path / "results").iterdir()) == [".json", ".md"]


def test_motion_files_are_read_in_degrees(tmp_path):
    path = tmp_path / "walk.mot"
    rows = "time\tknee_angle_r\n0.0\t-10.0\n0.5\t-20.0\n"
    path.write_text(f"Coordinates\nnRows=2\ninDegrees=yes\n\nendheader\n{rows}")
    motion = read_motion(path)
    np.testing.assert_array_equal(motion.time, [0.0, 0.5])
    np.testing.assert_array_equal(motion.columns["knee_angle_r"], [-10.0, -20.0])
    path.write_text(f"Coordinates\nnRows=2\ninDegrees=no\n\nendheader\n{rows}")
    with pytest.raises(InputError, match="no motion file in degrees"):
        read_motion(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_motion(tmp_path / "absent.mot")


def test_inclination_of_the_pelvis_is_that_of_its_forward_axis():
    degrees = np.array([[10.0, 5.0, 80.0], [-20.0, 15.0, -170.0]])
    opensim_from_pelvis = Rotation.from_euler("ZXY", degrees, degrees=True).as_matrix()
    columns: dict[str, np.ndarray] = dict(zip(PELVIS_ANGLES, degrees.T, strict=True))
    expected = np.rad2deg(np.arcsin(opensim_from_pelvis[:, 1, 0]))
    np.testing.assert_allclose(inclination_deg(columns), expected, atol=1e-10)  # deg


def test_both_sides_of_an_angle_are_summarised():
    compared = {
        "knee_angle_r": {"rmse_deg": 3.0, "bias_deg": 1.0},
        "knee_angle_l": {"rmse_deg": 4.0, "bias_deg": -2.0},
    }
    rmse, bias = both_sides(compared, "knee_angle")
    assert rmse == pytest.approx(np.sqrt(12.5))
    assert bias == pytest.approx(-0.5)


def test_peer_computes_the_same_markers():
    body = default_body(load_keypoint_set("coco_17"))
    rng = np.random.default_rng(0)
    parameters, poses = random_person(body, rng), random_poses(body, 8, rng)
    native = NativeKinematics(body, parameters)
    ours = jax.jit(body.marker_positions)(parameters, poses)
    theirs = native.marker_positions(native.generalised_positions(poses))
    np.testing.assert_allclose(np.asarray(ours), theirs, atol=1e-5)  # m: single precision


def test_cases_become_tables():
    milliseconds = {"min": 1.0, "median": 2.0}
    described = {
        f"{name}_{what}": 0.5
        for name in ("forward", "gradient")
        for what in ("trace_s", "compile_s", "gflop", "temporary_mib")
    }
    case = {
        "keypoint_set": "halpe_26",
        "kinematics": "mjx",
        "frames": 500,
        **described,
        "forward_ms": milliseconds,
        "gradient_ms": milliseconds,
        "c_mujoco_ms": {"min": 0.25, "median": 0.3},
        "gemm_gflop_per_s": 100.0,
        "max_deviation_m": 2e-6,
    }
    rows = [
        line.split("|")[1:-1] for line in kinematics.tables([case]).splitlines() if " mjx " in line
    ]
    rows = [[value.strip() for value in row] for row in rows]
    assert rows[0][3:] == ["1.00", "1.00 (2.00)", "2.00", "4.00", "2.0e-06"]
    assert rows[2][3:5] == ["0.50", "0.20"]  # 1 ms against 0.5 GFLOP at 100 GFLOP/s


@pytest.mark.parametrize("size", SIZES)
def test_trials_are_as_large_as_their_names_say(size):
    body = default_body(keypoint_set(SIZES[size].fingers))
    made = (
        SIZES[size].frames,
        len(body.marker_names),
        6 + len(body.joint_names),
        SIZES[size].cameras,
    )
    assert "/".join(map(str, made)) == size


def test_true_corrections_of_the_cameras_explain_the_detections():
    case = simulate(Size(fingers=False, frames=16, cameras=3), seed=1)
    seen = case.keypoints.confidence > 0
    assert 0.7 < seen.mean() < 0.9

    def median_px(rig):
        projected = np.asarray(rig.project(jnp.asarray(case.markers)))
        return np.median(np.linalg.norm(projected - case.keypoints.pixels, axis=-1)[seen])

    # The median of Rayleigh's distribution at 2 px per axis is 2.35 px; Student's tails add some.
    assert median_px(case.rig.adjusted(case.cameras)) == pytest.approx(2.3, abs=0.3)
    assert median_px(case.rig) > 8.0  # half a degree is 10 px


def test_a_wrong_minimum_is_beyond_rounding_and_stopping():
    assert not is_wrong(-3.0, 100.0)
    assert not is_wrong(4.9, 100.0)  # units
    assert not is_wrong(9.0, 10000.0)  # a thousandth
    assert is_wrong(11.0, 10000.0)
    assert is_wrong(float("nan"), 100.0)


def test_elimination_of_one_block_is_that_of_a_dense_matrix():
    """One block and its border: what is beyond a dense Cholesky factor is the absent neighbour."""
    m, p = 30, 40
    neighbour = 2 * m**3 + 2 * m**2 * p
    dense = (m + p) ** 3 / 3
    # A dense factor of blocks: m^3 / 3 + m^2 p + m p^2 + p^3 / 3.
    assert elimination_flop(3, 10, p) - neighbour == pytest.approx(dense)


def test_parts_measured_before_are_kept(tmp_path, monkeypatch, capsys):
    part = fit.Part(lambda arguments: {"found": arguments.rounds}, str, ("rounds",))
    monkeypatch.setattr(fit, "PARTS", {"frames": part, "batch": part})
    for words in (["--parts", "batch", "--rounds", "2"], ["--parts", "frames"]):
        assert main(["fit", *words, "-o", str(tmp_path)]) == 0
    assert "'found': 3" in capsys.readouterr().out
    parts = fit.earlier(tmp_path)
    assert list(parts) == ["frames", "batch"]
    assert parts["batch"]["measured"] == {"found": 2}
    assert parts["batch"]["arguments"] == {"rounds": 2}
    assert fit.earlier(tmp_path / "elsewhere") == {}


def test_people_are_summarised_by_medians():
    angle = {"rmse_deg": 2.0, "means_removed_deg": 0.5, "bias_deg": 1.5}
    people = [
        {
            "iterations": iterations,
            "rejected": rejected,
            "solve_s": 1.0,
            "wrong": wrong,
            "markers_mm": 2.0,
            "angles": dict.fromkeys(("hip_flexion", "knee_angle", "ankle_angle"), angle),
            "segments_percent": {"thigh_r": 3.0, "thigh_l": -4.0, "upper_arm_r": 2.0},
        }
        for iterations, rejected, wrong in ((10, 1, False), (12, 0, False), (18, 3, True))
    ]
    row = report_seeds({"300/59/37/8": people}).splitlines()[-1]
    cells = [value.strip() for value in row.split("|")[1:-1]]
    assert cells[1:6] == ["3", "1", "10.0", "12.0", "1.00"]
    assert cells[7:] == [*["0.50 (1.50)"] * 3, "3.54", "2.00"]  # % RMS of 3 and 4; the arm
