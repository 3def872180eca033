"""Rigs found from people whose walk was recorded, against the rigs that made the pictures."""

import dataclasses
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.rig_error import HEADER, laid_over, rms_score, row, scores, table
from benchmarks.table import markdown_table
from diffbio.body import default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.fitting import fit_motion
from diffbio.fitting.person_rig.calibrate import calibrate_person
from diffbio.fitting.person_rig.measure import Height
from diffbio.io.read import read_trial
from diffbio.observations import Keypoints

RECORDINGS = pathlib.Path("falisse-virtual-cameras")
RIG = pathlib.Path("rigs", "ring-8cam.toml")
TRIALS = (14, 15, 23, 25, 27, 60, 61, 64)
HEIGHT = 1.70
LATEST_FRAMES = 10
"""Clocks are off by up to 100 ms at 100 Hz."""

FOCAL_TRIALS = (14, 25, 60)
FOCAL_SD = (0.01, 0.03)
"""Of the errors of focal lengths: of each camera its own, and one they share."""


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
    name, archive, truth, keypoints = _recording(data, number, kind)
    frames = (0,) * len(truth.names)
    rate_hz = 1.0 / float(np.median(np.diff(keypoints.time)))
    if clocks:
        drawn = np.random.default_rng(number).integers(-LATEST_FRAMES, LATEST_FRAMES + 1, 8)
        frames = tuple(map(int, drawn))
        keypoints = out_of_step(keypoints, frames)
    body = default_body(load_keypoint_set(keypoints.set_name))
    began = time.perf_counter()
    found = calibrate_person(body, truth, keypoints, Height(HEIGHT), clocks=clocks)
    seconds = time.perf_counter() - began
    one = scores(found, truth, np.asarray(frames) / rate_hz if clocks else None)
    one = {"recording": name, "seconds": seconds, **one}
    if not clocks:
        markers = _marker_errors(body, found.rig, keypoints, archive)
        known = _marker_errors(body, truth, keypoints, archive)
        one |= {"markers_mm": markers, "markers_true_rig_mm": known}
    return one


def measure_focal(data: pathlib.Path) -> dict:
    """Walks before lenses whose focal lengths are wrong: as given, and found with a prior.

    Each trial and size of the errors is taken twice: every camera wrong by itself, and all by
    one share.
    """
    each = []
    for number in FOCAL_TRIALS:
        for sd in FOCAL_SD:
            for alike in (False, True):
                each += [_one_focal(data, number, sd, alike, sought) for sought in (False, True)]
                print(
                    *_focal_table(each).splitlines()[len(each) : 2 + len(each)],
                    sep="\n",
                    flush=True,
                )
    return {"walks": each, "report": _focal_table(each)}


def _one_focal(data: pathlib.Path, number: int, sd: float, alike: bool, sought: bool) -> dict:
    _, _, truth, keypoints = _recording(data, number, "body")
    rng = np.random.default_rng([number, round(1000 * sd), alike])
    wrong = rng.normal(0.0, sd, 1 if alike else len(truth.names)) * np.ones(len(truth.names))
    factor = jnp.exp(jnp.asarray(wrong))[:, None]
    lenses = dataclasses.replace(truth, focal_px=truth.focal_px * factor)
    body = default_body(load_keypoint_set(keypoints.set_name))
    began = time.perf_counter()
    found = calibrate_person(
        body, lenses, keypoints, Height(HEIGHT), focal_sd=sd if sought else None
    )
    seconds = time.perf_counter() - began
    one = scores(found, truth, None)
    how = "all alike" if alike else "each"
    return {
        "recording": f"gait-{number}, {how} {100 * sd:.0f} %{', sought' if sought else ''}",
        "given_percent": (100.0 * wrong).tolist(),
        "sought": sought,
        "seconds": seconds,
        **one,
    }


def _focal_table(each: list[dict]) -> str:
    header = (
        "focal lengths", "given, % rms", "found, % rms", "stated sd, %",
        *(one for one in HEADER if "clock" not in one),
    )  # fmt: skip
    kept = [i for i, one in enumerate(HEADER) if "clock" not in one]
    rows = []
    for one in each:
        found, sd = (_rms(one[key]) for key in ("focal_percent", "focal_sd_percent"))
        shown = row(one)
        rows.append(
            (
                one["recording"], _rms(one["given_percent"]), found, sd if one["sought"] else None,
                *(shown[i] for i in kept),
            )
        )  # fmt: skip
    report = markdown_table(header, rows)
    sought = [one for one in each if one["sought"]]
    if sought:
        report += (
            "\n\nErrors over their standard deviations where focal lengths were sought, rms: focal "
            f"lengths {rms_score(sought, 'focal_percent'):.2f}, centres "
            f"{rms_score(sought, 'centre_mm'):.2f}, rotations "
            f"{rms_score(sought, 'rotation_deg'):.2f}."
        )
    return report


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _recording(
    data: pathlib.Path, number: int, kind: str
) -> tuple[str, pathlib.Path, CameraRig, Keypoints]:
    """Name, file, true rig and detections of a walk."""
    name = f"gait-{number}-{kind}"
    archive = data / RECORDINGS / f"{name}.npz"
    trial = read_trial(archive, rig=data / RIG, keypoint_set=f"falisse_{kind}", posed=False)
    return name, archive, trial.rig.astype(np.float64), trial.keypoints


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


def _table(each: list[dict]) -> str:
    """As `table`, with the errors of fitted markers beside those with the true rig."""
    header = ("recording", *HEADER, "markers, mm", "with the true rig, mm", "ratio")
    rows = []
    for one in each:
        ours, known = one.get("markers_mm"), one.get("markers_true_rig_mm")
        compared = (
            (None, None, None)
            if ours is None or known is None
            else (ours["similar"], known["similar"], ours["similar"] / known["similar"])
        )
        rows.append((one["recording"], *row(one), *compared))
    said = table("recording", each).partition("\n\n")[2]
    return f"{markdown_table(header, rows)}\n\n{said} Markers likewise."
