"""Train and test a network: one configuration in, one reproducible run out, whatever the rung."""

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from snnbp.training import checkpoints
from snnbp.training.data import CLASSES, Dataset, Samples
from snnbp.circuit.loihi import INHIBITION, THRESHOLD, WEIGHT_GRID
from snnbp.backends.rule import Rule
from snnbp.training.metrics import Scores, score
from snnbp.circuit.weights import Weights

BACKENDS = {
    "reference": "snnbp.backends.reference",
    "fused": "snnbp.backends.fused",
    "spiking": "snnbp.backends.spiking.samples",
    "lava": "snnbp.backends.lava",
}

LavaStyle = Literal["single", "network"]
"""In Lava, the circuit is one Process, or a network of Lava's own Processes, a hundred times slower."""


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
    multiplies the initial standard deviation. Threshold, step and inhibition (negative; it holds populations
    down where the circuit itself runs and sets the bound elsewhere) are in weight units.
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
    inhibition: int = INHIBITION

    def __post_init__(self) -> None:
        for name, least in (("hidden", 1), ("epochs", 1), ("seed", 0), ("validation", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if self.inhibition >= 0:
            raise ValueError(f"inhibition must be negative, got {self.inhibition!r}")
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
class Record:
    """What is kept of every finished training: all but its weights, of which `digest` is the SHA-256.

    `overdriven` counts presented samples beyond the circuit's validity bound.
    """

    config: Config
    history: tuple[Checkpoint, ...]
    digest: str
    overdriven: int

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


@dataclass(frozen=True)
class Run(Record):
    """A finished training, with its weights and the seconds it took."""

    weights: Weights
    seconds: float


def initial_weights(config: Config, data: Dataset) -> Weights:
    """The weights that a run with this seed starts from."""
    return _draw(np.random.Generator(np.random.PCG64(config.seed)), config, data)


def learn(
    weights: Weights,
    samples: Samples,
    backend: str = "fused",
    rule: RuleName = "circuit",
    threshold: int = THRESHOLD,
    step: int = WEIGHT_GRID,
    inhibition: int = INHIBITION,
    lava_style: LavaStyle = "single",
) -> tuple[Weights, NDArray[np.bool_]]:
    """One pass over `samples` in the given order; returns new weights and output spikes, bool (n, 10).

    Raises ValueError for an unknown backend or rule, or samples that do not fit the network, and
    ModuleNotFoundError for backend "lava" without Lava.
    """
    _check_fit(weights, samples.inputs, samples.labels)
    learner = _learner_class(backend, lava_style)(weights, Rule(rule, threshold, step), inhibition)
    outputs = learner.learn(samples.inputs, samples.labels, np.arange(len(samples)))
    return learner.weights, outputs


def predict(
    weights: Weights, inputs: NDArray[np.bool_], threshold: int = THRESHOLD
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Output spikes, bool (n, 10), and output membrane potentials v2, int32 (n, 10), weight units."""
    from snnbp.backends.fused import predict

    _check_fit(weights, inputs)
    return predict(weights, inputs, Rule(threshold=threshold))


def evaluate(weights: Weights, samples: Samples, threshold: int = THRESHOLD) -> Scores:
    """Score a network on labelled samples."""
    outputs, potentials = predict(weights, samples.inputs, threshold)
    return score(outputs, potentials, samples.labels)


def train(
    data: Dataset,
    config: Config | None = None,
    backend: str = "fused",
    progress: bool | Callable[[Checkpoint], None] = True,
    checkpoint: str | Path | None = None,
    lava_style: LavaStyle = "single",
) -> Run:
    """Train as the paper does: random order each epoch, a checkpoint on the test set each half epoch.

    `progress` is True for a bar on stderr, or is called with each checkpoint; what it raises ends the run.
    `checkpoint` names a file that holds the run after each epoch: called again after an interruption, the
    run goes on from there, to the same weights. Raises ValueError for a file of another run.
    The same configuration and data give the same weights on every machine and, within the validity bound,
    on every backend ("reference", "fused", "spiking", "lava"). `lava_style` matters for backend "lava" only.
    """
    config = config or Config()
    _learner_class(backend, lava_style)
    run_of = {"config": asdict(config), "backend": backend, "data": data.digest} if checkpoint else {}
    history, state = [], None
    if checkpoint and Path(checkpoint).exists():
        weights, rows, overdriven = checkpoints.load(checkpoint, run_of)
        history = [Checkpoint(*row) for row in rows]
        state = State(history[-1], weights, overdriven)
    stream = states(data, config, backend, lava_style, state)
    if progress is True:
        total, done = 2 * config.epochs, len(history)
        stream = tqdm(stream, total=total, initial=done, desc=f"seed {config.seed}", unit="half epoch")
    for state in stream:
        history.append(state.row)
        if checkpoint and len(history) % 2 == 0:
            checkpoints.save(checkpoint, run_of, state.weights, history, state.overdriven)
        if callable(progress):
            progress(state.row)
    assert state is not None  # there is at least one epoch
    digest = state.weights.digest
    return Run(config, tuple(history), digest, state.overdriven, state.weights, state.row.seconds)


class State(NamedTuple):
    """Where a run stands at a checkpoint."""

    row: Checkpoint
    weights: Weights
    overdriven: int


def states(
    data: Dataset,
    config: Config,
    backend: str = "fused",
    lava_style: LavaStyle = "single",
    state: State | None = None,
) -> Iterator[State]:
    """Train step by step: yield the state at every checkpoint. `train` is this, run to its end.

    `state` is the end of an epoch to go on from.
    """
    learner_class = _learner_class(backend, lava_style)
    n = len(data.train) - config.validation
    if n < 2:
        raise ValueError(
            f"validation={config.validation} leaves {n} of {len(data.train)} images to learn from"
        )
    held_out = data.train[n:]
    rng = np.random.Generator(np.random.PCG64(config.seed))
    weights, overdriven, done, start = _draw(rng, config, data), 0, 0, time.perf_counter()
    if state:
        weights, overdriven, done = state.weights, state.overdriven, int(state.row.epoch)
        start -= state.row.seconds
        for _ in range(done):
            rng.permutation(n)
    for epoch in range(done, config.epochs):
        learner = learner_class(weights, config.learning_rule, config.inhibition)
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


def _learner_class(backend: str, lava_style: LavaStyle) -> type[Learner]:
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}: choose one of {', '.join(BACKENDS)}")
    if lava_style not in get_args(LavaStyle):
        raise ValueError(f"unknown lava_style {lava_style!r}: choose one of {', '.join(get_args(LavaStyle))}")
    module = f"{BACKENDS[backend]}.{lava_style}" if backend == "lava" else BACKENDS[backend]
    try:
        learner: Any = importlib.import_module(module).Learner
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "lava":
            raise
        raise ModuleNotFoundError(
            "backend 'lava' needs Lava: pip install lava-nc==0.10.0, in Python 3.10 "
            f"(this is {sys.version_info.major}.{sys.version_info.minor})"
        ) from None
    return learner  # type: ignore[no-any-return]


def _check_fit(weights: Weights, inputs: NDArray[np.bool_], labels: NDArray[np.uint8] | None = None) -> None:
    """The compiled kernels trust shapes and types; this is where they are checked."""
    if inputs.dtype != np.bool_ or inputs.ndim != 2 or inputs.shape[1] != weights.sizes[0]:
        raise ValueError(
            f"the network takes bool inputs (n, {weights.sizes[0]}), got {inputs.dtype} {inputs.shape}"
        )
    if labels is not None and len(labels) and labels.max() >= weights.sizes[-1]:
        raise ValueError(f"label {labels.max()} has no output: the network has {weights.sizes[-1]}")
