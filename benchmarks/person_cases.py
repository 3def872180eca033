"""Rigs found from a walking person, against the rigs that made the pictures."""

import dataclasses
import pathlib
import time

import jax
import numpy as np
from jaxtyping import Float

from benchmarks.table import markdown_table
from diffbio.body import default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.fitting import fit_motion
from diffbio.fitting.person_rig.calibrate import PersonCalibration, calibrate_person
from diffbio.fitting.person_rig.measure import Distance, Height
from diffbio.fitting.person_rig.verdict import distances, judge_person
from diffbio.io.read import read_trial
from diffbio.observations import Keypoints
from diffbio.simulation import simulate_walking

RECORDINGS = pathlib.Path("falisse-virtual-cameras")
RIG = pathlib.Path("rigs", "ring-8cam.toml")
TRIALS = (14, 15, 23, 25, 27, 60, 61, 64)
HEIGHT = 1.70
LATEST_FRAMES = 10
"""Clocks are off by up to 100 ms at 100 Hz."""

HEADER = (
    "recording", "clocks", "worst rotation, deg", "worst centre, mm", "% of distance", "scale, %",
    "worst clock, ms", "floor, deg", "markers, mm", "with the true rig, mm", "ratio", "verdict",
    "s",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class RigError:
    """A rig against the true one, laid over it by a similarity of the camera centres.

    Attributes:
        rotation_deg: of each camera.
        centre_mm: of each camera.
        scale_percent: by how much the rig is too large.
        tilt_deg: between its vertical and the true one.
    """

    rotation_deg: Float[np.ndarray, "camera"]
    centre_mm: Float[np.ndarray, "camera"]
    scale_percent: float
    tilt_deg: float


def rig_error(found: CameraRig, truth: CameraRig) -> RigError:
    """How far a rig is from the true one."""
    centres = [np.asarray(rig.centres, float) for rig in (found, truth)]
    scale, turn, placed = laid_over(*centres)
    away = np.linalg.norm(placed - centres[1], axis=1)
    rotations = [np.asarray(rig.camera_from_world_rotation, float) for rig in (found, truth)]
    product = np.einsum("cij,kj,clk->cil", rotations[0], turn, rotations[1])
    cosine = (np.trace(product, axis1=1, axis2=2) - 1.0) / 2.0
    return RigError(
        np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))),
        1e3 * away,
        100.0 * (1.0 / scale - 1.0),
        float(np.degrees(np.arccos(np.clip(turn[2, 2], -1.0, 1.0)))),
    )


def laid_over(
    points: Float[np.ndarray, "point 3"],
    truth: Float[np.ndarray, "point 3"],
    *,
    rigid: bool = False,
) -> tuple[float, Float[np.ndarray, "3 3"], Float[np.ndarray, "point 3"]]:
    """Scale, rotation and the points after the similarity that fits best (Umeyama 1991)."""
    a, b = points - points.mean(0), truth - truth.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.linalg.det(u @ vt)])
    turn = u @ np.diag(sign) @ vt
    scale = 1.0 if rigid else float((s * sign).sum() / (a * a).sum())
    return scale, turn, scale * a @ turn.T + truth.mean(0)


def out_of_step(keypoints: Keypoints, frames: tuple[int, ...]) -> Keypoints:
    """The recording as cameras see it whose pictures are so many frames later than they say."""
    most = max(map(abs, frames))
    last = len(keypoints.time) - most
    rows = [slice(most + late, last + late) for late in frames]
    pick = [np.stack([np.asarray(x)[c, row] for c, row in enumerate(rows)])
            for x in (keypoints.pixels, keypoints.confidence)]  # fmt: skip
    time_kept = np.asarray(keypoints.time)[most:last]
    return dataclasses.replace(keypoints, pixels=pick[0], confidence=pick[1], time=time_kept)


def measure_walks(data: pathlib.Path, kind: str, clocks: tuple[bool, ...] = (False,)) -> dict:
    """All walks, rig hidden; with True among `clocks`, also out of step.

    Args:
        data: folder of the development recordings.
        kind: `body` or `markers`.
        clocks: whether clocks are off, and sought.
    """
    each = []
    for off in clocks:
        for number in TRIALS:
            each.append(_one_walk(data, number, kind, off))
            print(_table(each).splitlines()[1 + len(each)], flush=True)
    return {"walks": each, "report": _table(each)}


def _one_walk(data: pathlib.Path, number: int, kind: str, clocks: bool) -> dict:
    name = f"gait-{number}-{kind}"
    archive = data / RECORDINGS / f"{name}.npz"
    trial = read_trial(archive, rig=data / RIG, keypoint_set=f"falisse_{kind}", posed=False)
    truth, keypoints = trial.rig.astype(np.float64), trial.keypoints
    frames = (0,) * len(truth.names)
    if clocks:
        drawn = np.random.default_rng(number).integers(-LATEST_FRAMES, LATEST_FRAMES + 1, 8)
        frames = tuple(map(int, drawn))
        keypoints = out_of_step(keypoints, frames)
    body = default_body(load_keypoint_set(keypoints.set_name))
    began = time.perf_counter()
    found = calibrate_person(body, truth, keypoints, Height(HEIGHT), clocks=clocks)
    seconds = time.perf_counter() - began
    late = np.asarray(frames) / trial.frame_rate_hz
    one = _scores(found, truth, late if clocks else None)
    one = {"recording": name, "clocks": clocks, "seconds": seconds, **one}
    if not clocks:
        markers = _marker_errors(body, found.rig, keypoints, archive)
        known = _marker_errors(body, truth, keypoints, archive)
        one |= {"markers_mm": markers, "markers_true_rig_mm": known}
    return one


def _scores(
    found: PersonCalibration, truth: CameraRig, late: Float[np.ndarray, "camera"] | None
) -> dict:
    error = rig_error(found.rig, truth)
    sure, away = found.certainty, distances(found)
    clock = None
    if late is not None:
        wrong = found.clock_offset - late
        clock = float(1e3 * np.abs(wrong - np.median(wrong)).max())
    return {
        "rotation_deg": error.rotation_deg.tolist(),
        "centre_mm": error.centre_mm.tolist(),
        "centre_percent": float((0.1 * error.centre_mm / away).max()),
        "scale_percent": error.scale_percent,
        "tilt_deg": error.tilt_deg,
        "worst_clock_ms": clock,
        "centre_sd_mm": (1e3 * sure.centre).tolist(),
        "rotation_sd_deg": np.degrees(sure.rotation).tolist(),
        "held_out_px": found.prediction.median_px.tolist(),
        "verdict": judge_person(found).level,
    }


def _marker_errors(
    body, rig: CameraRig, keypoints: Keypoints, archive: pathlib.Path
) -> dict[str, float]:
    """Mean distance of fitted markers from the measured ones, in millimetres.

    Laid over them rigidly, and by a similarity, since the world of a rig that a person
    calibrated is the person's, and its size rests on a height known to a centimetre.
    """
    fit = fit_motion(body, rig.astype(np.float32), keypoints, key=jax.random.key(0))
    with np.load(archive, allow_pickle=False) as content:
        names = [str(name) for name in content["keypoint_names"]]
        truth = content["xyz_world"].astype(float)
    order = [names.index(name) for name in fit.body.marker_names]
    truth = truth[:, order].reshape(-1, 3)
    ours = fit.motion.markers.reshape(-1, 3)
    known = np.isfinite(truth).all(1) & np.isfinite(ours).all(1)
    errors = {}
    for how, rigid in (("rigid", True), ("similar", False)):
        _, _, placed = laid_over(ours[known], truth[known], rigid=rigid)
        errors[how] = float(1e3 * np.linalg.norm(placed - truth[known], axis=1).mean())
    return errors


def measure_simulated(n_seeds: int) -> dict:
    """Simulated walks of different people before 8 cameras, clocks off, one distance known."""
    each = []
    for seed in range(n_seeds):
        late = np.random.default_rng(seed).uniform(-0.1, 0.1, 8)
        keypoint_set = load_keypoint_set("halpe_26")
        recording = simulate_walking(keypoint_set, seed=seed, clock_offset=late)
        truth = recording.rig
        apart = float(np.linalg.norm(truth.centres[0] - truth.centres[4]))
        began = time.perf_counter()
        found = calibrate_person(
            recording.body, truth, recording.keypoints,
            Distance(truth.names[0], truth.names[4], apart), clocks=True,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        one = _scores(found, truth, late)
        each.append({"recording": f"simulated {seed}", "clocks": True, "seconds": seconds, **one})
    return {"walks": each, "report": _table(each)}


def _table(each: list[dict]) -> str:
    rows = []
    for one in each:
        ours, known = one.get("markers_mm"), one.get("markers_true_rig_mm")
        rows.append(
            (
                one["recording"],
                "sought" if one["clocks"] else "right",
                max(one["rotation_deg"]),
                max(one["centre_mm"]),
                one["centre_percent"],
                one["scale_percent"],
                "" if one["worst_clock_ms"] is None else one["worst_clock_ms"],
                one["tilt_deg"],
                *(("", "", "") if ours is None or known is None else (
                    ours["similar"], known["similar"], ours["similar"] / known["similar"])),
                one["verdict"],
                one["seconds"],
            )
        )  # fmt: skip
    scores = np.concatenate(
        [np.asarray(one["centre_mm"]) / np.asarray(one["centre_sd_mm"]) for one in each]
    )
    return markdown_table(HEADER, rows) + (
        "\n\nRotations and centres after a similarity alignment of the centres; markers likewise. "
        f"Errors of centres over their standard deviations: rms {np.sqrt((scores**2).mean()):.2f}."
    )
