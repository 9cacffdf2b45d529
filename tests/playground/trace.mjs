// The page's circuit for test_playground_circuit.py: node trace.mjs BUILT FOLDER. Writes the spikes of each phase.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [built, folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${built}/${name}`));
const { Kernel } = await load("kernel.js");
const { traceSample } = await load("circuit.js");
const { sentence } = await load("words.js");
const circuits = JSON.parse(readFileSync(`${built}/circuits.json`, "utf-8"));
const task = JSON.parse(readFileSync(`${folder}/task.json`, "utf-8"));

const spec = circuits[task.sizes.length - 2];
const kernel = new Kernel(task.sizes, task.matrices, task.options);
const samples = task.inputs.map((input, n) => {
  const x = Uint8Array.from(input), traced = traceSample(spec, kernel, x, task.labels[n]);
  kernel.learn(x, task.labels[n]);
  const equal = kernel.weights.every((matrix, l) => matrix.every((weight, k) => weight === traced.weights[l][k]));
  return { equal, phases: traced.phases.map(({ spikes }) => Object.fromEntries(
    Object.entries(spikes).map(([name, fired]) => [name, [...fired.keys()].filter((k) => fired[k])]))) };
});
const weights = kernel.weights.map((matrix) => [...matrix]);
console.log(JSON.stringify({ samples, weights, sentences: spec.phases.map(sentence) }));
