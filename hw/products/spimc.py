"""SP-IMC's macro as a member of the matrix-vector products: the macro as it is."""

from nomul.golden.products.spimc import Config
from nomul.hw import spimc


class Top(spimc.Top):
    """The macro; see :class:`nomul.hw.spimc.Top`, its members and its timing.

    Parameters
    ----------
    cfg : :class:`nomul.golden.products.spimc.Config`
        The macro's parameters.
    """

    def __init__(self, cfg: Config):
        super().__init__(cfg)
