"""What matrix-vector products share in hardware: loader, weight store, activations in, sums out."""

from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed, x_layout
from nomul.hw.products.loader import Loader, weight_layout
from nomul.hw.products.store import Store
from nomul.hw.products.sums import net, two_rows

__all__ = ["Drain", "Feed", "Loader", "Store", "net", "two_rows", "weight_layout", "x_layout"]
