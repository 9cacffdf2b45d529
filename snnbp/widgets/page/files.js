// The page's own files: requested from the server, or, in the single-file version, embedded in the page.
import { sha256 } from "./network.js";

const embedded = globalThis.PLAYGROUND ?? null;

// The settings of the network that a notebook has given, or null.
export const given = embedded?.given ?? null;

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

async function read(name) {
  if (embedded) return bytesOf(embedded.files[name]);
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

export const readJson = async (name) => JSON.parse(new TextDecoder().decode(await read(name)));

// Read a data set in parts and check each part's digest. `loaded` is told the share that has arrived.
export async function readSet(set, loaded) {
  const parts = [];
  for (const part of set.parts) {
    const bytes = await read(part.file);
    const digest = await sha256(bytes);
    if (digest && digest !== part.sha256) throw new Error(`${part.file} is damaged: load the page again`);
    parts.push({ ...part, bytes });
    loaded(parts.length / set.parts.length);
  }
  return parts;
}

export function newWorker() {
  if (!embedded) {
    let known = false; // a browser that knows module workers asks for the type
    const worker = new Worker(new URL("worker.js", location.href), { get type() { known = true; return "module"; } });
    if (known) return worker;
    worker.terminate();
    throw new Error("this page needs a newer browser: Firefox 114, Chrome or Edge 99, Safari 16, or later");
  }
  return new Worker(URL.createObjectURL(new Blob([embedded.worker], { type: "text/javascript" })));
}

// Weights from a file: {"shapes": [[400, 400], ...], "halves": base64}, one signed byte a synapse, half its weight.
export async function readWeights(name, sizes) {
  const { shapes, halves } = await readJson(name), values = new Int8Array(bytesOf(halves).buffer);
  const found = [shapes[0]?.[0], ...shapes.map((shape) => shape[1])].join("-");
  const count = shapes.reduce((sum, [pre, post]) => sum + pre * post, 0);
  if (found !== sizes.join("-") || count !== values.length)
    throw new Error(`${name} holds weights of a network ${found}; with these settings it is ${sizes.join("-")}`);
  let at = 0;
  return shapes.map(([pre, post]) => Int16Array.from(values.subarray(at, (at += pre * post)), (half) => 2 * half));
}
