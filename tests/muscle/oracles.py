"""Redundancy problems, and their solutions by others."""

import numpy as np
import scipy.optimize
import scipy.sparse

N_MUSCLES, N_COORDINATES = 12, 4
COST = 1e-12
"""Tolerance of Clarabel: activations are as exact as the root of it, times that of the effort."""


def random_problem(seed, n_muscles=N_MUSCLES, n_coordinates=N_COORDINATES, load=1.0):
    """Moment of each muscle when fully active, Nm, and `load` times a moment they can make.

    Muscles of 200 to 5000 N cross one to three coordinates with moment arms of 1 to 6 cm.
    """
    rng = np.random.default_rng(seed)
    capacity = np.zeros((n_coordinates, n_muscles))
    for muscle in range(n_muscles):
        crossed = rng.choice(n_coordinates, rng.integers(1, 4), replace=False)
        arms = rng.uniform(0.01, 0.06, crossed.size) * rng.choice([-1, 1], crossed.size)
        capacity[crossed, muscle] = arms * np.exp(rng.uniform(np.log(200), np.log(5000)))
    return capacity, load * capacity @ rng.beta(0.5, 3, n_muscles)


def random_synergies(seed, n_muscles=N_MUSCLES, n_synergies=3):
    """Weights of which a third are zero, no muscle left out."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 1, (n_muscles, n_synergies))
    weights *= rng.uniform(size=weights.shape) > 1 / 3
    weights[np.arange(n_muscles), rng.integers(0, n_synergies, n_muscles)] += 0.2
    return weights


def total_effort(capacity, moment, activation, effort):
    """What is minimised, of activations, with the reserves they leave; numpy, not ours."""
    reserve = (moment - capacity @ activation) / np.asarray(effort.reserve)
    return np.asarray(effort.weight) @ activation**effort.power + reserve @ reserve


def by_clarabel(clarabel, capacity, moment, effort):
    """Activations that Clarabel finds for the sum of squares, without or with synergies.

    Unknowns: activations, commands and reserves. Everything that is an equality is one.
    """
    n, m = capacity.shape[1], capacity.shape[0]
    k = 0 if effort.synergies is None else effort.synergies.shape[1]
    diagonal = np.concatenate([effort.weight, np.zeros(k), 1 / np.asarray(effort.reserve) ** 2])
    equal = np.zeros((m + (n if k else 0), n + k + m))
    equal[:m, :n], equal[:m, n + k :] = capacity, np.eye(m)
    if k:
        equal[m:, :n], equal[m:, n : n + k] = np.eye(n), -np.asarray(effort.synergies)
    unequal = np.zeros((2 * n + k, n + k + m))
    unequal[:n, :n], unequal[n : 2 * n, :n] = np.eye(n), -np.eye(n)
    unequal[2 * n :, n : n + k] = -np.eye(k)
    right = [moment, np.zeros(n if k else 0), np.ones(n), -np.asarray(effort.co_contraction)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = COST
    solver = clarabel.DefaultSolver(
        scipy.sparse.csc_matrix(np.diag(2 * diagonal)),
        np.zeros(n + k + m),
        scipy.sparse.csc_matrix(np.vstack([equal, unequal])),
        np.concatenate([*right, np.zeros(k)]),
        [clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(len(unequal))],
        settings,
    )
    return np.array(solver.solve().x)[:n]


def by_scipy(capacity, moment, effort):
    """Activations that SciPy finds by projected quasi-Newton steps, for any power."""

    def value(activation):
        reserve = (moment - capacity @ activation) / np.asarray(effort.reserve)
        slope = effort.power * np.asarray(effort.weight) * activation ** (effort.power - 1)
        slope = slope - 2 * capacity.T @ (reserve / np.asarray(effort.reserve))
        return total_effort(capacity, moment, activation, effort), slope

    bounds = [(float(least), 1.0) for least in effort.co_contraction]
    start = np.full(capacity.shape[1], 0.5)

    def curvature(activation):
        p = effort.power
        own = p * (p - 1) * np.asarray(effort.weight) * activation ** (p - 2)
        scaled = capacity / np.asarray(effort.reserve)[:, None]
        return np.diag(own) + 2 * scaled.T @ scaled

    found = scipy.optimize.minimize(
        value, start, jac=True, hess=curvature, bounds=bounds, method="trust-constr",
        options={"gtol": 1e-11, "xtol": 1e-14, "barrier_tol": 1e-11, "maxiter": 2000},
    )  # fmt: skip
    return found.x
