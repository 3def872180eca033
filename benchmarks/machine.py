"""The machine a number was measured on, without which it means nothing."""

import importlib.metadata
import os
import pathlib
import platform
import re
from collections.abc import Sequence

import jax

from diffbio import __version__

PACKAGES = ("jax", "jaxlib", "mujoco", "mujoco-mjx", "equinox", "optax", "numpy")


def describe_machine() -> dict[str, str | int | list[float]]:
    """Processor, cores, load, device and versions, ready for JSON."""
    device = jax.devices()[0]
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_average": load_average(),
        "device": f"{device.platform}: {device.device_kind}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "diffbio": __version__,
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def load_average() -> list[float]:
    """Mean number of running processes over the last 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()]


def load_sentence(loads: Sequence[Sequence[float]]) -> str:
    """How busy the machine was while it was measured, from `load_average` after each entry."""
    recent = [load[0] for load in loads]
    return (
        f"Load average over the last minute, after each entry: {min(recent):.1f} to "
        f"{max(recent):.1f} on {len(os.sched_getaffinity(0))} cores."
    )


def short_name() -> str:
    """A machine in a file name, for instance `amd-epyc-2-cores`."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return _slug(device.device_kind)
    return f"{_slug(_processor())}-{len(os.sched_getaffinity(0))}-cores"


def _processor() -> str:
    """The processor's own name, where the system tells."""
    table = pathlib.Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _slug(name: str) -> str:
    # Trademarks, clock rates and the word processor tell machines apart no better.
    kept = re.sub(r"\((?:R|TM)\)|@.*|\b(?:CPU|Processor|\d+-Core)\b", " ", name)
    return re.sub(r"[^a-z0-9]+", "-", kept.lower()).strip("-")
