// The algorithm of snnbp/backends/reference.py, exact, for any number of hidden layers.
//
// Plastic weights are even and within [-256, 254]. A matrix is stored as (pre, post), each weight as w / 2 + 128
// in 16 bits, so that one 32-bit addition sums two weights and up to 256 rows do not carry into each other.
export const WEIGHT_MIN = -256, WEIGHT_MAX = 254;
const OFFSET = 128, HIGHEST = 255, ROWS_PER_FLUSH = 256, ROWS_AT_ONCE = 8;

// What can be switched off. Each but `none` leaves out one part of the circuit, see circuit.js.
export const PARTS = ["none", "feedback", "window", "upper", "depression"];

class Matrix {
  constructor(pre, post) {
    Object.assign(this, { pre, post, words: (post + 1) >> 1, stride: post + (post & 1) });
    this.pairs = new Int32Array(pre * this.words);
    this.values = new Uint16Array(this.pairs.buffer);
  }
  // Store the weights, times sign, within the weight bounds.
  set(weights, sign) {
    this.values.fill(OFFSET);
    for (let i = 0; i < this.pre; i++)
      for (let j = 0; j < this.post; j++) {
        const half = sign * (weights[i * this.post + j] >> 1) + OFFSET;
        this.values[i * this.stride + j] = Math.min(HIGHEST, Math.max(0, half));
      }
  }
  get() {
    const weights = new Int16Array(this.pre * this.post);
    for (let i = 0; i < this.pre; i++)
      for (let j = 0; j < this.post; j++)
        weights[i * this.post + j] = 2 * (this.values[i * this.stride + j] - OFFSET);
    return weights;
  }
}

// A list of neuron indices without allocation.
class List {
  constructor(size) {
    Object.assign(this, { index: new Int32Array(size), n: 0 });
  }
}

// Write the potentials (weight units) that spikes of the neurons in `active` bring to the next layer to `v`.
function sumRows(matrix, active, partial, v) {
  const { pairs, words, post } = matrix, { index, n } = active;
  v.fill(-2 * OFFSET * n);
  for (let first = 0; first < n; first += ROWS_PER_FLUSH) {
    const end = Math.min(n, first + ROWS_PER_FLUSH);
    partial.fill(0, 0, words);
    let k = first;
    for (; k + ROWS_AT_ONCE <= end; k += ROWS_AT_ONCE) {
      let a = index[k] * words, b = index[k + 1] * words, c = index[k + 2] * words, d = index[k + 3] * words;
      let e = index[k + 4] * words, f = index[k + 5] * words, g = index[k + 6] * words, h = index[k + 7] * words;
      for (let w = 0; w < words; w++)
        partial[w] += pairs[a++] + pairs[b++] + pairs[c++] + pairs[d++]
          + pairs[e++] + pairs[f++] + pairs[g++] + pairs[h++];
    }
    for (; k < end; k++) {
      let a = index[k] * words;
      for (let w = 0; w < words; w++) partial[w] += pairs[a++];
    }
    for (let j = 0; j < post; j++) v[j] += 2 * ((partial[j >> 1] >>> ((j & 1) << 4)) & 0xffff);
  }
}

// values[row, column] += change for all rows and columns of the lists, within the weight bounds.
function shift(matrix, rows, columns, change) {
  const { values, stride } = matrix;
  for (let r = 0; r < rows.n; r++) {
    const base = rows.index[r] * stride;
    for (let c = 0; c < columns.n; c++) {
      const at = base + columns.index[c], value = values[at] + change;
      values[at] = value < 0 ? 0 : value > HIGHEST ? HIGHEST : value;
    }
  }
}

// The weights of a network and the activity of the last sample, by layer: 0 is the input, the last the output.
//   v[l]       potentials (weight units), from layer 1 on
//   active[l]  neurons that spiked
//   plus[l], minus[l]  neurons with a positive and a negative error, from layer 1 on
export class Kernel {
  constructor(sizes, matrices, { threshold = 1024, step = 2, off = "none" } = {}) {
    Object.assign(this, { sizes, threshold, step, off, last: sizes.length - 1 });
    const empty = () => sizes.map((size) => new List(size));
    this.forward = matrices.map((weights, l) => this.matrix(l, weights, 1));
    this.setNegatives(matrices);
    this.v = sizes.map((size) => new Int32Array(size));
    this.partial = new Int32Array(Math.max(...sizes));
    [this.active, this.plus, this.minus] = [empty(), empty(), empty()];
  }

  matrix(l, weights, sign) {
    const made = new Matrix(this.sizes[l], this.sizes[l + 1]);
    made.set(weights, sign);
    return made;
  }

  // W_l^T-, which starts as minus W_l and learns with it. They differ at the weight bounds only.
  setNegatives(matrices) {
    this.negative = matrices.map((weights, l) => l && this.matrix(l, weights, -1));
  }

  // W_1, W_2, ... as Int16Array, row by row.
  get weights() {
    return this.forward.map((matrix) => matrix.get());
  }

  // W_2^T-, W_3^T-, ..., stored as (pre, post) of W_l too.
  get negatives() {
    return this.negative.slice(1).map((matrix) => matrix.get());
  }

  // Forward pass: inputs is a Uint8Array of 0 and 1, beginning at `at`.
  present(inputs, at = 0) {
    const { active, v, last } = this, above = this.threshold / 2, x = active[0];
    x.n = 0;
    for (let i = 0; i < this.sizes[0]; i++) {
      x.index[x.n] = i;
      x.n += inputs[at + i];
    }
    for (let l = 1; l <= last; l++) {
      const potentials = v[l], spikes = active[l];
      sumRows(this.forward[l - 1], active[l - 1], this.partial, potentials);
      spikes.n = 0;
      for (let j = 0; j < potentials.length; j++) if (potentials[j] > above) spikes.index[spikes.n++] = j;
    }
    return v[last];
  }

  // Learn one sample: forward, error, backward through all layers, then the changes.
  learn(inputs, label, at = 0) {
    this.present(inputs, at);
    this.findErrors(label);
    for (let l = this.last; l > 1; l--) this.backward(l);
    for (let l = this.last; l > 0; l--) this.update(l);
  }

  // Output deltas: t - o, gated by the window 0 < v <= threshold.
  findErrors(label) {
    const v = this.v[this.last], plus = this.plus[this.last], minus = this.minus[this.last];
    const above = this.threshold / 2, top = this.top;
    plus.n = minus.n = 0;
    for (let k = 0; k < v.length; k++) {
      if (k === label) {
        if (v[k] <= above && v[k] > 0) plus.index[plus.n++] = k;
      } else if (v[k] > above && v[k] <= top) minus.index[minus.n++] = k;
    }
  }

  // Largest potential inside the window.
  get top() {
    return this.off === "upper" ? Infinity : this.threshold;
  }

  // Deltas of layer l - 1: the error of layer l, through W_l^T+ and W_l^T-, gated by the window.
  backward(l) {
    const up = this.plus[l - 1], down = this.minus[l - 1], plus = this.plus[l], minus = this.minus[l];
    up.n = down.n = 0;
    if (plus.n + minus.n === 0 || this.off === "feedback") return;
    const { stride, values: forward } = this.forward[l - 1], negative = this.negative[l - 1].values;
    const v = this.v[l - 1], top = this.top, all = this.off === "window", rest = OFFSET * (plus.n + minus.n);
    for (let j = 0; j < v.length; j++) {
      if (!all && (v[j] <= 0 || v[j] > top)) continue;
      let potentiates = -rest, depresses = -rest;
      const base = j * stride;
      for (let k = 0; k < plus.n; k++) {
        const at = base + plus.index[k];
        potentiates += forward[at];
        depresses += negative[at];
      }
      for (let k = 0; k < minus.n; k++) {
        const at = base + minus.index[k];
        potentiates += negative[at];
        depresses += forward[at];
      }
      if (potentiates > 0) up.index[up.n++] = j;
      if (depresses > 0) down.index[down.n++] = j;
    }
  }

  // Each changes by one step where presynaptic spike and delta meet: first +, then -.
  update(l) {
    const rows = this.active[l - 1], plus = this.plus[l], minus = this.minus[l], half = this.step / 2;
    const forward = this.forward[l - 1], negative = this.negative[l - 1], depress = this.off !== "depression";
    shift(forward, rows, plus, half);
    if (depress) shift(forward, rows, minus, -half);
    if (l === 1) return;
    shift(negative, rows, minus, half);
    if (depress) shift(negative, rows, plus, -half);
  }
}
