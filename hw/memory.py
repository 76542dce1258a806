"""A memory of one write and one read port between the members of the component that holds it."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib.memory import Memory


def add_memory(
    m: Module,
    name: str,
    width: int,
    depth: int,
    *,
    write: tuple[Value, Value, Value],
    read: tuple[Value, Value],
    enable: Value | None = None,
) -> None:
    """Add a memory to a module, and connect its ports; what was asked for is there a cycle later.

    Parameters
    ----------
    m, name
        The module, and the memory's name in it.
    width, depth
        Bits of a word, and words.
    write
        Whether to write, at which address, and what.
    read
        The address to read, and where its word goes.
    enable
        Whether to read; the word before stays where it is not set. None reads in every cycle.
    """
    # A memory of one word would have addresses without bits.
    words: Memory = Memory(shape=unsigned(width), depth=max(2, depth), init=[])
    m.submodules[name] = words
    into, out = words.write_port(), words.read_port()
    m.d.comb += [into.en.eq(write[0]), into.addr.eq(write[1]), into.data.eq(write[2])]
    if enable is not None:
        m.d.comb += out.en.eq(enable)
    m.d.comb += [out.addr.eq(read[0]), read[1].eq(out.data)]


def memory_behind(store: Any, name: str) -> Module:
    """Return the memory, of that name, behind the members of a store.

    They are ``write``, ``into`` and ``word``, ``read``, ``address`` and ``found``; see
    :class:`nomul.hw.products.store.Store`.
    """
    m = Module()
    write, read = (store.write, store.into, store.word), (store.address, store.found)
    add_memory(m, name, store.width, store.depth, write=write, read=read, enable=store.read)
    return m


def whole(last: Value, ends: Value, place: Signal, loaded: Signal, misloaded: Signal) -> list[Any]:
    """Return what a word does that goes into a memory which is loaded as a whole.

    Parameters
    ----------
    last, ends
        The word says that it is the last; its place is.
    place, loaded, misloaded
        Where the next word goes; the memory is full of words; sticky, both differed.
    """
    return [
        place.eq(Mux(last | ends, 0, place + 1)),
        loaded.eq(last & ends),
        misloaded.eq(misloaded | (last != ends)),
    ]
