"""Build the playground: one folder for a web server, and one file that also opens without.

    python docs/playground/build.py [--output FOLDER] [--data FOLDER]

Writes the page, the circuits, and the images as bits: the 8x8 digits and, where its files are found, MNIST.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import snnbp
from snnbp.training.data import Dataset
from snnbp.training.sources import DataUnavailable
from snnbp.widgets import playground

OUTPUT = Path(__file__).parents[2] / "build" / "site" / "playground"
SINGLE = "playground.html"
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
    shutil.copytree(playground.PAGE, folder, dirs_exist_ok=True)
    files = {"circuits.json": playground.circuits(playground.THRESHOLDS)}
    sets = [_described(snnbp.load_dataset("digits"), files)]
    if data is not None:
        os.environ["SNNBP_DATA"] = str(data)
    try:
        sets.insert(0, _described(snnbp.load_dataset("mnist"), files))
    except DataUnavailable as error:
        print(f"{error}: the page is built with the 8x8 digits only")
    files["sets.json"] = json.dumps(sets, indent=1).encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / SINGLE).write_text(playground.single_file(files), encoding="utf-8")
    print(f"{folder / 'index.html'} and, without a server, {folder / SINGLE}")


def _described(data: Dataset, files: dict[str, bytes]) -> dict[str, Any]:
    """Add the files of all samples to `files`, and describe them to the page."""
    described, packed = playground.packed(data, len(data.train))
    files |= packed
    return described | {"origin": ORIGINS[data.source]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with MNIST's files")
    arguments = parser.parse_args()
    build(arguments.output, arguments.data)
