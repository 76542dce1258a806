"""The blocks as Amaranth components."""
