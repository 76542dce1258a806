"""The table of the flow's own page: every block on two open libraries."""
