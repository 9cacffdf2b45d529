// Words about what one points at, and about the images.
import { tile, tiles } from "./words.js";

const element = (name, properties) => Object.assign(document.createElement(name), properties);

// The title of a setting's label, shown in `hint` for those who touch it or come by keyboard.
export function explainForm(form, hint) {
  hint.textContent = "Point at a setting to read what it is.";
  for (const kind of ["focusin", "pointerover"])
    form.addEventListener(kind, ({ target }) => { hint.textContent = target.closest("label")?.title ?? ""; });
}

// `at(x, y)` names the population there; `say` shows the words for a tile that is clicked.
export function explainTiles(canvas, list, at, say) {
  const words = ({ offsetX, offsetY }) => {
    const name = at(offsetX, offsetY);
    return name ? tile(name) : "";
  };
  canvas.addEventListener("pointermove", (event) => { canvas.title = words(event); });
  canvas.addEventListener("click", (event) => words(event) && say(words(event)));
  list.append(...tiles().flatMap(([label, text]) =>
    [element("dt", { textContent: label }), element("dd", { textContent: text })]));
}

// Source and terms of each data set, with links.
export function explainImages(box, sets) {
  for (const { origin } of sets.filter((set) => set.origin)) {
    const paragraph = element("p", { textContent: origin.text });
    for (const [textContent, href] of Object.entries(origin.links)) paragraph.append(" ", element("a", { textContent, href }));
    box.append(paragraph);
  }
}
