// Bit-packed images, as build.py writes them: row after row, the first pixel in the highest bit of a byte.
export function unpack(bytes, n, width) {
  const inputs = new Uint8Array(n * width), stride = Math.ceil(width / 8);
  for (let k = 0; k < n; k++)
    for (let i = 0; i < width; i++) inputs[k * width + i] = (bytes[k * stride + (i >> 3)] >> (7 - (i & 7))) & 1;
  return inputs;
}
