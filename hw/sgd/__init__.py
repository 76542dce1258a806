"""SGD: a perceptron that trains itself, an image at a time."""

from nomul.hw.sgd.element import Element
from nomul.hw.sgd.ring import Ring
from nomul.hw.sgd.top import Top

__all__ = ["Element", "Ring", "Top"]
