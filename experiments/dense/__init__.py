"""Numbers of the dense array's page."""
