"""The playground: the circuit in the browser, where it draws, steps, learns and answers without a kernel."""

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from snnbp import checks
from snnbp.circuit.backprop import training_circuit
from snnbp.circuit.weights import Weights
from snnbp.plots import conceptual_circuit, to_png
from snnbp.training.data import Dataset, Samples

PAGE = Path(__file__).parent / "page"
"""The page: its HTML, style and modules."""

DEPTHS = (1, 2, 3)
"""Numbers of hidden layers that it offers."""

THRESHOLDS = (512, 768, 1024, 1536, 2048)
"""Thresholds that it offers (weight units)."""


class Playground(anywidget.AnyWidget):
    """A page on which the circuit classifies drawings and learns, phase by phase or at full speed.

    Shown by itself it is HTML, with code, weights and samples inside: it also works in a notebook without a
    kernel and in exported HTML. Among other widgets it is a widget.

    Parameters
    ----------
    data : Dataset
        One bit a pixel: loaded without contrast.
    weights : Weights
        The network to start from: one to three hidden layers.
    n_samples : int, default 1000
        How many training and how many test samples, the first ones, go into the page.

    Raises
    ------
    ValueError
        If the data have several bits a pixel, contrast or over 256 classes, or the weights other sizes or too
        many layers.
    """

    _esm = """export default { render({ model, el }) {
        const frame = document.createElement("iframe");
        Object.assign(frame, { title: "Playground", srcdoc: model.get("page"), style: model.get("look") });
        el.append(frame);
    } };"""
    look = traitlets.Unicode("width: 100%; height: 720px; border: 0").tag(sync=True)
    page = traitlets.Unicode().tag(sync=True)

    def __init__(self, data: Dataset, weights: Weights, n_samples: int = 1000) -> None:
        rows, columns = _image_shape(data)
        sizes = rows * columns, *weights.sizes[1:-1], len(data.classes)
        if data.train.inputs.shape[1] != sizes[0] or data.code.contrast:
            raise ValueError("the playground takes one bit a pixel: load the data without contrast")
        if weights.sizes != sizes:
            raise ValueError(
                f"the weights have {weights.sizes[0]} inputs and {weights.sizes[-1]} outputs, "
                f"the data {sizes[0]} and {sizes[-1]}"
            )
        if len(sizes) - 2 not in DEPTHS:
            raise ValueError(f"the playground takes 1 to {DEPTHS[-1]} hidden layers, got {len(sizes) - 2}")
        if len(data.classes) > 256:
            raise ValueError(f"the playground takes at most 256 classes, got {len(data.classes)}")
        if checks.whole("n_samples", n_samples) < 1:
            raise ValueError(f"n_samples must be positive, got {n_samples}")
        described, files = packed(data, n_samples)
        given = {"data": data.source, "hidden": sizes[1:-1], "threshold": weights.threshold}
        given |= {"step": 2, "seed": 1, "epochs": 3, "off": "none"}
        files["sets.json"] = _json([described])
        files["circuits.json"] = circuits({*THRESHOLDS, weights.threshold})
        files["weights.json"] = packed_weights(weights)
        super().__init__(page=single_file(files, given))
        self._still = conceptual_circuit(training_circuit(sizes, threshold=weights.threshold))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        png, alt = base64.b64encode(to_png(self._still)).decode(), self._still.alt
        still = f"<img alt='{escape(alt, quote=True)}' src='data:image/png;base64,{png}'>"
        page = escape(self.page, quote=True).encode("ascii", "xmlcharrefreplace").decode()
        frame = (
            f"<iframe title='Playground' style='{self.look}' onload='this.previousElementSibling.remove()' "
        )
        html = f"<div>{still}{frame} srcdoc='{page}'></iframe></div>"
        return {"text/plain": alt, "image/png": png, "text/html": html}, {"image/png": {"alt": alt}}


def circuits(thresholds: Iterable[int]) -> bytes:
    """The training circuits as the page reads them, JSON; fixed weights for each threshold (weight units)."""

    def chosen(part: Any, *names: str) -> dict[str, Any]:
        return {name: getattr(part, name) for name in names}

    described = {}
    for depth in DEPTHS:
        sizes = (8, *(16,) * depth, 10)  # the page sets the sizes
        made = {each: training_circuit(sizes, threshold=each) for each in sorted(thresholds)}
        circuit = next(iter(made.values()))
        described[depth] = {
            "populations": [
                chosen(p, "name", "symbol", "layer") | {"bias": p.neuron.bias} for p in circuit.populations
            ],
            "projections": [
                chosen(p, "pre", "post", "pattern", "delay", "symbol") | {"role": circuit.role(p)}
                for p in circuit.projections
            ],
            "phases": [
                chosen(phase, "gate", "open", "inhibits", "receives_input", "reward")
                | {"events": phase.event.split("; "), "encodes": dict(phase.encodes)}
                for phase in circuit.phases
            ],
            "weights": {each: [p.weight for p in its.projections] for each, its in made.items()},
        }
    return _json(described)


def packed(
    data: Dataset, n_samples: int, images_a_file: int = 10_000
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Pack samples into files: images as bits, each from a new byte on, then labels of one byte.

    Returns
    -------
    described : dict
        The data set and its files as the page reads them.
    files : dict of str to bytes
        The files by name.
    """
    parts, files = [], {}
    for split in ("train", "test"):
        samples: Samples = getattr(data, split)[:n_samples]
        for first in range(0, len(samples), images_a_file):
            part = samples[first : first + images_a_file]
            content = np.packbits(part.inputs, axis=1).tobytes() + part.labels.astype(np.uint8).tobytes()
            name = f"{data.source}-{split}-{first // images_a_file}.bin"
            files[name], digest = content, hashlib.sha256(content).hexdigest()
            parts.append({"file": name, "split": split, "n": len(part), "sha256": digest})
    return {"name": data.source, "shape": _image_shape(data), "classes": data.classes, "parts": parts}, files


def packed_weights(weights: Weights) -> bytes:
    """Pack weights as the page reads them, JSON: one signed byte a synapse, half its weight."""
    halves = b"".join((matrix // 2).astype(np.int8).tobytes() for matrix in weights.matrices)
    shapes = [matrix.shape for matrix in weights.matrices]
    return _json({"shapes": shapes, "halves": base64.b64encode(halves).decode()})


def _image_shape(data: Dataset) -> tuple[int, int]:
    """Rows and columns of an image; without any, of the most nearly square grid."""
    size = data.train.inputs.shape[1]
    rows = max(n for n in range(1, math.isqrt(size) + 1) if size % n == 0)
    return data.image_shape or (rows, size // rows)


def single_file(files: Mapping[str, bytes], given: Mapping[str, Any] | None = None) -> str:
    """Put scripts, worker, style and data into one HTML page: no module, no request.

    Parameters
    ----------
    files : mapping of str to bytes
        What the page would request, by name.
    given : mapping, optional
        The settings of the network in "weights.json", from which it then starts.
    """
    embedded = {name: base64.b64encode(content).decode() for name, content in files.items()}
    globals_ = _json({"files": embedded, "worker": _joined("worker"), "given": given}).decode()
    script = f"globalThis.PLAYGROUND = {globals_};\n{_joined('main')}".replace("</script", "<\\/script")
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    style = (PAGE / "style.css").read_text(encoding="utf-8")
    page = page.replace('<link rel="stylesheet" href="style.css">', f"<style>\n{style}</style>")
    page = re.sub(r'\n *<a href="\.\./[^"]*">[^<]*</a>(?=\n)', "", page)  # a file alone has no site around it
    page = re.sub(r'<a href="\.\./[^"]*">(.*?)</a>', r"\1", page)
    before, after = re.split(r'<script>.*<script type="module" src="main.js"></script>', page, flags=re.S)
    return f'{before}<script>addEventListener("DOMContentLoaded", () => {{\n{script}\n}});</script>{after}'


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").encode()


def _joined(name: str) -> str:
    """One classic script: the modules that `name` imports, each once and before its users, without exports.

    Each module is a function that returns what it exports, so that names do not meet.
    """
    modules: dict[str, str] = {}

    def visit(name: str) -> None:
        text = (PAGE / f"{name}.js").read_text(encoding="utf-8")
        for imported in re.findall(r'^import .* from "\./(.*)\.js";$', text, re.M):
            if imported not in modules:
                visit(imported)
        modules[name] = text

    visit(name)
    parts = []
    for name, text in modules.items():
        text = re.sub(r'^import (\{ .* \}) from "\./(.*)\.js";$', r"const \1 = module_\2;", text, flags=re.M)
        exported = re.findall(r"^export (?:async )?(?:class|function|const) (\w+)", text, re.M)
        exported += re.findall(r"^export const \w+ = [^,]*, (\w+) =", text, re.M)
        text = re.sub(r"^export ", "", text, flags=re.M)
        parts.append(f"const module_{name} = (() => {{\n{text}\nreturn {{ {', '.join(exported)} }};\n}})();")
    return "\n".join(parts)
