"""Sparse DNN challenge: one sequencer that names additions, and a lane for every image."""

from nomul.hw.spdnn.lane import Lane
from nomul.hw.spdnn.sequencer import Sequencer
from nomul.hw.spdnn.top import Top, edge_layout, image_layout, member_layout, result_layout

__all__ = [
    "Lane",
    "Sequencer",
    "Top",
    "edge_layout",
    "image_layout",
    "member_layout",
    "result_layout",
]
