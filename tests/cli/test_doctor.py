"""`diffbio doctor` names what is missing and how to get it."""

import importlib
import importlib.metadata
import pathlib
import re
import tomllib
import types

import pytest

from diffbio.cli import doctor
from diffbio.cli.doctor import Finding, Status
from diffbio.cli.main import main

PYPROJECT = pathlib.Path(__file__).parents[2] / "pyproject.toml"


def remove_module(monkeypatch, absent, error="No module named {!r}"):
    """Make one top-level module fail to import, the rest as it was."""
    find = importlib.import_module

    def find_unless_absent(name, *rest):
        if name == absent:
            raise ImportError(error.format(absent))
        return find(name, *rest)

    monkeypatch.setattr(importlib, "import_module", find_unless_absent)


def remove_distribution(monkeypatch, absent):
    """Make one package look as if it had never been installed."""
    find = importlib.metadata.version

    def find_unless_absent(name):
        if name == absent:
            raise importlib.metadata.PackageNotFoundError(name)
        return find(name)

    monkeypatch.setattr(importlib.metadata, "version", find_unless_absent)


def test_healthy_machine_is_ready(monkeypatch, capsys):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for check in ("python", "packages", "devices", "compile cache", "body model", "video"):
        assert check in printed
    assert printed.splitlines()[-1].startswith("diffbio is ready to fit trials")


def test_every_declared_dependency_is_checked():
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    names = {re.split(r"[^\w-]", line)[0] for line in declared}
    assert names - set(doctor.NEEDED_PACKAGES) == {"opencv-python"}  # has a check of its own


def test_missing_package_stops_the_verdict(monkeypatch, capsys):
    remove_distribution(monkeypatch, "optax")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "MISSING  packages" in printed
    assert "Run `pip install optax`." in printed
    assert printed.splitlines()[-1] == "diffbio cannot fit a trial yet: see packages above."


def test_old_python_is_missing(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 18))
    finding = doctor.check_python()
    assert finding.status is Status.MISSING
    assert finding.remedy == "Use Python 3.11 or newer."


def test_jax_that_does_not_import(monkeypatch):
    remove_module(monkeypatch, "jax")
    finding = doctor.check_devices()
    assert finding.status is Status.MISSING
    assert "JAX does not start (No module named 'jax')" in finding.found


def test_unused_gpu_is_pointed_out(monkeypatch):
    cpu = types.SimpleNamespace(platform="cpu", device_kind="cpu")
    fake_jax = types.SimpleNamespace(devices=lambda: [cpu])
    monkeypatch.setattr(importlib, "import_module", lambda name: fake_jax)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "nvidia-smi")
    finding = doctor.check_devices()
    assert finding.status is Status.LIMITED
    assert "pip install 'diffbio[cuda]'" in finding.remedy


def test_used_gpu_is_named(monkeypatch):
    gpu = types.SimpleNamespace(platform="gpu", device_kind="NVIDIA H200")
    fake_jax = types.SimpleNamespace(devices=lambda: [gpu])
    monkeypatch.setattr(importlib, "import_module", lambda name: fake_jax)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "nvidia-smi")
    finding = doctor.check_devices()
    assert finding.status is Status.OK
    assert "NVIDIA H200" in finding.found


@pytest.mark.parametrize(
    ("threads", "status", "found"),
    [
        ("1", Status.OK, "one thread"),
        ("8", Status.LIMITED, "OPENBLAS_NUM_THREADS is 8"),
        (None, Status.LIMITED, "OPENBLAS_NUM_THREADS is not set"),
    ],
)
def test_linear_algebra_threads(monkeypatch, threads, status, found):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if threads:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    finding = doctor.check_threads()
    assert finding.status is status
    assert found in finding.found


def test_cache_is_measured(monkeypatch, tmp_path):
    (tmp_path / "xla").mkdir()
    (tmp_path / "xla" / "program").write_bytes(bytes(2_000_000))
    monkeypatch.setenv("DIFFBIO_CACHE", str(tmp_path))
    finding = doctor.check_cache()
    assert finding.status is Status.OK
    assert finding.found == f"{tmp_path}, 1 files, 2.0 MB"


def test_cache_that_does_not_exist_yet_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setenv("DIFFBIO_CACHE", str(tmp_path / "later" / "cache"))
    assert doctor.check_cache().status is Status.OK
    assert not (tmp_path / "later").exists()


def test_cache_in_the_way_of_a_file(monkeypatch, tmp_path):
    (tmp_path / "taken").touch()
    monkeypatch.setenv("DIFFBIO_CACHE", str(tmp_path / "taken" / "cache"))
    finding = doctor.check_cache()
    assert finding.status is Status.LIMITED
    assert "is not writable" in finding.found
    assert "Set DIFFBIO_CACHE to a folder you may write to" in finding.remedy


def test_missing_body_model(monkeypatch):
    remove_module(monkeypatch, "musclemimic_models")
    finding = doctor.check_body_model()
    assert finding.status is Status.MISSING
    assert "MyoFullBody does not load" in finding.found
    assert "pip install --force-reinstall musclemimic-models" in finding.remedy


def test_body_model_without_its_file(monkeypatch, tmp_path):
    models = types.SimpleNamespace(get_xml_path=lambda name: tmp_path / "gone.xml")
    monkeypatch.setattr(importlib, "import_module", lambda name: models)
    finding = doctor.check_body_model()
    assert finding.status is Status.MISSING
    assert finding.found.endswith("gone.xml is not there")


def test_opencv_without_system_libraries_limits_but_does_not_stop(monkeypatch, capsys):
    remove_module(monkeypatch, "cv2", "libGL.so.1: cannot open shared object file")
    assert main(["doctor"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "limited video OpenCV does not start (libGL.so.1: cannot open" in printed
    assert "apt-get install libgl1 libglib2.0-0" in printed
    assert "pip install opencv-python-headless" in printed


def test_opencv_without_ffmpeg(monkeypatch):
    registry = types.SimpleNamespace(getStreamBackends=lambda: [])
    fake_cv2 = types.SimpleNamespace(__version__="5", CAP_FFMPEG=1900, videoio_registry=registry)
    monkeypatch.setattr(importlib, "import_module", lambda name: fake_cv2)
    finding = doctor.check_opencv()
    assert finding.status is Status.LIMITED
    assert finding.found == "OpenCV 5, built without FFmpeg"


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        ((Status.OK,), "diffbio is ready to fit trials."),
        ((Status.OK, Status.LIMITED), "within the limits named at check 1."),
        ((Status.MISSING, Status.LIMITED), "cannot fit a trial yet: see check 0 above."),
    ],
)
def test_verdict(statuses, sentence):
    findings = [Finding(f"check {i}", status, "") for i, status in enumerate(statuses)]
    assert doctor.verdict(findings).endswith(sentence)
