// The settings, in the page's address: everything after #, each setting that is not at its default.
import { PARTS } from "./kernel.js";

export const CHOICES = {
  threshold: [512, 768, 1024, 1536, 2048],
  step: [2, 4, 8, 16, 32],
  epochs: [1, 2, 3, 5, 10, 30, 60],
  off: PARTS,
};
const DEFAULTS = { data: "", hidden: [400], threshold: 1024, step: 2, seed: 1, epochs: 3, off: "none" };
const REGISTERED = ["mnist", "fashion-mnist", "digits"]; // what snnbp.load_dataset knows
const MOST_NEURONS = 800, MOST_LAYERS = 3, MOST_SEED = 2 ** 32 - 1;

const RANGES = {
  hidden: ` (at most ${MOST_LAYERS} layers of 1 to ${MOST_NEURONS} neurons)`, seed: ` (a whole number up to ${MOST_SEED})`,
};

// "200-100" as [200, 100]; what cannot be read is left out, what is too large reduced.
export function layersOf(text) {
  const sizes = (String(text).match(/\d+/g) ?? []).map(Number).filter((size) => size > 0);
  return sizes.slice(0, MOST_LAYERS).map((size) => Math.min(MOST_NEURONS, size));
}

export function seedOf(text) {
  const seed = Math.trunc(Number(text));
  return seed >= 0 ? Math.min(seed, MOST_SEED) : DEFAULTS.seed;
}

export function fromAddress(hash, sets) {
  const given = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
  const settings = { ...DEFAULTS, data: sets[0] };
  if (sets.includes(given.data)) settings.data = given.data;
  if (given.hidden && layersOf(given.hidden).length) settings.hidden = layersOf(given.hidden);
  if (given.seed) settings.seed = seedOf(given.seed);
  for (const [name, choices] of Object.entries(CHOICES)) {
    const found = choices.find((choice) => String(choice) === given[name]);
    if (found !== undefined) settings[name] = found;
  }
  return settings;
}

// What of the texts asked for is not in the settings, in words.
export function corrected(asked, settings) {
  const same = (name, text) => (name === "hidden" ? (text.match(/\d+/g) ?? []).join("-") : text);
  return Object.entries(asked).map(([name, text]) => [name, same(name, text) || text, [settings[name]].flat().join("-")])
    .filter(([name, text, found]) => name in settings && text !== found)
    .map(([name, text, found]) => `${name}: ${found} instead of ${text || "nothing"}${RANGES[name] ?? ""}`).join(", ");
}

export function toAddress(settings, sets) {
  const standard = { ...DEFAULTS, data: sets[0] }, parts = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    const text = Array.isArray(value) ? value.join("-") : String(value);
    if (text !== String(standard[name])) parts.set(name, text);
  }
  return `#${parts}`;
}

// The code that repeats the run in Python, and what there is to say of it.
export function notebook({ data, hidden, threshold, step, seed, epochs, off }) {
  const values = [`hidden=(${hidden.join(", ")}${hidden.length === 1 ? "," : ""})`, `epochs=${epochs}`, `seed=${seed}`];
  if (threshold !== DEFAULTS.threshold) values.push(`threshold=${threshold}`);
  if (step !== DEFAULTS.step) values.push(`step=${step}`);
  if (off === "feedback") values.push('feedback="cut"');
  const code = `import snnbp

${REGISTERED.includes(data) ? `data = snnbp.load_dataset("${data}")` : `# data: your data set ${JSON.stringify(data)}`}
run = snnbp.train(data, snnbp.Config(${values.join(", ")}))
print(run.history[["epoch", "spikes", "mse"]])
print(run.weights.digest)`;
  const repeated = ["none", "feedback"].includes(off);
  const words = repeated
    ? "Copy this into a cell of a notebook (./reproduce.sh lab opens them). It starts from the same weights, takes the images in the same order and ends with the same digest as this page does, if you have taught it nothing in between."
    : "Python's Config cannot switch this part off. The cell repeats the run with the part switched on, to compare.";
  return { code, words };
}
