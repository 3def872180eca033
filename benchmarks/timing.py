"""Time of a program, per frame."""

import statistics
import time
from collections.abc import Callable
from typing import Any


def timing(call: Callable[[], object], rounds: int, n_frames: int) -> dict[str, Any]:
    """CPU time of all threads, and time of the clock, per frame."""
    cpu, wall = [], []
    for _ in range(rounds):
        began = time.process_time(), time.perf_counter()
        call()
        cpu.append(1e3 * (time.process_time() - began[0]) / n_frames)
        wall.append(1e3 * (time.perf_counter() - began[1]) / n_frames)
    return {"cpu_ms": {"min": min(cpu), "median": statistics.median(cpu)}, "wall_ms": min(wall)}
