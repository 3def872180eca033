"""A batch dealt out to several devices: eight virtual ones of the CPU, in a process alone."""

import json
import os
import subprocess
import sys

import pytest

N_DEVICES = 8

SCRIPT = """
import json
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np
from diffbio._jax import enable_compilation_cache
from diffbio.fitting.batch import fit_batch
from tests.fitting.small_walks import first_frames, simulated
enable_compilation_cache()
recording = simulated()
rig, keypoints = recording.rig.astype(np.float64), recording.keypoints
# Three trials of a bucket for eight devices: five are filled up.
trials = {str(n): (rig, first_frames(keypoints, n)) for n in (14, 15, 16)}
one = fit_batch(recording.body, trials)
many = fit_batch(recording.body, trials, devices=jax.devices())
print(json.dumps({
    "devices": len(jax.devices()),
    "names": [list(one.fits), list(many.fits)],
    "iterations": [[fit.iterations for fit in batch.fits.values()] for batch in (one, many)],
    "apart_m": max(
        float(np.abs(one.fits[n].motion.markers - many.fits[n].motion.markers).max())
        for n in one.fits
    ),
    "sd_apart": max(
        float(np.abs(one.fits[n].uncertainty.markers - many.fits[n].uncertainty.markers).max())
        for n in one.fits
    ),
}))
"""


@pytest.mark.slow
def test_eight_devices_find_what_one_finds():
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={N_DEVICES}"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["devices"] == N_DEVICES
    assert found["names"][0] == found["names"][1] == ["14", "15", "16"]
    assert found["iterations"][0] == found["iterations"][1]
    # Double precision: lanes of one program and of another round differently.
    assert found["apart_m"] < 1e-9
    assert found["sd_apart"] < 1e-9
