"""Components that a block's configuration describes, ports and all."""

from typing import Generic, TypeVar

from amaranth.lib import wiring

C = TypeVar("C")
Ports = dict[str, wiring.Member]


class Configured(wiring.Component, Generic[C]):
    """A component whose ports and contents follow from its block's configuration alone.

    A subclass names its kind of configuration, as in ``class Top(Configured[Config])``, and says
    what ports it has.

    Parameters
    ----------
    cfg
        The configuration, already validated.
    """

    def __init__(self, cfg: C):
        self.cfg = cfg
        super().__init__(self.ports(cfg))

    def ports(self, cfg: C) -> Ports:
        """Return the ports by name."""
        raise NotImplementedError
