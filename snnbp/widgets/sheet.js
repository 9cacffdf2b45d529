// A sheet to draw on by mouse, touch, pen or keys: the playground's, and the widget of sheet.py.
// Ink is one byte a pixel, row by row: 0 or 1.
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 5, PEN = 7.5; // pixels; the radius PEN makes strokes as thick as MNIST's
const LABEL = "Canvas to draw on. Arrow keys move the pen, space lowers or lifts it, Delete clears the canvas.";

// Make a square canvas a sheet. Each change by its user calls `changed(ink)`, at most once a frame.
export function makeSheet(canvas, changed) {
  Object.assign(canvas, { tabIndex: 0, ariaLabel: LABEL });
  canvas.setAttribute("role", "application");
  const side = canvas.width, context = canvas.getContext("2d");
  const paper = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  let at = [side / 2, side / 2];
  let [drawing, keys, shown, waiting] = [false, false, false, false]; // shown: an image that drawing clears

  const paint = () => {
    context.clearRect(0, 0, side, side);
    context.drawImage(paper.canvas, 0, 0);
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
      const opacity = paper.getImageData(0, 0, side, side).data.filter((_, n) => n % 4 === 3);
      changed(Uint8Array.from(opacity, (value) => value > 127));
    });
  };
  const show = (ink) => {
    const image = new ImageData(side, side);
    ink.forEach((value, n) => { image.data[4 * n + 3] = 255 * value; });
    paper.putImageData(image, 0, 0);
    shown = true;
    paint();
  };
  const clear = () => {
    paper.clearRect(0, 0, side, side);
    shown = false;
    paint();
    send();
  };
  const moveTo = (to) => {
    if (drawing) {
      Object.assign(paper, { lineWidth: 2 * PEN, lineCap: "round" });
      paper.beginPath();
      paper.moveTo(...at);
      paper.lineTo(to[0], to[1] + 0.01); // a line of no length would leave no dot
      paper.stroke();
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
    canvas.setPointerCapture(event.pointerId);
    [at, keys] = [place(event), false];
    lower();
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

function render({ model, el }) {
  const side = model.get("side");
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: side, height: side, className: "snnbp-sheet" });
  canvas.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's arrow keys would leave the cell
  let ours = false;
  const { show } = makeSheet(canvas, (ink) => {
    ours = true;
    model.set("ink", new DataView(ink.buffer));
    model.save_changes();
    ours = false;
  });
  const read = () => {
    const ink = model.get("ink");
    if (!ours) show(new Uint8Array(ink.buffer, ink.byteOffset, side * side));
  };
  model.on("change:ink", read);
  read();
  el.append(canvas);
}
export default { render };
