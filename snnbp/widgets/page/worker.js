// Trains in the background. Messages in: start, play, pause, step, answer, teach. Messages out: see `post`.
import { PARTS } from "./kernel.js";
import { Run, evaluate, digest } from "./network.js";
import { Activity, changedSynapses } from "./activity.js";
import { traceSample } from "./circuit.js";
import { unpack } from "./unpack.js";

const SLICE_MS = 60, CHUNK = 50, FIELDS_EVERY_MS = 400;
let number = 0, run = null, config = null, data = null, circuits = null, playing = false, stopAt = 0, waiting = 0;
let [seconds, lastFields, total, right, wrong] = [0, 0, 0, 0, 0];

const post = (type, content, transfer = []) => self.postMessage({ type, number, ...content }, transfer);

const handlers = {
  data: (message) => {
    const joined = (split) => {
      const parts = message.parts.filter((part) => part.split === split);
      const labels = parts.flatMap(({ bytes, n }) => Array.from(bytes.subarray(bytes.length - n)));
      const inputs = new Uint8Array(labels.length * message.width);
      let at = 0;
      for (const { bytes, n } of parts) {
        inputs.set(unpack(bytes, n, message.width), at);
        at += n * message.width;
      }
      return { inputs, labels: Uint8Array.from(labels) };
    };
    playing = false;
    data = { width: message.width, classes: message.classes, train: joined("train"), test: joined("test") };
    circuits = message.circuits;
  },
  start: (message) => {
    if (!PARTS.includes(message.config.off)) throw new Error(`unknown part ${message.config.off}`);
    ({ number, config } = message);
    run = new Run(config, data, message.initial);
    [playing, seconds, total, right, wrong] = [false, 0, 0, 0, 0];
    post("ready", { sizes: run.kernel.sizes, n: run.order.length });
    scoreTest();
    showFields();
  },
  play: ({ epochs }) => {
    stopAt = epochs;
    playing = true;
    clearTimeout(waiting); // after a pause, a slice may still be waiting: two would take turns
    slice();
  },
  pause: async () => {
    playing = false;
    await showDigest();
  },
  step: (message) => {
    if (run.done === run.order.length) run.nextEpoch();
    if (message.mistake) skipRight();
    const sample = run.order[run.done], { width, train } = data;
    const inputs = message.inputs ?? train.inputs.slice(sample * width, (sample + 1) * width);
    const label = message.label ?? train.labels[sample];
    const { kernel } = run;
    const traced = traceSample(circuits[config.hidden.length], kernel, inputs, label);
    post("trace", { phases: traced.phases, label, drawn: Boolean(message.inputs) });
  },
  // The circuit has shown this sample: learn it.
  learn: (message) => {
    if (message.inputs) {
      const before = Array.from(run.kernel.present(message.inputs));
      run.kernel.learn(message.inputs, message.label);
      const changed = changedSynapses(run.kernel);
      post("taught", { label: message.label, before, after: Array.from(run.kernel.present(message.inputs)), changed });
    } else {
      run.learn(1);
      post("progress", { progress: run.progress, samples: run.done, seconds });
      if (run.atCheckpoint) scoreTest();
    }
    showFields(true);
  },
  answer: ({ inputs, question }) => {
    const { kernel } = run, potentials = Array.from(kernel.present(inputs));
    const spikes = kernel.active.map(({ index, n }, l) => {
      const fired = new Uint8Array(kernel.sizes[l]);
      for (let k = 0; k < n; k++) fired[index[k]] = 1;
      return fired;
    });
    post("answer", { potentials, spikes, question });
  },
  example: (message) => {
    const { inputs, labels } = data.test, n = message.n % labels.length;
    post("example", { n, inputs: inputs.slice(n * data.width, (n + 1) * data.width), label: labels[n] });
  },
};

self.onmessage = ({ data: message }) => handlers[message.type](message);

function slice() {
  if (!playing) return;
  const start = performance.now(), { kernel } = run;
  const activity = new Activity(kernel);
  let n = 0, checkpoint = false;
  while (performance.now() - start < SLICE_MS && !checkpoint) {
    n += run.learn(CHUNK, n % 500 === 0 ? count(activity) : count());
    checkpoint = run.atCheckpoint;
  }
  seconds += (performance.now() - start) / 1000;
  post("progress", { progress: run.progress, samples: run.done, seconds, perSecond: (1000 * n) / (performance.now() - start) });
  post("activity", activity.shares());
  if (checkpoint || total >= 500) {
    post("learning", { epoch: run.progress, accuracy: right / total, mse: wrong / (total * data.classes) });
    [total, right, wrong] = [0, 0, 0];
  }
  if (checkpoint) scoreTest();
  if (checkpoint || start - lastFields > FIELDS_EVERY_MS) {
    lastFields = start;
    showFields();
  }
  if (run.progress >= stopAt) {
    playing = false;
    post("finished", { progress: run.progress });
    showDigest();
  } else waiting = setTimeout(slice);
}

// Learn samples without an error, which change no weight, up to one with an error; at most as many as there are.
function skipRight() {
  const { kernel } = run, { inputs, labels } = data.train;
  for (let n = 0; n < labels.length; n++) {
    const sample = run.order[run.done];
    kernel.present(inputs, sample * data.width);
    kernel.findErrors(labels[sample]);
    if (kernel.plus[kernel.last].n + kernel.minus[kernel.last].n) return;
    run.learn(1);
    if (run.atCheckpoint) scoreTest();
    if (run.done === labels.length) run.nextEpoch();
  }
}

// Count right answers while learning, before each sample changes the weights.
function count(activity) {
  return (kernel) => {
    const label = data.train.labels[run.order[run.done]], fired = kernel.active[kernel.last];
    let hit = false;
    for (let k = 0; k < fired.n; k++) hit ||= fired.index[k] === label;
    total += 1;
    right += (fired.n ? fired.index[0] : 0) === label;
    wrong += fired.n + (hit ? -1 : 1);
    activity?.add(kernel, label);
  };
}

function scoreTest() {
  const { confusion, ...row } = evaluate(run.kernel, data, data.test);
  post("scores", { epoch: run.progress, row, confusion });
}

// The weights from the input to the first hidden neurons; `sample`: after a single sample.
function showFields(sample = false) {
  const [matrix] = run.kernel.forward, shown = Math.min(matrix.post, 40), { width } = data;
  const weights = new Int16Array(shown * width);
  for (let j = 0; j < shown; j++)
    for (let i = 0; i < width; i++) weights[j * width + i] = 2 * (matrix.values[i * matrix.stride + j] - 128);
  post("fields", { weights, shown, sample });
}

async function showDigest() {
  const { kernel } = run, at = run.progress, since = number;
  const found = await digest(kernel.sizes, kernel.weights);
  if (since === number) post("paused", { progress: at, digest: found });
}
