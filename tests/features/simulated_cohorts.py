"""Simulated cohorts of simulated people: codes with a known signal. No person was measured."""

import numpy as np

from diffbio.features import Examples, examples_of

N_MUSCLES = 80


def synergies(seed=0, rank=5, n_phases=30, n_muscles=N_MUSCLES):
    """Non-negative primitives, one bump each, in the order of their centre, and weights."""
    rng = np.random.default_rng(seed)
    phase = np.arange(n_phases) / n_phases
    centres = (np.arange(rank) + 0.5) / rank
    distance = np.abs((phase[:, None] - centres + 0.5) % 1.0 - 0.5)
    primitives = np.exp(-0.5 * (distance / 0.07) ** 2)
    weights = rng.uniform(0.0, 1.0, (rank, n_muscles)) * (rng.uniform(size=(rank, n_muscles)) < 0.4)
    return primitives, weights


def simulated_cohorts(
    *, seed, effect, n_people=20, n_recordings=2, n_cohorts=3, offset=0.3
) -> Examples:
    """Half of each cohort's people use the second synergy `effect` times as much more.

    Cohorts differ in the level of everything (`offset`), people in that of each synergy, and
    recordings of one person in noise.
    """
    rng = np.random.default_rng(seed)
    primitives, weights = synergies()
    codes, person, cohort, target = [], [], [], []
    for c in range(n_cohorts):
        level = 1.0 + offset * c
        for p in range(n_people):
            label = p % 2
            gain = rng.uniform(0.8, 1.2, 5)
            gain[1] *= 1.0 + effect * label
            for _ in range(n_recordings):
                noise = rng.normal(0.0, 0.02, (30, N_MUSCLES))
                codes.append(np.abs(level * 0.3 * (primitives * gain) @ weights + noise))
                person.append(f"person {p}")
                cohort.append(f"cohort {c}")
                target.append(label)
    return examples_of(codes, person, cohort, np.array(target))
