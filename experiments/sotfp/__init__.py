"""Tables of the page on floating point in memory: programs, faults, a layer, area."""
