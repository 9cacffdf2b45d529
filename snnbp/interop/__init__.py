"""Trained networks for other tools: NIR graphs, and a bundle of plain files for hardware."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnbp.interop.bundle import export_bundle as export_bundle
    from snnbp.interop.nir import from_nir as from_nir
    from snnbp.interop.nir import to_nir as to_nir

__all__ = ["export_bundle", "from_nir", "to_nir"]


def __getattr__(name: str) -> Any:
    import importlib

    if name not in __all__:
        raise AttributeError(f"module 'snnbp.interop' has no attribute {name!r}")
    return getattr(importlib.import_module(f"snnbp.interop.{'nir' if 'nir' in name else 'bundle'}"), name)
