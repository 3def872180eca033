"""The linear system of a trial: its objective, second derivatives and damped steps.

The matrix is an arrow: a band over the control points of the trajectory, bordered by what all
times share: log scales, marker offsets, what is unknown of the cameras, and one artificial
unknown per joint for the prior that holds its mean over time only once.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from diffbio.body import BodyParameters
from diffbio.body.jacobian import twist_kinematics
from diffbio.cameras.adjustment import adjustment_of, columns_of
from diffbio.fitting.banded import solve_arrow
from diffbio.fitting.normal_equations import DetectionSystem, detection_system
from diffbio.fitting.prior_equations import band_of, corner_of, means_of
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals import Estimate, Placement, Reprojection
from diffbio.fitting.sight import Instruments, look
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.to_parameters import ToParameters
from diffbio.geometry import left_jacobian
from diffbio.trajectories.spline import SplineTrajectory, pose_about

HOLD = 1e4
"""Stiffness that holds the shared unknowns at first, in units of their priors."""

LONGEST_STEP = 0.4
"""In radians and metres, of a control point in one iteration."""


UNINFORMED = 1e-9
"""Information below which a control point counts as unseen, relative to the best seen one."""


class State(eqx.Module):
    """The unknowns as the solver sees them.

    Attributes:
        control: control points of the trajectory.
        parameters: the person.
        cameras: corrections of the cameras, columns as in `CameraAdjustment`.
    """

    control: Float[Array, "control coordinate"]
    parameters: BodyParameters
    cameras: Float[Array, "camera 11"]


class Step(NamedTuple):
    """One solution of the linear system.

    Attributes:
        state: where it leads.
        decrement: by how much the quadratic model falls without damping: half the squared
            length of the step in posterior standard deviations.
        promised: by how much it falls along this step.
    """

    state: State
    decrement: Float[Array, ""]
    promised: Float[Array, ""]


class Arrow(NamedTuple):
    """Second derivatives and gradient of the objective, undamped.

    Attributes:
        band: of the control points; `band[d, k]` belongs to k and k + d.
        border: control points against shared unknowns.
        corner: of the shared unknowns: log scales, marker offsets, what is unknown of the
            cameras, one per joint that stands for its mean over time.
        own_gradient: of the control points.
        shared_gradient: of the shared unknowns.
        prior: the priors' part of the corner's diagonal; zero for the joints' means.
    """

    band: Float[Array, "4 control n n"]
    border: Float[Array, "control n shared"]
    corner: Float[Array, "shared shared"]
    own_gradient: Float[Array, "control n"]
    shared_gradient: Float[Array, "shared"]
    prior: Float[Array, "shared"]


class System:
    """The objective and its linear system, as functions of the state.

    Args:
        problem: one trial.
        basis: its sample times in the knot intervals of the trajectory.
        trajectory: whose control points are unknown.
        refine: what is unknown of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
    """

    def __init__(
        self,
        problem: Problem,
        basis: SplineBasis,
        trajectory: SplineTrajectory,
        refine: tuple[str, ...],
    ) -> None:
        self.problem, self.basis, self.trajectory = problem, basis, trajectory
        self.refine = refine
        self.columns = columns_of(refine)
        self.kinematics = twist_kinematics(problem.body.with_kinematics("fused"))
        self.reference = trajectory.reference(problem.time)
        seen = problem.reprojection
        u_px, v_px, weight = (self._by_slot(x) for x in (seen.u_px, seen.v_px, seen.weight))
        weight = jnp.where(basis.filled.reshape(1, 1, -1), weight, 0.0)
        scale = (seen.sigma_px, seen.threshold, seen.tail)
        self.reprojection = Reprojection(u_px, v_px, weight, *scale)
        self.placement = None
        if problem.placement is not None:
            placed = problem.placement
            at = basis.sample.reshape(-1)
            weight = jnp.where(basis.filled.reshape(-1, 1), placed.weight[at], 0.0)
            scale = (placed.sd, placed.threshold, placed.tail)
            self.placement = Placement(placed.positions[at], weight, *scale)

    def _by_slot(self, samples: Float[Array, "camera time *rest"]) -> Array:
        """Samples of every camera in the slots of the basis, after the markers; empty slots repeat
        some sample."""
        slots = samples[:, self.basis.sample.reshape(-1)]
        return jnp.swapaxes(slots, 1, 2) if samples.ndim > 2 else slots

    def unknowns(self, state: State) -> Unknowns:
        """A state in the words of the problem."""
        trajectory = eqx.tree_at(lambda t: t.control, self.trajectory, state.control)
        return Unknowns(trajectory, state.parameters, adjustment_of(state.cameras))

    def estimate(self, state: State) -> Estimate:
        """The model at a state."""
        pose = pose_about(self.reference, self.basis.values(state.control))
        return self.problem.estimate_at(pose, self.unknowns(state))

    def cost(self, state: State, tail: Float[Array, ""]) -> Float[Array, ""]:
        """The objective at a state, unitless."""
        return self.problem.with_tail(tail).cost_of(self.estimate(state))

    def step(
        self, state: State, damping: Float[Array, ""], tail: Float[Array, ""], free: Bool[Array, ""]
    ) -> Step:
        """Solve the damped system and move.

        Args:
            damping: relative to the diagonal of the Hessian.
            tail: of the robust loss.
            free: whether the shared unknowns may move.
        """
        band, border, corner, right, right_shared, held = self.normal_equations(state, tail)
        band, raised = braked(band, damping)
        hold = jnp.where(free, 0.0, HOLD).astype(band.dtype) * held
        lift = jnp.where(held > 0, damping * jnp.diag(corner) + hold, 0.0)
        own, shared = solve_arrow(band, border, corner + jnp.diag(lift), -right, -right_shared)
        decrement = -0.5 * ((own * right).sum() + (shared * right_shared).sum())
        held_back = (own * own * raised).sum() + (shared * shared * lift).sum()
        return Step(self.moved(state, own, shared), decrement, decrement + 0.5 * held_back)

    def normal_equations(self, state: State, tail: Float[Array, ""]) -> Arrow:
        """The arrow at a state.

        Where cameras have instants of their own, the gradient is exact; in the second
        derivatives bodies turn there as they do at the nearest sample time.
        """
        basis, problem = self.basis, self.problem
        estimate = self.estimate(state)
        turn = basis.in_slots(basis.values(state.control)[:, 3:6])
        poses = jax.tree.map(basis.in_slots, estimate.pose)
        twists = self.kinematics(state.parameters, poses, left_jacobian(turn))
        reprojection = eqx.tree_at(lambda r: r.tail, self.reprojection, tail)
        if estimate.pictured is None:
            points = jnp.transpose(twists.arm, (1, 2, 0)) + poses.root_position[None]
        else:
            points = self._by_slot(estimate.pictured)
        instruments = self._instruments(state, estimate, points)
        sight = look(reprojection, estimate.rig, points)
        placed = None
        if self.placement is not None:
            anew = eqx.tree_at(lambda p: p.tail, self.placement, tail)
            markers = jnp.transpose(twists.arm, (2, 1, 0)) + poses.root_position[:, None]
            placed = anew.information(markers)
        seen = detection_system(
            self.kinematics, twists, poses.root_position.T, sight, instruments, basis, placed
        )
        seen = jax.lax.optimization_barrier(seen)
        to_parameters = ToParameters(self.kinematics, twists, instruments)
        corner = to_parameters(to_parameters(seen.corner).T)
        curvatures = [prior.curvature(estimate) for prior in problem.priors]
        held = corner_of(problem.body, curvatures, self.columns)
        means, mean_corner = means_of(problem.body, curvatures, basis)
        if problem.timed:
            by_control, by_shared = self._whole_gradient(state, tail)
        else:
            by_sample, of_priors = self._prior_gradient(state, estimate)
            by_control = seen.pull + basis.gather(basis.full_slots(by_sample))
            by_shared = to_parameters(seen.gradient[None])[0] + of_priors
        zero = jnp.zeros_like(mean_corner)
        return Arrow(
            band=seen.band + band_of(curvatures, basis),
            border=self._border_of(seen, to_parameters, means),
            corner=jax.scipy.linalg.block_diag(corner + held, jnp.diag(mean_corner)),
            own_gradient=by_control,
            shared_gradient=jnp.concatenate([by_shared, zero]),
            prior=jnp.concatenate([jnp.diagonal(held), zero]),
        )

    def _border_of(
        self,
        seen: DetectionSystem,
        to_parameters: ToParameters,
        means: Float[Array, "control n joint"],
    ) -> Float[Array, "control n shared"]:
        """Control points against all shared unknowns."""
        scales, cameras = to_parameters.parts(seen.scales, seen.offsets, seen.cameras)
        parts = (scales, seen.offsets, cameras, means)
        border = jnp.zeros((*means.shape[:2], sum(part.shape[2] for part in parts)), means.dtype)
        at = 0
        # Written one after the other: XLA on a CPU is slow to concatenate.
        for part in jax.lax.optimization_barrier(parts):
            border = jax.lax.dynamic_update_slice(border, part, (0, 0, at))
            at += part.shape[2]
        return border

    def _instruments(self, state: State, estimate: Estimate, points: Array) -> Instruments:
        """What is unknown of the cameras, beside the points they see."""
        turn = state.cameras[:, :3] if "poses" in self.refine else None
        images = []
        if "lenses" in self.refine:
            images.append(estimate.rig.lens_derivatives(points, own=points.ndim == 4))
        if "clocks" in self.refine:
            images.append(self._clock_derivatives(state, estimate, points))
        if not images:
            return Instruments(estimate.rig, turn, None)
        u, v = (jnp.concatenate(each) for each in zip(*images, strict=True))
        return Instruments(estimate.rig, turn, (u, v))

    def _clock_derivatives(
        self, state: State, estimate: Estimate, points: Array
    ) -> tuple[Array, Array]:
        """Derivatives of u and of v by each camera's offset and drift."""
        problem, unknowns = self.problem, self.unknowns(state)
        zero = jnp.zeros((), problem.time.dtype)
        one = jnp.ones_like(zero)
        _, velocity = jax.jvp(lambda later: problem.pictured(unknowns, later), (zero,), (one,))
        velocity = self._by_slot(velocity)
        _, _, du, dv = estimate.rig.project_derivatives(points, own=True)
        since = self._by_slot(problem.since_middle[None])[:, None]
        rates = [sum(slope[i] * velocity[..., i] for i in range(3)) for slope in (du, dv)]
        u, v = (jnp.stack([rate, rate * since]) for rate in rates)
        return u, v

    def _whole_gradient(
        self, state: State, tail: Float[Array, ""]
    ) -> tuple[Float[Array, "control n"], Float[Array, "shared"]]:
        """Exact gradient of the objective, differentiated."""
        by_state = jax.grad(self.cost)(state, tail)
        return by_state.control, self._flat(by_state)

    def _flat(self, of_state: State) -> Float[Array, "shared"]:
        """The shared unknowns of a state in the order of the corner."""
        parts = (
            of_state.parameters.log_scale,
            of_state.parameters.marker_offset,
            of_state.cameras[:, self.columns],
        )
        return jnp.concatenate([part.reshape(-1) for part in parts])

    def _prior_gradient(
        self, state: State, estimate: Estimate
    ) -> tuple[Float[Array, "time coordinate"], Float[Array, "shared"]]:
        """Exact gradient of all priors, differentiated. None of them looks at a marker."""
        samples = self.basis.values(state.control)

        def cost(samples: Array, state: State) -> Array:
            pose, cameras = pose_about(self.reference, samples), adjustment_of(state.cameras)
            here = (pose, state.parameters, cameras)
            moved = eqx.tree_at(lambda e: (e.pose, e.parameters, e.cameras), estimate, here)
            return self.problem.prior_cost_of(moved)

        by_sample, by_state = jax.grad(cost, (0, 1))(samples, state)
        return by_sample, self._flat(by_state)

    def moved(
        self, state: State, own: Float[Array, "control n"], shared: Float[Array, "shared"]
    ) -> State:
        """A state some steps on, of control points no longer than `LONGEST_STEP`."""
        n_scale = len(self.problem.body.segment_names)
        n_marker = len(self.problem.body.marker_names)
        end = n_scale + 3 * n_marker
        parameters = BodyParameters(
            state.parameters.log_scale + shared[:n_scale],
            state.parameters.marker_offset + shared[n_scale:end].reshape(n_marker, 3),
        )
        n_camera = state.cameras.shape[0]
        n_column = len(self.columns)
        each = shared[end : end + n_camera * n_column].reshape(n_camera, n_column)
        cameras = state.cameras.at[:, self.columns].add(each)
        own = jnp.clip(own, -LONGEST_STEP, LONGEST_STEP)
        return State(state.control + own, parameters, cameras)


def braked(
    band: Float[Array, "4 control n n"], damping: Float[Array, ""]
) -> tuple[Float[Array, "4 control n n"], Float[Array, "control n"]]:
    """A band with its diagonal raised, and by how much, where anything is known at all.

    A control point that nothing informs, in padding or beyond a gap, stays where it is.

    Args:
        band: second derivatives.
        damping: relative to their diagonal.
    """
    diagonal = jnp.einsum("kii->ki", band[0])
    peak = jnp.maximum(diagonal.max(0, keepdims=True), 1.0)
    raised = damping * diagonal
    brake = raised + jnp.where(diagonal > UNINFORMED * peak, 0.0, peak)
    eye = jnp.eye(band.shape[2], dtype=band.dtype)[None]
    return band.at[0].add(brake[..., None] * eye), raised
