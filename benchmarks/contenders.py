"""The ways to learn one sample that are timed against each other."""

import atexit
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from environment import NotMade, python_with

import snnbp
from snnbp.circuit.weights import Weights
from snnbp.paper import ROOT
from snnbp.training.data import Samples

PUBLISHED = "published simulation (NumPy)"
JAX = ("jax==0.10.2", "jaxlib==0.10.2", "numpy==2.2.6")
"""Packages of its environment."""


@dataclass(frozen=True)
class Contender:
    """`learn` is one pass; contenders of one `rule` must agree. It gets `slowness` times fewer samples."""

    rule: str
    learn: Callable[[Weights, Samples], Weights]
    slowness: int


def available() -> dict[str, Contender]:
    """All contenders, the yardstick first."""
    everyone = {PUBLISHED: Contender("published-simulation", published, 40)}
    try:
        everyone[f"JAX lax.scan ({JAX[0].replace('==', ' ')})"] = Contender("published-simulation", Jax(), 10)
    except NotMade as error:
        print(f"JAX is left out: {error}")
    everyone["reference"] = Contender("circuit", through("reference"), 40)
    everyone["spiking (12 steps, 8 matrices)"] = Contender("circuit", through("spiking"), 2)
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


class Jax:
    """The same, compiled by JAX in a process of its own: each call learns what the first one was given."""

    def __init__(self) -> None:
        self._python = python_with("jax", JAX)
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, weights: Weights, samples: Samples) -> Weights:
        if self._process is None:
            self._given = weights, samples
            self._process, self._learned = self._start(weights, samples)
        assert self._given[0] is weights
        assert self._given[1] is samples
        print(file=self._process.stdin, flush=True)
        if not self._process.stdout.readline():
            raise SystemExit(f"{JAX[0]} failed")
        return self._learned

    def _start(self, weights: Weights, samples: Samples) -> "tuple[subprocess.Popen[str], Weights]":
        """Start the process; it compiles, learns once and answers."""
        source, out = (ROOT / "build" / "jax" / name for name in ("samples.npz", "learned.npz"))
        w1, w2 = weights.matrices
        np.savez(source, inputs=samples.inputs, labels=samples.labels, w1=w1, w2=w2)
        command = [self._python, ROOT / "benchmarks" / "in_jax.py", source, out]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(process.communicate)
        if not process.stdout.readline():
            raise SystemExit(f"{JAX[0]} failed")
        learned = np.load(out)
        return process, Weights((learned["w1"].astype(int), learned["w2"].astype(int)))
