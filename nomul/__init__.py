"""nomul: neural-network hardware without multiplier arrays."""

__version__ = "0.1.0"
