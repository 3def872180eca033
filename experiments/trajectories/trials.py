"""The trials every way is tried on: simulated walks with a truth, and one real recording."""

import dataclasses
import pathlib

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.beam import HELD_OUT, read_beam
from diffbio.body import default_body, load_keypoint_set
from diffbio.cameras.adjustment import WIDTH, adjustment_of
from diffbio.fitting.stages import Prepared, prepare
from diffbio.simulation import SimulatedRecording, simulate_walking

KEYPOINT_SET = "halpe_26"
SEEDS = (0, 1)
DURATION, FRAME_RATE_HZ, N_CAMERAS = 3.0, 60.0, 8
"""Of the simulated walks; in seconds and in Hz."""

HELD_OUT_INDEX = 2
"""Which of the simulated cameras is kept out."""

ROTATION_SD, POSITION_SD = np.deg2rad(0.5), 0.01
"""Per axis, in radians and metres: how far knocked cameras are from where they are said to be."""

PEOPLE = tuple(f"person {seed}" for seed in SEEDS)
KNOCKED = "person 0, cameras knocked"
BEAM = "beam"
BEAM_REFINED = "beam, cameras and clocks refined"


@dataclasses.dataclass(frozen=True)
class Trial:
    """One objective, ready to be solved in several ways.

    Attributes:
        prepared: the objective without the held-out camera, and where it begins.
        truth: what made the recording; None where it is real.
    """

    prepared: Prepared
    truth: SimulatedRecording | None


def load_trial(name: str, recordings: pathlib.Path) -> Trial:
    """A trial by its name, in single precision as `diffbio fit` takes it.

    Args:
        name: one of `PEOPLE`, `KNOCKED`, `BEAM` or `BEAM_REFINED`.
        recordings: folder of recordings; the simulated ones need none.
    """
    if is_simulated(name):
        return _simulated(0 if name == KNOCKED else SEEDS[PEOPLE.index(name)], name == KNOCKED)
    trial = read_beam(recordings)
    refine = ("poses", "clocks") if name == BEAM_REFINED else ()
    body = default_body(load_keypoint_set(trial.keypoints.set_name))
    rig = trial.rig.astype(np.float32)
    return Trial(prepare(body, rig, trial.keypoints, refine=refine, hold_out=HELD_OUT), None)


def is_simulated(name: str) -> bool:
    """Whether the truth of a trial is known."""
    return name not in (BEAM, BEAM_REFINED)


def _simulated(seed: int, knocked: bool) -> Trial:
    recording = simulate_walking(
        load_keypoint_set(KEYPOINT_SET),
        seed=seed,
        duration=DURATION,
        frame_rate_hz=FRAME_RATE_HZ,
        n_cameras=N_CAMERAS,
    )
    rig = recording.rig
    if knocked:
        rig = rig.adjusted(adjustment_of(jnp.asarray(_knocks(seed), rig.focal_px.dtype)))
    prepared = prepare(
        recording.body,
        rig.astype(np.float32),
        recording.keypoints,
        refine=("poses",) if knocked else (),
        hold_out=rig.names[HELD_OUT_INDEX],
    )
    return Trial(prepared, recording)


def _knocks(seed: int) -> Float[np.ndarray, "camera width"]:
    """Errors of the camera poses; the one held out stands where it is said to be."""
    rng = np.random.default_rng(seed)
    columns = np.zeros((N_CAMERAS, WIDTH))
    columns[:, :3] = rng.normal(size=(N_CAMERAS, 3)) * ROTATION_SD
    columns[:, 3:6] = rng.normal(size=(N_CAMERAS, 3)) * POSITION_SD
    columns[HELD_OUT_INDEX] = 0.0
    return columns
