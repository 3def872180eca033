"""The folder a calibration leaves, whichever way it was made: the rig, its numbers, its page."""

import json
import math
import os
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError
from diffbio.io.rig_covariance import COVARIANCE_FILE, write_covariance
from diffbio.io.rigs import write_rig
from diffbio.report.rig_page import write_rig_page
from diffbio.report.rig_page_data import CameraDeviations, ShownRig
from diffbio.report.shown_rig import shown_rig


def check_writable(folder: pathlib.Path) -> None:
    """Find out before the work, not after it.

    Raises:
        InputError: nothing can be written there.
    """
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(str(folder), "Nothing can be written there.", "Choose another --output.")


def write_rig_and_summary(
    folder: pathlib.Path, rig: CameraRig, summary: dict[str, Any], log: str
) -> None:
    """Write `rig.toml`, `summary.json` and `log.txt`, whichever way the rig was found.

    Args:
        folder: made where it is missing; each file is complete or as it was before.
        rig: the cameras.
        summary: their numbers; those that are not finite become null.
        log: what was said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".rig.partial.toml"
    write_rig(rig, partial)
    partial.replace(folder / "rig.toml")
    write_texts(folder, summary, log)


def shown_in(
    folder: pathlib.Path,
    rig: CameraRig,
    covariance: Float[np.ndarray, "unknown unknown"] | None,
    deviations: dict[str, CameraDeviations],
    notes: list[str],
) -> ShownRig:
    """The rig that a folder is to hold, with what it can measure.

    Args:
        folder: where it will be.
        rig: the cameras.
        covariance: of their unknowns, see `BoardCalibration.covariance`, in the rig's world;
            None where it is not known.
        deviations: of the cameras, by name.
        notes: on the world.
    """
    return shown_rig(
        rig,
        folder.resolve().name,
        str(folder / "rig.toml"),
        rig_covariance=covariance,
        notes=tuple(notes),
        deviations=deviations,
    )


def write_page(
    folder: pathlib.Path,
    rig: CameraRig,
    covariance: Float[np.ndarray, "unknown unknown"] | None,
    shown: ShownRig,
) -> None:
    """Write `rig.html`, and `covariance.npz`, of which `diffbio rig show` makes it anew."""
    if covariance is None:
        (folder / COVARIANCE_FILE).unlink(missing_ok=True)
    else:
        write_covariance(folder / COVARIANCE_FILE, rig, covariance)
    write_rig_page(shown, folder / "rig.html")


def write_texts(folder: pathlib.Path, summary: dict[str, Any], log: str) -> None:
    """Write `summary.json` and `log.txt`; numbers that are not finite become null."""
    text = json.dumps(_finite(summary), indent=1) + "\n"
    replace(folder / "summary.json", text.encode())
    replace(folder / "log.txt", log.encode())


def replace(path: pathlib.Path, content: bytes) -> None:
    """Write a file in one step: what was there stays until it is done."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _finite(value: Any) -> Any:
    """JSON has no NaN: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
