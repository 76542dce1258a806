"""Spiking networks from other tools, and to them: NIR and snnTorch."""

from nomul.golden.lif.importers import nir, snntorch
from nomul.golden.lif.importers.quantize import Rounded

__all__ = ["Rounded", "nir", "snntorch"]
