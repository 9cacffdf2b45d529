// How often each neuron of the circuit spikes while the kernel learns, by population.
export class Activity {
  constructor(kernel) {
    this.n = 0;
    this.counts = {};
    const add = (name, layer) => { this.counts[name] = new Float32Array(kernel.sizes[layer]); };
    for (const name of ["input", "x", "m_x", "m_x6"]) add(name, 0);
    for (let l = 1; l < kernel.last; l++)
      for (const name of [`h${l}`, `h${l}_copy`, `h${l}_copy2`, `c_h${l}`, `m_h${l}`, `h${l}T`, `h${l}T-`]) add(name, l);
    for (const name of ["o", "o_copy", "o_copy2", "in_tgt", "t", "d+", "d-", "oT-"]) add(name, kernel.last);
  }

  add(kernel, label) {
    const { counts } = this, { active, v, plus, minus, last, threshold, top } = kernel;
    const each = (list, ...names) => {
      for (let k = 0; k < list.n; k++) for (const name of names) counts[name][list.index[k]] += 1;
    };
    this.n += 1;
    each(active[0], "input", "x", "m_x", "m_x6");
    for (let l = 1; l < last; l++) {
      each(active[l], `h${l}`, `m_h${l}`);
      each(plus[l], `h${l}T`, `h${l}T-`);
      each(minus[l], `h${l}T`, `h${l}T-`);
      this.compare(v[l], `h${l}`, threshold);
      for (let j = 0; j < v[l].length; j++)
        counts[`c_h${l}`][j] += kernel.off === "window" || (v[l][j] > 0 && v[l][j] <= top);
    }
    each(active[last], "o");
    this.compare(v[last], "o", threshold);
    each(plus[last], "d+", "oT-");
    each(minus[last], "d-", "oT-");
    counts.t[label] += 1;
    counts.in_tgt[label] += 1;
  }

  compare(v, name, threshold) {
    const above = this.counts[`${name}_copy`], beyond = this.counts[`${name}_copy2`];
    for (let j = 0; j < v.length; j++) {
      above[j] += v[j] > 0;
      beyond[j] += v[j] > threshold;
    }
  }

  shares() {
    const share = (count) => count.map((value) => value / Math.max(1, this.n));
    return { shares: Object.fromEntries(Object.entries(this.counts).map(([name, count]) => [name, share(count)])) };
  }
}

// Synapses that the last sample changed: presynaptic spikes times errors, summed over the forward matrices.
export function changedSynapses(kernel) {
  let count = 0;
  for (let l = 1; l <= kernel.last; l++) count += kernel.active[l - 1].n * (kernel.plus[l].n + kernel.minus[l].n);
  return count;
}
