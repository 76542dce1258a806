"""The machine with its memories as modules of their own, so that what they take stands apart."""

from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from nomul.golden.spdnn import Config
from nomul.hw.once import Once
from nomul.hw.spdnn import Top
from nomul.hw.spdnn.stores import ports


class Held(wiring.Component):  # type: ignore[type-arg]
    """One memory, read at one place and written at another one in the same cycle.

    Parameters
    ----------
    words, bits : int
        Its size.

    Members
    -------
    read, write
        Ports of Amaranth's memories.
    """

    read: Any
    write: Any

    def __init__(self, words: int, bits: int):
        self._memory: Any = memory.Memory(shape=unsigned(bits), depth=words, init=[])
        self._ports = self._memory.read_port(), self._memory.write_port()
        read, write = (port.signature for port in self._ports)
        super().__init__({"read": In(read.flip()), "write": In(write.flip())})

    def elaborate(self, platform: object) -> Module:
        """Describe it."""
        m = Module()
        m.submodules.memory = self._memory
        for port, own in zip(self._ports, (self.read, self.write), strict=True):
            wiring.connect(m, wiring.flipped(own), port)
        return m


class Around(wiring.Component):  # type: ignore[type-arg]
    """The machine as :class:`nomul.hw.spdnn.Top` is, its memories in modules ``held``.

    Latency and interval are those of the machine.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spdnn.Config`
        Sizes and engine.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self._top = Top(cfg, outside=True)
        stored = [name for kind in cfg.memories for name in ports(cfg, kind)]
        members = self._top.signature.members
        super().__init__(
            {n: member for n, member in members.items() if not n.endswith(tuple(stored))}
        )

    def elaborate(self, platform: object) -> Module:
        """Describe the machine and its memories."""
        cfg, m = self.cfg, Module()
        m.submodules.machine = top = self._top
        for kind, (count, words, bits) in cfg.memories.items():
            for number in range(count):
                name = kind if kind == "table" else f"lane{number}_{kind}"
                held: Any = Once(f"held_{kind}", Held, words, bits, keep=True)
                m.submodules[name] = held
                wiring.connect(m, getattr(top, f"{name}_read"), held.read)
                wiring.connect(m, getattr(top, f"{name}_write"), held.write)
        for name, member in self.signature.members.items():
            own, inner = getattr(self, name), getattr(top, name)
            if member.is_port:
                m.d.comb += own.eq(inner)
            else:
                wiring.connect(m, wiring.flipped(own), inner)
        return m
