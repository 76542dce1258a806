"""Look-up-table networks: a chain of stream stages, each a group of layers or one tiled layer."""

from nomul.hw.lutnet.top import Group, Top

__all__ = [
    "Group",
    "Top",
]
