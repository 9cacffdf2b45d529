"""The bundle: plain files that say all that is needed to build the circuit without reading Python."""

import csv
import json
import os
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import snnbp
from snnbp import checks
from snnbp.backends.spiking.samples import StimulusDriver
from snnbp.circuit.backprop import inference_circuit
from snnbp.circuit.loihi import mantissa_exponent
from snnbp.circuit.parts import Projection
from snnbp.circuit.schedule import schedule_of
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights
from snnbp.files import as_path, atomic_folder, atomic_open
from snnbp.interop.parameters import parameters
from snnbp.training import sources
from snnbp.training.data import Dataset, Samples
from snnbp.training.images import on
from snnbp.training.run import Run
from snnbp.training.shift import digest_of
from snnbp.training.train import initial_weights

TRAINING, INFERENCE = "training", "inference"


def export_bundle(folder: str | Path, run: Run, data: Dataset, n_samples: int = 20) -> None:
    """Write a network with its circuits, weights and the activity that is expected of it.

    Parameters
    ----------
    folder : path-like
        Is created if need be. An older bundle there is replaced, with all that is in its folder, once the new
        one is whole.
    run : Run
        A training with its weights, by the rule "circuit" with exact feedback.
    data : Dataset
        The data set on which it was trained.
    n_samples : int, default 20
        Number of training samples, learned from the initial weights, and of test samples, presented to the
        trained network.

    Raises
    ------
    ValueError
        If the run was trained on other data or by another rule, there are not as many samples, or the
        folder cannot be used, see `usable_folder`.
    OSError
        If the folder cannot be written.

    Notes
    -----
    README.md in the folder describes the files.
    """
    checks.an(Run, "run", run)
    checks.an(Dataset, "data", data)
    n = checks.whole("n_samples", n_samples)
    config = run.config
    if run.data != digest_of(data, run.config.shift):
        raise ValueError("the run was trained on other data")
    if run.weights is None:
        raise ValueError("the run was stored without its weights")
    if config.rule != "circuit":
        raise ValueError(f"a bundle needs the rule 'circuit', got {config.rule!r}")
    if config.feedback != "exact":
        raise ValueError(f"a bundle needs feedback='exact', got {config.feedback!r}")
    if not 0 < n <= min(len(data.train), len(data.test)):
        raise ValueError(f"n_samples must be from 1 to {min(len(data.train), len(data.test))}, got {n}")
    with atomic_folder(usable_folder(folder)) as new:
        _write(new, run, run.weights, data, n)


def usable_folder(folder: str | Path) -> Path:
    """Return the absolute path of a folder for a bundle.

    Raises
    ------
    ValueError
        If it is a file or the current folder, cannot be created, or holds anything but a bundle.
    """
    path = as_path(folder).resolve()
    if path.exists() and not path.is_dir():
        raise ValueError(f"{folder} is a file: name a folder")
    if path == Path.cwd():
        raise ValueError("the current folder cannot be replaced: name another folder")
    if path.exists() and any(path.iterdir()) and not (path / "about.json").exists():
        raise ValueError(f"{folder} is not empty and holds no bundle: name a new folder")
    above = next(each for each in path.parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"{folder} cannot be created in {above}: name another folder")
    return path


def _write(folder: Path, run: Run, trained: Weights, data: Dataset, n: int) -> None:
    """Write the files into a new folder."""
    config, sizes = run.config, trained.sizes
    circuit = config.learning_rule.circuit(sizes, config.inhibition)
    parts = {
        TRAINING: (circuit, initial_weights(config, data), data.train),
        INFERENCE: (inference_circuit(sizes, config.threshold), trained, data.test),
    }
    overdriven, found = {}, True
    for number, (name, (circuit, weights, samples)) in enumerate(parts.items()):
        _write_circuit(folder / name, circuit)
        overdriven[name] = _write_activity(folder / name, circuit, weights, samples[:n])
        found &= _write_images(folder / name, data.source, number, samples[:n])
    schedule = schedule_of(len(sizes) - 2).name
    table = parameters(config, parts[TRAINING][0], schedule, data, found)
    _write_csv(folder / "parameters.csv", (parameter._asdict() for parameter in table))
    about = {
        "format": 1,
        "snnbp": snnbp.__version__,
        "sizes": sizes,
        "classes": data.classes,
        "samples": n,
        "samples_beyond_the_validity_bound": overdriven,
        "dataset": {"name": data.source, "verified": data.verified, "digest": data.digest},
        "image_shape": data.image_shape,
        "config": config.model_dump(),
        "digest_of_trained_weights": run.digest,
    }
    with atomic_open(folder / "about.json", "w") as file:
        file.write(json.dumps(about, indent=1) + "\n")
    with atomic_open(folder / "README.md", "w") as file:
        file.write(files("snnbp.interop").joinpath("bundle.md").read_text(encoding="utf-8"))


def _write_circuit(folder: Path, circuit: Circuit) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    populations = (
        {
            "name": p.name,
            "size": p.size,
            "bias": p.neuron.bias,
            "threshold": p.neuron.threshold,
            "refractory": p.neuron.refractory,
            "type": p.neuron.name,
            "layer": p.layer,
            "symbol": p.symbol,
        }
        for p in circuit.populations
    )
    _write_csv(folder / "populations.csv", populations)
    _write_csv(folder / "projections.csv", (_projection(circuit, p) for p in circuit.projections))
    _write_csv(folder / "phases.csv", (_phase(circuit, n) for n in range(len(circuit.phases))))


def _projection(circuit: Circuit, projection: Projection) -> dict[str, Any]:
    """A row of projections.csv. Matrices are stored on the chip as weight / 2, exponent 1."""
    weight, is_matrix = projection.weight, projection.weight is None
    mantissa, exponent = ("", 1) if weight is None else mantissa_exponent(weight)
    return {
        "pre": projection.pre,
        "post": projection.post,
        "pattern": projection.pattern,
        "delay": projection.delay,
        "weight": weight,
        "mantissa": mantissa,
        "exponent": exponent,
        "learns": int(is_matrix and projection.learns and circuit.plasticity is not None),
        "matrix": _file(projection.pre, projection.post) if is_matrix else "",
        "symbol": projection.symbol,
        "role": circuit.role(projection),
    }


def _phase(circuit: Circuit, number: int) -> dict[str, Any]:
    """A row of phases.csv."""
    phase, rule = circuit.phases[number], circuit.plasticity
    return {
        "phase": number,
        "weight_change": rule.always + rule.rewarded * phase.reward if rule else 0,
        "receives_input": " ".join(phase.receives_input),
        "gate": phase.gate,
        "opens": " ".join(f"{name}:{share:g}" for name, share in phase.opens.items()),
        "opened_by": " ".join(f"{name}:{by}" for name, by in phase.opened_by.items()),
        "inhibits": " ".join(phase.inhibits),
        "may_fire_while_gated_off": " ".join(phase.may_fire_while_gated_off),
        "event": phase.event,
    }


def _write_activity(folder: Path, circuit: Circuit, weights: Weights, samples: Samples) -> int:
    """Present samples; store what is expected. Return how many are beyond the validity bound."""
    driver = StimulusDriver(circuit, weights)
    names, phases = tuple(p.name for p in circuit.populations), tuple(range(len(circuit.phases)))
    spikes, potentials, overdriven = [], [], 0
    matrices = [driver.network.matrices]
    labels = samples.labels.astype(np.int64)
    for n in range(len(samples)):
        done = driver.present(samples.inputs, labels, np.array([n]), names, phases, potentials=True)
        spikes.append(done.spikes[0])
        potentials.append(done.potentials[0])
        matrices.append(driver.network.matrices)
        overdriven += int(done.overdriven.sum())
    _write_array(folder / "inputs.npy", samples.inputs.astype(np.uint8))
    _write_array(folder / "labels.npy", labels.astype("<i4"))
    _write_array(folder / "spikes.npy", np.array(spikes, np.uint8))
    _write_array(folder / "potentials.npy", np.array(potentials, "<i4"))
    for pre, post in matrices[0]:
        kept = matrices if circuit.plasticity else matrices[:1]
        _write_array(folder / _file(pre, post), np.array([each[pre, post] for each in kept], "<i2"))
    return overdriven


def _write_images(folder: Path, source: str, part: int, samples: Samples) -> bool:
    """Store the grey images of a registered data set if they give the inputs at the threshold 0.5."""
    if source not in sources.NAMES:
        return False
    raw = sources.load(source)
    images = raw.images[part][: len(samples)]
    if not np.array_equal(on(images, 0.5, raw.full_scale), samples.inputs):
        return False
    _write_array(folder / "images.npy", np.ascontiguousarray(images))
    return True


def _file(pre: str, post: str) -> str:
    return f"{pre}_to_{post}.npy"


def _write_array(path: Path, array: Any) -> None:
    with atomic_open(path) as file:
        np.save(file, array)


def _write_csv(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    first, *others = rows
    with atomic_open(path, "w") as file:
        writer = csv.DictWriter(file, first, lineterminator="\n")
        writer.writeheader()
        writer.writerows([first, *others])
