"""The version of nomul, for whatever is stamped with it."""

__version__ = "0.3.0"
