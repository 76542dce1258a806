"""Numbers of the page about the matrix-vector products."""
