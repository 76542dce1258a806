"""Memories of the machine: inside, or behind ports for memory macros."""

from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In
from amaranth.utils import ceil_log2

from nomul.golden.spdnn import Config


def ports(cfg: Config, name: str) -> dict[str, wiring.Member]:
    """Return the members of a component whose memory is outside, a port to read and one to write.

    They are those of Amaranth's memories: what is addressed with ``en`` is read in the next cycle.
    """
    _, words, bits = cfg.memories[name]
    width, shape = ceil_log2(words), unsigned(bits)
    return {
        f"{name}_read": In(memory.ReadPort.Signature(addr_width=width, shape=shape)),
        f"{name}_write": In(memory.WritePort.Signature(addr_width=width, shape=shape)),
    }


def store(
    m: Module, component: wiring.Component, cfg: Config, name: str, outside: bool
) -> tuple[memory.ReadPort, memory.WritePort]:
    """Return the ports of a component's memory: a new one's, or the component's own members."""
    if outside:
        return getattr(component, f"{name}_read"), getattr(component, f"{name}_write")
    _, words, bits = cfg.memories[name]
    held: Any = memory.Memory(shape=unsigned(bits), depth=words, init=[])
    m.submodules[name] = held
    return held.read_port(), held.write_port()
