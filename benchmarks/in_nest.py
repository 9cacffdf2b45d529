"""Run a circuit's synapses in NEST, without learning; `simulators` starts this in an environment of its own.

    python in_nest.py CIRCUIT OUT FOLDER

`iaf_psc_delta` with a time constant of a thousandth of a step keeps no potential, as the circuit's neurons.
"""

import sys
import time

import nest
import numpy as np

NEURON = {"tau_m": 1e-3, "C_m": 1.0, "E_L": 0.0, "V_m": 0.0, "V_reset": 0.0, "t_ref": 0.0, "I_e": 0.0}


def build(circuit) -> int:
    """Build the network, at rest; return the number of its first neuron. A step is 1 ms."""
    nest.ResetKernel()
    nest.set(resolution=1.0, local_num_threads=1)
    needed = circuit["needed"]
    neurons = nest.Create("iaf_psc_delta", len(needed), {**NEURON, "V_th": needed + 0.5})
    first = neurons[0].global_id
    weights = {"weight": circuit["weight"].astype(float), "delay": circuit["delay"] + 1.0}
    model = {"synapse_model": "static_synapse_hpc"}  # not slower than static_synapse, and smaller
    nest.Connect(circuit["pre"] + first, circuit["post"] + first, "one_to_one", model | weights)
    # A neuron that spikes from outside in step s, which ends at s + 1 ms, hears of it one step before.
    entered = np.unique(circuit["event_neuron"])
    times = [circuit["event_step"][circuit["event_neuron"] == neuron].astype(float) for neuron in entered]
    events = nest.Create("spike_generator", len(entered), [{"spike_times": each} for each in times])
    weights = {"weight": needed[entered] + 1.0, "delay": np.ones(len(entered))}
    nest.Connect(np.array(events.tolist()), entered + first, "one_to_one", weights)
    return first


def main(source: str, out: str, folder: str) -> None:
    circuit = dict(np.load(source))
    found = {"seconds": []}
    for _ in range(int(circuit["repeats"])):
        first = build(circuit)
        if circuit["record"]:
            recorder = nest.Create("spike_recorder")
            nest.Connect(nest.NodeCollection(range(first, first + len(circuit["needed"]))), recorder)
        nest.Prepare()
        begin = time.perf_counter()
        nest.Run(float(circuit["steps"]))
        found["seconds"].append(time.perf_counter() - begin)
        nest.Cleanup()
    if circuit["record"]:
        found["step"] = np.rint(recorder.events["times"]).astype(int) - 1
        found["neuron"] = recorder.events["senders"] - first
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
