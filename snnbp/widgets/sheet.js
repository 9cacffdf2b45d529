// A square sheet to draw on, by mouse, touch, pen or keys. `ink` holds one byte a pixel, row by row: 0 or 255.
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 5;

function render({ model, el }) {
  const side = model.get("side");
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: side, height: side, tabIndex: 0, className: "snnbp-sheet" });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", model.get("label"));
  const cursor = document.createElement("div");
  cursor.className = "snnbp-cursor";
  const frame = document.createElement("div");
  frame.className = "snnbp-frame";
  frame.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's arrow keys would leave the cell
  frame.append(canvas, cursor);
  el.append(frame);

  const context = canvas.getContext("2d", { willReadFrequently: true });
  let at = [side / 2, side / 2];
  let [drawing, shown, waiting, ours] = [false, true, false, false]; // shown: an image that Python put there

  const send = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const ink = context.getImageData(0, 0, side, side).data.filter((_, n) => n % 4 === 3);
      ours = true;
      model.set("ink", new DataView(new Uint8Array(ink).buffer));
      model.save_changes();
      ours = false;
    });
  };
  const clear = () => {
    context.clearRect(0, 0, side, side);
    shown = false;
  };
  const moveTo = (to) => {
    if (drawing) {
      Object.assign(context, { lineWidth: 2 * model.get("pen"), lineCap: "round" });
      context.beginPath();
      context.moveTo(...at);
      context.lineTo(to[0], to[1] + 0.01); // a line of no length would leave no dot
      context.stroke();
      send();
    }
    at = to;
    cursor.style.left = `${(100 * at[0]) / side}%`;
    cursor.style.top = `${(100 * at[1]) / side}%`;
  };
  const setDrawing = (on) => {
    drawing = on;
    cursor.classList.toggle("snnbp-down", on);
    if (on && shown) clear();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * side) / box.width, ((event.clientY - box.top) * side) / box.height];
  };
  const show = () => {
    if (ours) return;
    const ink = new Uint8Array(model.get("ink").buffer, model.get("ink").byteOffset, side * side);
    const image = context.createImageData(side, side);
    ink.forEach((value, n) => { image.data[4 * n + 3] = value; });
    context.putImageData(image, 0, 0);
    shown = ink.some((value) => value);
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    at = place(event);
    setDrawing(true);
    moveTo(at);
  });
  canvas.addEventListener("pointermove", (event) => drawing && moveTo(place(event)));
  for (const name of ["pointerup", "pointercancel", "blur"]) canvas.addEventListener(name, () => setDrawing(false));
  canvas.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      setDrawing(!drawing);
      moveTo(at);
    } else if (event.key in KEYS) {
      moveTo(KEYS[event.key].map((direction, n) => Math.min(side, Math.max(0, at[n] + STEP * direction))));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
      send();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  model.on("change:ink", show);
  show();
  moveTo(at);
}
export default { render };
