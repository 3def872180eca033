"""Settings of every test: double precision, no implicit promotion, compiled programs kept."""

import gc
import os
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]

MOST_MEMORY = 2.5e9
"""In bytes, of one test process, before it forgets what it compiled."""

# JAX, OpenBLAS and matplotlib read these once, when they are first imported.
os.environ.setdefault("DIFFBIO_CACHE", str(ROOT / ".cache"))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# Nearly all of the time goes into compiling small programs that run once. Tests that ask how XLA
# optimises are marked `as_shipped`, and run where this is empty.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax  # noqa: E402
import pytest  # noqa: E402

from diffbio._jax import enable_compilation_cache  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
enable_compilation_cache()


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Folder of development recordings, which lies beside the repository and not in it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the development recordings are not beside the repository (../shared/data)")
    return folder


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """Forget compiled programs before they fill the machine; they are kept on disk."""
    yield
    statistics = pathlib.Path("/proc/self/statm")
    if statistics.is_file():
        resident = int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        if resident > MOST_MEMORY:
            jax.clear_caches()
            gc.collect()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that this machine or this way to compile cannot answer."""
    if item.get_closest_marker("gpu") and jax.default_backend() == "cpu":
        pytest.skip("needs an accelerator, and JAX sees only the CPU")
    if item.get_closest_marker("as_shipped") and os.environ["XLA_FLAGS"]:
        pytest.skip("asks how XLA optimises: run it with XLA_FLAGS set to nothing")
