"""Run a NIR file in a simulator; `nir_conformance` and `nir_faults` start this in an environment of its own.

    python in_nir.py SIMULATOR FILE INPUTS OUT

Inputs and output spikes have the axes steps, samples, neurons. The versions of the packages are printed.
Sinabs is at 2.0.3, for 3.1.3 needs nir <= 1.0.4.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

DT = 1e-4
"""Time step, in seconds."""


def snntorch(graph, x):
    import torch
    from snntorch.import_nir import import_from_nir

    network = import_from_nir(graph)  # its neurons keep their potentials themselves
    outputs = [network(step)[0] for step in torch.tensor(x)]
    return [(each[0] if isinstance(each, tuple) else each).detach().numpy() for each in outputs]


def norse(graph, x):
    import norse.torch
    import torch

    return norse.torch.from_nir(graph, dt=DT)(torch.tensor(x[0]))[0].detach()


def sinabs(graph, x):
    import torch
    from sinabs.nir import from_nir

    return from_nir(graph, batch_size=len(x[0]))(torch.tensor(x[0]))[0].detach()


def spikingjelly(graph, x):
    import torch
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return import_from_nir(graph, dt=DT)(torch.tensor(x[0]), None)[0].detach()


def spyx(graph, x):
    import spyx.nir

    return spyx.nir.from_nir(graph, x, dt=DT)[1]


def rockpool(graph, x):
    import torch
    from rockpool.nn.modules.torch import from_nir

    return from_nir(graph)(torch.tensor(x[0])[:, None])[0].detach()


class Simulator(NamedTuple):
    run: Callable
    dialect: str
    packages: tuple[str, ...]
    several_steps: bool = False
    """Whether `run` takes more than one step."""
    late: int = 0
    """Steps by which each layer delays."""


SIMULATORS = {
    simulator.run.__name__: simulator
    for simulator in (
        Simulator(
            snntorch, "cubalif", ("snntorch==1.0.0", "torch==2.13.0", "nir==1.0.8", "nirtorch==2.6"), True
        ),
        Simulator(norse, "cubalif", ("norse==1.1.0", "torch==2.14.1", "nir==1.0.8", "nirtorch==2.6")),
        Simulator(sinabs, "lif", ("sinabs==2.0.3", "torch==2.13.0", "nir==1.0.8", "nirtorch==2.6")),
        Simulator(
            spikingjelly, "cubalif", ("spikingjelly==2.0.0", "torch==2.14.1", "nir==1.0.8", "nirtorch==2.6")
        ),
        Simulator(spyx, "cubalif", ("spyx==1.0.0", "jax==0.10.2", "nir==1.0.8"), True, late=1),
        Simulator(rockpool, "rockpool", ("rockpool==3.1.0", "torch==2.13.0", "nir==1.0.8", "nirtorch==2.6")),
    )
}


def main(name: str, file: str, inputs: str, out: str) -> None:
    import nir

    simulator = SIMULATORS[name]
    packages = (package.split("==")[0] for package in simulator.packages)
    x = np.load(inputs).astype(np.float32)
    if len(x) > 1 and not simulator.several_steps:
        raise SystemExit(f"{name} is only run for one step, not {len(x)}")
    print(", ".join(f"{each} {version(each).partition('+')[0]}" for each in packages), flush=True)
    spikes = np.asarray(simulator.run(nir.read(file), x))
    np.save(out, spikes.reshape(*x.shape[:2], -1))


if __name__ == "__main__":
    main(*sys.argv[1:])
