"""ESSOP, the stochastic outer product: generators of bits as lanes, counters as cells."""

from nomul.hw.essop.cells import Counter, Popcount, Snapshot
from nomul.hw.essop.draws import Comparators, Weighted
from nomul.hw.essop.prefix import Prefix
from nomul.hw.essop.top import Top

__all__ = ["Comparators", "Counter", "Popcount", "Prefix", "Snapshot", "Top", "Weighted"]
