// What the worker does with a kernel: epochs in Python's order, scores as in snnbp/training/metrics.py, digest.
import { Kernel } from "./kernel.js";
import { Random, drawWeights } from "./numpy_random.js";

export const HALVES = 2; // the test set is scored each half epoch

// A run: the weights and the order of samples of Config(seed, hidden, threshold, step).
export class Run {
  constructor(config, data, initial = null) {
    const sizes = [data.width, ...config.hidden, data.classes];
    this.data = data;
    this.random = new Random(config.seed);
    const drawn = drawWeights(this.random, sizes, config.threshold);
    this.kernel = new Kernel(sizes, initial ?? drawn, config);
    Object.assign(this, { epoch: 0, done: 0, order: this.random.permutation(data.train.labels.length) });
  }

  // Learn the next samples, up to `count`, not beyond the half or the end of an epoch; return how many.
  learn(count, seen = () => {}) {
    const { inputs, labels } = this.data.train, { width } = this.data, n = this.order.length;
    if (this.done === n) this.nextEpoch();
    const half = Math.floor(n / HALVES), end = Math.min(this.done + count, this.done < half ? half : n);
    const start = this.done;
    for (; this.done < end; this.done++) {
      const sample = this.order[this.done];
      this.kernel.learn(inputs, labels[sample], sample * width);
      seen(this.kernel);
    }
    return end - start;
  }

  nextEpoch() {
    this.kernel.setNegatives(this.kernel.weights); // as snnbp.train, where each epoch starts from W_1, W_2, ... alone
    this.order = this.random.permutation(this.order.length);
    Object.assign(this, { epoch: this.epoch + 1, done: 0 });
  }

  // Whether the test set is to be scored now.
  get atCheckpoint() {
    return this.done === Math.floor(this.order.length / HALVES) || this.done === this.order.length;
  }

  // Epochs of training so far, with fractions.
  get progress() {
    return this.epoch + this.done / this.order.length;
  }
}

// Scores over the samples, and the confusion matrix: [label * classes + answer], first output that spikes.
export function evaluate(kernel, data, samples, from = 0, to = samples.labels.length) {
  const { classes, width } = data, { inputs, labels } = samples;
  const confusion = new Int32Array(classes * classes);
  let [exact, spikes, potential, silent, wrong] = [0, 0, 0, 0, 0];
  for (let n = from; n < to; n++) {
    const v = kernel.present(inputs, n * width), fired = kernel.active[kernel.last], label = labels[n];
    let largest = 0, right = false;
    for (let k = 1; k < classes; k++) if (v[k] > v[largest]) largest = k;
    for (let k = 0; k < fired.n; k++) right ||= fired.index[k] === label;
    const answer = fired.n ? fired.index[0] : 0;
    const errors = fired.n + (right ? -1 : 1);
    wrong += errors;
    exact += errors === 0;
    silent += fired.n === 0;
    spikes += answer === label;
    potential += largest === label;
    confusion[label * classes + answer]++;
  }
  const n = to - from;
  return {
    exact: exact / n, spikes: spikes / n, potential: potential / n, silent, mse: wrong / (n * classes), n, confusion,
  };
}

// Weights.digest of Python: SHA-256 of all shapes, then all matrices, as little-endian int16.
export async function digest(sizes, matrices) {
  const shapes = Int16Array.from(matrices.flatMap((_, n) => [sizes[n], sizes[n + 1]]));
  const parts = [shapes, ...matrices].map((part) => littleEndian(part));
  return sha256(new Uint8Array(await new Blob(parts).arrayBuffer()));
}

function littleEndian(values) {
  const bytes = new DataView(new ArrayBuffer(2 * values.length));
  values.forEach((value, n) => bytes.setInt16(2 * n, value, true));
  return bytes.buffer;
}

// "" where the browser offers none: on pages without https from another machine, and in closed frames.
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return "";
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
