"""Numbers of the page on training in hardware."""
