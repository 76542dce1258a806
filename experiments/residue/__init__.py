"""Numbers of the page of residues."""
