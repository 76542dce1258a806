"""A convolutional network for SONIC: trained on Fashion-MNIST, pruned layer by layer, clustered.

``python -m nomul.train.sonic OUT`` trains it, and writes the integer networks of 16 and of 64
levels into the folder OUT, with the accuracies on the way.
"""

from nomul.train.sonic.network import (
    PIXEL_SHIFT,
    SPARSITY,
    Net,
    Report,
    accuracy,
    clustered,
    images_of,
    integers,
    main,
    pixels,
    prune,
    train,
)

__all__ = [
    "PIXEL_SHIFT",
    "SPARSITY",
    "Net",
    "Report",
    "accuracy",
    "clustered",
    "images_of",
    "integers",
    "main",
    "pixels",
    "prune",
    "train",
]
