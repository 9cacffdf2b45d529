"""The command `python -m snnbp bundle`."""

import argparse
import sys
from collections.abc import Sequence

from snnbp.interop.bundle import INFERENCE, TRAINING, export_bundle, usable_circuit, usable_folder
from snnbp.interop.observed import first_mismatch
from snnbp.training.config import Config
from snnbp.training.data import load_dataset
from snnbp.training.run import Run
from snnbp.training.sources import NAMES
from snnbp.training.train import train


def main(words: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m snnbp bundle",
        description="Write a network, its circuits and the activity expected of it as CSV, JSON and NPY.",
    )
    parser.add_argument("folder", nargs="?", help="where to; README.md there describes the files")
    compare = "compare a trace of other hardware, see README.md in the folder, with a bundle"
    parser.add_argument("--compare", nargs=2, metavar=("FOLDER", "TRACE.csv"), help=compare)
    parts = "with --compare, which circuit; default: %(default)s"
    parser.add_argument("--part", choices=(TRAINING, INFERENCE), default=TRAINING, help=parts)
    parser.add_argument("--dataset", default="digits", choices=NAMES, help="default: %(default)s")
    parser.add_argument("--run", metavar="FILE", help="a run stored by Run.save, on this data set")
    sizes = "without a run: neurons of each hidden layer; default: 400"
    parser.add_argument("--hidden", type=int, nargs="+", metavar="N", help=sizes)
    parser.add_argument("--epochs", type=int, metavar="N", help="without a run; default: 5")
    options = parser.parse_args(words)
    chosen = {name: value for name in ("hidden", "epochs") if (value := getattr(options, name)) is not None}
    if options.run and chosen:
        parser.error("--hidden and --epochs are those of the run: leave them out with --run")
    if (options.folder is None) == (options.compare is None):
        parser.error("name a folder to write, or a bundle and a trace to --compare")
    try:
        if options.compare:
            mismatch = first_mismatch(options.compare[0], options.compare[1], options.part)
            print(mismatch or "no mismatch")
            return int(mismatch is not None)
        usable_folder(options.folder)
        data = load_dataset(options.dataset)
        if options.run:
            run = Run.load(options.run)
        else:
            config = Config(**({"epochs": 5} | chosen))
            usable_circuit(config, data)
            run = train(data, config, progress=False)
        export_bundle(options.folder, run, data)
    except (ValueError, OSError) as error:
        print(f"snnbp: {error}", file=sys.stderr)
        return 1
    print(f"{options.folder}: the bundle of {options.dataset}, see README.md there")
    return 0
