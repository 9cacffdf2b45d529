"""Trained networks for other tools: NIR graphs, bundles of plain files for hardware, what fits a chip."""

from snnbp.interop.bundle import export_bundle
from snnbp.interop.fit import chip_fit
from snnbp.interop.nir import from_nir, to_nir

__all__ = ["chip_fit", "export_bundle", "from_nir", "to_nir"]
