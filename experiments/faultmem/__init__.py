"""Numbers of the page of the memory that forgets writes."""
