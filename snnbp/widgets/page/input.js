// Drawings as inputs of the network, in integers: no rounding of a browser decides whether a pixel is on.

// Scale a drawing (side x side) to fit `shape`, keeping its proportions, and centre it by its centre of mass.
// For 20x20 this is as in MNIST: pixels that the centring moves out of the image are cropped. In other shapes the
// drawing stays inside, as the 8x8 digits do. A pixel is on iff more than half of it is black.
export function asInput(ink, side, shape) {
  const image = new Uint8Array(shape[0] * shape[1]);
  const places = [...ink.keys()].filter((n) => ink[n]).map((n) => [Math.floor(n / side), n % side]);
  if (!places.length) return image;
  const [top, left] = [0, 1].map((axis) => places.reduce((least, place) => Math.min(least, place[axis]), side));
  const drawn = [top, left].map((first, axis) => places.reduce((size, place) => Math.max(size, place[axis] - first + 1), 0));
  const fitted = shape[0] * drawn[1] <= shape[1] * drawn[0] ? 0 : 1; // the axis along which the drawing fills the image
  const size = drawn.map((pixels) => Math.max(1, roundedRatio(pixels * shape[fitted], drawn[fitted])));
  const [down, across] = [overlaps(drawn[0], size[0]), overlaps(drawn[1], size[1])];
  const black = new Float64Array(size[0] * size[1]); // whole numbers; a black pixel has drawn[0] * drawn[1]
  for (const [y, x] of places)
    for (const [row, high] of down[y - top])
      for (const [column, wide] of across[x - left]) black[row * size[1] + column] += high * wide;
  const shift = centring(black, size, shape);
  black.forEach((value, n) => {
    const [y, x] = [Math.floor(n / size[1]) + shift[0], (n % size[1]) + shift[1]];
    const inside = y >= 0 && y < shape[0] && x >= 0 && x < shape[1];
    if (inside && 2 * value > drawn[0] * drawn[1]) image[y * shape[1] + x] = 1;
  });
  return image;
}

// Enlarge an image to the whole sheet.
export function enlarged(image, shape, side) {
  return Uint8Array.from({ length: side * side }, (_, n) => {
    const [y, x] = [Math.floor((Math.floor(n / side) * shape[0]) / side), Math.floor(((n % side) * shape[1]) / side)];
    return image[y * shape[1] + x];
  });
}

// Whole pixels that bring the centre of mass into the middle.
function centring(black, size, shape) {
  const total = black.reduce((sum, value) => sum + value);
  return [0, 1].map((axis) => {
    const place = (n) => (axis ? n % size[1] : Math.floor(n / size[1]));
    const moment = black.reduce((sum, value, n) => sum + value * place(n), 0);
    const shift = roundedRatio((shape[axis] - 1) * total - 2 * moment, 2 * total);
    return shape[0] === 20 && shape[1] === 20 ? shift : Math.min(shape[axis] - size[axis], Math.max(0, shift));
  });
}

// For each pixel the cells that cover it, with the overlap in units of 1 / cells of a pixel.
function overlaps(pixels, cells) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const found = [];
    for (let cell = Math.floor((pixel * cells) / pixels); cell * pixels < (pixel + 1) * cells; cell++)
      found.push([cell, Math.min((pixel + 1) * cells, (cell + 1) * pixels) - Math.max(pixel * cells, cell * pixels)]);
    return found;
  });
}

// a / b for whole numbers, b > 0, as the nearest whole number; halves to the even neighbour.
function roundedRatio(a, b) {
  const down = Math.floor(a / b), twice = 2 * (a - down * b);
  return down + Number(twice > b || (twice === b && down % 2 !== 0));
}
