"""A core around matrix-vector units: memories, registers, and what an instruction does."""

from nomul.hw.mvmu.product import Product
from nomul.hw.mvmu.top import Top, answer_layout, request_layout, tile_layout

__all__ = ["Product", "Top", "answer_layout", "request_layout", "tile_layout"]
