import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.fitting.arrow_factor import ArrowMatrix
from diffbio.fitting.distil import start_spline
from diffbio.fitting.posterior import Lasting, Posterior, posterior
from diffbio.fitting.prior_equations import corner_of
from diffbio.fitting.problem import Problem, make_problem
from diffbio.fitting.residuals.reprojection import HUBER_TAIL
from diffbio.fitting.spline_basis import SplineBasis, make_spline_basis
from diffbio.fitting.start import Start, find_start
from diffbio.fitting.system import State, System
from diffbio.geometry import left_jacobian
from diffbio.trajectories.spline import SplineTrajectory, pose_about

N_CAMERA, N_EXTRA = 5, 2
"""Columns of cameras, and of unknowns that only serve the elimination."""

TIME = np.array([0.0, 0.03, 0.05, 0.12, 0.14, 0.2, 0.33])


@pytest.fixture(scope="module")
def body(recording) -> BodyModel:
    return recording.body


@pytest.fixture(scope="module")
def parameters(body) -> BodyParameters:
    rng = np.random.default_rng(0)
    return BodyParameters(
        jnp.asarray(rng.normal(size=len(body.segment_names)) * 0.05),
        jnp.asarray(rng.normal(size=(len(body.marker_names), 3)) * 0.01),
    )


@pytest.fixture(scope="module")
def rows(body) -> np.ndarray:
    """Linear measurements, of unit variance, of seven control points and the shared unknowns."""
    n, n_shared = sizes(body)
    return measurements(7, n, n_shared, np.random.default_rng(1))


def sizes(body: BodyModel) -> tuple[int, int]:
    n_person = len(body.segment_names) + 3 * len(body.marker_names)
    return 6 + len(body.joint_names), n_person + N_CAMERA + N_EXTRA


def basis_of(n_control: int, time: np.ndarray = TIME) -> SplineBasis:
    return make_spline_basis(time, 0.0, 0.1, n_control, np.dtype(np.float64))


def measurements(n_control: int, n: int, n_shared: int, rng) -> np.ndarray:
    """Each row feels up to four neighbouring control points, as a frame does."""
    per = 3 * n
    rows = np.zeros((n_control, per, n_control * n + n_shared))
    for k in range(n_control):
        end = min(k + 4, n_control) * n
        rows[k, :, k * n : end] = rng.normal(size=(per, end - k * n))
    rows[..., n_control * n :] = rng.normal(size=(n_control, per, n_shared))
    return 10 * rows.reshape(n_control * per, -1)


def arrow_of(hessian: np.ndarray, n_control: int, n: int, dtype: type = np.float64) -> ArrowMatrix:
    size = n_control * n
    blocks = hessian[:size, :size].reshape(n_control, n, n_control, n)
    band = np.zeros((4, n_control, n, n))
    for d in range(4):
        for k in range(n_control - d):
            band[d, k] = blocks[k, :, k + d]
    border = hessian[:size, size:].reshape(n_control, n, -1)
    parts = band, border, hessian[size:, size:]
    return ArrowMatrix(*(jnp.asarray(part, dtype) for part in parts))


def reference(n_time: int) -> tuple[jax.Array, jax.Array]:
    rng = np.random.default_rng(2)
    quaternion = rng.normal(size=(n_time, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    return jnp.asarray(rng.normal(size=(n_time, 3))), jnp.asarray(quaternion)


def control_points(n_control: int, n: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(3).normal(size=(n_control, n)) * 0.3)


def posterior_of(
    body: BodyModel,
    parameters: BodyParameters,
    arrow: ArrowMatrix,
    basis: SplineBasis,
    lasting: Lasting | None = None,
) -> Posterior:
    values = basis.values(control_points(7, arrow.band.shape[2])[: basis.weight.shape[0] + 3])
    pose = pose_about(reference(len(basis.slot)), values)
    arguments = basis, parameters, pose, left_jacobian(values[:, 3:6])
    basis, *others = of_type(arguments, arrow.band.dtype)
    return posterior(arrow, basis, body, *others, n_camera_column=N_CAMERA, lasting=lasting)


@pytest.fixture(scope="module")
def found(body, parameters, rows) -> Posterior:
    arrow = arrow_of(rows.T @ rows, 7, sizes(body)[0])
    return posterior_of(body, parameters, arrow, basis_of(7))


def test_covariances_are_the_dense_ones_propagated_by_differentiation(
    body, parameters, rows, found
):
    n, basis = sizes(body)[0], basis_of(7)
    n_scale, n_marker = len(body.segment_names), len(body.marker_names)
    end = n_scale + 3 * n_marker
    dense = np.linalg.inv(rows.T @ rows)
    about = reference(len(TIME))
    control = control_points(7, n)

    @jax.jit
    @functools.partial(jax.jacfwd, argnums=(0, 1, 2))
    def slopes(control, log_scale, offset):
        pose = pose_about(about, basis.values(control))
        return body.marker_positions(BodyParameters(log_scale, offset), pose)

    by = slopes(control, parameters.log_scale, parameters.marker_offset)
    flat = np.concatenate([np.reshape(x, (len(TIME), n_marker, 3, -1)) for x in by], axis=-1)
    used = dense[: 7 * n + end, : 7 * n + end]
    variance = ((flat @ used) * flat).sum(-1)
    # Metres; the deviations are around a millimetre, and agree to rounding.
    assert_allclose(found.markers, np.sqrt(variance), rtol=0, atol=1e-12)
    weight = np.asarray(jax.jacfwd(basis.values)(jnp.zeros((7, 1))))[:, 0, :, 0]
    own = dense[: 7 * n, : 7 * n].reshape(7, n, 7, n)
    pose = np.einsum("tk,kilj,tl->tij", weight, own, weight, optimize=True)
    joints = np.sqrt(np.einsum("tii->ti", pose)[:, 6:])
    assert_allclose(found.joints, joints, rtol=0, atol=1e-12)
    turn = np.tile(np.eye(6), (len(TIME), 1, 1))
    turn[:, 3:, 3:] = left_jacobian(basis.values(control)[:, 3:6])
    root = turn @ pose[:, :6, :6] @ np.swapaxes(turn, 1, 2)
    assert_allclose(found.root, root, rtol=0, atol=1e-12)
    shared = dense[7 * n :, 7 * n :]
    assert_allclose(found.log_scale, shared[:n_scale, :n_scale], rtol=0, atol=1e-14)
    assert_allclose(
        np.ravel(found.marker_offset), np.sqrt(np.diag(shared)[n_scale:end]), rtol=0, atol=1e-12
    )
    cameras = shared[end : end + N_CAMERA, end : end + N_CAMERA]
    assert_allclose(found.cameras, cameras, rtol=0, atol=1e-14)
    assert int(found.lifted) == 0


def prior_of(body: BodyModel) -> np.ndarray:
    """Information of the shared unknowns but for those that only serve the elimination."""
    n_known = sizes(body)[1] - N_EXTRA
    root = np.random.default_rng(6).normal(size=(n_known, n_known))
    return 100 * root @ root.T / n_known + 400 * np.eye(n_known)


def test_what_lasts_is_less_sure_by_a_share_of_what_was_seen(body, parameters, rows):
    n, share, prior = sizes(body)[0], 0.3, prior_of(body)
    known = slice(7 * n, 7 * n + len(prior))
    hessian = rows.T @ rows
    hessian[known, known] += prior
    lasting = Lasting(jnp.asarray(prior), jnp.asarray(share))
    found = posterior_of(body, parameters, arrow_of(hessian, 7, n), basis_of(7), lasting)
    # What everything says about these alone, and the pose given these as it was.
    own = np.linalg.inv(np.linalg.inv(hessian)[known, known])
    hessian[known, known] += (1 - share) * (prior - own)
    dense = np.linalg.inv(hessian)
    n_scale, n_marker = len(body.segment_names), len(body.marker_names)
    deviation = np.sqrt(np.diag(dense))[known]
    # Metres, radians and their squares; to rounding, the deviations are around a millimetre.
    assert_allclose(found.log_scale, dense[known, known][:n_scale, :n_scale], rtol=0, atol=1e-14)
    offsets = deviation[n_scale : n_scale + 3 * n_marker]
    assert_allclose(np.ravel(found.marker_offset), offsets, rtol=0, atol=1e-12)
    cameras = dense[known, known][-N_CAMERA:, -N_CAMERA:]
    assert_allclose(found.cameras, cameras, rtol=0, atol=1e-14)
    weight = np.asarray(jax.jacfwd(basis_of(7).values)(jnp.zeros((7, 1))))[:, 0, :, 0]
    control = dense[: 7 * n, : 7 * n].reshape(7, n, 7, n)
    variance = np.einsum("tk,kili,tl->ti", weight, control, weight)
    assert_allclose(found.joints, np.sqrt(variance[:, 6:]), rtol=0, atol=1e-12)


def test_a_whole_share_changes_nothing(body, parameters, rows, found):
    arrow = arrow_of(rows.T @ rows, 7, sizes(body)[0])
    lasting = Lasting(jnp.asarray(prior_of(body)), jnp.asarray(1.0))
    same = posterior_of(body, parameters, arrow, basis_of(7), lasting)
    for one, other in zip(same, found, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-12)


def test_where_no_factor_is_left_everything_is_less_sure(body, parameters, rows, found):
    arrow, share = arrow_of(rows.T @ rows, 7, sizes(body)[0]), 0.25
    wrong = Lasting(jnp.asarray(-1e9 * prior_of(body)), jnp.asarray(share))
    wide = posterior_of(body, parameters, arrow, basis_of(7), wrong)
    assert_allclose(wide.log_scale, found.log_scale / share, rtol=0, atol=1e-14)
    assert (wide.markers > found.markers).all()
    assert (wide.markers <= found.markers / np.sqrt(share)).all()


def test_deviations_are_those_of_repeated_measurements(body, parameters, rows, found):
    n, n_draw = sizes(body)[0], 3000
    n_scale, n_marker = len(body.segment_names), len(body.marker_names)
    basis, about = basis_of(7), reference(len(TIME))
    rng = np.random.default_rng(4)
    # Little noise, so that markers move in proportion to it.
    noise = 1e-3
    errors = np.linalg.lstsq(rows, rng.normal(size=(len(rows), n_draw)) * noise, rcond=None)[0].T
    person = errors[:, 7 * n : 7 * n + n_scale + 3 * n_marker]

    @jax.jit
    @jax.vmap
    def fitted(own, log_scale, offset):
        pose = pose_about(about, basis.values(control_points(7, n) + own))
        moved = BodyParameters(parameters.log_scale + log_scale, parameters.marker_offset + offset)
        return pose.joints, pose.root_position, body.marker_positions(moved, pose)

    drawn = fitted(
        jnp.asarray(errors[:, : 7 * n].reshape(-1, 7, n)),
        jnp.asarray(person[:, :n_scale]),
        jnp.asarray(person[:, n_scale:].reshape(-1, n_marker, 3)),
    )
    position = np.sqrt(np.einsum("tii->ti", found.root)[:, :3])
    for draws, deviation in zip(drawn, (found.joints, position, found.markers), strict=True):
        ratio = np.std(draws, axis=0) / noise / np.asarray(deviation)
        # The deviation of 3000 draws is itself uncertain by 1.3 %, and this is the worst of 800.
        assert_allclose(ratio, 1, rtol=0, atol=0.06)


def test_control_points_nobody_informs_change_nothing(body, parameters, rows, found):
    n = sizes(body)[0]
    arrow = arrow_of(rows.T @ rows, 7, n)
    more = ArrowMatrix(
        jnp.pad(arrow.band, ((0, 0), (0, 4), (0, 0), (0, 0))),
        jnp.pad(arrow.border, ((0, 4), (0, 0), (0, 0))),
        arrow.corner,
    )
    # The last sample lies where nobody saw anything.
    basis = basis_of(11, np.append(TIME, 0.75))
    values = basis.values(jnp.pad(control_points(7, n), ((0, 4), (0, 0))))
    pose = pose_about(reference(len(TIME)), values[:-1])
    pose = jax.tree.map(lambda x: jnp.concatenate([x, x[-1:]]), pose)
    turning = left_jacobian(values[:, 3:6])
    padded = posterior(more, basis, body, parameters, pose, turning, n_camera_column=N_CAMERA)
    assert_allclose(padded.joints[:-1], found.joints, rtol=0, atol=1e-12)
    assert_allclose(padded.markers[:-1], found.markers, rtol=0, atol=1e-12)
    # Of order one for want of anything better: a radian, a metre.
    assert (padded.joints[-1] > 0.3).all() and (padded.joints[-1] < 3).all()
    assert int(padded.lifted) == 0


@pytest.mark.parametrize("n_frame", [1, 3])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float64, 1e-6), (np.float32, 2e-2)])
def test_a_few_frames_are_known_though_their_control_points_are_not(
    body, parameters, n_frame, dtype, rounding
):
    (n, n_shared), rng = sizes(body), np.random.default_rng(5)
    basis = basis_of(4, 0.02 + TIME[:n_frame])
    weight = np.asarray(basis.weight)[0]
    per_frame = rng.normal(size=(n_frame, 2 * n, n)) * 30
    by_shared = rng.normal(size=(n_frame, 2 * n, n_shared)) * 30
    by_control = np.einsum("tri,tk->trki", per_frame, weight[:n_frame])
    rows = np.concatenate([by_control.reshape(n_frame, 2 * n, -1), by_shared], axis=2)
    rows = rows.reshape(n_frame * 2 * n, -1)
    hessian = rows.T @ rows
    prior = np.arange(len(hessian)) >= 4 * n
    hessian[prior, prior] += 400
    found = posterior_of(body, parameters, arrow_of(hessian, 4, n, dtype), basis)
    assert all(np.isfinite(part).all() for part in found)
    assert int(found.lifted) == (4 - n_frame) * n
    # Frames are unknowns themselves: no spline, nothing singular.
    flat = np.zeros((n_frame, 2 * n, n_frame * n + n_shared))
    for t in range(n_frame):
        flat[t, :, t * n : (t + 1) * n] = per_frame[t]
    flat[..., n_frame * n :] = by_shared
    flat = flat.reshape(len(rows), -1)
    dense = flat.T @ flat + np.diag(400.0 * (np.arange(flat.shape[1]) >= n_frame * n))
    deviation = np.sqrt(np.diag(np.linalg.inv(dense)))
    joints = deviation[: n_frame * n].reshape(n_frame, n)[:, 6:]
    assert_allclose(np.asarray(found.joints) / joints, 1, rtol=0, atol=rounding)
    offsets = deviation[n_frame * n :][len(body.segment_names) :][: 3 * len(body.marker_names)]
    assert_allclose(np.ravel(found.marker_offset) / offsets, 1, rtol=0, atol=rounding)


@pytest.mark.slow
def test_single_precision_is_good_enough(recording):
    """A whole trial: no deviation is off by more than a hundredth."""
    start = find_start(recording.body, recording.rig, recording.keypoints)
    problem = problem_of(recording, start, np.float64)
    trajectory = start_spline(problem, start, 6.0)
    both = [deviations(recording, start, trajectory, dtype) for dtype in (np.float64, np.float32)]
    for exact, rounded in zip(*both, strict=True):
        assert rounded.dtype == np.float32
        assert_allclose(rounded / exact, 1, rtol=0, atol=1e-2)


def problem_of(recording, start: Start, dtype: type) -> Problem:
    rig = recording.rig.astype(dtype)
    return make_problem(recording.body, rig, recording.keypoints, start.depth, dtype=dtype)


def of_type(tree, dtype):
    return jax.tree.map(
        lambda x: jnp.asarray(x, dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree
    )


def deviations(recording, start: Start, trajectory: SplineTrajectory, dtype: type) -> list:
    """Standard deviations where the fit starts, everything unknown that can be.

    Errors last: what all times share is known from a third of what was seen.
    """
    problem = problem_of(recording, start, dtype)
    trajectory, parameters = of_type((trajectory, start.parameters), dtype)
    basis = make_spline_basis(
        np.asarray(problem.time, float),
        float(trajectory.start),
        float(trajectory.spacing),
        len(trajectory.control),
        np.dtype(dtype),
    )
    cameras = jnp.zeros((len(recording.rig.names), 11), dtype)
    state = State(trajectory.control, parameters, cameras)

    @jax.jit
    def parts(state: State) -> tuple[ArrowMatrix, Pose, jax.Array, jax.Array]:
        system = System(problem, basis, trajectory, ("poses", "lenses"))
        arrow = system.normal_equations(state, jnp.asarray(HUBER_TAIL, dtype))
        turning = left_jacobian(basis.values(state.control)[:, 3:6])
        estimate = system.estimate(state)
        curvatures = [prior.curvature(estimate) for prior in problem.priors]
        prior = corner_of(problem.body, curvatures, system.columns)
        return ArrowMatrix(*arrow[:3]), estimate.pose, turning, prior

    arrow, pose, turning, prior = parts(state)
    n_shared = arrow.corner.shape[0]
    n_person = parameters.log_scale.size + parameters.marker_offset.size
    n_camera = n_shared - n_person - len(recording.body.joint_names)
    assert n_camera > 0
    lasting = Lasting(prior, jnp.asarray(1 / 3, dtype))
    arguments = arrow, basis, problem.body, parameters, pose, turning
    found = posterior(*arguments, n_camera_column=n_camera, lasting=lasting)
    seen = slice(len(recording.keypoints.time))
    squares = (found.root[seen], found.log_scale[None], found.cameras[None])
    square_roots = [np.sqrt(np.einsum("tii->ti", x)) for x in squares]
    others = found.joints[seen], found.markers[seen], found.marker_offset
    return [*square_roots, *map(np.asarray, others)]
