"""Train and test a network on any backend: one configuration in, one reproducible run out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp import backends, checks
from snnbp.circuit.loihi import INHIBITION, WEIGHT_GRID
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights
from snnbp.files import as_path
from snnbp.training.config import Config
from snnbp.training.data import Dataset, Samples
from snnbp.training.feedback import fixed_feedback
from snnbp.training.metrics import Scores, score
from snnbp.training.run import CHECKPOINTS_AN_EPOCH, DIGITS, Run
from snnbp.training.shift import digest_of, directions, framed_images, shifted

Row = dict[str, Any]
"""One row of a history, see `Run.history`."""


def initial_weights(config: Config, data: Dataset) -> Weights:
    """Draw the weights that a run starts from.

    Parameters
    ----------
    config : Config
    data : Dataset
        Gives the number of inputs and outputs.

    Returns
    -------
    Weights
    """
    checks.an(Config, "config", config)
    checks.an(Dataset, "data", data)
    return _draw(np.random.Generator(np.random.PCG64(config.seed)), config, data)


def learn(
    weights: Weights,
    samples: Samples,
    backend: str = "fused",
    rule: str = "circuit",
    step: int = WEIGHT_GRID,
    inhibition: int = INHIBITION,
    circuit: Circuit | None = None,
) -> tuple[Weights, NDArray[np.bool_]]:
    """Make one pass over `samples` in the given order.

    Several calls are not one pass: at each, the copies that carry the error back start anew from the weights,
    while within a pass they learn for themselves and differ from the weights where these reach their bounds.

    Parameters
    ----------
    weights : Weights
        Not modified.
    samples : Samples
    backend : str, default "fused"
        One of `snnbp.backends()`.
    rule : str, default "circuit"
        Learning rule.
    step : int, default 2
        Learning step (weight units).
    inhibition : int, default -8128
        Weight (weight units, negative) that inhibits a population.
    circuit : Circuit, optional
        As in `train`.

    Returns
    -------
    weights : Weights
        After the pass.
    outputs : bool array (n, outputs)
        Output spikes while learning.

    Raises
    ------
    ValueError
        For an unknown backend or rule, or samples that do not fit the network.
    ModuleNotFoundError
        For backend "lava" without Lava.
    """
    checks.an(Weights, "weights", weights)
    checks.an(Samples, "samples", samples)
    config = Config(
        hidden=weights.sizes[1:-1], rule=rule, threshold=weights.threshold, step=step, inhibition=inhibition
    )
    learner = backends.learner(backend, weights, config.learning_rule, config.inhibition, circuit=circuit)
    outputs = learner.learn(samples.inputs, samples.labels)
    return learner.weights, outputs


def predict(
    weights: Weights, inputs: NDArray[np.bool_], backend: str = "fused"
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Compute the outputs for `inputs`.

    Parameters
    ----------
    weights : Weights
    inputs : bool array (n, inputs)
    backend : str, default "fused"

    Returns
    -------
    spikes : bool array (n, outputs)
    potentials : int32 array (n, outputs)
        Membrane potentials of the outputs (weight units).

    Raises
    ------
    ValueError
        For an unknown backend, or inputs of another type or width.
    """
    return backends.predict(backend, weights, inputs)


def evaluate(weights: Weights, samples: Samples, backend: str = "fused") -> Scores:
    """Score a network on labelled samples.

    Parameters
    ----------
    weights : Weights
    samples : Samples
    backend : str, default "fused"

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        If the samples do not fit the network.
    """
    checks.an(Weights, "weights", weights)
    checks.an(Samples, "samples", samples)
    n_outputs = weights.sizes[-1]
    checks.indices("labels", samples.labels, None, n_outputs, f": the network has {n_outputs} outputs")
    return score(*predict(weights, samples.inputs, backend), samples.labels)


class Progress(NamedTuple):
    """The state of a run at a checkpoint."""

    row: Row
    weights: Weights


def train(
    data: Dataset,
    config: Config | None = None,
    backend: str = "fused",
    progress: bool | Callable[[Row], None] = True,
    checkpoint: str | Path | None = None,
    circuit: Circuit | None = None,
) -> Run:
    """Train as the paper does: random order each epoch, test set scored each half epoch.

    Parameters
    ----------
    data : Dataset
    config : Config, optional
        Default: the paper's.
    backend : str, default "fused"
        One of `snnbp.backends()`. It learns and predicts.
    progress : bool or callable, default True
        True shows a progress bar. A callable gets each row of the history; an exception in it ends the run.
    checkpoint : path-like, optional
        File (.npz) that holds the run after each epoch. If it exists, the run resumes from it and ends with
        the same weights.
    circuit : Circuit, optional
        For backend "spiking": learns in place of the circuit that `config` declares, for example one made by
        `training_circuit` and `Circuit.without`. It has the populations and matrices that training drives and
        reads; learning step, inhibition and output error are those of the circuit, whatever `config` says.
        The weights are scored as always, by the inference circuit.

    Returns
    -------
    Run
        Its `circuit` is the digest of the circuit given, and a sweep never takes it for another run.

    Raises
    ------
    ValueError
        If data, configuration and circuit do not fit, or the checkpoint is damaged or of another run.

    Notes
    -----
    The same configuration and data give the same weights on every machine and, inside the validity bound,
    on every backend.
    """
    import pandas as pd

    start = time.perf_counter()
    config = Config() if config is None else checks.an(Config, "config", config)
    checks.an(Dataset, "data", data)
    digest = None if circuit is None else checks.an(Circuit, "circuit", circuit).digest
    run = Run(config, backend, digest_of(data, config.shift), pd.DataFrame(), "", 0, circuit=digest)
    checkpoint = None if checkpoint is None else as_path(checkpoint)
    if checkpoint is not None and checkpoint.exists():
        run = _resumed(checkpoint, run, _sizes(config, data))
    rows: list[Any] = run.history.to_dict("records")
    stream = iter_training(data, config, backend, run if rows else None, circuit)
    bar: Any = None
    if progress is True:
        from tqdm.auto import tqdm

        from snnbp.backends.compiled import must_compile

        total, initial = CHECKPOINTS_AN_EPOCH * config.epochs, len(rows)
        name = f"seed {config.seed}" + (", compiling" if must_compile() else "")
        stream = bar = tqdm(stream, total=total, initial=initial, desc=name, unit="half epoch")
    for row, weights in stream:
        rows.append(row)
        if bar is not None:
            bar.set_description(f"seed {config.seed}", refresh=False)
        finished = len(rows) == CHECKPOINTS_AN_EPOCH * config.epochs
        if finished or (checkpoint is not None and len(rows) % CHECKPOINTS_AN_EPOCH == 0):
            run = replace(
                run,
                history=pd.DataFrame(rows),
                digest=weights.digest,
                n_overdriven=row["overdriven"],
                weights=weights,
            )
            if checkpoint is not None:
                run.save(checkpoint)
        if callable(progress):
            progress(row)
    return replace(run, seconds=time.perf_counter() - start)


def iter_training(
    data: Dataset,
    config: Config,
    backend: str = "fused",
    resume: Run | None = None,
    circuit: Circuit | None = None,
) -> Iterator[Progress]:
    """Train and yield the state at every checkpoint, each half epoch. `train` exhausts this iterator.

    Parameters
    ----------
    data : Dataset
    config : Config
    backend : str, default "fused"
    resume : Run, optional
        A run with weights, saved at the end of an epoch, to continue.
    circuit : Circuit, optional
        As in `train`.

    Yields
    ------
    Progress

    Raises
    ------
    ValueError
        If fewer than two training images remain, or `resume` does not fit.
    """
    n = len(data.train) - config.n_validation
    if n < 2:
        raise ValueError(
            f"n_validation={config.n_validation} leaves {n} of {len(data.train)} images for training"
        )
    held_out = data.train[n:]
    rng = np.random.Generator(np.random.PCG64(config.seed))
    weights = initial = _draw(rng, config, data)
    n_overdriven, done = 0, 0
    if resume is not None:
        if resume.weights is None or resume.weights.sizes != weights.sizes:
            raise ValueError(f"the run to resume has no weights for the network {weights.sizes}")
        weights, n_overdriven = resume.weights, resume.n_overdriven
        done = len(resume.history) // CHECKPOINTS_AN_EPOCH
    rule, feedback = config.learning_rule, fixed_feedback(config, initial)
    framed = framed_images(data) if config.shift else None
    moves = directions(config.seed, n)
    for epoch in range(config.epochs):
        order, direction = rng.permutation(n), next(moves)
        if epoch < done:
            continue
        learner = backends.learner(backend, weights, rule, config.inhibition, feedback, circuit)
        for checkpoint, half in enumerate((slice(n // 2), slice(n // 2, n)), 1):
            part = order[half]
            if framed is None:
                learner.learn(data.train.inputs, data.train.labels, part)
            else:
                learner.learn(shifted(framed, data.code, part, direction[half]), data.train.labels[part])
            weights = learner.weights
            row: Row = {"epoch": epoch + checkpoint / CHECKPOINTS_AN_EPOCH}
            row |= evaluate(weights, data.test, backend)._asdict()
            del row["n"]
            if config.n_validation:
                row["validation"] = evaluate(weights, held_out, backend).spikes
            row["overdriven"] = n_overdriven + learner.n_overdriven
            row["weights"] = weights.digest[:DIGITS]
            yield Progress(row, weights)
        n_overdriven += learner.n_overdriven


def _sizes(config: Config, data: Dataset) -> tuple[int, ...]:
    return (data.train.inputs.shape[1], *config.hidden, len(data.classes))


def _draw(rng: np.random.Generator, config: Config, data: Dataset) -> Weights:
    return Weights.draw(rng, _sizes(config, data), config.threshold, config.init_scale)


def _resumed(path: Path, wanted: Run, sizes: tuple[int, ...]) -> Run:
    """Load the run in `path`; ValueError unless it is the wanted one, saved at the end of an epoch."""
    found = Run.load(path)
    if found.version != wanted.version:
        raise ValueError(f"{path} was made by snnbp {found.version}, this is {wanted.version}: delete it")
    if any(
        getattr(found, name) != getattr(wanted, name) for name in ("config", "backend", "data", "circuit")
    ):
        raise ValueError(
            f"{path} is the checkpoint of another run ({_difference(found, wanted)}): choose another file"
        )
    if found.weights is None or len(found.history) % CHECKPOINTS_AN_EPOCH:
        raise ValueError(f"{path} is not a checkpoint to resume from: delete it to start again")
    if found.weights.sizes != sizes:
        raise ValueError(f"{path} holds a network {found.weights.sizes}, the data need {sizes}: delete it")
    return found


def _difference(found: Run, wanted: Run) -> str:
    """How the checkpoint differs from the run, for example `hidden=(20,), other data`."""
    ours, theirs = wanted.config.model_dump(), found.config.model_dump()
    parts = [f"{name}={value!r}" for name, value in theirs.items() if value != ours[name]]
    parts += [f"backend={found.backend!r}"] * (found.backend != wanted.backend)
    parts += ["another circuit"] * (found.circuit != wanted.circuit)
    return ", ".join(parts + ["other data"] * (found.data != wanted.data))
