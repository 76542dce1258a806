"""SONIC's fully connected units as a member of the matrix-vector products: no CONV engine."""

from nomul.golden.products.sonic import Config
from nomul.hw import sonic


class Top(sonic.Top):
    """The accelerator without its CONV engine; see :class:`nomul.hw.sonic.Top`.

    Parameters
    ----------
    cfg : :class:`nomul.golden.products.sonic.Config`
        The accelerator's parameters.
    """

    def __init__(self, cfg: Config):
        super().__init__(cfg, conv=False)
