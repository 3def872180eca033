"""Simulate a person who walks through a ring of cameras, for `diffbio calibrate person`.

Writes `keypoints.npz` (Halpe-26, with noise, outliers and gaps), `lenses.toml` (intrinsics; the
poses in it are all the same and mean nothing) and, to compare with, `truth/rig.toml`.

    python calibration/person/simulate_walk.py walk --clocks
"""

import argparse
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.io.rigs import write_rig
from diffbio.simulation import simulate_walking

REACH = 0.1
"""In seconds: clocks are off by at most so much."""


def main() -> None:
    """Simulate, write, and say how far two cameras stand apart."""
    parser = argparse.ArgumentParser(description="Simulate a walk before a ring of cameras.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clocks", action="store_true", help="let them be up to 0.1 s apart")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    late = np.random.default_rng(arguments.seed).uniform(-REACH, REACH, arguments.cameras)
    late = late if arguments.clocks else np.zeros(arguments.cameras)
    recording = simulate_walking(
        load_keypoint_set("halpe_26"),
        seed=arguments.seed,
        duration=arguments.seconds,
        n_cameras=arguments.cameras,
        clock_offset=late,
    )
    keypoints, rig = recording.keypoints, recording.rig
    (arguments.folder / "truth").mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        arguments.folder / "keypoints.npz",
        pixels=keypoints.pixels,
        confidence=keypoints.confidence,
        keypoint_names=keypoints.names,
        camera_names=keypoints.camera_names,
        keypoint_set=keypoints.set_name,
        time=keypoints.time,
    )
    write_rig(rig, arguments.folder / "truth" / "rig.toml")
    write_rig(without_poses(rig), arguments.folder / "lenses.toml")
    apart = float(np.linalg.norm(rig.centres[0] - rig.centres[arguments.cameras // 2]))
    first, other = rig.names[0], rig.names[arguments.cameras // 2]
    print(f"{first} and {other} stand {apart:.4f} m apart.")
    if arguments.clocks:
        each = ", ".join(f"{n} {1e3 * s:+.1f}" for n, s in zip(rig.names, late, strict=True))
        print(f"Pictures are taken later than their time stamps say by, in ms: {each}.")
    print(f"The recording is in {arguments.folder}.")


def without_poses(rig: CameraRig) -> CameraRig:
    """The same lenses, all at the origin of the world."""
    count = len(rig.names)
    return eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (jnp.tile(jnp.eye(3), (count, 1, 1)), jnp.zeros((count, 3))),
    )


if __name__ == "__main__":
    main()
