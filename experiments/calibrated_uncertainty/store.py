"""Scored fits in files."""

import dataclasses
import pathlib

import numpy as np

from experiments.calibrated_uncertainty.coverage import Errors
from experiments.calibrated_uncertainty.detector_noise import Noise
from experiments.calibrated_uncertainty.scores import Scored


def write_scored(path: pathlib.Path, scored: Scored) -> None:
    """Keep a scored fit, so that it need not be made again."""
    arrays: dict[str, np.ndarray] = {
        "about": np.asarray([scored.claimed_noise, scored.outcome]),
    }
    for name, value in dataclasses.asdict(scored.noise).items():
        arrays[f"noise/{name}"] = np.asarray(value)
    for name, one in scored.errors.items():
        arrays[f"error/{name}"] = one.error.astype(np.float32)
        arrays[f"sd/{name}"] = one.sd.astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    partial.replace(path)


def read_scored(path: pathlib.Path) -> Scored:
    """Inverse of `write_scored`."""
    with np.load(path, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    names = [name.removeprefix("error/") for name in arrays if name.startswith("error/")]
    errors = {
        name: Errors(arrays[f"error/{name}"].astype(float), arrays[f"sd/{name}"].astype(float))
        for name in names
    }
    noise = {field.name: arrays[f"noise/{field.name}"] for field in dataclasses.fields(Noise)}
    memory = tuple(map(float, noise.pop("memory")))
    numbers = {name: float(value) for name, value in noise.items()}
    claimed, outcome = arrays["about"]
    return Scored(errors, Noise(**numbers, memory=memory), float(claimed), int(outcome))
