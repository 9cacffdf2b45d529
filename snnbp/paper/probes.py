"""Probes: small fixed computations. Their digests are stored, so a changed behaviour shows."""

import hashlib
import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import snnbp
from snnbp import plots
from snnbp.circuit.backprop import current_bounds
from snnbp.files import atomic_open
from snnbp.paper import FIGURES, claims, settings, verdict
from snnbp.paper.records import FOLDER
from snnbp.paper.simulation import replay
from snnbp.plots.style import to_svg
from snnbp.training import energy
from snnbp.training.shift import directions
from snnbp.training.sources import DataUnavailable
from snnbp.training.summary import by_seed, paired, summary

PATH = FIGURES / FOLDER / "probes.json"
PACKAGE = Path(snnbp.__file__).parent
STRONG = -254 * 2**7
Probes = Iterator[tuple[str, Any]]
"""Names of probes and their outcomes."""

VARIANTS: dict[str, dict[str, Any]] = {
    "as published": {},
    "two layers": {"hidden": (20, 15)},
    "three layers, all variants": {
        "hidden": (20, 15, 10),
        "open_target": True,
        "margin": 512,
        "threshold": 2048,
    },
    "step 4, large weights": {"step": 4, "init_scale": 4.0},
    "step 6, shift": {"step": 6, "shift": 1, "inhibition": STRONG},
    "random feedback": {"hidden": (20, 15), "feedback": "random", "inhibition": STRONG},
    "sign feedback": {"hidden": (20, 15), "feedback": "sign", "inhibition": STRONG},
    "cut feedback": {"hidden": (20, 15), "feedback": "cut", "inhibition": STRONG},
}
ALGEBRA: dict[str, dict[str, Any]] = {
    "published simulation": {"rule": "published-simulation"},
    "W2 first": {"rule": "circuit-updates-first"},
}
CIRCUITS: dict[str, dict[str, Any]] = {
    "as published": {},
    "compact": {"schedule": "compact"},
    "strong inhibition": {"inhibition": STRONG},
    "open target": {"open_target": True},
    "threshold and margin": {"threshold": 2048, "margin": 1024},
    "fixed feedback": {"fixed_feedback": True},
}


def digests(report: Callable[[str], None] = lambda name: None) -> dict[str, str]:
    """Make all probes that this machine can make; the digest of each outcome, by name."""
    found = {}
    for of in (_circuits, _data, _learning, _statistics, _pictures, _page):
        for name, outcome in of():
            report(name)
            found[name] = hashlib.sha256("".join(_text(outcome)).encode()).hexdigest()[:16]
    return found


def _stored() -> dict[str, str]:
    return dict(json.loads(PATH.read_text(encoding="utf-8"))) if PATH.exists() else {}


def write() -> None:
    """Store the digests in figures/. Those that only another machine can make stay."""
    kept = {name: digest for name, digest in _stored().items() if name.startswith("data ")}
    with atomic_open(PATH, "w") as file:
        json.dump(kept | digests(), file, indent=1, sort_keys=True)
        file.write("\n")


def changed(report: Callable[[str], None] = lambda name: None) -> tuple[int, list[str]]:
    """The number of probes made, and those with another outcome than stored."""
    now, before = digests(report), _stored()
    gone = [name for name in before.keys() - now.keys() if not name.startswith("data ")]
    return len(now), [f"probe {name!r} is stored and is not made" for name in sorted(gone)] + [
        f"probe {name!r}: {digest}, stored is {before.get(name, 'nothing')}"
        for name, digest in now.items()
        if before.get(name) != digest
    ]


def _text(value: Any) -> Iterator[str]:
    """An outcome as text that is the same on every machine."""
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.kind}{value.shape}{value.tolist()}"
    elif isinstance(value, pd.DataFrame):
        yield value.to_csv()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _text(item)
            yield ";"
    else:
        yield f"{value:.10g}" if isinstance(value, float) else str(value)


def _circuits() -> Probes:
    for sizes in ((400, 400, 10), (5, 4, 3), (6, 5, 4, 3), (6, 5, 4, 4, 3)):
        for name, options in CIRCUITS.items():
            yield f"circuit {sizes}, {name}", _lists(snnbp.training_circuit(sizes, **options))
    yield "inference circuit", _lists(snnbp.inference_circuit((400, 400, 10)))


def _lists(circuit: snnbp.Circuit) -> list[Any]:
    """A circuit as it is simulated and counted."""
    return [
        [(p.name, p.symbol, p.size, p.neuron.bias, p.neuron.threshold) for p in circuit.populations],
        [(p.pre, p.post, p.symbol, p.weight, p.delay, p.learns) for p in circuit.projections],
        [(p.gate, sorted(p.open), sorted(p.receives_input), p.reward) for p in circuit.phases],
        sorted(current_bounds(circuit).items()),
        list(energy.resources(circuit)),
    ]


def _data() -> Probes:
    codes = (("digits", None), ("mnist", None), ("fashion-mnist", None), ("mnist", (2, 32, 96)))
    for name, contrast in codes:
        try:
            yield f"data {name}, contrast {contrast}", snnbp.load_dataset(name, contrast=contrast).digest
        except DataUnavailable:
            continue
    digits = snnbp.load_dataset("digits")
    for hidden in ((20,), (30, 20)):
        config = snnbp.Config(hidden=hidden, seed=5, init_scale=1.5)
        yield f"first weights, {hidden} hidden", snnbp.initial_weights(config, digits).digest
    yield "directions of shifts", next(directions(3, 100))


def _learning() -> Probes:
    digits = snnbp.load_dataset("digits")
    some = snnbp.Dataset(digits.train[:500], digits.test[:100], image_shape=digits.image_shape)
    for backend in ("reference", "fused", "spiking"):
        for name, options in (VARIANTS | ({} if backend == "spiking" else ALGEBRA)).items():
            config = snnbp.Config(**({"hidden": (20,), "epochs": 1, "seed": 2} | options))
            run = snnbp.train(some, config, backend, progress=False)
            yield f"learning, {backend}, {name}", [run.digest, run.n_overdriven, run.history]
    runs = [snnbp.train(digits, snnbp.Config(hidden=9, epochs=2, seed=n), progress=False) for n in (1, 2, 3)]
    for which in ("final", "best", "mean_last_10"):
        pairs = [paired(runs, runs[::-1], which, "spikes"), by_seed(runs, which, "exact")]
        yield f"statistics of runs, {which}", [summary({"a": runs}, which), str(pairs)]


def _statistics() -> Probes:
    every = [*claims.claims(), *claims.own_claims()]
    values = (0.96 + 0.002 * np.random.default_rng(1).standard_normal(12)).tolist()
    for rule, claim in {claim.rule: claim for claim in every if claim.result}.items():
        bar = claim.value or 0.0
        tried = (values, values[:10], values[:2], [bar], [bar, bar + 1])
        judged = [claims.judge(claim, some, [False] * (len(some) - 1) + [True]) for some in tried]
        yield f"verdict, {rule}", claims.as_json(judged + [claims.judge(claim, some) for some in tried])
    verdicts = claims.ledger(FIGURES)
    yield "ledger", verdict.markdown(verdicts)
    yield "summary", verdict.screen(verdicts)
    yield "parameters", [f"{name} {notebook}" for name, notebook in settings.notebooks().items()]
    yield "claims", [claim.model_dump_json() for claim in every]
    digits = snnbp.load_dataset("digits")
    weights = snnbp.initial_weights(snnbp.Config(hidden=20, seed=4), digits)
    yield "scores", list(snnbp.evaluate(weights, digits.test))
    counts = energy.count(snnbp.trace(weights, digits.train[:20]))
    cost = [energy.energy_mj(counts.total), energy.latency_ms(counts.by_phase, 2, 113.0)]
    yield "operations", [list(counts.total), cost]
    yield "replay of the published simulation", list(replay(digits, 1))
    if find_spec("autograd"):
        yield "gradient", _gradient()


def _gradient() -> Any:
    import autograd.numpy as anp
    from autograd import grad

    return grad(lambda w: anp.sum(anp.where(w > 0, w, 0.5 * w) ** 2))(np.arange(-3.0, 4.0))


def _pictures() -> Probes:
    digits = snnbp.load_dataset("digits")
    run = snnbp.train(digits, snnbp.Config(hidden=12, epochs=2), progress=False)
    deep = snnbp.training_circuit((64, 12, 12, 10))
    values = {"a": ([0.9, 0.92, 0.95], [False, True, False]), "b": ([0.8, 0.85], [False, False])}
    assert run.weights
    drawn = {
        "conceptual_circuit": plots.conceptual_circuit(deep),
        "functional_connectivity": plots.functional_connectivity(deep),
        "raster": plots.raster(snnbp.trace(run.weights, digits.train[:6])),
        "learning_curves": plots.learning_curves([run.history], {"spikes": 0.9}),
        "accuracy_curves": plots.accuracy_curves({"one": [run.history]}),
        "weight_distributions": plots.weight_distributions([run.weights.matrices]),
        "seed_distributions": plots.seed_distributions({"spikes": values, "potential": values}),
    }
    for name, figure in drawn.items():
        yield f"picture, {name}", to_svg(figure, name)


def _page() -> Probes:
    """What runs in a browser cannot be tried from here: its files."""
    for path in sorted((PACKAGE / "widgets").rglob("*")):
        if path.suffix in (".js", ".css", ".html"):
            yield f"page, {path.relative_to(PACKAGE).as_posix()}", path.read_text(encoding="utf-8")
