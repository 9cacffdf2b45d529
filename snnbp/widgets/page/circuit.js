// The spiking circuit itself, one sample: every population, synapse, delay and gate of `training_circuit`.
//
// In each phase input sums become spikes, spikes leave with the weights from before this phase's learning, and
// then synapses between neurons that spiked together learn. Starts from the weights of a kernel, which it leaves
// as they are, and ends with the same weights as Kernel.learn.
import { WEIGHT_MIN, WEIGHT_MAX } from "./kernel.js";

// spec: one entry of circuits.json; x: Uint8Array of 0 and 1.
export function traceSample(spec, kernel, x, label) {
  const { sizes, threshold, step, off } = kernel;
  const layers = ["input", ...sizes.slice(1, -1).map((_, n) => `hidden${n + 1}`), "output"];
  const sizeOf = (layer) => (layer === "gate" ? 1 : sizes[layers.indexOf(layer)]);
  const populations = new Map(spec.populations.map((p) => [p.name, { ...p, size: sizeOf(p.layer) }]));
  const weights = spec.weights[threshold], kept = spec.projections
    .map((projection, n) => ({ ...projection, weight: weights[n] }))
    .filter(({ pre, post, symbol }) => !removed(off, pre, post, symbol));
  const stored = storedMatrices(kernel);
  const arriving = new Map(); // step -> population -> input sums
  const phases = [];

  const sums = (time, name) => {
    if (!arriving.has(time)) arriving.set(time, new Map());
    const now = arriving.get(time);
    if (!now.has(name)) now.set(name, new Int32Array(populations.get(name).size));
    return now.get(name);
  };
  const send = (time, spikes) => {
    for (const { pre, post, pattern, weight, delay, symbol } of kept) {
      const source = spikes.get(pre);
      if (!source) continue;
      const target = sums(time + delay + 1, post);
      if (pattern === "one-to-one") source.forEach((fired, j) => { target[j] += fired * weight; });
      else if (pattern === "one-to-all") for (let j = 0; j < target.length; j++) target[j] += source[0] * weight;
      else addRows(stored.get(symbol), source, target);
    }
  };

  send(-1, new Map([[spec.phases[0].gate, Uint8Array.of(1)]]));
  spec.phases.forEach((phase, time) => {
    const spikes = new Map();
    for (const [name, input] of arriving.get(time) ?? []) {
      const { bias } = populations.get(name);
      const fired = Uint8Array.from(input, (sum) => sum + bias > threshold);
      if (fired.includes(1)) spikes.set(name, fired);
    }
    if (off === "window")
      for (const name of phase.open) if (name.startsWith("c_h")) spikes.set(name, new Uint8Array(populations.get(name).size).fill(1));
    if (phase.receives_input.includes("input")) spikes.set("input", x);
    if (phase.receives_input.includes("in_tgt"))
      spikes.set("in_tgt", Uint8Array.from({ length: sizes.at(-1) }, (_, k) => k === label));
    send(time, spikes);
    phases.push({ spikes: Object.fromEntries(spikes), changes: [] });
    if (!phase.reward && off === "depression") return;
    for (const { pre, post, symbol } of firstOfEach(kept)) {
      if (!spikes.has(pre) || !spikes.has(post)) continue;
      const change = phase.reward ? step : -step;
      const count = learn(stored.get(symbol), spikes.get(pre), spikes.get(post), change);
      phases.at(-1).changes.push({ symbol, pre, post, change, count });
    }
  });
  const learned = kernel.forward.map((_, n) => stored.get(`W${n + 1}`).values);
  return { phases, weights: learned };
}

function removed(off, pre, post, symbol) {
  if (off === "feedback") return /T[+-]$/.test(symbol);
  return off === "upper" && (pre.endsWith("_copy2") || post.endsWith("_copy2"));
}

// W_l, and for l > 1 its transposes W_l^T+, which learns as W_l does, and W_l^T-.
function storedMatrices({ sizes, weights, negatives }) {
  const stored = new Map();
  weights.forEach((values, n) => {
    const [pre, post] = [sizes[n], sizes[n + 1]];
    stored.set(`W${n + 1}`, { post, values });
    if (n === 0) return;
    stored.set(`W${n + 1}T+`, { post: pre, values: transposed(values, pre, post) });
    stored.set(`W${n + 1}T-`, { post: pre, values: transposed(negatives[n - 1], pre, post) });
  });
  return stored;
}

function transposed(matrix, pre, post) {
  const turned = new Int16Array(pre * post);
  for (let i = 0; i < pre; i++) for (let j = 0; j < post; j++) turned[j * pre + i] = matrix[i * post + j];
  return turned;
}

const bounded = (weight) => Math.min(WEIGHT_MAX, Math.max(WEIGHT_MIN, weight));

function addRows({ post, values }, spikes, target) {
  spikes.forEach((fired, i) => {
    if (fired) for (let j = 0; j < post; j++) target[j] += values[i * post + j];
  });
}

// A layer and its copies have equal weights: they are stored and taught once.
function firstOfEach(projections) {
  const first = new Map();
  for (const projection of projections)
    if (projection.symbol && !first.has(projection.symbol)) first.set(projection.symbol, projection);
  return first.values();
}

// Change the weights between neurons that spiked together; return how many synapses that is.
function learn({ post, values }, before, after, change) {
  let count = 0;
  before.forEach((fired, i) => {
    if (!fired) return;
    after.forEach((also, j) => {
      if (!also) return;
      values[i * post + j] = bounded(values[i * post + j] + change);
      count += 1;
    });
  });
  return count;
}
