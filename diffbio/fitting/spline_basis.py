"""Sample times sorted into the knot intervals of a spline, and sums over what an interval holds."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

WINDOW = 4
"""Control points that are felt within one knot interval."""

PAIRS = tuple((a, a + d) for d in range(WINDOW) for a in range(WINDOW - d))


class SplineBasis(eqx.Module):
    """Which control points each sample feels. Samples lie in slots, equally many per interval.

    Attributes:
        sample: index of the sample in each slot; of any sample in an empty one.
        filled: which slots hold a sample.
        slot: index of the slot of each sample.
        weight: of the interval's four control points, per slot; zero in empty slots.
        bend: the same for the second time derivative, in 1/s^2.
    """

    sample: Int[Array, "interval slot"]
    filled: Bool[Array, "interval slot"]
    slot: Int[Array, "time"]
    weight: Float[Array, "interval slot 4"]
    bend: Float[Array, "interval slot 4"]

    def values(self, control: Float[Array, "control n"]) -> Float[Array, "time n"]:
        """The spline at the samples."""
        n_interval = self.weight.shape[0]
        windows = jnp.stack([control[j : j + n_interval] for j in range(WINDOW)], axis=1)
        slots = jnp.einsum("isj,ijn->isn", self.weight, windows)
        return slots.reshape(-1, control.shape[1])[self.slot]

    def in_slots(self, samples: Float[Array, "time *rest"]) -> Float[Array, "slot *rest"]:
        """Per sample to per slot; empty slots repeat some sample."""
        return samples[self.sample.reshape(-1)]

    def full_slots(self, samples: Float[Array, "time *rest"]) -> Float[Array, "slot *rest"]:
        """Per sample to per slot; zero in empty slots."""
        filled = self.filled.reshape(-1, *(1,) * (samples.ndim - 1))
        return jnp.where(filled, self.in_slots(samples), 0)

    def gather(self, slots: Float[Array, "slot *rest"]) -> Float[Array, "control *rest"]:
        """Transpose of `values`: sums over the samples that feel each control point."""
        n_interval, n_slot = self.sample.shape
        rest = slots.shape[1:]
        by_interval = slots.reshape(n_interval, n_slot, math.prod(rest))
        sums = jnp.einsum("isj,isq->jiq", self.weight, by_interval)
        total = _overlap([sums[j] for j in range(WINDOW)])
        return total.reshape(total.shape[0], *rest)

    def windows(
        self, slots: Float[Array, "slot *rest"]
    ) -> Float[Array, "control 4 slot_of_interval *rest"]:
        """What lies in the four intervals in which each control point is felt; zero beyond."""
        return _windows(slots.reshape(*self.sample.shape, *slots.shape[1:]))

    def window_weight(self, ahead: int = 0) -> Float[Array, "control 4 slot_of_interval"]:
        """How much the samples there feel the control point, or the one so many after it."""
        places = [WINDOW - 1 - r + ahead for r in range(WINDOW)]
        felt = [place if place < WINDOW else None for place in places]
        parts = [
            jnp.zeros_like(self.weight[..., 0]) if place is None else self.weight[..., place]
            for place in felt
        ]
        return jnp.stack([_windows(part)[:, r] for r, part in enumerate(parts)], axis=1)

    def gather_pairs(
        self, slots: Float[Array, "slot *rest"], *, bend: bool = False
    ) -> Float[Array, "4 control *rest"]:
        """Sums of products of two weights: `[d, k]` belongs to control points k and k + d.

        Args:
            slots: what each sample brings.
            bend: weigh by the second derivative instead of by the value.
        """
        n_interval, n_slot = self.sample.shape
        rest = slots.shape[1:]
        weight = self.bend if bend else self.weight
        first, second = np.asarray(PAIRS).T
        products = weight[..., first] * weight[..., second]
        sums = jnp.einsum("isp,isq->piq", products, slots.reshape(n_interval, n_slot, -1))
        band, at = [], 0
        for d in range(WINDOW):
            parts = [sums[at + j] for j in range(WINDOW - d)]
            band.append(_overlap([*parts, *[jnp.zeros_like(parts[0])] * d]))
            at += WINDOW - d
        return jnp.stack(band).reshape(WINDOW, -1, *rest)


def make_spline_basis(
    time: Float[np.ndarray, "time"], start: float, spacing: float, n_control: int, dtype: np.dtype
) -> SplineBasis:
    """Sort samples into intervals.

    Args:
        time: sample times, in seconds, at or after `start`; the last interval goes on.
        start: time of the first knot, in seconds.
        spacing: time between knots, in seconds.
        n_control: number of control points.
    """
    n_interval = n_control - WINDOW + 1
    u = (time - start) / spacing
    # Rounding must not push a sample that lies on a knot into the interval before it.
    interval = np.clip(np.floor(u + 1e-6).astype(int), 0, n_interval - 1)
    order = np.argsort(interval, kind="stable")
    count = np.bincount(interval, minlength=n_interval)
    begin = np.concatenate([[0], np.cumsum(count)[:-1]])
    place = np.empty(len(time), int)
    place[order] = np.arange(len(time)) - begin[interval[order]]
    n_slot = int(count.max())
    sample = np.zeros((n_interval, n_slot), int)
    filled = np.zeros((n_interval, n_slot), bool)
    sample[interval, place] = np.arange(len(time))
    filled[interval, place] = True
    s = np.where(filled, u[sample] - np.arange(n_interval)[:, None], 0.0)
    r = 1 - s
    weight = np.stack([r**3, 3 * s**3 - 6 * s**2 + 4, 3 * r**3 - 6 * r**2 + 4, s**3], axis=-1) / 6
    bend = np.stack([r, 3 * s - 2, 3 * r - 2, s], axis=-1) / spacing**2
    return SplineBasis(
        jnp.asarray(sample),
        jnp.asarray(filled),
        jnp.asarray(interval * n_slot + place),
        jnp.asarray(np.where(filled[..., None], weight, 0.0), dtype),
        jnp.asarray(np.where(filled[..., None], bend, 0.0), dtype),
    )


def _windows(
    intervals: Float[Array, "interval *rest"],
) -> Float[Array, "control 4 *rest"]:
    n_control = intervals.shape[0] + WINDOW - 1
    beyond = [(WINDOW - 1, WINDOW - 1)] + [(0, 0)] * (intervals.ndim - 1)
    padded = jnp.pad(intervals, beyond)
    return jnp.stack([padded[r : r + n_control] for r in range(WINDOW)], axis=1)


def _overlap(parts: list[Float[Array, "interval q"]]) -> Float[Array, "control q"]:
    """Sum of per-interval parts, each shifted by its place in the window."""
    n_interval, n = parts[0].shape
    total = jnp.zeros((n_interval + len(parts) - 1, n), parts[0].dtype)
    for j, part in enumerate(parts):
        here = jax.lax.dynamic_slice(total, (j, 0), part.shape)
        total = jax.lax.dynamic_update_slice(total, here + part, (j, 0))
    return total
