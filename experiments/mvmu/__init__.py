"""What converters cost a network on the core with matrix-vector units."""
