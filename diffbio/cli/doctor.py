"""`diffbio doctor`: what is installed, what is missing, and how to get it.

Every check looks only at this machine; none downloads anything.
"""

import argparse
import dataclasses
import enum
import importlib
import importlib.metadata
import os
import pathlib
import platform
import shutil
import sys
import textwrap
from collections.abc import Callable

from diffbio import __version__

MIN_PYTHON = (3, 11)
NEEDED_PACKAGES = (
    "jax", "jaxlib", "jaxtyping", "equinox", "flax", "optax", "chex", "mujoco", "mujoco-mjx",
    "musclemimic-models", "numpy", "scipy", "scikit-learn", "xarray", "h5netcdf", "h5py", "ezc3d",
    "tqdm",
)  # fmt: skip
OPENCV_REMEDY = (
    "Run `apt-get install libgl1 libglib2.0-0`, or, without root, "
    "`pip uninstall -y opencv-python && pip install opencv-python-headless`. "
    "Until then reports show no video images."
)
GPU_DRIVER = "nvidia-smi"
PAGE_WIDTH = 96


class Status(enum.Enum):
    """How a check ended; the value is what is printed."""

    OK = "ok"
    LIMITED = "limited"
    MISSING = "MISSING"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        subject: what was looked at.
        status: MISSING means that a fit cannot run; LIMITED that something optional is absent.
        found: what is there, in a few words.
        remedy: what to do about it, as a sentence; empty where nothing need be done.
    """

    subject: str
    status: Status
    found: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`doctor` takes no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Print every finding and a verdict; 1 where something needed is missing."""
    findings = [check() for check in CHECKS]
    for finding in findings:
        print(_table_row(finding))
    print(f"\n{verdict(findings)}")
    return int(any(finding.status is Status.MISSING for finding in findings))


def verdict(findings: list[Finding]) -> str:
    """One plain sentence about all findings together."""
    missing = [f.subject for f in findings if f.status is Status.MISSING]
    limited = [f.subject for f in findings if f.status is Status.LIMITED]
    if missing:
        return f"diffbio cannot fit a trial yet: see {', '.join(missing)} above."
    if limited:
        return f"diffbio is ready to fit trials, within the limits named at {', '.join(limited)}."
    return "diffbio is ready to fit trials."


def _table_row(finding: Finding) -> str:
    """Status, subject and text in columns, the text wrapped to the width of a page."""
    head = f"{finding.status.value:>8}  {finding.subject:<15} "
    indent = " " * len(head)
    lines = textwrap.wrap(
        finding.found, PAGE_WIDTH, initial_indent=head, subsequent_indent=indent
    ) + textwrap.wrap(
        finding.remedy, PAGE_WIDTH, initial_indent=f"{indent}-> ", subsequent_indent=f"{indent}   "
    )
    return "\n".join(lines)


def check_python() -> Finding:
    """The interpreter and the machine."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < MIN_PYTHON:
        needed = ".".join(map(str, MIN_PYTHON))
        return Finding("python", Status.MISSING, found, f"Use Python {needed} or newer.")
    return Finding("python", Status.OK, f"{found}, diffbio {__version__}")


def check_packages() -> Finding:
    """Versions of the packages a fit needs."""
    versions = {name: _version(name) for name in NEEDED_PACKAGES}
    if absent := [name for name, version in versions.items() if version is None]:
        remedy = f"Run `pip install {' '.join(absent)}`."
        return Finding("packages", Status.MISSING, f"without {', '.join(absent)}", remedy)
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Finding("packages", Status.OK, shown)


def check_devices() -> Finding:
    """What JAX computes on."""
    try:
        devices = importlib.import_module("jax").devices()
    except (ImportError, RuntimeError) as error:
        remedy = "Run `pip install --force-reinstall jax`; with a GPU, `diffbio[cuda]`."
        return Finding("devices", Status.MISSING, f"JAX does not start ({error})", remedy)
    kinds = ", ".join(device.device_kind for device in devices)
    found = f"{kinds}; {os.cpu_count()} CPU cores"
    if shutil.which(GPU_DRIVER) and all(device.platform == "cpu" for device in devices):
        remedy = "There is an NVIDIA GPU that JAX does not use: `pip install 'diffbio[cuda]'`."
        return Finding("devices", Status.LIMITED, found, remedy)
    return Finding("devices", Status.OK, found)


def check_threads() -> Finding:
    """Threads of the dense solves; one is much the fastest for small matrices."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS")
    if threads == "1":
        return Finding("linear algebra", Status.OK, "OpenBLAS uses one thread")
    found = f"OPENBLAS_NUM_THREADS is {threads or 'not set'}"
    remedy = "Set OPENBLAS_NUM_THREADS=1: with more, the small solves of a fit are slower."
    return Finding("linear algebra", Status.LIMITED, found, remedy)


def check_cache() -> Finding:
    """The folder of compiled programs."""
    subject = "compile cache"
    try:
        from diffbio._jax import CACHE_VARIABLE, cache_folder
    except ImportError:
        return Finding(subject, Status.LIMITED, "none without JAX", "Install JAX first.")
    folder = cache_folder()
    existing = next(f for f in (folder, *folder.parents) if f.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        remedy = f"Set {CACHE_VARIABLE} to a folder you may write to; until then all runs compile."
        return Finding(subject, Status.LIMITED, f"{folder} is not writable", remedy)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Finding(subject, Status.OK, f"{folder}, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB")


def check_body_model() -> Finding:
    """The default musculoskeletal model."""
    subject, remedy = "body model", "Run `pip install --force-reinstall musclemimic-models`."
    try:
        models = importlib.import_module("musclemimic_models")
        path = pathlib.Path(models.get_xml_path("myofullbody"))
    except (ImportError, ValueError) as error:
        return Finding(subject, Status.MISSING, f"MyoFullBody does not load ({error})", remedy)
    if not path.is_file():
        return Finding(subject, Status.MISSING, f"{path} is not there", remedy)
    return Finding(subject, Status.OK, f"MyoFullBody ({path.name})")


def check_opencv() -> Finding:
    """OpenCV, which reads video frames for the report; a fit of keypoints needs no video."""
    subject = "video"
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        return Finding(subject, Status.LIMITED, f"OpenCV does not start ({error})", OPENCV_REMEDY)
    found = f"OpenCV {cv2.__version__}"
    if cv2.CAP_FFMPEG not in cv2.videoio_registry.getStreamBackends():
        remedy = "Run `pip install --force-reinstall opencv-python`, which brings FFmpeg."
        return Finding(subject, Status.LIMITED, f"{found}, built without FFmpeg", remedy)
    return Finding(subject, Status.OK, f"{found}, reads video with FFmpeg")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python,
    check_packages,
    check_devices,
    check_threads,
    check_cache,
    check_body_model,
    check_opencv,
)
