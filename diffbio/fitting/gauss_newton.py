"""Second-order fit of a spline trajectory, the person and the cameras, all at once.

Damped Gauss-Newton with robust reweighting (IRLS). The system is an arrow: a band over the
control points, bordered by what all times share. First the shared unknowns are held while the
poses settle, then everything moves. One compiled loop, no word to Python until it ends.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.body import BodyParameters, Pose
from diffbio.body.jacobian import twist_kinematics
from diffbio.fitting.banded import solve_arrow
from diffbio.fitting.fit import Outcome
from diffbio.fitting.normal_equations import frame_system
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals import Curvature, Estimate, Reprojection
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.geometry import left_jacobian
from diffbio.trajectories.spline import SplineTrajectory, pose_about

MAX_ITERATIONS = 60

FIRST_DAMPING, HIGHEST_DAMPING = 1e-1, 1e6
"""Relative to the diagonal of the Hessian."""

EASING, STIFFENING = 0.1, 4.0
"""Least factor of the damping after a step that was taken, first factor after one that was not."""

HELD_FLOOR, FREE_FLOOR = 1e-4, 1e-7
"""Lowest damping while the shared unknowns are held and after. Directions in which angles,
offsets and cameras trade against each other are so flat that any higher floor stops in them."""

HOLD = 1e4
"""Stiffness that holds the shared unknowns at first, in units of their priors."""

LONGEST_STEP = 0.4
"""In radians and metres, of a control point in one iteration."""

TRUSTED = 1e-4
"""Highest damping at which a short step means that the minimum is near."""

QUIET = 6
"""Steps in a row that gain less than the tolerance, taken or not: the valley is so bent that
what is left of it is not worth the walk."""

SETTLED = 3e-2
"""Relative decrease at which the poses have settled and the shared unknowns are set free."""


class State(eqx.Module):
    """The unknowns as the solver sees them.

    Attributes:
        control: control points of the trajectory.
        parameters: the person.
        camera_rotation: rotation vectors about each camera's centre, camera frame, radians.
        camera_shift: movement of each camera's centre, world frame, metres.
    """

    control: Float[Array, "control coordinate"]
    parameters: BodyParameters
    camera_rotation: Float[Array, "camera 3"]
    camera_shift: Float[Array, "camera 3"]


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


class Progress(NamedTuple):
    """What the loop carries besides the state, and what it leaves.

    Attributes:
        state: the estimate.
        cost: the objective there, unitless.
        damping: relative to the diagonal of the Hessian.
        stiffening: factor of the damping should the next step be rejected.
        free: whether the shared unknowns are free.
        iterations: linear systems solved.
        rejected: steps that were not taken.
        quiet: last steps in a row that gained less than the tolerance.
        outcome: why it stopped; -1 while it runs.
        costs: the objective after every iteration; NaN for those not made.
        decrements: of the quadratic model, likewise.
    """

    state: State
    cost: Float[Array, ""]
    damping: Float[Array, ""]
    stiffening: Float[Array, ""]
    free: Bool[Array, ""]
    iterations: Int[Array, ""]
    rejected: Int[Array, ""]
    quiet: Int[Array, ""]
    outcome: Int[Array, ""]
    costs: Float[Array, "iteration"]
    decrements: Float[Array, "iteration"]


@eqx.filter_jit
def solve(
    problem: Problem,
    basis: SplineBasis,
    unknowns: Unknowns,
    tolerance: Float[Array, ""],
    limit: Int[Array, ""],
    *,
    refine_cameras: bool,
) -> tuple[Unknowns, Progress]:
    """Minimise the objective of a problem.

    Args:
        problem: one trial.
        basis: its sample times in the knot intervals of the trajectory.
        unknowns: where to start; the trajectory is a spline.
        tolerance: decrease that the quadratic model may still promise at the end, unitless:
            at 0.01 no unknown is farther than 0.15 standard deviations from the minimum.
        limit: linear systems to solve at most; no more than `MAX_ITERATIONS`.
        refine_cameras: whether cameras are unknown.
    """
    trajectory = unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    # An accelerator's default rounds factors to ten bits: too few for a Schur complement.
    with jax.default_matmul_precision("highest"):
        system = _System(problem, basis, trajectory, refine_cameras)
        first = State(
            trajectory.control,
            unknowns.parameters,
            unknowns.camera_rotation,
            unknowns.camera_shift,
        )
        done = _iterate(system, first, tolerance, limit)
    state = done.state
    trajectory = eqx.tree_at(lambda t: t.control, trajectory, state.control)
    fitted = Unknowns(trajectory, state.parameters, state.camera_rotation, state.camera_shift)
    return fitted, done


def _iterate(
    system: "_System", first: State, tolerance: Float[Array, ""], limit: Int[Array, ""]
) -> Progress:
    dtype = first.control.dtype
    nothing = jnp.full(MAX_ITERATIONS, jnp.nan, dtype)
    start = Progress(
        state=first,
        cost=system.cost(first),
        damping=jnp.asarray(FIRST_DAMPING, dtype),
        stiffening=jnp.asarray(STIFFENING, dtype),
        free=jnp.asarray(False),
        iterations=jnp.asarray(0),
        rejected=jnp.asarray(0),
        quiet=jnp.asarray(0),
        outcome=jnp.asarray(-1),
        costs=nothing,
        decrements=nothing,
    )

    def advance(now: Progress) -> Progress:
        step = system.step(now.state, now.damping, now.free)
        cost = system.cost(step.state)
        # Near the minimum the difference of two costs is rounding; the model decides there.
        slack = 4 * jnp.finfo(dtype).eps * jnp.abs(now.cost)
        blurred = step.promised < 8 * slack
        better = jnp.isfinite(cost) & (cost <= now.cost + slack)
        floor = jnp.where(now.free, FREE_FLOOR, HELD_FLOOR).astype(dtype)
        gained = now.cost - cost
        # The better the model foretold the gain, the more the next step may trust it (Nielsen
        # 1999): damping that is merely right stays, instead of being undershot every other time.
        trust = jnp.where(blurred, 1.0, jnp.clip(gained / step.promised, 0.0, 1.0))
        eased = jnp.maximum(now.damping * jnp.maximum(1 - (2 * trust - 1) ** 3, EASING), floor)
        settled = better & ~now.free & (gained < SETTLED * jnp.abs(now.cost))
        near = (step.decrement < tolerance) & (now.damping <= TRUSTED)
        calm = now.free & ~(better & (gained >= tolerance))
        quiet = jnp.where(calm, now.quiet + 1, 0)
        converged = now.free & ((better & near) | (quiet >= QUIET))
        stuck = ~better & (now.damping >= HIGHEST_DAMPING)
        at = now.iterations
        outcome = jnp.where(
            converged,
            int(Outcome.CONVERGED),
            jnp.where(
                stuck,
                jnp.where(jnp.isfinite(now.cost), int(Outcome.STALLED), int(Outcome.NOT_FINITE)),
                -1,
            ),
        )
        return Progress(
            state=jax.tree.map(lambda a, b: jnp.where(better, b, a), now.state, step.state),
            cost=jnp.where(better, cost, now.cost),
            damping=jnp.where(better, eased, now.damping * now.stiffening),
            stiffening=jnp.where(better, STIFFENING, 2 * now.stiffening).astype(dtype),
            free=now.free | settled,
            iterations=at + 1,
            rejected=now.rejected + jnp.where(better, 0, 1),
            quiet=quiet.astype(now.quiet.dtype),
            outcome=outcome.astype(now.outcome.dtype),
            costs=now.costs.at[at].set(jnp.where(better, cost, now.cost)),
            decrements=now.decrements.at[at].set(step.decrement),
        )

    def goes_on(now: Progress) -> Bool[Array, ""]:
        return (now.outcome < 0) & (now.iterations < jnp.minimum(limit, MAX_ITERATIONS))

    end = jax.lax.while_loop(goes_on, advance, start)
    ran_out = jnp.where(end.outcome < 0, int(Outcome.MAX_STEPS), end.outcome)
    finite = jnp.isfinite(end.cost)
    outcome = jnp.where(finite, ran_out, int(Outcome.NOT_FINITE))
    return end._replace(outcome=outcome)


class _System:
    """The objective and its linear system, as functions of the state."""

    def __init__(
        self,
        problem: Problem,
        basis: SplineBasis,
        trajectory: SplineTrajectory,
        refine_cameras: bool,
    ) -> None:
        self.problem, self.basis, self.refine = problem, basis, refine_cameras
        self.kinematics = twist_kinematics(problem.body.with_kinematics("fused"))
        self.reference = trajectory.reference(problem.time)
        seen = problem.reprojection
        # Time is moved to the front, for that is the axis the slots are made of.
        u_px, v_px, weight = (
            jnp.swapaxes(place(jnp.swapaxes(x, 0, 1)), 0, 1)
            for place, x in (
                (basis.in_slots, seen.u_px),
                (basis.in_slots, seen.v_px),
                (basis.full_slots, seen.weight),
            )
        )
        self.reprojection = Reprojection(u_px, v_px, weight, seen.sigma_px, seen.huber)

    def estimate(self, state: State) -> Estimate:
        pose = pose_about(self.reference, self.basis.values(state.control))
        return self._estimate_at(pose, state)

    def cost(self, state: State) -> Float[Array, ""]:
        return self.problem.cost_of(self.estimate(state))

    def step(self, state: State, damping: Float[Array, ""], free: Bool[Array, ""]) -> Step:
        """Solve the damped system and move."""
        band, border, corner, right, right_shared, held = self.normal_equations(state)
        n = band.shape[2]
        eye = jnp.eye(n, dtype=band.dtype)[None]
        diagonal = jnp.einsum("kii->ki", band[0])
        # A control point that nothing informs, in padding or beyond a gap, stays where it is.
        brake = damping * diagonal + jnp.where(diagonal > 0, 0.0, 1.0)
        band = band.at[0].add(brake[..., None] * eye)
        hold = jnp.where(free, 0.0, HOLD).astype(band.dtype) * held
        lift = jnp.where(held > 0, damping * jnp.diagonal(corner) + hold, 0.0)
        own, shared = solve_arrow(band, border, corner + jnp.diag(lift), -right, -right_shared)
        decrement = -0.5 * ((own * right).sum() + (shared * right_shared).sum())
        braked = (own * own * damping * diagonal).sum() + (shared * shared * lift).sum()
        own = jnp.clip(own, -LONGEST_STEP, LONGEST_STEP)
        return Step(self._moved(state, own, shared), decrement, decrement + 0.5 * braked)

    def normal_equations(self, state: State) -> tuple[Array, Array, Array, Array, Array, Array]:
        """The arrow at a state, undamped.

        Returns:
            Band, border and corner of the Hessian, the gradient of the control points and of
            the shared unknowns, and the priors' part of the corner's diagonal. Shared unknowns
            are log scales, marker offsets, cameras where refined, and last one per joint that
            stands for its mean over time.
        """
        basis = self.basis
        estimate = self.estimate(state)
        turn = basis.in_slots(basis.values(state.control)[:, 3:6])
        poses = jax.tree.map(basis.in_slots, estimate.pose)
        twists = self.kinematics(state.parameters, poses, left_jacobian(turn))
        frames = frame_system(
            self.kinematics,
            twists,
            poses.root_position,
            self.reprojection,
            estimate.rig,
            state.camera_rotation if self.refine else None,
        )
        frames = jax.lax.optimization_barrier(frames)
        band = basis.gather_pairs(frames.own)
        border = basis.gather(frames.border)
        curvatures = [prior.curvature(estimate) for prior in self.problem.priors]
        by_sample, by_shared = self._prior_gradient(state)
        own_gradient = border[..., -1] + basis.gather(basis.full_slots(by_sample))
        band = band + self._band_of(curvatures)
        held = self._corner_of(curvatures, frames.corner.shape[0])
        means, mean_corner = self._means_of(curvatures)
        border = jnp.concatenate([border[..., :-1], means], axis=2)
        corner = jax.scipy.linalg.block_diag(frames.corner + held, jnp.diag(mean_corner))
        zero = jnp.zeros_like(mean_corner)
        return (
            band,
            border,
            corner,
            own_gradient,
            jnp.concatenate([frames.gradient + by_shared, zero]),
            jnp.concatenate([jnp.diagonal(held), zero]),
        )

    def _estimate_at(self, pose: Pose, state: State) -> Estimate:
        return self.problem.estimate_at(
            pose, state.parameters, state.camera_rotation, state.camera_shift
        )

    def _prior_gradient(
        self, state: State
    ) -> tuple[Float[Array, "time coordinate"], Float[Array, "shared"]]:
        """Exact gradient of all priors, differentiated."""
        samples = self.basis.values(state.control)

        def cost(samples: Array, state: State) -> Array:
            pose = pose_about(self.reference, samples)
            return self.problem.prior_cost_of(self._estimate_at(pose, state))

        by_sample, by_state = jax.grad(cost, (0, 1))(samples, state)
        parts = [by_state.parameters.log_scale, by_state.parameters.marker_offset.reshape(-1)]
        if self.refine:
            cameras = [by_state.camera_rotation, by_state.camera_shift]
            parts.append(jnp.concatenate(cameras, axis=1).reshape(-1))
        return by_sample, jnp.concatenate(parts)

    def _band_of(self, curvatures: list[Curvature]) -> Float[Array, "4 control n n"]:
        """What the priors add to the band: nothing off the blocks' diagonals."""
        basis = self.basis
        total = jnp.zeros((), self.problem.time.dtype)
        for curvature in curvatures:
            if curvature.joints is not None:
                each = jnp.pad(curvature.joints, ((0, 0), (6, 0)))
                total = total + basis.gather_pairs(basis.full_slots(each))
            if curvature.acceleration is not None:
                each = basis.full_slots(curvature.acceleration)
                total = total + basis.gather_pairs(each, bend=True)
        eye = jnp.eye(total.shape[-1], dtype=total.dtype)
        return total[..., None] * eye[None, None]

    def _corner_of(self, curvatures: list[Curvature], size: int) -> Float[Array, "shared shared"]:
        corner = jnp.zeros((size, size), self.problem.time.dtype)
        n_scale = len(self.problem.body.segment_names)
        end = n_scale + 3 * len(self.problem.body.marker_names)
        n_camera = len(self.problem.rig.names)
        for curvature in curvatures:
            if curvature.log_scale is not None:
                corner = corner.at[:n_scale, :n_scale].add(curvature.log_scale)
            if curvature.marker_offset is not None:
                each = jnp.repeat(curvature.marker_offset, 3)
                corner = corner.at[n_scale:end, n_scale:end].add(jnp.diag(each))
            if self.refine:
                for first, value in enumerate((curvature.camera_rotation, curvature.camera_shift)):
                    if value is not None:
                        axes = jnp.arange(6) // 3 == first
                        each = jnp.tile(jnp.where(axes, value, 0.0), n_camera)
                        corner = corner.at[end:, end:].add(jnp.diag(each))
        return corner

    def _means_of(
        self, curvatures: list[Curvature]
    ) -> tuple[Float[Array, "control n joint"], Float[Array, "joint"]]:
        """The rank-one part of a mean over time, as one more shared unknown per joint.

        Eliminating unknowns with corner `1 / a` and border `-w` leaves `-a w w^T`, which is
        what a term that holds the mean once takes back from the frames' own.
        """
        basis, dtype = self.basis, self.problem.time.dtype
        n_joint = len(self.problem.body.joint_names)
        n_control = basis.weight.shape[0] + 3
        border = jnp.zeros((n_control, 6 + n_joint, n_joint), dtype)
        corner = jnp.ones(n_joint, dtype)
        found = [c.common for c in curvatures if c.common is not None]
        if not found:
            return border, corner
        ((weight, information),) = found
        total = weight.sum()
        taken = jnp.maximum(total - 1, 0.0) / (total * total)
        felt = basis.gather(basis.full_slots(weight))
        some = taken > 0
        onto = jnp.eye(n_joint, dtype=dtype) * jnp.where(some, -information, 0.0)[None]
        border = border.at[:, 6:].set(felt[:, None, None] * onto[None])
        return border, jnp.where(some, information / jnp.where(some, taken, 1.0), 1.0)

    def _moved(
        self, state: State, own: Float[Array, "control n"], shared: Float[Array, "shared"]
    ) -> State:
        n_scale = len(self.problem.body.segment_names)
        n_marker = len(self.problem.body.marker_names)
        end = n_scale + 3 * n_marker
        parameters = BodyParameters(
            state.parameters.log_scale + shared[:n_scale],
            state.parameters.marker_offset + shared[n_scale:end].reshape(n_marker, 3),
        )
        rotation, shift = state.camera_rotation, state.camera_shift
        if self.refine:
            cameras = shared[end : end + 6 * rotation.shape[0]].reshape(-1, 6)
            rotation, shift = rotation + cameras[:, :3], shift + cameras[:, 3:]
        return State(state.control + own, parameters, rotation, shift)
