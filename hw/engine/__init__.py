"""The engine: a whole quantised network on one member of the product family."""

from nomul.hw.engine.top import Top

__all__ = ["Top"]
