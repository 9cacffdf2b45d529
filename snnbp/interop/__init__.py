"""Trained networks for other tools: NIR graphs, and a bundle of plain files for hardware."""

from snnbp.interop.bundle import export_bundle
from snnbp.interop.nir import from_nir, to_nir

__all__ = ["export_bundle", "from_nir", "to_nir"]
