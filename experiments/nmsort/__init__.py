"""Numbers of the page of N:M sorting."""
