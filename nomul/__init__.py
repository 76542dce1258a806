"""nomul: neural-network hardware without multiplier arrays."""

__version__ = "0.3.0"
