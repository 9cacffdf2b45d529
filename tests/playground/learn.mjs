// Learn and predict with the page's kernel, for test_playground_kernel.py: node learn.mjs KERNELS FOLDER.
// FOLDER/task.json names the sizes and the options; x, y, order and w1, w2, ... are raw little-endian arrays.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [source, folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${source}/${name}`));
const { Kernel } = await load("kernel.js");
const { digest } = await load("network.js");
const bytes = (name) => new Uint8Array(readFileSync(`${folder}/${name}`)).buffer;

const task = JSON.parse(readFileSync(`${folder}/task.json`, "utf-8"));
const [x, y, order] = [new Uint8Array(bytes("x")), new Uint8Array(bytes("y")), new Int32Array(bytes("order"))];
const matrices = task.sizes.slice(1).map((_, n) => new Int16Array(bytes(`w${n + 1}`)));
const kernel = new Kernel(task.sizes, matrices, task.options);
const width = task.sizes[0], outputs = new Uint8Array(order.length * task.sizes.at(-1));
const start = process.cpuUsage();
order.forEach((sample, n) => {
  kernel.learn(x, y[sample], sample * width);
  const fired = kernel.active[kernel.last];
  for (let k = 0; k < fired.n; k++) outputs[n * task.sizes.at(-1) + fired.index[k]] = 1;
});
const seconds = process.cpuUsage(start).user / 1e6; // processor time: other processes do not count
const potentials = new Int32Array(y.length * task.sizes.at(-1));
y.forEach((_, n) => potentials.set(kernel.present(x, n * width), n * task.sizes.at(-1)));
kernel.weights.forEach((matrix, n) => writeFileSync(`${folder}/out_w${n + 1}`, matrix));
writeFileSync(`${folder}/outputs`, outputs);
writeFileSync(`${folder}/potentials`, potentials);
console.log(JSON.stringify({ seconds, digest: await digest(task.sizes, kernel.weights) }));
