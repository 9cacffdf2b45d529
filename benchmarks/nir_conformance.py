"""Do NIR files of this package give the same spikes in other simulators? Fills the table of docs/nir.md.

    python benchmarks/nir_conformance.py [NAME ...]

Each simulator gets an environment of its own in build/nir, with pinned packages. All read with nir 1.0.8.
Sinabs is at 2.0.3, for 3.1.3 needs nir <= 1.0.4. All environments together take 12 GB. MNIST must be at hand.
A run of only some writes no page.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "nir.md"
FOLDER = ROOT / "build" / "nir"


# In the simulator's environment: each reads the file's graph and returns the output spikes of each sample.


def snntorch(graph, x):
    import torch
    from snntorch.import_nir import import_from_nir

    output, _ = import_from_nir(graph)(torch.tensor(x))
    return (output[0] if isinstance(output, tuple) else output).detach()


def norse(graph, x):
    import norse.torch
    import torch

    return norse.torch.from_nir(graph, dt=1e-4)(torch.tensor(x))[0].detach()


def sinabs(graph, x):
    import torch
    from sinabs.nir import from_nir

    return from_nir(graph, batch_size=len(x))(torch.tensor(x))[0].detach()


def spikingjelly(graph, x):
    import torch
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return import_from_nir(graph, dt=1e-4)(torch.tensor(x), None)[0].detach()


def spyx(graph, x):
    """Each layer is one step late: the spikes come out in step L + 1."""
    import jax.numpy as jnp
    import spyx.nir

    layers = sum(name.startswith("affine") for name in graph.nodes)
    steps = jnp.zeros((layers + 1, *x.shape)).at[0].set(x)
    return spyx.nir.from_nir(graph, steps, dt=1e-4)[1][layers]


def rockpool(graph, x):
    import torch
    from rockpool.nn.modules.torch import from_nir

    return from_nir(graph)(torch.tensor(x)[:, None])[0].detach()[:, 0]


class Simulator(NamedTuple):
    run: Callable
    dialect: str
    packages: tuple[str, ...]


SIMULATORS = {
    simulator.run.__name__: simulator
    for simulator in (
        Simulator(snntorch, "cubalif", ("snntorch==1.0.0", "torch==2.13.0", "nir==1.0.8", "nirtorch==2.6")),
        Simulator(norse, "cubalif", ("norse==1.1.0", "torch==2.14.1", "nir==1.0.8", "nirtorch==2.6")),
        Simulator(sinabs, "lif", ("sinabs==2.0.3", "torch==2.13.0", "nir==1.0.8", "nirtorch==2.6")),
        Simulator(
            spikingjelly, "cubalif", ("spikingjelly==2.0.0", "torch==2.14.1", "nir==1.0.8", "nirtorch==2.6")
        ),
        Simulator(spyx, "cubalif", ("spyx==1.0.0", "jax==0.10.2", "nir==1.0.8")),
        Simulator(rockpool, "rockpool", ("rockpool==3.1.0", "torch==2.13.0", "nir==1.0.8", "nirtorch==2.6")),
    )
}


def work(name: str, file: str, inputs: str, out: str) -> None:
    """Run one file in a simulator and store its output spikes."""
    import nir

    x = np.unpackbits(np.load(inputs), axis=1, count=400).astype(np.float32)
    spikes = np.asarray(SIMULATORS[name].run(nir.read(file), x))
    np.save(out, spikes.reshape(len(x), -1).astype(np.int16))


def compare(name: str, case: str, weights, inputs: Path, expected) -> tuple[str, ...]:
    """One row of the table."""
    import nir
    from environment import python_with

    from snnbp.interop import to_nir

    simulator = SIMULATORS[name]
    file, out = FOLDER / f"{case}-{simulator.dialect}.nir", FOLDER / f"{case}-{name}.npy"
    nir.write(file, to_nir(weights, simulator.dialect))
    done = subprocess.run(
        [python_with(f"nir/{name}", simulator.packages), __file__, "--work", name, file, inputs, out],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        result = f"failed: {done.stderr.strip().splitlines()[-1]}"
    else:
        spikes = np.load(out)
        result = f"{int((spikes != expected).sum()):,} of {expected.size:,}"
    version, *others = simulator.packages
    row = (version.replace("==", " "), ", ".join(others).replace("==", " "), simulator.dialect, case, result)
    print("  ".join(row), flush=True)
    return row


def main(names: list[str]) -> None:
    from environment import describe
    from table import FIGURES, measured

    import snnbp
    from snnbp.files import atomic_open
    from snnbp.paper.records import write_record

    for name in names:
        if name not in SIMULATORS:
            raise SystemExit(f"no simulator {name!r}: choose from {', '.join(SIMULATORS)}")
    environment = describe()
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = snnbp.load_dataset("mnist")
    np.save(inputs := FOLDER / "inputs.npy", np.packbits(data.test.inputs, axis=1))
    deep = snnbp.Config(hidden=(400, 400), epochs=2, inhibition=-32512)
    networks = {
        "one hidden layer": snnbp.Weights.load(ROOT / "figures" / "weights_seed1.npz"),
        "two hidden layers": snnbp.train(data, deep, progress=False).weights,
    }
    rows = []
    for case, weights in networks.items():
        expected = snnbp.predict(weights, data.test.inputs)[0]
        rows += [compare(name, case, weights, inputs, expected) for name in names]
    head = ("simulator", "with", "dialect", "network", "spikes that differ")
    lines = [" | ".join(row) for row in (head, ("---",) * 5, *rows)]
    table = "\n".join(f"| {line} |" for line in lines)
    if set(names) == set(SIMULATORS):
        text = PAGE.read_text(encoding="utf-8")
        text = re.sub(r"(?s)(<!-- table -->\n).*?(?=<!-- end -->)", lambda m: f"{m[1]}{table}\n", text)
        with atomic_open(PAGE, "w") as file:
            file.write(text)
        found = [(f"{row[0]}, {row[3]}", row[-1], "spikes that differ") for row in rows]
        record, source = FIGURES / "nir_conformance.json", "benchmarks/nir_conformance.py"
        about = {"profile": "paper", "parameters": {}, "results": measured(environment, found)}
        write_record(record, source, data, [], **about)
    print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main(sys.argv[1:] or list(SIMULATORS))
