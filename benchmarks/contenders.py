"""The ways to learn one sample that are timed against each other."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import snnbp
from snnbp.circuit.weights import Weights
from snnbp.training.data import Samples

PUBLISHED = "published simulation (NumPy)"


@dataclass(frozen=True)
class Contender:
    """`learn` is one pass; contenders of one `rule` must agree. It gets `slowness` times fewer samples."""

    rule: str
    learn: Callable[[Weights, Samples], Weights]
    slowness: int


def available() -> dict[str, Contender]:
    """All contenders that can run here, the yardstick first."""
    everyone = {PUBLISHED: Contender("published-simulation", published, 40)}
    try:
        import jax  # noqa: F401
    except ImportError:
        print("JAX is not installed: left out")
    else:
        everyone["JAX lax.scan"] = Contender("published-simulation", with_jax, 10)
    everyone["reference"] = Contender("circuit", through("reference"), 40)
    everyone["spiking (12 steps, 8 matrices)"] = Contender("circuit", through("spiking"), 10)
    everyone["fused"] = Contender("circuit", through("fused"), 1)
    return everyone


def through(backend: str) -> Callable[[Weights, Samples], Weights]:
    """A backend of the package, through its public entry."""
    return lambda weights, samples: snnbp.learn(weights, samples, backend)[0]


def published(weights: Weights, samples: Samples) -> Weights:
    """The authors' algorithm done their way: dense float64 matrices, one sample at a time."""
    w1, w2 = weights.matrices[0].astype(float), weights.matrices[1].astype(float)
    inputs, targets = samples.inputs.astype(float), np.eye(10)[samples.labels]
    for x, t in zip(inputs, targets, strict=True):
        v1 = np.dot(x, w1)
        h = 1.0 * (v1 > 512)
        window = 1.0 * ((v1 > 0) & (v1 < 1024))
        v2 = np.dot(h, w2)
        o = 1.0 * (v2 > 512)
        delta2 = (t - o) * (((t > o) & (v2 > 0)) | ((t < o) & (v2 < 1024)))
        w2 += 2 * np.outer(h, delta2)
        w2 = np.clip(w2, -254, 254)
        delta1 = np.clip(np.dot(delta2, w2.T) * window, -1, 1)
        w1 += 2 * np.outer(x, delta1)
        w1 = np.clip(w1, -254, 254)
    return Weights((w1.astype(int), w2.astype(int)))


def with_jax(weights: Weights, samples: Samples) -> Weights:
    """The same, compiled by XLA as one scan over the samples; float32 holds these integers exactly."""
    import jax
    import jax.numpy as jnp

    def one_sample(carry, sample):
        (w1, w2), (x, t) = carry, sample
        v1 = x @ w1
        h = (v1 > 512).astype(jnp.float32)
        window = (v1 > 0) & (v1 < 1024)
        v2 = h @ w2
        o = (v2 > 512).astype(jnp.float32)
        delta2 = (t - o) * (((t > o) & (v2 > 0)) | ((t < o) & (v2 < 1024)))
        w2 = jnp.clip(w2 + 2 * jnp.outer(h, delta2), -254, 254)
        delta1 = jnp.clip((w2 @ delta2) * window, -1, 1)
        w1 = jnp.clip(w1 + 2 * jnp.outer(x, delta1), -254, 254)
        return (w1, w2), None

    if "scan" not in _compiled:
        _compiled["scan"] = jax.jit(lambda carry, stream: jax.lax.scan(one_sample, carry, stream)[0])
    start = (jnp.asarray(weights.matrices[0], jnp.float32), jnp.asarray(weights.matrices[1], jnp.float32))
    stream = (jnp.asarray(samples.inputs, jnp.float32), jnp.asarray(np.eye(10)[samples.labels], jnp.float32))
    w1, w2 = _compiled["scan"](start, stream)
    return Weights((np.asarray(w1).astype(int), np.asarray(w2).astype(int)))


_compiled: dict[str, Callable] = {}
