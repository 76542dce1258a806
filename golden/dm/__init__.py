"""Bayesian layers by decomposition and memorisation: samples of a product, weights drawn anew.

After "Efficient Computation Reduction in Bayesian Neural Networks Through Feature Decomposition and
Memorization", arXiv 2005.03857, of which only the abstract was readable: generator, widths and
order are ours.
"""

from nomul.golden.dm.config import Config, Method, Noise
from nomul.golden.dm.model import direct, ideal, model, noise, stimuli

__all__ = ["Config", "Method", "Noise", "direct", "ideal", "model", "noise", "stimuli"]
