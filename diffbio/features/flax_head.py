"""A small network as head, with the fit and predict of scikit-learn."""

import functools
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from diffbio._jax import relaxed_promotion


class Perceptron(nn.Module):
    """Dense layers with `tanh` between them.

    Attributes:
        widths: of the hidden layers.
        n_outputs: of the last layer.
    """

    widths: tuple[int, ...]
    n_outputs: int

    @nn.compact
    def __call__(self, rows: Array) -> Array:
        """Outputs of every row."""
        for width in self.widths:
            rows = nn.tanh(nn.Dense(width, param_dtype=rows.dtype)(rows))
        return nn.Dense(self.n_outputs, param_dtype=rows.dtype)(rows)


class FlaxClassifier(ClassifierMixin, BaseEstimator):
    """Classes by a network: cross-entropy in which every class counts alike, weights penalised.

    Args:
        seed: of the first weights.
        widths: of the hidden layers.
        strength: of the penalty, half the square of all weights, beside the sum over rows.
        n_iterations: of L-BFGS at most, over all rows at once.
    """

    def __init__(
        self,
        *,
        seed: int,
        widths: Sequence[int] = (8,),
        strength: float = 1.0,
        n_iterations: int = 200,
    ) -> None:
        self.seed, self.widths = seed, widths
        self.strength, self.n_iterations = strength, n_iterations

    def fit(self, features: Float[np.ndarray, "row feature"], target: np.ndarray):
        """Learn from rows and their classes."""
        self.classes_, number = np.unique(target, return_inverse=True)
        n_classes = len(self.classes_)
        self.network_ = Perceptron(tuple(self.widths), n_classes)
        share = len(number) / (n_classes * np.bincount(number, minlength=n_classes))
        wanted = np.eye(n_classes)[number] * share[number][:, None]
        start = (self.network_, self.seed, self.strength, self.n_iterations)
        self.parameters_ = _trained(_cross_entropy, *start, features, wanted)
        return self

    def predict_proba(
        self, features: Float[np.ndarray, "row feature"]
    ) -> Float[np.ndarray, "row class"]:
        """Share of each class, in the order of `classes_`."""
        outputs = _outputs(self.network_, self.parameters_, features)
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, features: Float[np.ndarray, "row feature"]) -> np.ndarray:
        """The class of the largest share."""
        return self.classes_[self.predict_proba(features).argmax(axis=1)]


class FlaxRegressor(RegressorMixin, BaseEstimator):
    """A number by a network: squared error of the standardised target, weights penalised.

    Args:
        seed: of the first weights.
        widths: of the hidden layers.
        strength: of the penalty, half the square of all weights, beside half the sum of squares.
        n_iterations: of L-BFGS at most, over all rows at once.
    """

    def __init__(
        self,
        *,
        seed: int,
        widths: Sequence[int] = (8,),
        strength: float = 1.0,
        n_iterations: int = 200,
    ) -> None:
        self.seed, self.widths = seed, widths
        self.strength, self.n_iterations = strength, n_iterations

    def fit(self, features: Float[np.ndarray, "row feature"], target: np.ndarray):
        """Learn from rows and their numbers."""
        self.mean_, self.sd_ = float(np.mean(target)), float(np.std(target)) or 1.0
        self.network_ = Perceptron(tuple(self.widths), 1)
        wanted = ((np.asarray(target, float) - self.mean_) / self.sd_)[:, None]
        start = (self.network_, self.seed, self.strength, self.n_iterations)
        self.parameters_ = _trained(_squared_error, *start, features, wanted)
        return self

    def predict(self, features: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row"]:
        """One number per row, in the unit of the target."""
        outputs = _outputs(self.network_, self.parameters_, features)
        return self.mean_ + self.sd_ * outputs[:, 0]


_Loss = Callable[[Array, Array], Array]


def _cross_entropy(outputs: Array, wanted: Array) -> Array:
    return -jnp.sum(wanted * jax.nn.log_softmax(outputs))


def _squared_error(outputs: Array, wanted: Array) -> Array:
    return 0.5 * jnp.sum((outputs - wanted) ** 2)


def _trained(
    loss: _Loss,
    network: Perceptron,
    seed: int,
    strength: float,
    n_iterations: int,
    features: np.ndarray,
    wanted: np.ndarray,
) -> Float[np.ndarray, "parameter"]:
    """Parameters, flat, of the lowest objective that L-BFGS finds from the seeded start."""
    rows = jnp.asarray(features)
    key = jax.random.key(seed)
    first, _ = ravel_pytree(_first(network, key, rows))
    known = rows, jnp.asarray(wanted, rows.dtype), jnp.asarray(strength, rows.dtype)

    def value_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _objective(loss, network, jnp.asarray(flat, rows.dtype), *known)
        return float(value), np.asarray(slope, float)

    found = minimize(
        value_and_slope,
        np.asarray(first, float),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": n_iterations},
    )
    return np.asarray(found.x, float)


def _first(network: Perceptron, key: Array, rows: Array) -> object:
    with relaxed_promotion():
        return network.init(key, rows[:1])


@functools.partial(jax.jit, static_argnums=(0, 1))
def _objective(
    loss: _Loss, network: Perceptron, flat: Array, rows: Array, wanted: Array, strength: Array
) -> tuple[Array, Array]:
    def of(flat: Array) -> Array:
        outputs = _apply(network, flat, rows)
        return loss(outputs, wanted) + 0.5 * strength * jnp.sum(flat**2)

    return jax.value_and_grad(of)(flat)


@functools.partial(jax.jit, static_argnums=0)
def _apply(network: Perceptron, flat: Array, rows: Array) -> Array:
    # The key is of no consequence: nothing is drawn, only shapes are asked for.
    shapes = jax.eval_shape(functools.partial(_first, network), jax.random.key(0), rows)
    like = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    parameters = ravel_pytree(like)[1](flat)
    with relaxed_promotion():
        return jnp.asarray(network.apply(parameters, rows))


def _outputs(
    network: Perceptron, flat: np.ndarray, features: np.ndarray
) -> Float[np.ndarray, "row output"]:
    rows = jnp.asarray(features)
    return np.asarray(_apply(network, jnp.asarray(flat, rows.dtype), rows), float)
