// Curves, potentials, receptive fields and the confusion matrix.
import { prepare, drawImage, rgb, mix } from "./paint.js";

const percent = (share) => `${(100 * share).toFixed(2)} %`;

// tests: [{epoch, accuracy, mse}] on test images; learning: the same while learning.
export function drawCurves(canvas, tests, learning, epochs) {
  const { context, width, height, text, soft, line, blue, orange } = prepare(canvas);
  const [left, right, top, bottom] = [34, width - 34, 6, height - 30];
  const points = [...tests, ...learning], last = Math.max(epochs, ...points.map(({ epoch }) => epoch));
  const x = (epoch) => left + ((right - left) * epoch) / last;
  const y = (share) => bottom - (bottom - top) * share;
  const most = Math.max(2, ...points.map(({ mse }) => Math.ceil(10 * mse))) / 10; // right axis: 0.1 is a silent network
  Object.assign(context, { strokeStyle: line, fillStyle: soft, lineWidth: 1, textBaseline: "middle" });
  for (const share of [0, 0.5, 1]) {
    context.beginPath();
    context.moveTo(left, y(share));
    context.lineTo(right, y(share));
    context.stroke();
    context.textAlign = "right";
    context.fillText(`${100 * share}%`, left - 4, y(share));
    context.textAlign = "left";
    context.fillText(String(+(most * share).toFixed(2)), right + 4, y(share));
  }
  context.textAlign = "center";
  context.fillText(`${last === 1 ? "1 epoch" : `${+last.toFixed(2)} epochs`}`, right - 14, bottom + 9);
  context.fillText("0", left, bottom + 9);
  const curve = (points, value, colour, dashed) => {
    Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineWidth: dashed ? 1 : 2 });
    context.globalAlpha = dashed ? 0.6 : 1;
    context.beginPath();
    points.forEach((point, n) => context[n ? "lineTo" : "moveTo"](x(point.epoch), y(value(point))));
    context.stroke();
    if (!dashed) for (const point of points) {
      context.beginPath();
      context.arc(x(point.epoch), y(value(point)), 2.5, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
  };
  curve(learning, ({ accuracy }) => accuracy, blue, true);
  curve(learning, ({ mse }) => mse / most, orange, true);
  curve(tests, ({ accuracy }) => accuracy, blue, false);
  curve(tests, ({ mse }) => mse / most, orange, false);
  context.textAlign = "left";
  context.fillStyle = blue;
  context.fillText("■ accuracy", left, height - 7);
  context.fillStyle = orange;
  context.fillText("■ loss", left + 68, height - 7);
  context.fillStyle = text;
  context.fillText("dots: tests, thin: learning", left + 108, height - 7);
  const now = tests.at(-1);
  canvas.ariaLabel = now
    ? `Accuracy ${percent(now.accuracy)} and loss ${now.mse.toFixed(4)} on the test images after ${+now.epoch.toFixed(2)} epochs`
    : "Accuracy and loss over epochs";
}

// Bars from 0 to the potential, and the line above which an output spikes.
export function drawPotentials(canvas, potentials, fired, threshold, names) {
  const { context, width, height, text, soft, line, blue } = prepare(canvas);
  const short = names.map((name) => (name.length > 9 ? `${name.slice(0, 8)}…` : name));
  const wide = Math.max(...short.map((name) => context.measureText(name).width));
  const row = height / potentials.length, left = 7 + Math.min(width / 2, wide), most = Math.max(threshold, ...potentials.map(Math.abs));
  const zero = left + (width - left) * 0.4, unit = (width - left) * 0.57 / most;
  context.textBaseline = "middle";
  potentials.forEach((v, k) => {
    const bar = Math.max(-(zero - left), v * unit);
    context.fillStyle = fired.includes(k) ? blue : line;
    context.fillRect(Math.min(zero, zero + bar), k * row + 2, Math.abs(bar), row - 4);
    context.fillStyle = fired.includes(k) ? text : soft;
    context.fillText(short[k], 2, (k + 0.5) * row, left - 7);
  });
  Object.assign(context, { strokeStyle: soft, lineWidth: 1 });
  for (const [at, dash] of [[zero, []], [zero + (threshold / 2) * unit, [3, 3]]]) {
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, height);
    context.stroke();
  }
  context.setLineDash([]);
  canvas.ariaLabel = `Potentials of the outputs: ${potentials.map((v, k) => `${names[k]}: ${v}`).join(", ")}. `
    + `Spikes above ${threshold / 2}: ${fired.map((k) => names[k]).join(", ") || "none"}`;
}

// Weights to each hidden neuron as an image of the input: blue excites, orange inhibits. With the weights `before`,
// those that changed flash in full colour, the others are pale.
export function drawFields(canvas, weights, shown, shape, before = null) {
  const { context, width, height, panel, blue, orange } = prepare(canvas);
  const pixels = shape[0] * shape[1], columns = 8, rows = Math.min(5, Math.ceil(shown / columns));
  const size = Math.min(width / columns, height / 5) - 3, gap = (width - columns * size) / (columns - 1);
  const [middle, plus, minus] = [rgb(panel), rgb(blue), rgb(orange)];
  const colour = (weight) => mix(middle, weight > 0 ? plus : minus, Math.min(1, Math.abs(weight) / 160));
  const values = before ? weights.map((weight, n) => (weight === before[n] ? weight >> 3 : 160 * Math.sign(weight - before[n])))
    : weights;
  for (let n = 0; n < Math.min(shown, columns * rows); n++)
    drawImage(context, values.subarray(n * pixels, (n + 1) * pixels), shape[1],
      (n % columns) * (size + gap), Math.floor(n / columns) * (size + 3), size, colour);
  canvas.ariaLabel = `Weights from the image to the first ${shown} hidden neurons: blue excites, orange inhibits`;
}

// Rows are labels, columns answers.
export function drawConfusion(canvas, confusion, names) {
  const classes = names.length;
  const { context, width, height, text, soft, tile, blue, orange, panel } = prepare(canvas);
  const size = Math.min((height - 16) / classes, (width - 60) / classes), left = (width - size * classes) / 2 + 12, top = 14;
  const [empty, right, wrong] = [rgb(tile), rgb(blue), rgb(orange)];
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (let label = 0; label < classes; label++) {
    const row = confusion.subarray(label * classes, (label + 1) * classes), sum = row.reduce((a, b) => a + b, 0) || 1;
    context.fillStyle = soft;
    context.fillText(names[label], left - 9, top + (label + 0.5) * size);
    context.fillText(names[label], left + (label + 0.5) * size, 6);
    row.forEach((count, answer) => {
      const share = count / sum, diagonal = answer === label;
      context.fillStyle = `rgb(${mix(empty, diagonal ? right : wrong, diagonal ? share : Math.min(1, 4 * share))})`;
      context.fillRect(left + answer * size, top + label * size, size - 1, size - 1);
      if (!diagonal && share > 0.01 && size > 13) {
        context.fillStyle = share > 0.1 ? panel : text;
        context.font = "9px system-ui, sans-serif";
        context.fillText(String(count), left + (answer + 0.5) * size, top + (label + 0.5) * size);
        context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
      }
    });
  }
  context.fillStyle = soft;
  context.save();
  context.translate(left - 24, top + (classes * size) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText("label", 0, 0);
  context.restore();
  context.textAlign = "right";
  context.fillText("answer", left - 2, 6);
  const hits = Array.from({ length: classes }, (_, k) => confusion[k * classes + k]).reduce((a, b) => a + b, 0);
  canvas.ariaLabel = `Confusion matrix: ${hits} of ${confusion.reduce((a, b) => a + b, 0)} test images right`;
}
