"""Layers of patches of an epitome: a controller over an array."""

from nomul.hw.epitome.controller import Controller
from nomul.hw.epitome.table import Table
from nomul.hw.epitome.top import Top

__all__ = ["Controller", "Table", "Top"]
