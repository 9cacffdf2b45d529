// The page's own files: requested from the server, or, in the single-file version, embedded in the page.
import { sha256 } from "./network.js";

const embedded = globalThis.PLAYGROUND ?? null;

export async function read(name) {
  if (embedded) return Uint8Array.from(atob(embedded.files[name]), (letter) => letter.charCodeAt(0));
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
    // crypto.subtle is missing where a page is served without https from another machine
    if (globalThis.crypto?.subtle && (await sha256(bytes)) !== part.sha256)
      throw new Error(`${part.file} is damaged: load the page again`);
    parts.push({ ...part, bytes });
    loaded(parts.length / set.parts.length);
  }
  return parts;
}

export function newWorker() {
  if (!embedded) return new Worker(new URL("worker.js", location.href), { type: "module" });
  return new Worker(URL.createObjectURL(new Blob([embedded.worker], { type: "text/javascript" })));
}

// Weights from a file next to the page: {"shapes": [[400, 400], ...], "data": int16 as base64}.
export async function readWeights(name) {
  const { shapes, data } = await readJson(name);
  const values = new Int16Array(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)).buffer);
  let at = 0;
  return shapes.map(([pre, post]) => values.slice(at, (at += pre * post)));
}
