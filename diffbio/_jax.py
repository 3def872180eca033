"""What diffbio asks of JAX itself: promotion shields and the compilation cache."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import jax

CACHE_VARIABLE = "DIFFBIO_CACHE"


@contextlib.contextmanager
def relaxed_promotion() -> Iterator[None]:
    """Allow implicit promotion while calling third-party code that relies on it.

    diffbio's tests forbid implicit dtype and rank promotion. MJX and some optax transforms
    need both, so each adapter wraps its calls, and only those, in this.
    """
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def cache_folder() -> pathlib.Path:
    """The user's folder for compiled programs: `$DIFFBIO_CACHE`, else the XDG cache folder."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return pathlib.Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "diffbio"


def enable_compilation_cache() -> pathlib.Path | None:
    """Keep compiled programs on disk, so that the next process compiles nothing.

    Returns:
        The folder used, or None where it cannot be written (then nothing is cached).
    """
    folder = cache_folder() / "xla"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder


def round_up_to_bucket(count: int) -> int:
    """The padded length used for `count` items: at most 1/8 more, few distinct values.

    A second trial of nearly the same length then runs the program already compiled.
    """
    step = max(8, 1 << max(0, (count - 1).bit_length() - 3))
    return -(-count // step) * step
