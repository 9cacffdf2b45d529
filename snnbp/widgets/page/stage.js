// The circuit as the stage: one tile a population, one square a neuron; columns are layers, gates run below.
import { prepare, drawImage, rgb, mix } from "./paint.js";

const SYMBOLS = { input: "image", in_tgt: "target", "d+": "d+", "d-": "d−" };

// Where the populations lie: rows from 0 (top) to 1 within a column, side by side within a row.
const INPUT = [[["input"], 0.12], [["x"], 0.43], [["m_x", "m_x6"], 0.78]];
const hidden = (l) => [
  [[`c_h${l}`], 0.12], [[`h${l}_copy`, `h${l}`, `h${l}_copy2`], 0.43], [[`m_h${l}`, `h${l}T`, `h${l}T-`], 0.78],
];
const OUTPUT = [
  [["in_tgt"], 0.04], [["t"], 0.16], [["o_copy"], 0.32], [["o"], 0.43], [["o_copy2"], 0.54], [["d+"], 0.7], [["d-"], 0.8],
  [["oT-"], 0.93],
];

export class Stage {
  // names: of the outputs
  constructor(canvas, spec, sizes, shape, names) {
    Object.assign(this, { canvas, spec, sizes, shape, names, depth: sizes.length - 2 });
    this.populations = new Map(spec.populations.map((p) => [p.name, p]));
    this.pairs = new Map(); // projections between two tiles, drawn as one line
    for (const projection of spec.projections) {
      if (projection.role === "chain" || projection.pattern === "one-to-all") continue;
      const key = `${projection.pre} ${projection.post}`;
      if (!this.pairs.has(key)) this.pairs.set(key, []);
      this.pairs.get(key).push(projection);
    }
  }

  // Nothing spikes.
  rest() {
    this.draw({ values: {}, phase: null, changes: [] });
  }

  // One phase of a traced sample.
  phase(phases, number) {
    const { spikes, changes } = phases[number];
    this.draw({ values: spikes, phase: number, changes, earlier: phases });
  }

  // Shares of samples in which each neuron spiked.
  rates(shares) {
    this.draw({ values: shares, phase: null, changes: [] });
  }

  // The forward pass alone: spikes by layer.
  forward(spikes) {
    const values = { input: spikes[0], x: spikes[0], o: spikes.at(-1) };
    spikes.slice(1, -1).forEach((fired, n) => { values[`h${n + 1}`] = fired; });
    this.rates(values);
  }

  // The population whose tile is at a place of the canvas.
  at(x, y) {
    return [...this.boxes ?? []].find(([, box]) => x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h)?.[0];
  }

  redraw() {
    if (this.last) this.draw(this.last);
  }

  draw(state) {
    this.last = state;
    const paint = prepare(this.canvas), phase = state.phase === null ? null : this.spec.phases[state.phase];
    const boxes = this.boxes = this.place(paint.width, paint.height);
    this.drawLines(paint, boxes, state, phase);
    for (const [name, box] of boxes) this.drawTile(paint, name, box, state.values[name], phase);
    this.drawChanges(paint, boxes, state.changes);
    this.drawGates(paint, state.phase);
    const spiking = Object.entries(state.values).filter(([name]) => boxes.has(name))
      .map(([name, values]) => `${name}: ${values.reduce((sum, value) => sum + (value > 0), 0)}`);
    this.canvas.ariaLabel = phase ? `The circuit in phase ${state.phase}. Spiking neurons: ${spiking.join(", ") || "none"}`
      : "The circuit: input, hidden layers and outputs";
  }

  place(width, height) {
    const boxes = new Map(), area = height - 40, rows = this.depth + 2;
    const weights = [1, ...Array(this.depth).fill(3), 1.7], total = weights.reduce((a, b) => a + b);
    const tile = Math.min(area * 0.19, (width / total) * 0.84);
    let left = 0;
    [INPUT, ...Array.from({ length: this.depth }, (_, n) => hidden(n + 1)), OUTPUT].forEach((column, n) => {
      const wide = (width * weights[n]) / total, centre = left + wide / 2;
      left += wide;
      for (const [names, y] of column) {
        const here = names.filter((name) => this.populations.has(name)), strip = n === rows - 1;
        const [w, h] = strip ? [Math.min(wide * 0.72, 150), Math.min(wide * 0.072, 15)] : [tile, tile];
        const gap = (wide - here.length * w) / (here.length + 1);
        here.forEach((name, k) => {
          const x = here.length === 1 ? centre - w / 2 : centre - wide / 2 + gap + k * (w + gap);
          boxes.set(name, { x, y: 16 + y * (area - 16) - (strip ? 0 : h / 2) + (strip ? 2 : 6), w, h, strip });
        });
      }
    });
    return boxes;
  }

  drawTile({ context, soft, text, line, tile, blue, orange, panel }, name, { x, y, w, h, strip }, values, phase) {
    const size = this.populations.get(name).layer === "input" ? this.sizes[0] : values?.length ?? 0;
    context.fillStyle = tile;
    context.fillRect(x, y, w, h);
    if (values && strip) {
      values.forEach((value, k) => {
        context.fillStyle = `rgb(${mix(rgb(tile), rgb(blue), Math.min(1, value))})`;
        context.fillRect(x + (k * w) / values.length, y, w / values.length - 1, h);
      });
    } else if (values) {
      const columns = this.populations.get(name).layer === "input" ? this.shape[1] : Math.ceil(Math.sqrt(size));
      const filled = new Float32Array(columns * Math.ceil(size / columns));
      filled.set(values);
      const [empty, full] = [rgb(tile), rgb(blue)];
      drawImage(context, filled, columns, x, y, w, (value) => mix(empty, full, Math.min(1, value)));
    }
    const open = phase?.open.includes(name), inhibited = phase?.inhibits.includes(name);
    context.strokeStyle = inhibited ? orange : open ? blue : line;
    context.lineWidth = open || inhibited ? 2 : 1;
    context.setLineDash(inhibited ? [4, 3] : []);
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
    context.setLineDash([]);
    const label = SYMBOLS[name] ?? (w < 70 ? pretty : spelled)(this.populations.get(name).symbol), meaning = phase?.encodes[name];
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.lineJoin = "round";
    context.strokeStyle = panel;
    context.lineWidth = 3;
    context.fillStyle = open || values ? text : soft;
    if (strip) {
      context.textAlign = "right";
      context.strokeText(label, x - 5, y + h - 2);
      context.fillText(label, x - 5, y + h - 2);
      if (w > 70 && (name === "o_copy" || name === "in_tgt")) {
        context.font = "9px system-ui, sans-serif";
        context.textAlign = "center";
        for (let k = 0; k < this.sizes.at(-1); k++) {
          const at = x + ((k + 0.5) * w) / this.sizes.at(-1);
          context.fillText(this.names[k], at, y - 4);
        }
        context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
      }
    } else {
      const middle = Math.max(x + w / 2, context.measureText(label).width / 2);
      context.strokeText(label, middle, y - 5);
      context.fillText(label, middle, y - 5);
      if (inhibited || (meaning && pretty(meaning) !== label && (w > 85 || (w > 44 && !name.includes("_copy"))))) {
        const said = inhibited ? "inhibited" : pretty(meaning).replace(/^.*: /, "");
        context.font = "10px system-ui, 'DejaVu Sans', sans-serif";
        context.strokeText(said, x + w / 2, y + h + 13);
        context.fillStyle = inhibited ? orange : blue;
        context.fillText(said, x + w / 2, y + h + 13);
        context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
      }
    }
  }

  // Lines between tiles; those along which spikes arrive now in colour.
  drawLines({ context, line, blue, orange }, boxes, { phase: now, earlier }, phase) {
    const drawn = [];
    for (const projections of this.pairs.values()) {
      const [{ pre, post }] = projections, from = boxes.get(pre), to = boxes.get(post);
      if (!from || !to) continue;
      const arrives = projections.find(({ delay }) => earlier?.[now - 1 - delay]?.spikes[pre]);
      const active = arrives && phase.open.includes(post), weight = this.spec.weights[1024][this.spec.projections.indexOf(arrives)];
      drawn.push({ from, to, active, colour: active ? (weight < 0 || arrives.symbol.endsWith("-") ? orange : blue) : line });
    }
    drawn.sort((a, b) => Boolean(a.active) - Boolean(b.active));
    for (const { from, to, active, colour } of drawn) {
      Object.assign(context, { strokeStyle: colour, lineWidth: active ? 2.5 : 1 });
      context.globalAlpha = active ? 0.9 : 0.45;
      const [x0, y0] = [from.x + from.w / 2, from.y + from.h / 2], [x1, y1] = [to.x + to.w / 2, to.y + to.h / 2];
      const bend = (y1 === y0 ? 0.12 : 0.06) * Math.hypot(x1 - x0, y1 - y0) * (x1 >= x0 ? -1 : 1);
      context.beginPath();
      context.moveTo(x0, y0);
      context.quadraticCurveTo((x0 + x1) / 2, (y0 + y1) / 2 + bend, x1, y1);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  // Synapses that change now: how many, and by how much.
  drawChanges({ context, blue, orange, panel }, boxes, changes) {
    for (const { symbol, pre, post, change, count } of changes) {
      const from = boxes.get(pre), to = boxes.get(post);
      const colour = change > 0 ? blue : orange, label = `${pretty(symbol)}: ${count.toLocaleString("en")} × ${change > 0 ? "+" : "−"}${Math.abs(change)}`;
      const x = (from.x + from.w / 2 + to.x + to.w / 2) / 2, y = (from.y + from.h / 2 + to.y + to.h / 2) / 2;
      Object.assign(context, { strokeStyle: colour, lineWidth: 5 });
      context.beginPath();
      context.moveTo(from.x + from.w / 2, from.y + from.h / 2);
      context.lineTo(to.x + to.w / 2, to.y + to.h / 2);
      context.stroke();
      context.font = "bold 12px system-ui, 'DejaVu Sans', sans-serif";
      const wide = context.measureText(label).width + 12;
      context.fillStyle = colour;
      context.beginPath();
      context.roundRect(x - wide / 2, y - 10, wide, 20, 6);
      context.fill();
      Object.assign(context, { fillStyle: panel, textAlign: "center", textBaseline: "middle" });
      context.fillText(label, x, y + 1);
      context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    }
  }

  // The chain of gates: a clock of spikes.
  drawGates({ context, width, height, soft, line, blue, tile }, now) {
    const n = this.spec.phases.length, gap = Math.min(36, (width - 130) / n), left = (width - 50 - (n - 1) * gap) / 2 + 50, y = height - 13;
    Object.assign(context, { fillStyle: soft, textAlign: "right", textBaseline: "middle" });
    context.fillText("gates", left - 18, y);
    Object.assign(context, { strokeStyle: line, lineWidth: 1, textAlign: "center" });
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(left + (n - 1) * gap, y);
    context.stroke();
    context.font = "10px system-ui, sans-serif";
    const gate = (k, radius) => {
      context.fillStyle = k === now ? blue : tile;
      context.beginPath();
      context.arc(left + k * gap, y, radius, 0, 7);
      context.fill();
      context.stroke();
      context.fillStyle = k === now ? tile : soft;
      if (radius > 7) context.fillText(String(k), left + k * gap, y + 0.5);
    };
    for (let k = 0; k < n; k++) gate(k, Math.min(9.5, gap / 2));
    if (now !== null) gate(now, 9.5); // where gates are close, the number of the open one alone
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  }
}

const spelled = (text) => pretty(text).replace(/^m(h\d?|x)$/, "memory of $1").replace(/^(d\d)$/, "error $1");
const pretty = (text) => text.replace(/f'\(v\d\).*/, "window").replace(/^. = f\((v\d)\)$/, "$1 > ½ threshold")
  .replace(/^(v\d) > 1$/, "$1 > threshold")
  .replace(/T([+-])$/, "ᵀ$1").replace(/(\w|ᵀ)-$/, "$1−");
