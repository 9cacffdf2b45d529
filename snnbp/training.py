"""Train and test a network: one configuration in, one reproducible run out, whatever the rung."""

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from snnbp.datasets import CLASSES, Dataset, Samples
from snnbp.loihi import INHIBITION, THRESHOLD, WEIGHT_GRID
from snnbp.rules import Rule, RuleName
from snnbp.scores import Scores, score
from snnbp.weights import Weights

ENGINES = {"reference": "snnbp.reference", "fused": "snnbp.fused", "spiking": "snnbp.spiking"}


class Learner(Protocol):
    """What every rung offers: weights go in, passes change them. See `fused.Learner`."""

    overdriven: int

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = ...) -> None: ...
    def learn(
        self, inputs: NDArray[np.bool_], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> NDArray[np.bool_]: ...
    @property
    def weights(self) -> Weights: ...


@dataclass(frozen=True)
class Config:
    """What a run depends on besides the data; the defaults are the paper's.

    `validation` training images (the last ones) are held out and scored at every checkpoint. `init_scale`
    multiplies the initial standard deviation. Threshold and step are in weight units.
    Raises ValueError for a value that makes no sense.
    """

    hidden: int = 400
    epochs: int = 60
    seed: int = 1
    rule: RuleName = "circuit"
    threshold: int = THRESHOLD
    step: int = WEIGHT_GRID
    init_scale: float = 1.0
    validation: int = 0

    def __post_init__(self) -> None:
        for name, least in (("hidden", 1), ("epochs", 1), ("seed", 0), ("validation", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if not 0 < self.init_scale < float("inf"):
            raise ValueError(f"init_scale must be positive, got {self.init_scale!r}")
        self.learning_rule  # noqa: B018 - raises for a bad rule, threshold or step

    @property
    def learning_rule(self) -> Rule:
        return Rule(self.rule, self.threshold, self.step)


class Checkpoint(NamedTuple):
    """One row of a run's history: test scores as in `Scores`, the held-out accuracy (spikes; NaN if none)
    and the seconds since the start."""

    epoch: float
    exact: float
    spikes: float
    potential: float
    silent: int
    silent_right: int
    tied: int
    tied_right: int
    mute: int
    mse: float
    validation: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """A finished training. `overdriven` counts presented samples beyond the circuit's validity bound."""

    config: Config
    weights: Weights
    history: tuple[Checkpoint, ...]
    overdriven: int
    seconds: float

    def curve(self, name: str) -> NDArray[np.float64]:
        """One column of the history, (checkpoints,)."""
        return np.array([getattr(row, name) for row in self.history], dtype=np.float64)

    def statistic(self, name: str, column: str) -> float:
        """A column's "final" or "best" value, or the mean of its last ten epochs ("late").

        "chosen" is its value at the first checkpoint with the best held-out accuracy: unlike "best", it
        does not look at the test set.
        """
        curve = self.curve(column)
        match name:
            case "final":
                return float(curve[-1])
            case "best":
                return float(curve.max())
            case "late":
                return float(curve[-20:].mean())
            case "chosen" if self.config.validation:
                return float(curve[self.curve("validation").argmax()])
        raise ValueError(
            f"no statistic {name!r} of this run: final, best, late, or chosen with validation > 0"
        )

    @property
    def collapsed(self) -> bool:
        """True if some output never spikes on the test set any more."""
        return self.history[-1].mute > 0


def initial_weights(config: Config, data: Dataset) -> Weights:
    """The weights that a run with this seed starts from."""
    return _draw(np.random.Generator(np.random.PCG64(config.seed)), config, data)


def learn(
    weights: Weights,
    samples: Samples,
    engine: str = "fused",
    rule: RuleName = "circuit",
    threshold: int = THRESHOLD,
    step: int = WEIGHT_GRID,
    inhibition: int = INHIBITION,
) -> tuple[Weights, NDArray[np.bool_]]:
    """One pass over `samples` in the given order; returns new weights and output spikes, bool (n, 10).

    Raises ValueError for an unknown engine or rule, or samples that do not fit the network.
    """
    _check_fit(weights, samples.inputs, samples.labels)
    learner = _learner_class(engine)(weights, Rule(rule, threshold, step), inhibition)
    outputs = learner.learn(samples.inputs, samples.labels, np.arange(len(samples)))
    return learner.weights, outputs


def predict(
    weights: Weights, inputs: NDArray[np.bool_], threshold: int = THRESHOLD
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Output spikes, bool (n, 10), and output membrane potentials v2, int32 (n, 10), weight units."""
    from snnbp.fused import predict

    _check_fit(weights, inputs)
    return predict(weights, inputs, Rule(threshold=threshold))


def evaluate(weights: Weights, samples: Samples, threshold: int = THRESHOLD) -> Scores:
    """Score a network on labelled samples."""
    outputs, potentials = predict(weights, samples.inputs, threshold)
    return score(outputs, potentials, samples.labels)


def train(
    data: Dataset,
    config: Config | None = None,
    engine: str = "fused",
    progress: bool | Callable[[Checkpoint], None] = True,
) -> Run:
    """Train as the paper does: random order each epoch, a checkpoint on the test set each half epoch.

    `progress` is True for a bar on stderr, or is called with each checkpoint; what it raises ends the run.
    The same configuration and data give the same weights on every machine and, within the validity bound,
    on every engine ("reference", "fused", "spiking").
    """
    config = config or Config()
    _learner_class(engine)
    rows = checkpoints(data, config, engine)
    if progress is True:
        rows = tqdm(rows, total=2 * config.epochs, desc=f"seed {config.seed}", unit="half epoch")
    history = []
    for state in rows:
        history.append(state.row)
        if callable(progress):
            progress(state.row)
    return Run(config, state.weights, tuple(history), state.overdriven, state.row.seconds)


class State(NamedTuple):
    """Where a run stands at a checkpoint."""

    row: Checkpoint
    weights: Weights
    overdriven: int


def checkpoints(data: Dataset, config: Config, engine: str = "fused") -> Iterator[State]:
    """Train step by step: yield the state at every checkpoint. `train` is this, run to its end."""
    start = time.perf_counter()
    n = len(data.train) - config.validation
    if n < 2:
        raise ValueError(
            f"validation={config.validation} leaves {n} of {len(data.train)} images to learn from"
        )
    held_out = data.train[n:]
    rng = np.random.Generator(np.random.PCG64(config.seed))
    weights = _draw(rng, config, data)
    overdriven = 0
    for epoch in range(config.epochs):
        learner = _learner_class(engine)(weights, config.learning_rule)
        order = rng.permutation(n)
        for half, part in enumerate((order[: n // 2], order[n // 2 :])):
            learner.learn(data.train.inputs, data.train.labels, part)
            weights = learner.weights
            scores = evaluate(weights, data.test, config.threshold)
            held = evaluate(weights, held_out, config.threshold).spikes if len(held_out) else float("nan")
            row = Checkpoint(
                epoch + (half + 1) / 2, *scores[:-1], validation=held, seconds=time.perf_counter() - start
            )
            yield State(row, weights, overdriven + learner.overdriven)
        overdriven += learner.overdriven


def _draw(rng: np.random.Generator, config: Config, data: Dataset) -> Weights:
    sizes = (data.train.inputs.shape[1], config.hidden, CLASSES)
    return Weights.draw(rng, sizes, config.threshold * config.init_scale)


def _learner_class(engine: str) -> type[Learner]:
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}: choose one of {', '.join(ENGINES)}")
    learner: Any = importlib.import_module(ENGINES[engine]).Learner
    return learner  # type: ignore[no-any-return]


def _check_fit(weights: Weights, inputs: NDArray[np.bool_], labels: NDArray[np.uint8] | None = None) -> None:
    """The compiled kernels trust shapes and types; this is where they are checked."""
    if inputs.dtype != np.bool_ or inputs.ndim != 2 or inputs.shape[1] != weights.inputs:
        raise ValueError(
            f"the network takes bool inputs (n, {weights.inputs}), got {inputs.dtype} {inputs.shape}"
        )
    if labels is not None and len(labels) and labels.max() >= weights.outputs:
        raise ValueError(f"label {labels.max()} has no output: the network has {weights.outputs}")
