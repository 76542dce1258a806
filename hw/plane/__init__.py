"""Plane of product cells: all products of a pair leave together."""

from nomul.hw.plane.top import WIDE, Product, Row, Top, product, products_layout, tail_fields

__all__ = [
    "WIDE",
    "Product",
    "Row",
    "Top",
    "product",
    "products_layout",
    "tail_fields",
]
