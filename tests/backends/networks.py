"""Networks and samples that the tests of the backends share."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from snnbp import backends
from snnbp.backends import fused, reference, spiking
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.weights import Weights

STRONG = -254 * 2**7
"""The strongest inhibition that the chip offers."""

BACKENDS = tuple(name for name in backends.names() if name not in ("reference", "lava"))
"""What is compared with the reference here; Lava has tests of its own."""

KINDS = {
    "published": (1, "published"),
    "compact": (1, "compact"),
    "two layers": (2, None),
    "three": (3, None),
}
"""Circuits by name: number of hidden layers and schedule."""

every_kind = pytest.mark.parametrize("kind", KINDS)


class Samples(NamedTuple):
    inputs: np.ndarray
    labels: np.ndarray


def random_weights(rng, sizes, spread, threshold=1024, mean=0.0) -> Weights:
    """Weights around `mean` (weight units), a tenth of them at a bound or around zero."""
    matrices = []
    for shape in pairwise(sizes):
        matrix = np.clip(2 * np.rint(rng.normal(mean / 2, spread / 2, shape)), -256, 254)
        edges = rng.choice([-256, -254, -2, 0, 2, 252, 254], shape)
        matrices.append(np.where(rng.random(shape) < 0.1, edges, matrix).astype(np.int16))
    return Weights(tuple(matrices), threshold)


def random_samples(rng, sizes, n, density) -> Samples:
    return Samples(rng.random((n, sizes[0])) < density, rng.integers(0, sizes[-1], n))


def lively(seed, n_hidden, n=60) -> tuple[Weights, Samples]:
    """A small network all of whose layers learn."""
    rng = np.random.default_rng(seed)
    sizes = (30, *rng.integers(20, 41, n_hidden), 5)
    weights = Weights.draw(rng, sizes, scale=1.5)
    return weights, random_samples(rng, sizes, n, 0.5)


def block(pre, post, weight) -> np.ndarray:
    return np.full((pre, post), weight)


def split(total, parts) -> np.ndarray:
    """`parts` even numbers that add up to an even total."""
    return 2 * ((total // 2 + np.arange(parts)) // parts)


def matrices(learner) -> dict[str, np.ndarray]:
    """All matrices of a learner by symbol, B2+ as W2T+; the copies of one must be equal."""
    named: dict[str, np.ndarray] = {}
    if isinstance(learner, spiking.Learner):
        for p in learner.driver.circuit.matrices:
            matrix = learner.matrices[p.pre, p.post]
            name = p.symbol if p.learns else f"W{p.symbol[1:-1]}T{p.symbol[-1]}"
            assert np.array_equal(named.setdefault(name, matrix), matrix), p
        return named
    for n, matrix in enumerate(learner.weights.matrices, 1):
        named[f"W{n}"] = matrix
    if isinstance(learner, reference.Learner):
        pairs = zip(learner.feedback_plus, learner.feedback_minus, strict=True)
    else:
        assert isinstance(learner, fused.Learner)
        net = learner._layout
        shapes = list(pairwise(learner.sizes))[1:]
        halves = (
            [2 * w[:post, :pre].astype(int) for w, (pre, post) in zip(stack, shapes, strict=True)]
            for stack in (net.back_plus, net.back_minus)
        )
        pairs = zip(*halves, strict=True)
    for n, (plus, minus) in enumerate(pairs, 2):
        named |= {f"W{n}T+": plus, f"W{n}T-": minus}
    return named


def same(one, other) -> bool:
    """Whether two learners have the same matrices, all of them."""
    ours, theirs = matrices(one), matrices(other)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def offered(rule) -> tuple[str, ...]:
    """The backends to compare with the reference: only the circuit's own rule runs in spikes."""
    return BACKENDS if rule.name == "circuit" else tuple(name for name in BACKENDS if name != "spiking")


def agree(backend, weights, samples, rule=Rule(), inhibition=INHIBITION, feedback=None) -> bool:  # noqa: B008
    """Whether a backend and the reference end with the same outputs, matrices and overdriven samples."""
    found, wanted = (
        backends.learner(name, weights, rule, inhibition, feedback) for name in (backend, "reference")
    )
    outputs = [learner.learn(samples.inputs, samples.labels) for learner in (found, wanted)]
    return np.array_equal(*outputs) and same(found, wanted) and found.n_overdriven == wanted.n_overdriven
