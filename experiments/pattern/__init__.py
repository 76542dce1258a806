"""Numbers of the page of row patterns."""
