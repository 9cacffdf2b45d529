// A sheet to draw on by mouse, touch, pen or keys. Ink is one byte a pixel, row by row: 0 or 1. It is kept here and
// never read back from the canvas: browsers that protect against fingerprinting return noise.
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 5, PEN = 7.5; // pixels; the radius PEN makes strokes as thick as MNIST's
const LABEL = "Canvas to draw on. Arrow keys move the pen, space lowers or lifts it, Delete clears the canvas.";

// Make a square canvas a sheet. Each change by its user calls `changed(ink)`, at most once a frame.
export function makeSheet(canvas, changed) {
  Object.assign(canvas, { tabIndex: 0, ariaLabel: LABEL });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's arrow keys would leave the cell
  const side = canvas.width, context = canvas.getContext("2d");
  const ink = new Uint8Array(side * side);
  let at = [side / 2, side / 2];
  let [drawing, keys, shown, waiting] = [false, false, false, false]; // shown: an image that drawing clears

  const paint = () => {
    const image = new ImageData(side, side);
    ink.forEach((value, n) => { image.data[4 * n + 3] = 255 * value; });
    context.putImageData(image, 0, 0);
    if (!keys) return;
    Object.assign(context, { strokeStyle: drawing ? "#c24e00" : "#0072b2", lineWidth: 2 });
    context.beginPath();
    context.arc(...at, PEN, 0, 7);
    context.stroke();
  };
  const send = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      changed(ink.slice());
    });
  };
  const show = (image) => {
    ink.set(image);
    shown = true;
    paint();
  };
  const clear = () => {
    ink.fill(0);
    shown = false;
    paint();
    send();
  };
  const moveTo = (to) => {
    if (drawing) {
      stroke(ink, side, at, to);
      send();
    }
    at = to;
    paint();
  };
  const lower = () => {
    drawing = true;
    if (shown) clear();
    moveTo(at);
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * side) / box.width, ((event.clientY - box.top) * side) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    [at, keys] = [place(event), false];
    lower();
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => drawing && !keys && moveTo(place(event)));
  for (const name of ["pointerup", "pointercancel", "blur"])
    canvas.addEventListener(name, () => {
      [drawing, keys] = [false, false];
      paint();
    });
  canvas.addEventListener("focus", () => {
    keys = !drawing && canvas.matches(":focus-visible");
    paint();
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      keys = true;
      if (drawing) drawing = false, paint();
      else lower();
    } else if (event.key in KEYS) {
      keys = true;
      moveTo(KEYS[event.key].map((direction, n) => Math.min(side, Math.max(0, at[n] + STEP * direction))));
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { show, clear };
}

// Blacken the pixels whose centres lie within PEN of the line between two points.
function stroke(ink, side, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0], length = dx * dx + dy * dy;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= PEN * PEN) ink[y * side + x] = 1;
    }
}
