"""`diffbio demo`: simulate a walking trial, fit it, and compare with the truth."""

import argparse
import pathlib
import time

from diffbio.cli import fit as fit_verb
from diffbio.cli.fit_arguments import add_fit_arguments

KEYPOINT_SET = "movi_87"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio demo`."""
    parser.add_argument(
        "-o",
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("demo-result"),
        help="default: demo-result",
    )
    parser.add_argument(
        "--person", type=int, default=1, metavar="SEED", help="which simulated person (default 1)"
    )
    add_fit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, fit, compare, and write the result folder."""
    began = time.perf_counter()
    import numpy as np

    from diffbio._jax import enable_compilation_cache
    from diffbio.body import load_keypoint_set
    from diffbio.cli.progress import Console
    from diffbio.io.trial import Trial
    from diffbio.report.page_data import Comparison
    from diffbio.report.result_folder import check_writable, write_result
    from diffbio.simulation import differences, simulate_walking

    enable_compilation_cache()
    check_writable(arguments.output)
    console = Console()
    console.say(
        "Simulating a person of unknown proportions who walks for 4 s through 8 cameras, with a "
        "detector that is noisy, biased, sometimes wrong and sometimes blind. SIMULATED DATA."
    )
    recording = simulate_walking(
        load_keypoint_set(KEYPOINT_SET), seed=arguments.person, planted=True
    )
    trial = Trial(
        name=f"simulated-walk-{arguments.person}",
        source=pathlib.Path("simulated"),
        rig=recording.rig,
        keypoints=recording.keypoints,
        frame_rate_hz=float(1 / np.diff(recording.keypoints.time).mean()),
        notes=("Simulated: no person was recorded.",),
    )
    body = recording.body.with_kinematics(arguments.kinematics)
    fit = fit_verb.fit_trial(arguments, trial, body, console, began)
    rows = differences(fit, recording)
    for line in _table(rows):
        console.say(line)
    verdict = write_result(
        fit,
        trial,
        arguments.output,
        log=console.log,
        simulated=True,
        comparison=tuple(Comparison(*row) for row in rows),
    )
    return fit_verb.report(verdict, fit, arguments.output)


def _table(rows) -> list[str]:
    """The comparison as aligned lines."""
    lines = [f"{'simulated person':36s}{'estimated':>10s}{'true':>10s}{'error':>9s}"]
    for row in rows:
        estimated, true = (f"{x:.1f}" if x is not None else "" for x in (row.estimated, row.true))
        percent = f" ({100 * row.error / row.true:+.1f} %)" if row.true else ""
        lines.append(
            f"{row.name:36s}{estimated:>10s}{true:>10s}{row.error:9.2f} {row.unit}{percent}"
        )
    return lines
