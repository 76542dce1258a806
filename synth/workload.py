"""What runs on a design to record or to measure it: a bench, one of its tests, a configuration."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One test of a bench on one configuration of a design.

    Attributes
    ----------
    top
        Name of the design's top-level module.
    bench
        Import name of the module with the test.
    config
        JSON of the configuration, which the bench reads.
    test
        Full name of the test, parameters included: ``states_equal_the_model/sink=never``.
    operation
        What energy is per. ``transfer`` counts payloads on output streams, ``cycle`` clock cycles;
        of anything else the bench records how many it did, under the plural: ``products``.
    """

    top: str
    bench: str
    config: str
    test: str
    operation: str = "transfer"

    @property
    def tests(self) -> str:
        """Regular expression that this test alone matches, for :func:`nomul.sim.harness.run`."""
        return rf"\.{re.escape(self.test)}$"
