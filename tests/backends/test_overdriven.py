"""The circuit on each side of what its inhibition withstands, and what that means for clothing."""

import numpy as np
import pytest

import snnbp
from snnbp.circuit.loihi import INHIBITION, drive_bound

STRONG = -254 * 2**7


def driven(drive):
    """A network whose three hidden neurons are all driven to exactly `drive` by 200 inputs that are on."""
    w1 = 2 * ((drive // 2 + np.arange(200)[:, None]) // 200).repeat(3, axis=1)
    return snnbp.Weights(w1, np.full((3, 10), 250))


@pytest.mark.parametrize("inhibition", [INHIBITION, STRONG])
def test_circuit_and_algebra_part_right_above_the_bound(inhibition):
    on = np.ones((8, 200), bool)
    samples = snnbp.Dataset.from_arrays(on, np.arange(8), on[:1], [0]).train
    bound = drive_bound(inhibition)
    for drive, equal in ((bound - 2, True), (bound, True), (bound + 2, False)):
        start = driven(drive)
        found, wanted = (
            snnbp.learn(start, samples, backend, inhibition=inhibition)[0] for backend in ("spiking", "fused")
        )
        assert (found == wanted) == equal


def test_clothing_passes_the_published_bound_within_an_epoch_and_not_the_stronger_one(fashion_mnist):
    algebra = snnbp.train(fashion_mnist, snnbp.Config(epochs=1), progress=False)
    runs = {
        inhibition: snnbp.train(
            fashion_mnist, snnbp.Config(epochs=1, inhibition=inhibition), "spiking", progress=False
        )
        for inhibition in (INHIBITION, STRONG)
    }
    assert min(runs[INHIBITION].overdriven, algebra.overdriven) > 0
    assert runs[INHIBITION].digest != algebra.digest
    assert runs[STRONG].overdriven == 0
    assert runs[STRONG].digest == algebra.digest
