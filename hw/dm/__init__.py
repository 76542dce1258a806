"""Bayesian layer: products are memorised, and each sample adds them with drawn signs."""

from nomul.hw.dm.sampler import Sampler
from nomul.hw.dm.top import Top, result_layout, weight_layout, x_layout

__all__ = ["Sampler", "Top", "result_layout", "weight_layout", "x_layout"]
