"""Values that mean nothing for every public function: refused by a line of our own, never computed with."""

import linecache
import math
import random
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import snnbp
from snnbp import (
    Config,
    Dataset,
    NeuronType,
    PlasticityRule,
    Population,
    Projection,
    Run,
    Samples,
    Weights,
)
from snnbp.backends import compiled
from snnbp.backends.rule import Rule

NAN = math.nan
NO_NUMBERS = (None, "1", "x", [1, 2], {}, (), object(), 1j, b"1", np.array([1, 2]), np.array("x"))
NO_WHOLE = (*NO_NUMBERS, NAN, math.inf, 1.5, Fraction(1, 2), np.float32(2.5), np.float64(NAN))
NO_COUNTS = (*NO_WHOLE, -1, 0, np.int8(-3))
NO_OBJECTS = (None, 5, "x", [1], {}, np.zeros(3), object(), Config)
NO_NAMES = ("", "x", "FUSED", None, 5, [1], b"fused", NAN)
NO_ARRAYS = (
    None,
    5,
    "x",
    [],
    [1],
    np.full((4, 3), 2),
    np.full((4, 3), NAN),
    np.full((4, 3), -1),
    [[0.5] * 3] * 4,
    np.ma.masked_equal(np.eye(4, 3, dtype=int), 1),
    [[1, 0, None]] * 4,
    pd.DataFrame(np.eye(4, 3)).astype("Int64").replace(1, pd.NA),
)
NO_LABELS = (
    None,
    5,
    "x",
    [],
    [1],
    [-1] * 4,
    [0.5] * 4,
    [NAN] * 4,
    [70000] * 4,
    [[1]] * 4,
    [1] * 5,
    [None] * 4,
    np.ma.masked_equal([0, 1, 0, 1], 1),
    [0, 1, 0, np.ma.masked],
    pd.Series([0, 1, 0, None], dtype="Int64"),
)
NO_MATRICES = (
    *(None, 5, "x", [], [1], [[]], [["a"]], [[1.0]], [[NAN]], [[1, 2], [3]], np.ones((2, 2, 2), int)),
    *([[3] * 3] * 4, [[256] * 3] * 4, [[-258] * 3] * 4, [[2] * 4] * 4, [[True] * 3] * 4, [[1 << 40] * 3] * 4),
)
NO_SIZES = (
    None,
    5,
    "x",
    [],
    [4],
    [4, 3],
    [4, 0, 2],
    [4, -3, 2],
    [4, NAN, 2],
    [4, 3.5, 2],
    ["4", 3, 2],
    [None] * 3,
)
HUGE = (1 << 33, 1 << 64, 1 << 70, 1 << 2000)
NO_THRESHOLDS = (*NO_WHOLE, *HUGE, 1 << 17, 0, -2, 3, True)
NO_STEPS = (*NO_WHOLE, *HUGE, 0, -2, 3, 256, True)
NO_INHIBITION = (*NO_WHOLE, *(-huge for huge in HUGE), 0, 8128, -8127, True, -(1 << 40))
NO_PATHS = (None, 5, [], {}, b"\0", object())


def values(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Call every public function with bad values."""
    every = [(name, call, value) for name, (call, bad) in _bad(folder).items() for value in bad]
    chance.shuffle(every)
    for name, call, value in every[:n]:
        yield _refused(name, call, value)


def _refused(name: str, call: Callable[[Any], object], value: Any) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call(value)
    except (OSError, IndexError) as error:
        text = str(error)
        return "" if "\n" not in text else f"{name} {value!r}: {text}"
    except (ValueError, TypeError) as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        path, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        ours = Path(path).is_relative_to(compiled.PACKAGE) and "raise" in linecache.getline(path, line)
        if ours and "\n" not in str(error) and str(error):
            return ""
        return f"{name} {value!r}: {type(error).__name__}: {error} ({Path(path).name}:{line})"
    except Exception as error:
        return f"{name} {value!r}: {type(error).__name__}: {error}"
    return f"{name} {value!r}: accepted: {result!r}"[:300]


def _bad(folder: Path) -> dict[str, tuple[Callable[[Any], object], tuple[Any, ...]]]:
    """What is called with one value, and the values that it must refuse."""
    digits = snnbp.load_dataset("digits")
    data = Dataset(digits.train[:20], digits.test[:10], classes=digits.classes)
    config = Config(hidden=3, epochs=1)
    weights = snnbp.initial_weights(config, data)
    run = snnbp.train(data, config, progress=False)
    x, y = np.eye(4, 3, dtype=bool), np.array([0, 1, 0, 1])
    plain = NeuronType("plain")
    taken = folder / "file"
    taken.touch()
    calls: dict[str, tuple[Callable[[Any], object], tuple[Any, ...]]] = {
        "Rule(name)": (lambda v: Rule(v), NO_NAMES),
        "Rule(threshold)": (lambda v: Rule(threshold=v), NO_THRESHOLDS),
        "Rule(step)": (lambda v: Rule(step=v), NO_STEPS),
        "Weights(matrices)": (lambda v: Weights(v), (None, 5, "x", [], [x * 2], {}, object())),
        "Weights(W1)": (lambda v: Weights((v, np.full((3, 2), 2))), NO_MATRICES),
        "Weights(threshold)": (lambda v: Weights(weights.matrices, v), NO_THRESHOLDS),
        "Weights.draw(sizes)": (lambda v: Weights.draw(np.random.default_rng(1), v), NO_SIZES),
        "Weights.draw(scale)": (
            lambda v: Weights.draw(np.random.default_rng(1), (4, 3, 2), scale=v),
            (*NO_NUMBERS, *HUGE, NAN, math.inf, 0, -1),
        ),
        "Weights.from_arrays": (
            lambda v: Weights.from_arrays(v),
            (None, 5, "x", [], {}, {"w1": 3}, {"w1": x * 2, "w2": None}),
        ),
        "Weights.load": (Weights.load, (*NO_PATHS, "", "nowhere.npz", folder)),
        "Weights.save": (weights.save, (*NO_PATHS, folder, folder / "nowhere" / "file.npz")),
        "Samples(inputs)": (lambda v: Samples(v, y), NO_ARRAYS),
        "Samples(labels)": (lambda v: Samples(x, v), NO_LABELS),
        "Samples[]": (
            lambda v: data.train[v],
            (5, None, "x", 1.5, [0.5], [99], np.zeros((2, 2), int), [True]),
        ),
        "Dataset(train)": (lambda v: Dataset(v, data.test), NO_OBJECTS),
        "Dataset(classes)": (lambda v: Dataset(data.train, data.test, classes=v), (5, ("a",), object(), NAN)),
        "load_dataset": (snnbp.load_dataset, (*NO_NAMES, "MNIST", "digits ")),
        "initial_weights(config)": (lambda v: snnbp.initial_weights(v, data), NO_OBJECTS),
        "initial_weights(data)": (lambda v: snnbp.initial_weights(config, v), NO_OBJECTS),
        "learn(weights)": (lambda v: snnbp.learn(v, data.train), NO_OBJECTS),
        "learn(samples)": (lambda v: snnbp.learn(weights, v), NO_OBJECTS),
        "learn(rule)": (lambda v: snnbp.learn(weights, data.train, rule=v), NO_NAMES),
        "learn(step)": (lambda v: snnbp.learn(weights, data.train, step=v), NO_STEPS),
        "learn(inhibition)": (lambda v: snnbp.learn(weights, data.train, inhibition=v), NO_INHIBITION),
        "predict(weights)": (lambda v: snnbp.predict(v, data.test.inputs), NO_OBJECTS),
        "evaluate(weights)": (lambda v: snnbp.evaluate(v, data.test), NO_OBJECTS),
        "evaluate(samples)": (lambda v: snnbp.evaluate(weights, v), (*NO_OBJECTS, data.test[:0])),
        "train(data)": (lambda v: snnbp.train(v, config, progress=False), NO_OBJECTS),
        "train(config)": (
            lambda v: snnbp.train(data, v, progress=False),
            (5, "x", [1], {"epochs": 1}, object(), Config),
        ),
        "train(backend)": (lambda v: snnbp.train(data, config, v, progress=False), NO_NAMES),
        "train(checkpoint)": (
            lambda v: snnbp.train(data, config, progress=False, checkpoint=v),
            (5, [], object(), folder, folder / "nowhere" / "file"),
        ),
        "sweep(configs)": (lambda v: snnbp.sweep(v, data, progress=False), (None, 5, "x", [5], config)),
        "sweep(data)": (lambda v: snnbp.sweep([config], v, progress=False), NO_OBJECTS),
        "sweep(backend)": (lambda v: snnbp.sweep([config], data, v, progress=False), NO_NAMES),
        "sweep(store)": (
            lambda v: snnbp.sweep([config], data, progress=False, store=v),
            (5, [], object(), taken),
        ),
        "sweep(executor)": (
            lambda v: snnbp.sweep([config], data, progress=False, executor=v),
            (5, "x", object()),
        ),
        "read_idx": (snnbp.read_idx, (*NO_PATHS, "", "nowhere", folder, "/dev/zero", taken)),
        "Run.load": (Run.load, (*NO_PATHS, "", "nowhere.npz", folder)),
        "Run.save": (run.save, (*NO_PATHS, folder, folder / "nowhere" / "file.npz")),
        "Run.statistic(which)": (lambda v: run.statistic(v, "spikes"), (*NO_NAMES, "selected")),
        "Run.statistic(column)": (lambda v: run.statistic("final", v), NO_NAMES),
        "training_circuit(sizes)": (snnbp.training_circuit, NO_SIZES),
        "training_circuit(inhibition)": (
            lambda v: snnbp.training_circuit((4, 3, 2), inhibition=v),
            NO_INHIBITION,
        ),
        "training_circuit(threshold)": (
            lambda v: snnbp.training_circuit((4, 3, 2), threshold=v),
            NO_THRESHOLDS,
        ),
        "training_circuit(step)": (lambda v: snnbp.training_circuit((4, 3, 2), step=v), NO_STEPS),
        "inference_circuit(sizes)": (snnbp.inference_circuit, NO_SIZES),
        "inference_circuit(threshold)": (lambda v: snnbp.inference_circuit((4, 3, 2), v), NO_THRESHOLDS),
        "NeuronType(bias)": (lambda v: NeuronType("a", bias=v), (*NO_WHOLE, 1 << 17)),
        "NeuronType(threshold)": (lambda v: NeuronType("a", threshold=v), (*NO_WHOLE, 1 << 17)),
        "NeuronType(refractory)": (lambda v: NeuronType("a", refractory=v), (*NO_WHOLE, -1)),
        "Population(size)": (lambda v: Population("a", v), (*NO_COUNTS, *HUGE[2:])),
        "Population(neuron)": (lambda v: Population("a", 1, v), (None, 5, "plain", [])),
        "PlasticityRule(rewarded)": (lambda v: PlasticityRule(v), (*NO_WHOLE, 1, 1000)),
        "PlasticityRule(always)": (lambda v: PlasticityRule(4, v), (*NO_WHOLE, 1, 1000)),
        "Circuit(populations)": (lambda v: snnbp.Circuit(v, ()), (None, 5, "x", [5], [plain])),
        "Circuit(projections)": (lambda v: snnbp.Circuit((), v), (None, 5, "x", [5], [plain])),
        "Projection(delay)": (lambda v: _connected(delay=v), (*NO_WHOLE, -1, 64)),
        "Projection(weight)": (lambda v: _connected(weight=v), (*NO_WHOLE[1:], 257, 1 << 40)),
        "Circuit(phases)": (lambda v: snnbp.Circuit((), (), v), (None, 5, "x", [5])),
        "trace(weights)": (lambda v: snnbp.trace(v, data.train), NO_OBJECTS),
        "trace(samples)": (lambda v: snnbp.trace(weights, v), NO_OBJECTS),
        "trace(populations)": (
            lambda v: snnbp.trace(weights, data.train, populations=v),
            (5, "h1", ["h0"], [5], ["h1"] * 2),
        ),
        "trace(phases)": (
            lambda v: snnbp.trace(weights, data.train, phases=v),
            (5, "x", [99], [-1], [0.5], [0, 0], [NAN]),
        ),
        "simulate(circuit)": (lambda v: snnbp.simulate(v, {}, {}, 3), NO_OBJECTS),
        "simulate(steps)": (
            lambda v: snnbp.simulate(snnbp.Circuit((Population("a", 1),), ()), {}, {}, v),
            (*NO_WHOLE, -1),
        ),
    }
    return calls


def _connected(**values: Any) -> snnbp.Circuit:
    options = {"pattern": "all-to-all", "weight": 64, "delay": 0} | values
    both = Population("a", 2), Population("b", 2)
    return snnbp.Circuit(both, (Projection("a", "b", **options),))
