"""The bundle: plain files that say all that is needed to build the circuit without reading Python."""

import csv
import hashlib
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
from snnbp.circuit.schedule import schedule_of
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights
from snnbp.files import as_path, atomic_folder, replaceable
from snnbp.interop.observed import digest_rows, rule_rows
from snnbp.interop.parameters import parameters
from snnbp.training import sources
from snnbp.training.config import Config
from snnbp.training.data import Dataset, Samples
from snnbp.training.images import on
from snnbp.training.run import Run
from snnbp.training.shift import digest_of
from snnbp.training.train import initial_weights

MOST_BYTES = 4 << 30  # of a bundle's arrays
Row = tuple[Any, ...]
ABOUT, TRAINING, INFERENCE = "about.json", "training", "inference"


def export_bundle(folder: str | Path, run: Run, data: Dataset, n_samples: int = 20) -> None:
    """Write a network with its circuits, weights and the activity that is expected of it.

    Parameters
    ----------
    folder : path-like
        Is created if need be. An older bundle there is replaced once the new one is whole.
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
        If the run was trained on other data or stored without its weights, or if folder or circuit cannot be
        used, see `usable_folder` and `usable_circuit`.
    OSError
        If the folder cannot be written.

    Notes
    -----
    README.md in the folder describes the files.
    """
    checks.an(Run, "run", run)
    checks.an(Dataset, "data", data)
    n = checks.whole("n_samples", n_samples)
    if run.data != digest_of(data, run.config.shift):
        raise ValueError("the run was trained on other data")
    if run.weights is None:
        raise ValueError("the run was stored without its weights")
    if run.circuit is not None:
        raise ValueError("the run was trained on a circuit of its own, a bundle holds the configuration's")
    circuit = usable_circuit(run.config, data, n)
    with atomic_folder(usable_folder(folder)) as new:
        _write(new, circuit, run, run.weights, data, n)
        usable_folder(folder)  # still


def usable_folder(folder: str | Path) -> Path:
    """Return the absolute path of a folder for a bundle.

    Raises
    ------
    ValueError
        If it is a link, a file, read-only, a mount point, the current folder or one above it, cannot be
        created, or holds anything but a bundle as it was written.
    """
    if as_path(folder).is_symlink():
        raise ValueError(f"{folder} is a link: name the folder itself")
    path = as_path(folder).resolve()
    if path in (Path.cwd(), *Path.cwd().parents):
        raise ValueError(f"{folder} holds the current folder and cannot be replaced: name another folder")
    if os.path.ismount(path):
        raise ValueError(f"{folder} is a mount point and cannot be replaced: name a folder in it")
    try:
        replaceable(path, folder=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be replaced, {error.strerror}: name another folder") from None
    if path.exists() and any(path.iterdir()):
        _check_bundle(folder, path)
    above = next(each for each in path.parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"{folder} cannot be created in {above}: name another folder")
    return path


def _check_bundle(folder: str | Path, path: Path) -> None:
    """Raise ValueError unless all that is in `path` is as a bundle's about.json says."""
    about = path / ABOUT
    try:
        if about.is_symlink() or not about.is_file():
            raise ValueError
        digests = dict(json.loads(about.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{folder} is not empty and holds no bundle: name a new folder") from None
    for each in path.rglob("*"):
        name = each.relative_to(path).as_posix()
        same = name in digests and each.is_file() and _digest(each) == digests[name]
        part = name in (TRAINING, INFERENCE) and each.is_dir()
        if each.is_symlink() or not (each == about or same or part):
            raise ValueError(f"{folder} is a bundle, but {name} is not as it was written: name a new folder")


def usable_circuit(config: Config, data: Dataset, n_samples: int = 20) -> Circuit:
    """Return the learning circuit of a bundle.

    Raises
    ------
    ValueError
        If it is of another rule, feedback is not exact, there are not as many samples, or the arrays would
        have more than `MOST_BYTES`.
    """
    if config.rule != "circuit":
        raise ValueError(f"a bundle needs the rule 'circuit', got {config.rule!r}")
    if config.feedback != "exact":
        raise ValueError(f"a bundle needs feedback='exact', got {config.feedback!r}")
    most = min(len(data.train), len(data.test))
    if not 0 < n_samples <= most:
        raise ValueError(f"n_samples must be from 1 to {most}, got {n_samples}")
    sizes = (data.train.inputs.shape[1], *config.hidden, len(data.classes))
    circuit = config.learning_rule.circuit(sizes, config.inhibition)
    of = {population.name: population.size for population in circuit.populations}
    n_bytes = 5 * n_samples * len(circuit.phases) * sum(of.values())  # spikes and potentials
    n_bytes += 2 * (n_samples + 1) * sum(of[each.pre] * of[each.post] for each in circuit.matrices)
    if n_bytes > MOST_BYTES:
        limit = f"more than the limit of {MOST_BYTES >> 30}: choose smaller layers or fewer samples"
        raise ValueError(f"the bundle would have {n_bytes / (1 << 30):,.1f} GiB, {limit}")
    return circuit


def _write(folder: Path, circuit: Circuit, run: Run, trained: Weights, data: Dataset, n: int) -> None:
    """Write the files into a new folder."""
    config, sizes = run.config, trained.sizes
    parts = {
        TRAINING: (circuit, initial_weights(config, data), data.train),
        INFERENCE: (inference_circuit(sizes, config.threshold), trained, data.test),
    }
    overdriven, found = {}, True
    for number, (name, (part, weights, samples)) in enumerate(parts.items()):
        _write_circuit(folder / name, part)
        overdriven[name] = _write_activity(folder / name, part, weights, samples[:n])
        found &= _write_images(folder / name, data.source, number, samples[:n])
    rows = parameters(config, circuit, schedule_of(len(sizes) - 2).name, data, found)
    _write_csv(folder / "parameters.csv", "name,value,unit,origin,note", rows)
    digests = ((name, *row) for name in parts for row in digest_rows(folder / name))
    _write_csv(folder / "digests.csv", "part,sample,phase,file,sha256", digests)
    _write_csv(folder / "rule.csv", "before,pre,post,reward,after", rule_rows(circuit))
    (folder / "README.md").write_bytes(files("snnbp.interop").joinpath("bundle.md").read_bytes())
    written = sorted(folder.rglob("*"))
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
        "files": {path.relative_to(folder).as_posix(): _digest(path) for path in written if path.is_file()},
    }
    (folder / ABOUT).write_bytes(f"{json.dumps(about, indent=1)}\n".encode())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_circuit(folder: Path, circuit: Circuit) -> None:
    """Write the tables of a circuit. Matrices are stored on the chip as weight / 2, exponent 1."""
    folder.mkdir()
    rows: list[Row] = []
    for p in circuit.populations:
        neuron = p.neuron
        row = p.name, p.size, neuron.bias, neuron.threshold, neuron.refractory, neuron.name, p.layer, p.symbol
        rows.append(row)
    header = "name,size,bias,threshold,refractory,type,layer,symbol"
    _write_csv(folder / "populations.csv", header, rows)
    rows = []
    for each in circuit.projections:
        weight = each.weight
        mantissa, exponent = ("", 1) if weight is None else mantissa_exponent(weight)
        learns = int(weight is None and each.learns and circuit.plasticity is not None)
        matrix = _file(each.pre, each.post) if weight is None else ""
        stored = weight, mantissa, exponent, learns, matrix, each.symbol, circuit.role(each)
        rows.append((each.pre, each.post, each.pattern, each.delay, *stored))
    header = "pre,post,pattern,delay,weight,mantissa,exponent,learns,matrix,symbol,role"
    _write_csv(folder / "projections.csv", header, rows)
    rows, rule = [], circuit.plasticity
    for number, phase in enumerate(circuit.phases):
        change = rule.always + rule.rewarded * phase.reward if rule else 0
        opens = " ".join(f"{name}:{share:g}" for name, share in phase.opens.items())
        opened_by = " ".join(f"{name}:{by}" for name, by in phase.opened_by.items())
        gated = " ".join(phase.inhibits), " ".join(phase.may_fire_while_gated_off)
        received = " ".join(phase.receives_input)
        rows.append((number, change, received, phase.gate, opens, opened_by, *gated, phase.event))
    header = "phase,weight_change,receives_input,gate,opens,opened_by,inhibits,may_fire_while_gated_off,event"
    _write_csv(folder / "phases.csv", header, rows)


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
    np.save(folder / "inputs.npy", samples.inputs.astype(np.uint8))
    np.save(folder / "labels.npy", labels.astype("<i4"))
    np.save(folder / "spikes.npy", np.array(spikes, np.uint8))
    np.save(folder / "potentials.npy", np.array(potentials, "<i4"))
    for pre, post in matrices[0]:
        kept = matrices if circuit.plasticity else matrices[:1]
        np.save(folder / _file(pre, post), np.array([each[pre, post] for each in kept], "<i2"))
    return overdriven


def _write_images(folder: Path, source: str, part: int, samples: Samples) -> bool:
    """Store the grey images of a registered data set if they give the inputs at the threshold 0.5."""
    if source not in sources.NAMES:
        return False
    raw = sources.load(source)
    images = raw.images[part][: len(samples)]
    if not np.array_equal(on(images, 0.5, raw.full_scale), samples.inputs):
        return False
    np.save(folder / "images.npy", np.ascontiguousarray(images))
    return True


def _file(pre: str, post: str) -> str:
    return f"{pre}_to_{post}.npy"


def _write_csv(path: Path, header: str, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])
