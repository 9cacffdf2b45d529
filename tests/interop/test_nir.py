"""NIR graphs: what they compute by NIR's own definition, and what is refused when one is read."""

import builtins
import runpy
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="the package nir is not installed")

import snnbp  # noqa: E402
from snnbp import Weights  # noqa: E402
from snnbp.interop import from_nir, to_nir  # noqa: E402
from snnbp.interop.nir import DIALECTS  # noqa: E402

ROOT = Path(__file__).parents[2]

SIZES = [(120, 60, 8), (120, 60, 40, 8), (120, 60, 40, 30, 8)]


def drawn(sizes, threshold=1024, seed=0):
    rng = np.random.default_rng(seed)
    return Weights(tuple(rng.integers(-90, 128, shape) * 2 for shape in pairwise(sizes)), threshold)


def one_step(graph, x, compare):
    """NIR's equations for one step of dt = tau from reset, in float32: v = r * w_in * I."""
    v = np.float32(x)
    for node in graph.nodes.values():
        if isinstance(node, nir.Affine):
            v = v @ node.weight.T + node.bias
        elif hasattr(node, "v_threshold"):
            v = np.float32(compare(v * getattr(node, "w_in", 1), node.v_threshold))
    return v.astype(bool)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("threshold", [1000, 1024, 1026, 2048])
@pytest.mark.parametrize("compare", [np.greater, np.greater_equal])
def test_nir_graph_gives_the_spikes_of_the_network(sizes, threshold, compare):
    weights = drawn(sizes, threshold)
    x = np.random.default_rng(1).random((200, 120)) < 0.5
    spikes, _ = snnbp.predict(weights, x)
    for dialect in DIALECTS:
        np.testing.assert_array_equal(one_step(to_nir(weights, dialect), x, compare), spikes)
    assert 0 < spikes.mean() < 1


def test_nir_sums_at_the_threshold_do_not_depend_on_the_comparison():
    """512 exactly, and the next sums on both sides."""
    weights = Weights(([[254, 0], [254, 0], [4, 0], [2, 254], [-2, 254]], [[254], [254]]), 1024)
    x = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 0, 1]], bool)
    for compare in (np.greater, np.greater_equal):
        graph = to_nir(weights)
        inner = dict(list(graph.nodes.items())[:3])
        first = one_step(nir.NIRGraph(inner, list(pairwise(inner)), type_check=False), x, compare)
        assert first[:, 0].tolist() == [False, True, False]


def test_nir_neurons_spike_at_most_once_in_a_step():
    weights = Weights((np.full((1000, 3), 254), np.full((3, 2), 254)))
    for node_name, node in to_nir(weights, "lif").nodes.items():
        if node_name == "affine1":
            highest = (node.weight.clip(0).sum(axis=1) + node.bias).max()
        elif node_name == "spikes1":
            assert highest < 2 * node.v_threshold.min()
            assert node.v_threshold.max() < 1 << 24  # float32 is exact
            assert node.tau.dtype == np.float64


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_nir_files_are_read_back(tmp_path, sizes, dialect):
    weights = drawn(sizes)
    nir.write(tmp_path / "network.nir", to_nir(weights, dialect))
    assert from_nir(nir.read(tmp_path / "network.nir")) == weights


@pytest.mark.parametrize("threshold", [2, 1000, 1024, 1026])
def test_nir_thresholds_are_read_back_as_far_as_spikes_tell(threshold):
    weights = drawn((30, 20, 5), threshold)
    back = from_nir(to_nir(weights))
    x = np.random.default_rng(1).random((200, 30)) < 0.5
    np.testing.assert_array_equal(snnbp.predict(back, x)[0], snnbp.predict(weights, x)[0])
    if threshold % 4 == 0:
        assert back == weights


def chain(*nodes):
    named = {str(n): node for n, node in enumerate(nodes)}
    return nir.NIRGraph(named, list(pairwise(named)), type_check=False)


def plain(threshold=512.0, kind="Threshold", weight=None, **changes):
    """A graph with Linear nodes, as others may write one."""
    weights = drawn((30, 20, 5))
    nodes = [nir.Input({"input": np.array([30])})]
    for matrix in weights.matrices:
        size = matrix.shape[1]
        nodes.append(nir.Linear(matrix.T.astype(float) if weight is None else weight))
        if kind == "Threshold":
            nodes.append(nir.Threshold(np.full(size, threshold)))
        else:
            values = {"r": np.ones(size), "v_threshold": np.full(size, threshold)}
            values |= {name: np.full(size, value) for name, value in changes.items()}
            nodes.append(getattr(nir, kind)(**values))
    return chain(*nodes, nir.Output({"output": np.array([5])})), weights


def cuba(**changes):
    return plain(kind="CubaLIF", **{"v_leak": 0.0} | changes)[0]


def test_nir_graphs_of_others_are_read():
    for threshold, kind in ((512.0, "Threshold"), (513, "Threshold"), (512, "IF"), (513.5, "IF")):
        graph, weights = plain(threshold, kind)
        assert from_nir(graph) == weights
    assert from_nir(plain(kind="LIF", tau=1e-4, v_leak=0)[0]) == weights


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (lambda: plain(weight=np.full((20, 30), 0.5))[0], "node '1': weights must be a matrix of integers"),
        (lambda: plain(weight=np.full((20, 30), 3.0))[0], "W1 must be even"),
        (lambda: plain(-4.0)[0], "one positive threshold"),
        (lambda: plain(np.nan)[0], "one positive threshold"),
        (lambda: plain(kind="IF", r=2)[0], "node '2' must have r = 1"),
        (lambda: plain(kind="IF", v_reset=7)[0], "node '2' must have r = 1"),
        (lambda: plain(kind="LIF", tau=1, v_leak=5)[0], "node '2' must have r = 1"),
        (
            lambda: plain(kind="LIF", tau=0.02, v_leak=0)[0],
            "node '2': tau must be 0.0001 s where r = 1, got 0.02",
        ),
        (
            lambda: cuba(tau_syn=1e-4, tau_mem=0.02),
            "node '2': tau_mem must be 0.0001 s where r = 1, got 0.02",
        ),
        (
            lambda: cuba(tau_syn=0.02, tau_mem=1e-4),
            "node '2': tau_syn must be 0.0001 s where r = 1, got 0.02",
        ),
        (lambda: cuba(tau_syn=1e-4, tau_mem=1.0, r=1e9), "tau_syn must be 1 s where r = 1e"),
        (lambda: chain(*list(plain()[0].nodes.values())[:3]), "pairs of affine and spiking nodes"),
        (lambda: chain(*list(plain()[0].nodes.values())[::-1]), "one chain of nodes"),
        (lambda: nir.NIRGraph({}, []), "one chain of nodes"),
        (lambda: chain(plain()[0]), "node '0' is a sub-graph: put its nodes into the graph itself"),
        (
            lambda: chain(*(node for node in plain()[0].nodes.values() for _ in (0, 1))),
            "one chain of nodes",
        ),
    ],
)
def test_nir_graphs_of_another_kind_are_refused(graph, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        from_nir(graph())
    assert "\n" not in str(caught.value)


def test_nir_arguments_are_checked():
    for dialect in ("if", None, ["lif"]):
        with pytest.raises(ValueError, match=r"unknown dialect .*: choose one of cubalif, lif, rockpool"):
            to_nir(drawn(SIZES[0]), dialect)
    with pytest.raises(TypeError, match="weights must be of class Weights"):
        to_nir(None)
    with pytest.raises(TypeError, match="graph must be of class NIRGraph"):
        from_nir(drawn(SIZES[0]))


def test_nir_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "nir", raising=False)
    real = builtins.__import__

    def without(name, *words, **more):
        if name == "nir":
            raise ModuleNotFoundError("No module named 'nir'", name="nir")
        return real(name, *words, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'snnbp\[nir\]'"):
        to_nir(drawn(SIZES[0]))


def test_nir_page_shows_the_pinned_versions():
    """What the benchmark would install is what the table was measured with."""
    simulators = runpy.run_path(str(ROOT / "benchmarks" / "in_nir.py"))["SIMULATORS"].values()
    page = (ROOT / "docs" / "nir.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if " of 100,000 |" in line]
    expected = []
    for network in ("one hidden layer", "two hidden layers"):
        for simulator in simulators:
            name, *others = (package.replace("==", " ") for package in simulator.packages)
            expected.append([name, ", ".join(others), simulator.dialect, network, "0 of 100,000"])
    assert rows == expected
