// A canvas as large as its box, sharp on any screen, in the page's colours.
export function prepare(canvas) {
  const box = canvas.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(box.width), Math.round(box.height)];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  return { context, width, height, ...colours() };
}

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["text", "soft", "line", "tile", "panel", "blue", "orange", "green"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

export const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// An image of one pixel a value, drawn enlarged: `colour(value)` gives [red, green, blue].
export function drawImage(context, values, columns, x, y, size, colour) {
  const rows = Math.ceil(values.length / columns);
  const small = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  values.forEach((value, n) => {
    const [red, green, blue] = colour(value);
    image.data.set([red, green, blue, 255], 4 * n);
  });
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, x, y, size, (size * rows) / columns);
}

export const mix = (from, to, share) => from.map((value, n) => Math.round(value + (to[n] - value) * share));
