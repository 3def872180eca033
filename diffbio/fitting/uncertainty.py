"""Error bars of a fit, and what the detections did not determine."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.cameras.adjustment import WIDTH, adjustment_of, columns_of
from diffbio.fitting.arrow_factor import ArrowMatrix
from diffbio.fitting.fit import Uncertainty
from diffbio.fitting.noise import NoiseFactors, image_errors, noise_factors, place_errors
from diffbio.fitting.posterior import Lasting, Posterior, posterior
from diffbio.fitting.prior_equations import corner_of
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals.cameras import camera_sd
from diffbio.fitting.residuals.person import PROPORTION_SD, SIDE_SD, marker_sd
from diffbio.fitting.solvers import basis_of
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.system import State, System
from diffbio.geometry import left_jacobian
from diffbio.trajectories import SplineTrajectory

UNDETERMINED = 0.8
"""Posterior over prior standard deviation above which an unknown is what the prior says."""

LOST = 0.1
"""Standard deviation of the root, in metres and radians, of a body whose place is not known."""

FIELDS = ("rotation/x", "rotation/y", "rotation/z", "shift/x", "shift/y", "shift/z", "log_focal")
FIELDS += ("distortion/k1", "distortion/k2", "clock_offset", "clock_drift")
CLOCK_OFFSET, CLOCK_DRIFT = FIELDS.index("clock_offset"), FIELDS.index("clock_drift")


def estimate_uncertainty(
    problem: Problem,
    unknowns: Unknowns,
    *,
    refine: tuple[str, ...],
    reference_clock: int,
    person: Float[np.ndarray, "person person"] | None = None,
) -> Uncertainty | None:
    """Marginal standard deviations of everything a fit estimated.

    Args:
        problem: one trial.
        unknowns: the solution, with a spline for trajectory.
        refine: what was unknown of the cameras.
        reference_clock: the camera whose clock is right by definition.
        person: information about log scales and marker offsets from elsewhere, where the problem
            has no prior on them.

    Returns:
        None where the Hessian gives no finite numbers.
    """
    basis, n = basis_of(problem, unknowns), int(problem.n_frames)
    noise = noise_of(problem, unknowns, refine=refine)
    moving, lasting = np.asarray(noise, problem.time.dtype)
    honest = problem.reweighted(float(1 / moving))
    share = jnp.asarray(moving / lasting)
    elsewhere = None if person is None else jnp.asarray(person, problem.time.dtype)
    found, columns = _posterior(honest, basis, unknowns, share, elsewhere, refine=refine)
    found = jax.tree.map(lambda x: np.asarray(x, float), found)
    if not all(np.isfinite(x).all() for x in jax.tree.leaves(found)):
        return None
    n_camera = len(problem.rig.names)
    cameras = np.zeros((n_camera, WIDTH))
    sd = np.sqrt(np.diagonal(found.cameras)).reshape(n_camera, len(columns))
    cameras[:, np.asarray(columns, int)] = sd
    # The reference clock is right by definition, and no short trial tells a clock's rate.
    prior = camera_sd(n_camera, reference_clock)
    prior[reference_clock : reference_clock + 1, CLOCK_OFFSET] = np.inf
    prior[:, CLOCK_DRIFT] = np.inf
    return Uncertainty(
        root=found.root[:n],
        joints=found.joints[:n],
        markers=found.markers[:n],
        log_scale=found.log_scale,
        marker_offset=found.marker_offset,
        cameras=jax.tree.map(np.asarray, adjustment_of(jnp.asarray(cameras))),
        noise=float(np.sqrt(noise.lasting)),
        undetermined=_undetermined(problem, found, n, cameras / prior),
    )


def noise_of(problem: Problem, unknowns: Unknowns, *, refine: tuple[str, ...]) -> NoiseFactors:
    """How noisy the detections of a fitted trial are; arguments as of `estimate_uncertainty`."""
    n = int(problem.n_frames)
    trajectory = unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    n_control = (len(trajectory.control) - 3) * n / len(problem.time)
    shared = unknowns.parameters.log_scale.size + unknowns.parameters.marker_offset.size
    shared += len(columns_of(refine)) * len(problem.rig.names)
    n_unknown = round(n_control * (6 + len(problem.body.joint_names))) + shared
    u, v, markers = (np.asarray(x, float) for x in _predicted(problem, unknowns))
    errors = (
        image_errors(problem.reprojection, u, v)
        if problem.placement is None
        else place_errors(problem.placement, markers)
    )
    return noise_factors(
        errors,
        float(problem.time[1] - problem.time[0]),
        n_unknown,
        0.5 / float(trajectory.spacing),
    )


@eqx.filter_jit
def _predicted(problem: Problem, unknowns: Unknowns) -> tuple[Array, Array, Array]:
    """What the cameras should have seen, u and v, and where the markers are."""
    estimate = problem.estimate(unknowns)
    return *estimate.project(), estimate.markers


@eqx.filter_jit
def _posterior(
    problem: Problem,
    basis: SplineBasis,
    unknowns: Unknowns,
    share: Float[Array, ""],
    elsewhere: Float[Array, "person person"] | None,
    *,
    refine: tuple[str, ...],
) -> tuple[Posterior, tuple[int, ...]]:
    """The posterior, and which columns of the cameras' corrections it has."""
    trajectory = unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    with jax.default_matmul_precision("highest"):
        system = System(problem, basis, trajectory, refine)
        state = State(trajectory.control, unknowns.parameters, unknowns.cameras.columns())
        arrow = system.normal_equations(state, problem.reprojection.tail)
    turn = basis.values(trajectory.control)[:, 3:6]
    estimate = system.estimate(state)
    curvatures = [prior.curvature(estimate) for prior in problem.priors]
    prior = corner_of(problem.body, curvatures, system.columns)
    corner = arrow.corner
    if elsewhere is not None:
        known = (slice(len(elsewhere)),) * 2
        prior, corner = (each.at[known].add(elsewhere) for each in (prior, corner))
    found = posterior(
        ArrowMatrix(arrow.band, arrow.border, corner),
        basis,
        problem.body.with_kinematics("fused"),
        unknowns.parameters,
        estimate.pose,
        left_jacobian(turn),
        n_camera_column=len(system.columns) * len(problem.rig.names),
        lasting=Lasting(prior, share),
    )
    return found, tuple(int(column) for column in system.columns)


def _undetermined(
    problem: Problem,
    found: Posterior,
    n: int,
    cameras: Float[np.ndarray, "camera 11"],
) -> tuple[str, ...]:
    """Names of unknowns that are known from their priors alone, as paths.

    Args:
        problem: one trial.
        found: its posterior.
        n: number of real frames.
        cameras: standard deviations of the cameras' corrections, in those of their priors; zero
            where not refined.
    """
    body = problem.body
    names = []
    variance = np.diagonal(found.root[:n], axis1=1, axis2=2)
    place, turn = np.sqrt(variance[:, :3].sum(1)), np.sqrt(variance[:, 3:].sum(1))
    names += ["root/position"] if np.median(place) > LOST else []
    names += ["root/orientation"] if np.median(turn) > LOST else []
    joints = np.median(found.joints[:n], axis=0) / body.joint_posture[1]
    names += [f"joint/{body.joint_names[i]}" for i in np.flatnonzero(joints > UNDETERMINED)]
    scales = np.sqrt(np.diagonal(found.log_scale)) / np.hypot(PROPORTION_SD, SIDE_SD)
    segments = np.flatnonzero(scales > UNDETERMINED)
    names += [f"segment_scale/{body.segment_names[i]}" for i in segments]
    seen = problem.seen.any(0)
    least = (found.marker_offset / marker_sd(body)[:, None]).min(1)
    unseen = np.flatnonzero(~seen | (least > UNDETERMINED))
    names += [f"marker_offset/{body.marker_names[i]}" for i in unseen]
    for camera, column in zip(*np.nonzero(cameras > UNDETERMINED), strict=True):
        names.append(f"camera/{problem.rig.names[camera]}/{FIELDS[column]}")
    return tuple(names)
