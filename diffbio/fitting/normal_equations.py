"""The Gauss-Newton system of the detections: from pixels to an arrow over control points.

What all cameras say about one marker in one frame is a 3 x 3 information matrix and a gradient.
All markers beyond a mover add up to the information about its twist, 6 x 6. Twists, and what
resists them, are then weighted by the spline's basis and multiplied over the sixteen or so
samples that feel a control point: one product per control point for the band, one for the border.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body.jacobian import TwistKinematics, Twists, cross
from diffbio.fitting.camera_equations import camera_columns
from diffbio.fitting.composite import beyond, both_ways, moments, pressed
from diffbio.fitting.sight import Instruments, Sight
from diffbio.fitting.spline_basis import WINDOW, SplineBasis


class DetectionSystem(NamedTuple):
    """Second derivatives and gradient of the detections' term.

    Shared unknowns are here log scales as far as they move the bodies, marker offsets, and what
    is unknown of each camera, its pose as a twist about its own centre; `ToParameters` makes of
    them what the fit calls so. Columns of one kind are apart, for to put them beside each other
    costs more than to compute them.

    Attributes:
        band: control points against each other; `band[d, k]` belongs to k and k + d.
        scales: control points against log scales.
        offsets: control points against marker offsets.
        cameras: control points against what is unknown of the cameras.
        pull: gradient of the control points.
        corner: shared unknowns against each other.
        gradient: of the shared unknowns.
    """

    band: Float[Array, "4 control n n"]
    scales: Float[Array, "control n scale"]
    offsets: Float[Array, "control n offset"]
    cameras: Float[Array, "control n column"]
    pull: Float[Array, "control n"]
    corner: Float[Array, "shared shared"]
    gradient: Float[Array, "shared"]


class Felt(NamedTuple):
    """Every mover of a coordinate over the samples that each control point feels.

    Attributes:
        twist: weighted by the control point.
        resist: what resists it.
    """

    twist: Float[Array, "control 4 slot 6 mover"]
    resist: Float[Array, "control 4 slot 6 mover"]


def detection_system(
    kinematics: TwistKinematics,
    twists: Twists,
    root: Float[Array, "3 time"],
    sight: Sight,
    instruments: Instruments,
    basis: SplineBasis,
    placed: tuple[Float[Array, "time marker"], Float[Array, "time marker 3"]] | None = None,
) -> DetectionSystem:
    """The detections' system at one state.

    Args:
        kinematics: constants of the body.
        twists: of its movers, in the slots of the basis.
        root: origin of the root, in metres.
        sight: what the cameras say.
        instruments: the cameras, and what is unknown of them.
        basis: slots of the samples.
        placed: what optical markers say, along every axis alike, and their pull.
    """
    carried, n, by_segment = kinematics.carried, kinematics.n_own, kinematics.by_segment
    information = [[h.sum(0) for h in row] for row in sight.information]
    pull = sight.gradient.sum(1)
    if placed is not None:
        said, drawn = placed[0].T, jnp.transpose(placed[1], (2, 1, 0))
        information = [
            [h + said if i == j else h for j, h in enumerate(row)]
            for i, row in enumerate(information)
        ]
        pull = pull + drawn
    resist = pressed(beyond(carried, moments(twists.arm, information)), twists.twist)
    wrench = beyond(carried, jnp.concatenate([cross(twists.arm, pull), pull]))
    slope = (twists.twist * wrench).sum(0)
    own, resisting = (_windows(x[:, :n], basis) for x in (twists.twist, resist))
    felt = Felt(own * basis.window_weight()[..., None, None], resisting)
    offsets, offset_corner, offset_gradient = _offsets(twists, information, pull)
    cameras = camera_columns(kinematics, twists, sight, root, instruments)
    by_camera = kinematics.by_coordinate(jnp.swapaxes(cameras.movers[..., :n], 0, 1))
    corner = _mirrored(
        [
            [
                _scales(kinematics, twists.twist, resist),
                _scales_by_offsets(kinematics, twists.twist, offsets),
                by_segment(cameras.movers[..., n:].sum(1)).T,
            ],
            [offset_corner, cameras.offsets],
            [cameras.corner],
        ]
    )
    gradient = [by_segment(slope[n:].sum(1)), offset_gradient.reshape(-1), cameras.gradient]
    return DetectionSystem(
        _band(kinematics, felt, basis),
        _motion_by_scales(kinematics, twists.twist, resist, felt, basis),
        _motion_by_offsets(kinematics, offsets, felt, basis),
        jnp.swapaxes(basis.gather(by_camera), 1, 2),
        basis.gather(kinematics.by_coordinate(slope[:n].T)),
        corner,
        jnp.concatenate(gradient),
    )


def _band(
    kinematics: TwistKinematics, felt: Felt, basis: SplineBasis
) -> Float[Array, "4 control n n"]:
    """Control points against each other and those after them."""
    n = kinematics.n_own
    contains, band = kinematics.contains[:n, :n], []
    for ahead in range(WINDOW):
        weight = basis.window_weight(ahead)[:, ahead:, :, None, None]
        # The earliest intervals of a control point do not reach those ahead of it.
        outer = _product(felt.twist[:, ahead:] * weight, felt.resist[:, ahead:])
        both = both_ways(contains, contains, outer, jnp.swapaxes(outer, 1, 2))
        band.append(_by_coordinate(kinematics, kinematics.by_coordinate(both)))
    return jnp.stack(band)


def _motion_by_scales(
    kinematics: TwistKinematics,
    twist: Float[Array, "6 mover time"],
    resist: Float[Array, "6 mover time"],
    felt: Felt,
    basis: SplineBasis,
) -> Float[Array, "control n scale"]:
    n, contains = kinematics.n_own, kinematics.contains
    outer = _product(felt.twist, _windows(resist[:, n:], basis))
    # A scale gives a velocity and no rotation.
    pressing = felt.resist[..., 3:, :] * basis.window_weight()[..., None, None]
    inner = _product(pressing, _windows(twist[3:, n:], basis))
    both = both_ways(contains[:n, n:], contains[n:, :n], outer, inner)
    return _by_coordinate(kinematics, kinematics.by_segment(both))


def _motion_by_offsets(
    kinematics: TwistKinematics,
    offsets: Float[Array, "6 marker 3 time"],
    felt: Felt,
    basis: SplineBasis,
) -> Float[Array, "control n offset"]:
    columns = _windows(offsets.reshape(6, -1, offsets.shape[-1]), basis)
    carried = np.repeat(kinematics.carried[: kinematics.n_own], 3, axis=1)
    product = jnp.where(jnp.asarray(carried), _product(felt.twist, columns), 0)
    return _by_coordinate(kinematics, product)


def _windows(
    x: Float[Array, "component column time"], basis: SplineBasis
) -> Float[Array, "control 4 slot component column"]:
    return basis.windows(jnp.transpose(x, (2, 0, 1)))


def _by_coordinate(
    kinematics: TwistKinematics, rows: Float[Array, "control own_mover column"]
) -> Float[Array, "control n column"]:
    """Sums over the movers of each coordinate, which are the rows."""
    return jnp.swapaxes(kinematics.by_coordinate(jnp.swapaxes(rows, 1, 2)), 1, 2)


def _product(
    a: Float[Array, "control interval slot component row"],
    b: Float[Array, "control interval slot component column"],
) -> Float[Array, "control row column"]:
    """Products summed over all that a control point feels."""
    n_control = a.shape[0]
    a, b = (x.reshape(n_control, -1, x.shape[-1]) for x in (a, b))
    return jnp.swapaxes(a, 1, 2) @ b


def _scales(
    kinematics: TwistKinematics,
    twist: Float[Array, "6 mover time"],
    resist: Float[Array, "6 mover time"],
) -> Float[Array, "scale scale"]:
    """Log scales against each other."""
    n = kinematics.n_own
    contains = kinematics.contains[n:, n:]
    moved, resisting = (_rows(x[3:, n:]) for x in (twist, resist))
    outer = moved @ resisting.T
    both = both_ways(contains, contains, outer, outer.T)
    return kinematics.by_segment(kinematics.by_segment(both).T)


def _scales_by_offsets(
    kinematics: TwistKinematics,
    twist: Float[Array, "6 mover time"],
    offsets: Float[Array, "6 marker 3 time"],
) -> Float[Array, "scale offset"]:
    n = kinematics.n_own
    columns = offsets[3:].reshape(3, -1, offsets.shape[-1])
    product = _rows(twist[3:, n:]) @ _rows(columns).T
    carried = jnp.asarray(np.repeat(kinematics.carried[n:], 3, axis=1))
    return kinematics.by_segment(jnp.where(carried, product, 0).T).T


def _rows(x: Float[Array, "component row time"]) -> Float[Array, "row rest"]:
    return jnp.swapaxes(x, 0, 1).reshape(x.shape[1], -1)


def _mirrored(blocks: list[list[Array]]) -> Float[Array, "shared shared"]:
    """A symmetric matrix from its upper blocks, each row from the diagonal on."""
    ends = np.cumsum([0, *(row[0].shape[0] for row in blocks)])
    whole = jnp.zeros((ends[-1],) * 2, blocks[0][0].dtype)
    for i, row in enumerate(blocks):
        for j, block in enumerate(row, i):
            if block.size:
                whole = jax.lax.dynamic_update_slice(whole, block, (ends[i], ends[j]))
            if block.size and i != j:
                whole = jax.lax.dynamic_update_slice(whole, block.T, (ends[j], ends[i]))
    return whole


def _offsets(
    twists: Twists, information: list[list[Array]], pull: Float[Array, "3 marker time"]
) -> tuple[
    Float[Array, "6 marker 3 time"],
    Float[Array, "offset offset"],
    Float[Array, "marker 3"],
]:
    """Markers' offsets against the twists of their bodies, each other, and the gradient."""
    rotation, h = twists.rotation, information
    turned = jnp.stack([sum(h[i][k][None] * rotation[k] for k in range(3)) for i in range(3)])
    columns = jnp.concatenate([cross(twists.arm[:, None], turned), turned])
    own = jnp.stack([(rotation[:, i, None] * turned).sum((0, 3)) for i in range(3)])
    n = own.shape[2]
    blocks = (
        jnp.transpose(own, (2, 0, 1))[:, :, None] * jnp.eye(n, dtype=own.dtype)[:, None, :, None]
    )
    gradient = (rotation * pull[:, None]).sum((0, 3))
    columns = jax.lax.optimization_barrier(jnp.swapaxes(columns, 1, 2))
    return columns, blocks.reshape(3 * n, 3 * n), gradient.T
