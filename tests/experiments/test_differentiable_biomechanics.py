import pathlib

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.body import default_body, load_keypoint_set
from diffbio.errors import InputError
from diffbio.fitting.fit import ReprojectionError
from diffbio.observations import Keypoints
from diffbio.simulation import simulate_walking
from diffbio.simulation.recording import ring_of_cameras
from experiments.differentiable_biomechanics import pictures
from experiments.differentiable_biomechanics.answers import (
    BUNDLE,
    END_TO_END,
    FRAMES,
    POINTS,
    STAGES,
    TOLD,
    end_to_end,
    triangulated,
    two_stages,
)
from experiments.differentiable_biomechanics.bodies import OWN, other_body
from experiments.differentiable_biomechanics.body_pictures import draw_bodies
from experiments.differentiable_biomechanics.body_tables import (
    LEVELS,
    between_trials,
    bias_of,
    body_report,
)
from experiments.differentiable_biomechanics.cases import TRUTH
from experiments.differentiable_biomechanics.consistency import (
    consistency_report,
    curves_of,
)
from experiments.differentiable_biomechanics.plan import BEAM, PARTS, QUICK, Entry, Sizes, plan_of
from experiments.differentiable_biomechanics.recordings import (
    CAMERAS,
    NOTHING,
    WORSE,
    knocked,
    worsened,
)
from experiments.differentiable_biomechanics.scores import (
    LEGS,
    WITHIN_PX,
    angle_scores,
    best_rigid,
    camera_errors,
    pixel_scores,
    within,
)
from experiments.differentiable_biomechanics.tables import (
    Found,
    bundle_report,
    mean_of,
    paired,
    solver_report,
    stages_report,
)
from experiments.trajectories.ways import GAUSS_NEWTON, NETWORK


def detections(n_frames: int = 400) -> Keypoints:
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 1000, (2, n_frames, 20, 2))
    confidence = rng.uniform(0.3, 1.0, pixels.shape[:3])
    confidence[:, ::7] = 0.0
    names = tuple(f"point{i}" for i in range(20))
    time = np.arange(n_frames) / 100
    return Keypoints(pixels, confidence, time, names, "none", ("cam01", "cam02"))


def test_what_is_added_to_detections_is_what_was_asked_for():
    as_they_are = detections()
    assert worsened(as_they_are, NOTHING, seed=0) is as_they_are
    before = np.asarray(as_they_are.confidence)
    fewer = np.asarray(worsened(as_they_are, WORSE["half missing"], seed=0).confidence)
    kept = fewer > 0
    # 13,700 detections in runs of 20 frames: about 700 independent ones.
    assert_allclose(kept.sum() / (before > 0).sum(), 0.5, atol=0.06)
    assert_allclose(fewer[kept], before[kept])


def test_added_noise_doubles_what_there_was():
    # Student's t of the noise that was recorded (3.2 px, median) and of what comes on top of it.
    as_they_are = detections()
    moved = []
    for name in ("noise x2", "noise x4"):
        after = worsened(as_they_are, WORSE[name], seed=0)
        seen = np.asarray(after.confidence) > 0
        distance = np.linalg.norm(
            np.asarray(after.pixels) - np.asarray(as_they_are.pixels), axis=-1
        )
        moved.append(float(np.median(distance[seen])))
    assert_allclose(np.hypot(moved, 3.2), [6.4, 12.8], rtol=0.07)


def test_cameras_are_knocked_by_as_much_as_was_asked_for():
    rig = ring_of_cameras(400)
    errors = camera_errors(knocked(rig, 0.5, 10.0, seed=0), rig)
    # The mean length of a vector of three Gaussians is 1.596 standard deviations.
    assert_allclose(errors["camera_deg"], 0.798, rtol=0.05)
    assert_allclose(errors["camera_mm"], 15.96, rtol=0.05)
    assert_allclose(list(camera_errors(rig, rig).values()), 0.0, atol=1e-6)


def test_a_rigid_movement_is_no_error_of_the_aligned():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(30, 5, 3))
    moved = truth @ Rotation.from_rotvec([0.1, -0.2, 0.3]).as_matrix().T + [0.3, -0.1, 0.2]
    known = np.ones((30, 5), bool)
    known[3, 2], moved[3, 2] = False, np.nan
    aligned = best_rigid(moved, truth, known)
    assert_allclose(aligned[known], truth[known], atol=1e-12)


def test_consistency_counts_confident_detections():
    px = np.array([[[0.5, 2.0, 4.0, 7.0, np.nan]]])
    confidence = np.array([[[0.9, 0.9, 0.4, 0.6, 0.9]]])
    scores = pixel_scores(ReprojectionError(px, np.zeros((1, 1, 5, 2)), confidence, ("cam01",)))
    assert scores["median_px"] == 3.0
    # Of the three that are confident and were compared: 0.5, 2 and 7 px.
    assert_allclose([within(scores, x) for x in (0, 1, 5, 7)], [0, 1 / 3, 2 / 3, 1])


def test_angles_are_compared_with_and_without_their_means():
    phase = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    truth = {f"{angle}_{side}": np.sin(phase) for angle in LEGS for side in "rl"}
    ours = {name: angle + np.deg2rad(3 + 2 * np.cos(phase)) for name, angle in truth.items()}
    scores = angle_scores(ours, truth)
    assert scores["legs_deg"] == pytest.approx(2**0.5)
    assert scores["legs_bias_deg"] == pytest.approx(3.0)
    assert_allclose(list(scores["joints_deg"].values()), 2**0.5)  # pyright: ignore
    assert_allclose(list(scores["means_deg"].values()), 3.0)  # pyright: ignore


def test_triangulated_points_of_exact_pictures_are_the_points():
    body = default_body(load_keypoint_set("coco_17"))
    rig, time = ring_of_cameras(4), np.arange(60) / 60
    drift = np.stack([0.3 * time, 0 * time, 0 * time], axis=1)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (17, 3)) + [0, 0, 1] + drift[:, None]
    pixels = np.asarray(rig.project(jnp.asarray(points)))
    confidence = np.ones(pixels.shape[:3])
    confidence[:3, 20:23, 4] = 0.0  # one camera is left: a gap that is bridged
    keypoints = Keypoints(pixels, confidence, time, body.marker_names, "coco_17", rig.names)
    # Metres: a straight movement passes the filter, but for 0.04 mm at the very ends.
    assert_allclose(triangulated(body, rig, keypoints).positions, points, atol=1e-4)
    raw = triangulated(body, rig, keypoints, filtered=False).positions
    assert np.isnan(raw[20:23, 4]).all()
    assert_allclose(raw[np.isfinite(raw)], points[np.isfinite(raw)], atol=1e-6)


def recordings_with(folder: pathlib.Path, names: tuple[str, ...]) -> pathlib.Path:
    (folder / "falisse-virtual-cameras").mkdir()
    (folder / "falisse-walking" / "ik").mkdir(parents=True)
    for name in names:
        (folder / "falisse-walking" / "ik" / f"{name}.mot").touch()
    return folder


def test_nothing_is_kept_under_the_name_of_something_else(tmp_path):
    folder = recordings_with(tmp_path, tuple(f"gait-{i}" for i in range(8)))
    entries = [entry for part in PARTS for entry in plan_of(part, folder, Sizes())]
    assert len({entry.key for entry in entries}) == len(entries) > 100
    quick = [entry for part in PARTS for entry in plan_of(part, folder, QUICK)]
    assert len(quick) < len(entries) / 10
    assert not plan_of("c", folder, Sizes())


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no folders falisse-virtual-cameras and .*--data"):
        plan_of("a", tmp_path, Sizes())


def test_two_cameras_are_among_four_times_two():
    assert all(len(names) == n and set(names) <= set(CAMERAS[8]) for n, names in CAMERAS.items())


def scores(mm: float, gc: float, **more: object) -> dict[str, object]:
    pixels = {"median_px": 3.0, "gc": [gc * x / max(WITHIN_PX) for x in WITHIN_PX]}
    means = {f"{angle}_{side}": mm / 10 for angle in LEGS for side in "rl"}
    return {
        "fitted": pixels, "unused": pixels, "marker_mm": mm, "marker_p95_mm": 2 * mm,
        "aligned_mm": mm, "covered": 1.0, "legs_deg": mm / 4, "legs_bias_deg": mm / 5,
        "joints_deg": dict.fromkeys(LEGS, mm / 4), "means_deg": means, "iterations": 9,
        "cpu_s": mm, "cost_per_frame": 20.0, "camera_deg": 0.1, "camera_mm": 2.0, **more,
    }  # fmt: skip


def entry(**case: str | int | float) -> Entry:
    return Entry(case, dict)


def stages_found() -> Found:
    found = []
    for i, (first, second) in enumerate(((5.0, 4.0), (5.0, 6.0), (6.0, 3.0))):
        case = {"part": "a", "walk": f"gait-{i}", "kind": "body", "cameras": 8}
        measured = {
            TRUTH: {"fitted": scores(1, 0.7)["fitted"]},
            POINTS: {k: v for k, v in scores(7, 0.8).items() if not k.startswith("legs")},
            FRAMES: scores(12, 0.4),
            STAGES: scores(first, 0.6),
            TOLD: scores(first, 0.6),
            END_TO_END: scores(second, 0.65),
        }
        found.append((entry(**case, condition="as recorded"), measured))
    return found


def bundle_found() -> Found:
    found: Found = []
    for deg in (0.0, 0.5):
        case = {"part": "b", "walk": "gait-0", "cameras": 8, "deg": deg, "mm": 20 * deg}
        ways = {STAGES: scores(5 + deg, 0.6), END_TO_END: scores(4 + deg, 0.6)}
        truth = {"fitted": scores(1, 0.7)["fitted"]}
        found.append((entry(**case), {TRUTH: truth, **ways, BUNDLE: scores(4, 0.7)}))
    one = {"fitted": scores(1, 0.7)["fitted"], "held_out": scores(1, 0.5)["fitted"]}
    peer = {"agreement": {"ik": {"joints_deg": dict.fromkeys(LEGS, 2.0)}}}
    beam = {way: {**one, **peer} for way in (FRAMES, STAGES, END_TO_END, BUNDLE)}
    return [*found, (entry(part="b", walk=BEAM), {POINTS: one, **beam})]


def solvers_found() -> Found:
    return [
        (
            entry(part="e", walk="gait-0", cameras=8, way=label),
            {TRUTH: {"fitted": scores(1, 0.7)["fitted"]}, way: scores(mm, gc)},
        )
        for label, way, mm, gc in (
            (f"{GAUSS_NEWTON}, 60", GAUSS_NEWTON, 4.0, 0.6),
            (f"{NETWORK}, 300", NETWORK, 4.2, 0.7),
        )
    ]


def bodies_found() -> Found:
    found = []
    for walk, mean in (("gait-0", 1.0), ("gait-1", 3.0)):
        means = {f"{angle}_{side}": mean for angle in LEGS for side in "rl"}
        own, shared = scores(9, 0.6), scores(8, 0.6)
        measured = {OWN: {**own, "means_deg": means}, other_body(7): shared}
        found.append((entry(part="d", walk=walk, cameras=2, others="7"), measured))
    about = {"wrong_before_mm": 15.0, "wrong_after_mm": 4.0, "failed": {}, "moved": [0.1]}
    levels = {level: [scores(5 - i, 0.6)] for i, level in enumerate(LEVELS)}
    found.append((entry(part="d", cohort=8, strangers=1), {"cohort": about, **levels}))
    return found


def test_means_and_pairs_are_of_the_same_recordings():
    found = stages_found()
    assert mean_of([one for _, one in found], STAGES, "marker_mm") == pytest.approx(16 / 3)
    assert mean_of([one for _, one in found], POINTS, "legs_deg") is None
    text = paired(found, STAGES, END_TO_END, ("kind", "cameras", "condition"))
    # Changes of -20, +20 and -50 %: nearer in two of three.
    assert "2 of 3" in text
    assert "-17 %" in text


def test_higher_consistency_is_asked_whether_it_is_nearer_to_truth():
    text = consistency_report(stages_found())
    # Of each recording's three pairs GC5 is right in all, but for the one in which end to end,
    # whose GC5 is higher, is farther off. Points alone have the highest and are never nearer.
    assert "89 % of 9" in text
    assert "67 % of 3" in text
    assert "0 % of 3" in text


def test_curves_are_means_over_recordings():
    curves = curves_of(stages_found())
    (group,) = curves["curves"].values()  # pyright: ignore
    assert curves["within_px"] == list(WITHIN_PX)
    assert_allclose(group[STAGES]["fitted"], 0.6 * np.asarray(WITHIN_PX) / 50)
    assert set(group[TRUTH]) == {"fitted"}


def test_means_of_angles_vary_between_trials():
    ones = [one for entry, one in bodies_found() if "walk" in entry.case]
    assert between_trials(ones, OWN) == pytest.approx(2**0.5)
    assert between_trials(ones[:1], OWN) is None
    assert_allclose(bias_of([scores(30, 1), scores(40, 1)], LEGS[0]), 12.5**0.5)


def test_every_part_has_a_table_and_a_figure(tmp_path):
    made = {
        "a": (stages_report, pictures.draw_stages, stages_found(), "8 cameras, as recorded"),
        "b": (bundle_report, pictures.draw_bundle, bundle_found(), "8: 0.5°, 10 mm"),
        "c": (
            consistency_report,
            pictures.draw_consistency,
            [*stages_found(), *bundle_found(), *solvers_found()],
            f"{NETWORK}, 300",
        ),
        "d": (body_report, draw_bodies, bodies_found(), "body of 7 other trials"),
        "e": (solver_report, pictures.draw_solvers, solvers_found(), NETWORK),
    }
    assert tuple(made) == PARTS
    for part, (report, draw, found, expected) in made.items():
        assert expected in report(found)
        draw(found, tmp_path / f"{part}.png")
        assert (tmp_path / f"{part}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_all_ways_come_near_a_simulated_walk():
    recording = simulate_walking(load_keypoint_set("halpe_26"), seed=0, duration=0.5, n_cameras=3)
    rig, keypoints = recording.rig.astype(np.float32), recording.keypoints
    answers = two_stages(recording.body, rig, keypoints, truth=recording.markers)
    answers[END_TO_END] = end_to_end(recording.body, rig, keypoints)
    error = {
        way: 1e3 * float(np.nanmean(np.linalg.norm(one.markers - recording.markers, axis=-1)))
        for way, one in answers.items()
    }
    # Millimetres: noise of 2.5 px is 11 mm at 5 m; keypoints lie 6 mm per axis off their anchors.
    assert error[POINTS] < 15
    assert error[FRAMES] < 40
    assert error[STAGES] < 15
    assert error[TOLD] < 15
    assert error[END_TO_END] < 12
    assert answers[END_TO_END].iterations > 0
    assert_allclose(list(camera_errors(answers[END_TO_END].rig, rig).values()), 0.0, atol=1e-2)
