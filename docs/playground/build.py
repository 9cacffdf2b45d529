"""Build the playground: one folder for a web server, and one file that also opens without.

    python docs/playground/build.py [--output FOLDER] [--data FOLDER]

Writes the page, the circuits, and the images as bits: the 8x8 digits and, where its files are found, MNIST.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import snnbp
from snnbp.circuit.spec import Circuit
from snnbp.training.data import Dataset, Samples
from snnbp.training.sources import DataUnavailable

SOURCE = Path(__file__).parent
SHEET = Path(snnbp.__file__).parent / "widgets" / "sheet.js"
OUTPUT = SOURCE.parents[1] / "build" / "site" / "playground"
SINGLE = "playground.html"
IMAGES_A_FILE = 10_000
THRESHOLDS = (512, 768, 1024, 1536, 2048)
DEPTHS = (1, 2, 3)
# In words, and the pages to read; what an author does not say is not said here either.
ORIGINS = {
    "mnist": {
        "text": "MNIST, by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, made from NIST's Special "
        "Databases 1 and 3. The authors' page names no licence. The documentation of Keras says that Yann "
        "LeCun and Corinna Cortes hold the copyright and that the terms are those of CC BY-SA 3.0. Changed "
        "here: the inner 20x20 pixels, each black or white.",
        "links": {
            "The authors' page": "http://yann.lecun.com/exdb/mnist/",
            "Keras on MNIST": "https://keras.io/api/datasets/mnist/",
            "CC BY-SA 3.0": "https://creativecommons.org/licenses/by-sa/3.0/",
        },
    },
    "digits": {
        "text": "Optical Recognition of Handwritten Digits, by E. Alpaydin and C. Kaynak, 1998, UCI Machine "
        "Learning Repository, under CC BY 4.0. Changed here: 8x8 pixels, each black or white.",
        "links": {
            "UCI's page": "https://doi.org/10.24432/C50P49",
            "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
        },
    },
}


def build(folder: Path = OUTPUT, data: Path | None = None) -> None:
    """Write the page into `folder`, which is created.

    Parameters
    ----------
    folder : Path
    data : Path, optional
        Folder in which MNIST's files are searched for first; see `snnbp.load_dataset`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*SOURCE.iterdir(), SHEET):
        if path.suffix in (".html", ".js", ".css"):
            shutil.copyfile(path, folder / path.name)
    circuits = json.dumps({str(depth): _circuits(depth) for depth in DEPTHS}, separators=(",", ":"))
    (folder / "circuits.json").write_text(circuits, encoding="utf-8")
    sets = [_packed(folder, snnbp.load_dataset("digits"))]
    (folder / "sets.json").write_text(json.dumps(sets), encoding="utf-8")
    _write_single_file(folder, ["circuits.json", "sets.json", *(part["file"] for part in sets[0]["parts"])])
    if data is not None:
        os.environ["SNNBP_DATA"] = str(data)
    try:
        sets.insert(0, _packed(folder, snnbp.load_dataset("mnist")))
    except DataUnavailable as error:
        print(f"{error}: the page is built with the 8x8 digits only")
    (folder / "sets.json").write_text(json.dumps(sets, indent=1), encoding="utf-8")
    print(f"{folder / 'index.html'} and, without a server, {folder / SINGLE}")


def _circuits(depth: int) -> dict[str, Any]:
    """What the page needs of the training circuit; fixed weights for each threshold (weight units)."""
    hidden = (16,) * depth  # the page sets the sizes
    circuits = {each: snnbp.training_circuit((8, *hidden, 10), threshold=each) for each in THRESHOLDS}
    circuit = circuits[snnbp.Config().threshold]
    return {
        "populations": [
            {"name": p.name, "symbol": p.symbol, "layer": p.layer, "bias": p.neuron.bias}
            for p in circuit.populations
        ],
        "projections": [
            {"pre": p.pre, "post": p.post, "pattern": p.pattern, "delay": p.delay, "symbol": p.symbol}
            | {"role": circuit.role(p)}
            for p in circuit.projections
        ],
        "phases": _phases(circuit),
        "weights": {each: [p.weight for p in made.projections] for each, made in circuits.items()},
    }


def _phases(circuit: Circuit) -> list[dict[str, Any]]:
    return [
        {
            "gate": phase.gate,
            "events": phase.event.split("; "),
            "open": phase.open,
            "inhibits": phase.inhibits,
            "receives": phase.receives_input,
            "reward": phase.reward,
            "encodes": dict(phase.encodes),
        }
        for phase in circuit.phases
    ]


def _packed(folder: Path, data: Dataset) -> dict[str, Any]:
    """Write images as bits, each image from a new byte on, then their labels, one byte each."""
    parts = []
    for split in ("train", "test"):
        samples: Samples = getattr(data, split)
        for first in range(0, len(samples), IMAGES_A_FILE):
            part = samples[first : first + IMAGES_A_FILE]
            content = np.packbits(part.inputs, axis=1).tobytes() + part.labels.astype(np.uint8).tobytes()
            name = f"{data.source}-{split}-{first // IMAGES_A_FILE}.bin"
            (folder / name).write_bytes(content)
            parts.append({"file": name, "split": split, "n": len(part)})
            parts[-1]["sha256"] = hashlib.sha256(content).hexdigest()
    shape = list(data.image_shape or ())
    return {"name": data.source, "shape": shape, "classes": len(data.classes), "parts": parts} | {
        "origin": ORIGINS[data.source]
    }


def _write_single_file(folder: Path, files: list[str]) -> None:
    """Put scripts, worker, style and data into one HTML file: no module, no request."""
    embedded = {name: base64.b64encode((folder / name).read_bytes()).decode("ascii") for name in files}
    globals_ = {"files": embedded, "worker": _joined(folder / "worker.js")}
    script = f"globalThis.PLAYGROUND = {json.dumps(globals_)};\n{_joined(folder / 'main.js')}"
    page = (folder / "index.html").read_text(encoding="utf-8")
    style = (folder / "style.css").read_text(encoding="utf-8")
    page = page.replace('<link rel="stylesheet" href="style.css">', f"<style>\n{style}</style>")
    page = re.sub(r'\n *<a href="\.\./[^"]*">[^<]*</a>(?=\n)', "", page)  # a file alone has no site around it
    page = re.sub(r'<a href="\.\./[^"]*">(.*?)</a>', r"\1", page)
    body = script.replace("</script", "<\\/script")
    page = page.replace(
        '<script type="module" src="main.js"></script>',
        f'<script>addEventListener("DOMContentLoaded", () => {{\n{body}\n}});</script>',
    )
    (folder / SINGLE).write_text(page, encoding="utf-8")


def _joined(path: Path) -> str:
    """One classic script: the modules that `path` imports, each once and before its users, without exports.

    Each module is a function that returns what it exports, so that names do not meet.
    """
    order: list[Path] = []

    def visit(module: Path) -> None:
        for name in re.findall(r'^import .* from "\./(.*)";$', module.read_text(encoding="utf-8"), re.M):
            visit(module.parent / name)
        if module not in order:
            order.append(module)

    visit(path)
    parts = []
    for module in order:
        text = module.read_text(encoding="utf-8")
        text = re.sub(
            r'^import \{ (.*) \} from "\./(.*)\.js";$',
            lambda match: f"const {{ {match[1]} }} = module_{match[2]};",
            text,
            flags=re.M,
        )
        exported = re.findall(r"^export (?:async )?(?:class|function|const) (\w+)", text, re.M)
        exported += re.findall(r"^export const \w+ = [^,]*, (\w+) =", text, re.M)
        text = re.sub(r"^export (default .*)?", "", text, flags=re.M)
        parts.append(
            f"const module_{module.stem} = (() => {{\n{text}\nreturn {{ {', '.join(exported)} }};\n}})();"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with MNIST's files")
    arguments = parser.parse_args()
    build(arguments.output, arguments.data)
