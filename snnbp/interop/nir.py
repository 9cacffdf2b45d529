"""The inference network as a graph of NIR, the Neuromorphic Intermediate Representation, and back.

Each layer is an `Affine` node and a spiking node that keeps nothing from one step to the next: with a time
constant of one time step, its potential is its input. One step from reset is one sample.

All input sums are even. A neuron spikes above half its threshold, 512; the odd bound 513 gives the same
spikes whether a simulator compares with > or >=. A bias moves the bound to a power of two above every sum:
some simulators emit as many spikes in a step as the threshold fits into the potential.

NIR has no time step and hardly any simulator reads its delays, so the learning circuit cannot be expressed.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp import checks
from snnbp.circuit.weights import Weights

if TYPE_CHECKING:
    import nir

MIN_LEVEL = 1 << 15
"""Smallest threshold of the nodes (weight units)."""


class Dialect(NamedTuple):
    """A spiking node that some simulators read: its class, time constants (s) and resistance."""

    node: str
    tau: float
    r: float


DIALECTS = {
    "cubalif": Dialect("CubaLIF", 1e-4, 1.0),
    "lif": Dialect("LIF", 1e-4, 1.0),
    "rockpool": Dialect("CubaLIF", 1.0, 1e9),
}
"""`rockpool` computes its time step as tau / (1 + r)."""


def to_nir(weights: Weights, dialect: str = "cubalif") -> "nir.NIRGraph":
    """Describe a trained network as a NIR graph.

    Parameters
    ----------
    weights : Weights
        Of any depth.
    dialect : {"cubalif", "lif", "rockpool"}
        The spiking node. "cubalif" is read by snnTorch, Norse, SpikingJelly and Spyx, "lif" by Sinabs,
        "rockpool" by Rockpool; see docs/nir.md.

    Returns
    -------
    nir.NIRGraph
        input -> affine1 -> spikes1 -> affine2 -> ... -> output; write it with `nir.write`.

    Raises
    ------
    ValueError
        For another dialect.
    ModuleNotFoundError
        Where the package `nir` is not installed.
    """
    nir = _package()
    checks.an(Weights, "weights", weights)
    if not isinstance(dialect, str) or dialect not in DIALECTS:
        raise ValueError(f"unknown dialect {dialect!r}: choose one of {', '.join(DIALECTS)}")
    bound = weights.threshold // 2 | 1
    nodes = {"input": nir.Input({"input": np.array([weights.sizes[0]])})}
    for n, matrix in enumerate(weights.matrices, 1):
        highest = int(matrix.astype(np.int64).clip(0).sum(axis=0).max())
        level = max(MIN_LEVEL, 1 << highest.bit_length())
        bias = np.full(matrix.shape[1], level - bound, np.float32)
        nodes[f"affine{n}"] = nir.Affine(weight=matrix.T.astype(np.float32), bias=bias)
        nodes[f"spikes{n}"] = _spiking(nir, DIALECTS[dialect], level, matrix.shape[1])
    nodes["output"] = nir.Output({"output": np.array([weights.sizes[-1]])})
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(nodes)))


def from_nir(graph: "nir.NIRGraph") -> Weights:
    """Read a network from a NIR graph of the same kind as `to_nir` makes.

    Parameters
    ----------
    graph : nir.NIRGraph
        A chain of `Affine` or `Linear` nodes, each followed by `CubaLIF`, `LIF`, `IF` or `Threshold`. All
        time constants are the time step, 1e-4 s (or those of the dialect "rockpool"): then one step brings
        the whole input. `IF` has none; it is read with a time step of 1.

    Returns
    -------
    Weights
        A neuron spikes if its input exceeds threshold / 2, as in one step of the graph from reset. The
        threshold, which NIR does not store, is the multiple of 4 that gives these spikes.

    Raises
    ------
    ValueError
        If the graph has another shape, its neurons have different thresholds, its time constants are
        others, or its weights are not even integers within [-256, 254]. The message names the node.
    ModuleNotFoundError
        Where the package `nir` is not installed.
    """
    nir = _package()
    checks.an(nir.NIRGraph, "graph", graph)
    matrices: list[NDArray[Any]] = []
    bounds: set[float] = set()
    chain = _chain(nir, graph)
    if not chain or len(chain) % 2:
        raise ValueError(f"a network is pairs of affine and spiking nodes, got {len(chain)} nodes")
    for (name, affine), (spiking_name, spiking) in zip(chain[::2], chain[1::2], strict=True):
        if type(affine).__name__ not in ("Affine", "Linear"):
            raise ValueError(f"node {name!r} must be Affine or Linear, got {type(affine).__name__}")
        weight = np.asarray(affine.weight, np.float64)
        if weight.ndim != 2 or not (weight == np.round(weight)).all():
            raise ValueError(f"node {name!r}: weights must be a matrix of integers (weight units)")
        matrices.append(weight.T.astype(np.int64))
        level = _level(spiking_name, spiking)
        bounds.update(np.ravel(level - np.asarray(getattr(affine, "bias", 0))).tolist())
    if len(bounds) > 1 or not 0 <= max(bounds) < np.inf:
        raise ValueError(f"all neurons must have one positive threshold, got {sorted(bounds)[:3]}")
    return Weights(tuple(matrices), max(2, 4 * int(max(bounds) // 2)))


def _package() -> Any:
    try:
        import nir
    except ModuleNotFoundError as error:
        if error.name != "nir":
            raise
        raise ModuleNotFoundError("NIR graphs need the package nir: pip install 'snnbp[nir]'") from None
    return nir


def _spiking(nir: Any, dialect: Dialect, level: int, size: int) -> Any:
    def each(value: float, dtype: type = np.float32) -> NDArray[Any]:
        return np.full(size, value, dtype)

    values = {"r": each(dialect.r), "v_leak": each(0), "v_reset": each(0), "v_threshold": each(level)}
    tau = each(dialect.tau, np.float64)  # in float32, 1e-4 is below a time step of 1e-4
    if dialect.node == "LIF":
        return nir.LIF(tau=tau, **values)
    return nir.CubaLIF(tau_syn=tau, tau_mem=tau, w_in=each(1), **values)


def _chain(nir: Any, graph: "nir.NIRGraph") -> list[tuple[str, Any]]:
    """The nodes between input and output in their order; ValueError unless the graph is one chain."""
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            raise ValueError(f"node {name!r} is a sub-graph: put its nodes into the graph itself")
    following = dict(graph.edges)
    (at, *others) = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)] or [None]
    chain: list[tuple[str, Any]] = []
    while at in following and len(chain) < len(graph.nodes):
        at = following[at]
        chain.append((at, graph.nodes[at]))
    if others or len(following) < len(graph.edges) or len(chain) != len(graph.nodes) - 1:
        raise ValueError("the graph must be one chain of nodes from its input to its output")
    return chain[:-1]


def _level(name: str, node: Any) -> NDArray[np.float64]:
    """The input above which a spiking node fires in one step from reset."""
    kind = type(node).__name__
    if kind == "Threshold":
        return np.asarray(node.threshold, np.float64)
    if kind not in ("CubaLIF", "LIF", "IF"):
        raise ValueError(f"node {name!r} must be CubaLIF, LIF, IF or Threshold, got {kind}")

    def is_all(field: str, wanted: float) -> bool:
        return bool((np.asarray(getattr(node, field, wanted)) == wanted).all())

    rockpool = is_all("r", DIALECTS["rockpool"].r)
    if not (rockpool or is_all("r", 1)) or not (
        is_all("w_in", 1) and is_all("v_leak", 0) and is_all("v_reset", 0)
    ):
        raise ValueError(f"node {name!r} must have r = 1, w_in = 1, v_leak = 0 and v_reset = 0")
    tau, r = DIALECTS["rockpool" if rockpool else "lif"][1:]
    for field in ("tau", "tau_mem", "tau_syn"):
        values = np.ravel(getattr(node, field, tau))
        if (others := values[values != tau]).size:
            raise ValueError(
                f"node {name!r}: {field} must be {tau:g} s where r = {r:g}, got {others[0]:g}: "
                "otherwise one time step does not bring the whole input"
            )
    return np.asarray(node.v_threshold, np.float64)
