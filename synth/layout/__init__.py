"""Placement, wires and routing of mapped standard cells, and what wires cost."""
