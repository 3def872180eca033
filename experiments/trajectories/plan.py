"""Which fits are made of which trial."""

import pathlib
from collections.abc import Mapping, Sequence

from benchmarks.beam import PROJECT
from diffbio.fitting.schedule import MAX_ITERATIONS
from diffbio.fitting.stages import BANDWIDTH_HZ
from experiments.trajectories.trials import BEAM, BEAM_REFINED, KNOCKED, PEOPLE
from experiments.trajectories.ways import GAUSS_NEWTON, NETWORK, SPLINE_ADAMW, WARM_NETWORK, How

ITERATIONS = (1, 2, 3, 4, 6, MAX_ITERATIONS)
"""Of Gauss-Newton at most."""

STEPS = {
    NETWORK: (300, 500, 1000, 2000, 4000),
    WARM_NETWORK: (0, 500, 2000),
    SPLINE_ADAMW: (500, 2000),
}
"""Of AdamW: each number is a training of its own, whose rate falls to its end."""

NETWORK_AT_SPLINE_HZ = How(NETWORK, 1000, BANDWIDTH_HZ["spline"])
"""Whether a network that is given no higher features than the spline follows less noise."""

STEPS_KNOCKED = {NETWORK: (500, 2000, 4000)}

BANDWIDTHS_HZ = (3.0, 5.0, 7.5, 10.0, 15.0, 30.0)
"""Of splines: at 60 Hz a knot every 10, 6, 4, 3, 2 and 1 frames. Knots stand at frames, so that
12 Hz have the knots of 15 Hz, and 20 Hz those of 30."""

BANDWIDTHS_BEAM_HZ = (3.0, 7.5, 15.0)


def fits_of(recordings: pathlib.Path) -> dict[str, tuple[How, ...]]:
    """The fits by trial; without the real recording where it is not there."""
    limited = tuple(How(GAUSS_NEWTON, limit) for limit in ITERATIONS)
    trained = (*_trained(STEPS), NETWORK_AT_SPLINE_HZ)
    plan = {name: (*limited, *_over_bandwidth(BANDWIDTHS_HZ), *trained) for name in PEOPLE}
    plan[KNOCKED] = (*limited, *_trained(STEPS_KNOCKED))
    if (recordings / PROJECT).is_dir():
        plan |= {name: _over_bandwidth(BANDWIDTHS_BEAM_HZ) for name in (BEAM, BEAM_REFINED)}
    return plan


def _over_bandwidth(bandwidths_hz: Sequence[float]) -> tuple[How, ...]:
    return tuple(How(GAUSS_NEWTON, bandwidth_hz=bandwidth_hz) for bandwidth_hz in bandwidths_hz)


def _trained(steps: Mapping[str, Sequence[int]]) -> tuple[How, ...]:
    return tuple(How(way, n) for way, each in steps.items() for n in each)
