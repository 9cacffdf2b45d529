// The page: settings, buttons and messages between the worker and the pictures.
import { given, readJson, readSet, readWeights, newWorker } from "./files.js";
import { CHOICES, fromAddress, toAddress, layersOf, seedOf, corrected, notebook } from "./settings.js";
import { Stage } from "./stage.js";
import { prepare } from "./paint.js";
import { drawCurves, drawPotentials, drawFields, drawConfusion } from "./charts.js";
import { makeSheet } from "./sheet.js";
import { asInput, enlarged } from "./input.js";
import { explainForm, explainTiles, explainImages } from "./explain.js";
import { OFF, sentence } from "./words.js";

const PHASE_MS = { slow: 1400, quick: 220 };
const FLASH_MS = 900;
const QUICK_MARK = 4; // a phase with changes, which are what to look at, is shown so many times as long
const LATE_MS = 200;
const by = (id) => document.getElementById(id);
const form = by("settings");

let sets, circuits, settings, worker, stage, shape, sizes;
let runs = 0; // the number of starts; messages of an earlier run are dropped
let playing = false, pausing = false, timer = 0, steps = null; // steps: a traced sample and the phase that is shown
let input = null; // the drawing as the network sees it
let asked = 0, late; // the number of the last question about it; the timer that says that its answer is late
let note = ""; // what the settings are not as asked for
let tests = [], learning = [], shown = {}; // what the charts show
let sheet, example = -1, about = ""; // the number of the test image shown last; about the image on the sheet

const send = (type, content = {}) => worker.postMessage({ type, ...content });
const set = () => sets.find(({ name }) => name === settings.data);
const names = () => set().classes;
const marks = () => (names().every((name) => name.length < 3) ? names() : names().map((_, k) => String(k))); // where space is short
const told = (work) => work.catch((error) => say(error.message));

// Settings.

function fillForm() {
  const fill = (name, choices, text = String) => form.elements[name].replaceChildren(
    ...choices.map((choice) => new Option(text(choice), choice)));
  fill("data", sets.map(({ name }) => name), (name) => (name === "mnist" ? "MNIST 20x20" : name === "digits" ? "digits 8x8" : name));
  const choices = { ...CHOICES, threshold: [...new Set([...CHOICES.threshold, settings.threshold])].sort((a, b) => a - b) };
  for (const [name, values] of Object.entries(choices)) fill(name, values, name === "off" ? (part) => OFF[part].name : String);
}

function showSettings() {
  for (const name of ["data", "threshold", "step", "epochs", "off", "seed"]) form.elements[name].value = settings[name];
  form.elements.depth.value = settings.hidden.length;
  form.elements.hidden.value = settings.hidden.join("-");
  const { origin } = set();
  by("origin").textContent = origin ? `Images: ${origin.text.split(",")[0]}. Source and terms: “What is this?”` : "";
  const { why } = OFF[settings.off];
  by("guess").hidden = !why;
  by("hint").hidden = Boolean(why);
  if (why) {
    const show = Object.assign(document.createElement("button"), { type: "button", textContent: "Show what to expect" });
    show.addEventListener("click", () => {
      by("phase").textContent = `Without ${OFF[settings.off].name}.`;
      by("what").textContent = why;
    });
    by("guess").replaceChildren("Guess first: how well will it learn without? Then press play. ", show);
  }
}

function changeSettings({ target }) {
  const value = form.elements, before = settings;
  settings = { ...settings, data: value.data.value, seed: seedOf(value.seed.value), off: value.off.value };
  for (const name of ["threshold", "step", "epochs"]) settings[name] = Number(value[name].value);
  const hidden = target.name === "hidden" ? layersOf(value.hidden.value) : [], depth = Number(value.depth.value);
  if (target.name === "depth") {
    settings.hidden = Array.from({ length: depth }, (_, n) => before.hidden[n] ?? before.hidden.at(-1));
  } else if (hidden.length) settings.hidden = hidden;
  note = corrected({ [target.name]: target.value }, settings);
  showSettings();
  if (target.name === "epochs") {
    if (playing) play();
  } else told(target.name === "data" ? loadData() : start());
  remember();
}

function follow(address) {
  settings = given && !address ? given : fromAddress(address, sets.map(({ name }) => name));
  note = corrected(Object.fromEntries(new URLSearchParams(address.replace(/^#/, ""))), settings);
}

function remember() {
  try {
    if (!given) history.replaceState(null, "", toAddress(settings, sets.map(({ name }) => name)));
  } catch {
    // the browser lets a page inside another page have no address: the link cannot hold the settings
  }
}

// Data, start, messages.

async function loadData() {
  forget();
  const wanted = set();
  const parts = await readSet(wanted, (share) => { say(`loading images: ${Math.round(100 * share)} %`); });
  if (wanted !== set()) return; // changed meanwhile
  shape = wanted.shape;
  send("data", { parts, width: shape[0] * shape[1], classes: names().length, circuits });
  fillLabels();
  [example, about] = [-1, ""];
  sheet.clear();
  await start();
  if (given) showExample();
}

// Nothing of the run before stays in sight.
function forget() {
  pause();
  [tests, learning, shown, steps] = [[], [], {}, null];
  enable(false);
  by("score").textContent = "";
  for (const id of ["curves", "fields", "confusion"]) prepare(by(id));
  showDigest("", "");
}

async function start() {
  forget();
  say("drawing initial weights …");
  const own = given && ["data", "hidden", "threshold"].every((name) => String(given[name]) === String(settings[name]));
  const file = given ? own && "weights.json" : new URLSearchParams(location.search).get("weights");
  const wanted = [shape[0] * shape[1], ...settings.hidden, names().length];
  shown.weights = file ? "given weights" : "random weights";
  runs += 1;
  send("start", { number: runs, config: { ...settings }, initial: file ? await readWeights(file, wanted) : null });
}

const receive = {
  ready: (message) => {
    sizes = message.sizes;
    stage = new Stage(by("circuit"), circuits[sizes.length - 2], sizes, shape, marks());
    stage.rest();
    enable(true);
    pausing = false;
    showIdea();
    say(`${message.n.toLocaleString("en")} images, ${shown.weights}${note && `; ${note}`}`);
    drawn();
  },
  progress: ({ progress, perSecond }) => {
    if (perSecond && !playing) return; // the last slice before a pause
    const speed = perSecond ? `, ${Math.round(perSecond).toLocaleString("en")} images/s` : "";
    say(`epoch ${progress.toFixed(2)}${speed}`);
  },
  activity: ({ shares }) => playing && !steps && stage.rates(shares),
  learning: (point) => {
    learning.push(point);
    drawCurves(by("curves"), tests, learning, settings.epochs);
  },
  scores: ({ epoch, row, confusion }) => {
    tests.push({ epoch, accuracy: row.spikes, mse: row.mse });
    shown.confusion = confusion;
    by("score").textContent = `test: ${(100 * row.spikes).toFixed(2)} %`;
    drawCurves(by("curves"), tests, learning, settings.epochs);
    drawConfusion(by("confusion"), confusion, marks());
  },
  fields: (message) => {
    const before = message.sample ? shown.fields.weights : null;
    shown.fields = message;
    if (before?.some((weight, n) => weight !== message.weights[n])) {
      drawFields(by("fields"), message.weights, message.shown, shape, before);
      setTimeout(redraw, FLASH_MS);
    } else drawFields(by("fields"), message.weights, message.shown, shape);
    if (!shown.taught) drawn(); // with these weights
  },
  trace: (message) => {
    steps = { ...message, at: -1 };
    nextPhase();
  },
  answer: ({ potentials, spikes, question }) => {
    if (question === asked) late = clearTimeout(late);
    const fired = Array.from(spikes.at(-1).keys()).filter((k) => spikes.at(-1)[k]);
    shown.potentials = { potentials, fired };
    drawPotentials(by("potentials"), potentials, fired, settings.threshold, names());
    if (!playing && !steps && input?.includes(1)) stage.forward(spikes);
    if (!shown.taught) by("answer").textContent = answerText(potentials, fired);
  },
  taught: ({ label, before, after, changed }) => {
    shown.taught = true;
    by("answer").textContent = changed
      ? `One lesson changed ${changed.toLocaleString("en")} synapses. Potential of ${names()[label]}: ${before[label]} → ${after[label]}.`
      : `Nothing changed: the answer was right, or no potential was inside the window.`;
    ask();
  },
  example: ({ n, inputs, label }) => {
    [example, input, about] = [n, inputs, `Test image ${n}, labelled ${names()[label]}. `];
    sheet.show(enlarged(inputs, shape, by("sheet").width));
    drawn();
  },
  finished: ({ progress }) => {
    playing = false;
    by("play").textContent = "Play";
    say(`epoch ${progress.toFixed(2)}, finished`);
  },
  paused: ({ progress, digest }) => {
    if (playing) return; // meanwhile these are not the weights any more
    if (pausing) say(`epoch ${progress.toFixed(2)}, paused`);
    pausing = false;
    if (!shown.taught) drawn();
    const at = `epoch ${+progress.toFixed(4)}`;
    showDigest(digest ? `digest of the weights at ${at}: ${digest.slice(0, 12)}…` : "no digest: this browser computes it on https pages only", digest);
  },
};

function answerText(potentials, fired) {
  if (!input?.includes(1)) return "Draw here: the network answers while you draw. An output whose bar passes the dashed line spikes.";
  const found = fired.map((k) => names()[k]);
  if (found.length === 1) return `${about}Output ${found[0]} spikes: it sees a ${found[0]}.`;
  if (found.length) return `${about}Outputs ${found.join(" and ")} spike: it cannot decide.`;
  return `${about}No output spikes. The largest potential is that of ${names()[potentials.indexOf(Math.max(...potentials))]}.`;
}

function showDigest(text, digest) {
  by("digest").textContent = text;
  by("digest").title = digest && `SHA-256: ${digest}`;
  by("digest").dataset.digest = digest;
}

const say = (text) => { by("status").textContent = text; };

function showIdea() {
  by("phase").textContent = "";
  by("what").textContent = "Each tile is a population of neurons, each small square a neuron. “Next phase” follows one image through the circuit, “Play” trains with all of them. Touch a tile to read what it does.";
}

function enable(on) {
  for (const id of ["play", "next", "mistake", "reset", "example"]) by(id).disabled = !on;
  for (const button of by("labels").children) button.disabled = !on;
}

// Playing.

const speed = () => by("speed").value;

function play() {
  [playing, pausing, shown.taught] = [true, false, false];
  by("play").textContent = "Pause";
  showDigest("", "");
  clearTimeout(timer);
  if (speed() === "full" && !steps?.drawn) {
    if (steps) finishSample();
    send("play", { epochs: untilEpoch() });
    by("phase").textContent = "Full training.";
    by("what").textContent = "The stronger the colour of a square, the more often this neuron spikes. The thin curves follow the images as it learns them; the dots are test images that it never learns.";
  } else nextPhase();
}

const untilEpoch = () => settings.epochs * Math.max(1, Math.ceil(((tests.at(-1)?.epoch ?? 0) + 1e-9) / settings.epochs));

function pause() {
  if (playing) {
    send("pause");
    say("pausing …");
    [playing, pausing] = [false, true];
  }
  clearTimeout(timer);
  by("play").textContent = "Play";
}

function nextPhase() {
  clearTimeout(timer);
  if (!steps) return send("step");
  if (steps.at === steps.phases.length - 1) {
    const { drawn: lesson } = steps;
    finishSample();
    if (lesson) return pause();
    if (playing && speed() === "full") return play();
    return send("step");
  }
  steps.at += 1;
  const number = steps.at, phase = circuits[sizes.length - 2].phases[number];
  stage.phase(steps.phases, number);
  by("phase").textContent = `Phase ${number} of ${steps.phases.length - 1}.`;
  by("what").textContent = sentence(phase) + consequence(steps.phases[number], number);
  if (playing) {
    const changes = steps.phases[number].changes.length > 0 && speed() !== "slow";
    timer = setTimeout(nextPhase, (PHASE_MS[speed()] ?? PHASE_MS.quick) * (changes ? QUICK_MARK : 1));
  }
}

function consequence({ spikes, changes }, number) {
  const phase = circuits[sizes.length - 2].phases[number];
  if (phase.events.includes("error") && !spikes["d+"] && !spikes["d-"]) return " Here nothing is wrong: nothing will change.";
  if (changes.length) return ` ${changes.map(({ symbol, count }) => `${symbol}: ${count.toLocaleString("en")}`).join(", ")} synapses change.`;
  return phase.events.some((event) => /^W\d /.test(event)) ? " None here: no such neurons spike together." : "";
}

// The sample has been shown, or the rest of it is skipped: learn it.
function finishSample() {
  const { drawn: lesson, label } = steps;
  steps = null;
  showDigest("", "");
  send("learn", lesson ? { inputs: input, label } : {});
}

function teach(label) {
  if (!input?.includes(1)) {
    by("answer").textContent = "Draw something first.";
    return;
  }
  pause();
  if (steps) finishSample();
  playing = true;
  by("play").textContent = "Pause";
  send("step", { inputs: input, label });
}

function drawn() {
  if (!stage) return;
  shown.taught = false;
  ask();
}

function ask() {
  asked += 1;
  late ??= setTimeout(() => {
    if (!shown.taught) by("answer").textContent = `${about}The answer is being computed …`;
  }, LATE_MS);
  send("answer", { inputs: input ?? new Uint8Array(sizes[0]), question: asked });
}

function redraw() {
  stage?.redraw();
  drawCurves(by("curves"), tests, learning, settings.epochs);
  if (shown.fields) drawFields(by("fields"), shown.fields.weights, shown.fields.shown, shape);
  if (shown.confusion) drawConfusion(by("confusion"), shown.confusion, marks());
  if (shown.potentials) drawPotentials(by("potentials"), shown.potentials.potentials, shown.potentials.fired, settings.threshold, names());
}

// Set-up.

function connect() {
  sheet = makeSheet(by("sheet"), (ink) => {
    if (!shape) return;
    [input, about] = [asInput(ink, by("sheet").width, shape), ""];
    drawn();
  });
  by("clear").addEventListener("click", sheet.clear);
  by("example").addEventListener("click", showExample);
  by("play").addEventListener("click", () => (playing ? pause() : play()));
  by("next").addEventListener("click", () => {
    pause();
    nextPhase();
  });
  by("mistake").addEventListener("click", () => {
    pause();
    if (steps) finishSample();
    send("step", { mistake: true });
  });
  by("reset").addEventListener("click", () => {
    note = "";
    told(start());
  });
  by("speed").addEventListener("change", () => {
    if (!playing) return;
    pause();
    play();
  });
  form.addEventListener("change", changeSettings);
  form.addEventListener("submit", (event) => event.preventDefault());
  by("about-open").addEventListener("click", () => by("about").showModal());
  by("notebook-open").addEventListener("click", () => {
    const { code, words } = notebook(settings);
    by("notebook-words").textContent = words;
    by("code").textContent = code;
    by("notebook").showModal();
  });
  by("copy-code").addEventListener("click", () => copy(by("copy-code"), by("code").textContent));
  by("share").addEventListener("click", () => copy(by("share"), location.href));
  addEventListener("hashchange", () => {
    follow(location.hash);
    showSettings();
    told(loadData());
  });
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function fillLabels() {
  by("labels").classList.toggle("long", names().length !== 10 || marks() !== names());
  by("labels").replaceChildren(...names().map((name, label) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.setAttribute("aria-label", `Teach it: this is a ${name}`);
    button.addEventListener("click", () => teach(label));
    return button;
  }));
}

const showExample = () => send("example", { n: example + 1 });

// In a notebook the page lies in a frame, which is as high as the page when its parts stand one below the other.
function fitFrame() {
  const narrow = matchMedia("(max-width: 1100px)");
  const fit = () => { frameElement.style.height = `${narrow.matches ? document.body.scrollHeight + 2 : 720}px`; };
  new ResizeObserver(fit).observe(document.body);
}

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = button.id === "share" ? "Copy it from the address bar" : "Select and copy it";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

async function open() {
  [sets, circuits] = await Promise.all([readJson("sets.json"), readJson("circuits.json")]);
  follow(given ? "" : location.hash);
  document.body.classList.toggle("given", Boolean(given));
  fillForm();
  showSettings();
  explainForm(form, by("hint"));
  explainTiles(by("circuit"), by("tiles"), (x, y) => stage?.at(x, y), (words) => {
    by("phase").textContent = "";
    by("what").textContent = words;
  });
  explainImages(by("origins"), sets);
  worker = newWorker();
  worker.onmessage = ({ data: { type, number, ...content } }) => number === runs && receive[type](content);
  worker.onerror = (event) => say(`the worker stopped: ${event.message}`);
  connect();
  if (given && frameElement) {
    fitFrame();
    if (frameElement.dataset.loaded) note = "loaded again: what was drawn and learned before is gone";
    frameElement.dataset.loaded = "before";
  }
  await loadData();
}

told(open());
