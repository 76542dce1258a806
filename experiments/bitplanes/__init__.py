"""Numbers of the bit-plane array's page."""
