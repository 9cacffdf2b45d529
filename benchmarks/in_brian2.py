"""Run a circuit's synapses in Brian 2; `simulators` starts this in an environment of its own.

    python in_brian2.py CIRCUIT OUT FOLDER

One group of neurons and, for each delay, one of synapses, compiled to C++ by Brian 2's standalone mode.
"""

import sys

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    device,
    ms,
    set_device,
)

STEP = 1 * ms
NEURONS = """
current : integer
spikes : integer
needed : integer (constant)
"""
UPDATE = """
spikes = int(current > needed)
current = 0
"""
SEND = "current_post += w"
LEARN = "w = clip(w + change * spikes_post, lowest, highest)"  # after SEND: it sends the weight from before
"""Learning on presynaptic spikes: half the time of learning on postsynaptic ones, and the same result."""


def synapses(group, circuit, delay: int, learns: bool) -> Synapses:
    """All synapses of this delay that learn, or that do not."""
    chosen = (circuit["delay"] == delay) & (circuit["learns"] == learns)
    model, on_pre = "w : integer", SEND
    if learns:
        model, on_pre = "w : integer\nchange : integer (shared)", f"{SEND}\n{LEARN}"
    made = Synapses(group, group, model, on_pre=on_pre, delay=delay * STEP)
    made.namespace.update(zip(("lowest", "highest"), circuit["bounds"].tolist(), strict=True))
    if learns:
        phases = enumerate(circuit["changes"].tolist())
        phase = f"t_in_timesteps % {len(circuit['changes'])}"
        made.run_regularly(
            "change = " + " + ".join(f"{c} * int({phase} == {n})" for n, c in phases), when="start"
        )
    made.connect(i=circuit["pre"][chosen], j=circuit["post"][chosen])
    made.w = circuit["weight"][chosen]
    return made


def main(source: str, out: str, folder: str) -> None:
    circuit = dict(np.load(source))
    set_device("cpp_standalone", build_on_run=False, directory=folder)
    defaultclock.dt = STEP
    group = NeuronGroup(len(circuit["needed"]), NEURONS, threshold="spikes == 1", reset="")
    group.needed = circuit["needed"]
    group.run_regularly(UPDATE, when="before_thresholds")
    # A neuron that spikes from outside in step s is brought above its threshold in step s - 1.
    events = SpikeGeneratorGroup(len(group), circuit["event_neuron"], (circuit["event_step"] - 1) * STEP)
    outside = Synapses(events, group, on_pre="current_post += needed_post + 1")
    outside.connect(i=(entered := np.unique(circuit["event_neuron"])), j=entered)
    kinds = sorted(set(zip(circuit["delay"].tolist(), circuit["learns"].tolist(), strict=True)))
    parts = {kind: synapses(group, circuit, *kind) for kind in kinds}
    monitor = SpikeMonitor(group, record=bool(circuit["record"]))
    network = Network(group, events, outside, *parts.values(), *([monitor] if circuit["record"] else []))
    network.run(int(circuit["steps"]) * STEP)
    device.build(run=False, directory=folder)
    seconds = []
    for _ in range(int(circuit["repeats"])):
        device.run(with_output=False)
        seconds.append(device._last_run_time)  # of the steps, without reading and writing arrays
    found = {"seconds": seconds}
    if circuit["record"]:
        found |= {"step": np.rint(monitor.t / STEP).astype(int), "neuron": np.asarray(monitor.i[:])}
        weight = circuit["weight"].copy()
        for (delay, learns), part in parts.items():
            weight[(circuit["delay"] == delay) & (circuit["learns"] == learns)] = part.w[:]
        found["weight"] = weight
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
