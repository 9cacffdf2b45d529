// Scale a drawing (side x side) to fit `shape` and centre it by its centre of mass, as `as_input` does
// (snnbp/widgets/sheet.py).
export function asInput(ink, side, shape) {
  const image = new Uint8Array(shape[0] * shape[1]);
  const used = (axis) => {
    const lines = [];
    for (let n = 0; n < side; n++)
      for (let m = 0; m < side; m++)
        if (ink[axis ? m * side + n : n * side + m]) {
          lines.push(n);
          break;
        }
    return lines;
  };
  const [rows, columns] = [used(0), used(1)];
  if (!rows.length) return image;
  const [top, left] = [rows[0], columns[0]];
  const drawn = [rows.at(-1) + 1 - top, columns.at(-1) + 1 - left];
  const factor = Math.min(shape[0] / drawn[0], shape[1] / drawn[1]);
  const [height, width] = drawn.map((size) => Math.max(1, roundEven(size * factor)));
  const [down, across] = [overlaps(drawn[0], height), overlaps(drawn[1], width)];
  const grey = new Float64Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (const [row, high] of down[y])
        for (const [column, wide] of across[x])
          if (ink[(top + row) * side + left + column]) grey[y * width + x] += high * wide;
  const shift = centring(grey, [height, width], shape);
  grey.forEach((value, n) => {
    const [y, x] = [Math.floor(n / width) + shift[0], (n % width) + shift[1]];
    if (value > 0.5 && y >= 0 && y < shape[0] && x >= 0 && x < shape[1]) image[y * shape[1] + x] = 1;
  });
  return image;
}

// Whole pixels that bring the centre of mass into the middle. Except for MNIST, the drawing stays inside.
function centring(grey, size, shape) {
  let [total, y, x] = [0, 0, 0];
  grey.forEach((value, n) => {
    total += value;
    y += value * Math.floor(n / size[1]);
    x += value * (n % size[1]);
  });
  const shift = [y, x].map((sum, axis) => roundEven((shape[axis] - 1) / 2 - sum / total));
  if (shape[0] === 20) return shift;
  return shift.map((value, axis) => Math.min(shape[axis] - size[axis], Math.max(0, value)));
}

// For each cell the pixels that it covers, with their shares of the cell.
function overlaps(pixels, cells) {
  return Array.from({ length: cells }, (_, cell) => {
    const [low, high] = [(pixels * cell) / cells, (pixels * (cell + 1)) / cells], found = [];
    for (let pixel = Math.floor(low); pixel < Math.min(pixels, Math.ceil(high)); pixel++)
      found.push([pixel, (Math.min(high, pixel + 1) - Math.max(low, pixel)) / (high - low)]);
    return found;
  });
}

// As Python rounds: halves to the even neighbour.
function roundEven(value) {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down & 1) : Math.round(value);
}
