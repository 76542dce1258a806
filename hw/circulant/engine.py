"""What both engines of the circulant array are given."""

from nomul.golden.circulant import Config
from nomul.hw.once import Once
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.loader import Loader


class Engine:
    """Keeps the parts of the array between which an engine is described.

    Parameters
    ----------
    cfg
        The array.
    loader, store, feed, drain
        What all members have.
    """

    def __init__(self, cfg: Config, loader: Loader, store: Once, feed: Feed, drain: Drain):
        self.cfg, self.loader, self.store = cfg, loader, store
        self.feed, self.drain = feed, drain
