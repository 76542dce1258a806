"""nomul: neural-network hardware without multiplier arrays."""

__version__ = "0.2.0"
