"""Look-up tables as a module of their own, which writes itself as Yosys' look-up tables."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet.absorb import absorb
from nomul.golden.lutnet.layers import LutLayer, Xnor
from nomul.hw.once import Described, Once

# Wires of each table; and neuron, residual level and weight of a bit to add.
Rows = Sequence[Sequence[int]]
Place = tuple[int, int, int]


def table(tt: int, inputs: Sequence[Value]) -> Value:
    """Return the bit of a table at the address whose bit k is ``inputs[k]``."""
    return Const(tt, 1 << len(inputs)).bit_select(Cat(*inputs), 1)


def settle(m: Module, value: Value, width: int) -> Signal:
    """Return an expression as a signal, since Amaranth prints one again at every use."""
    result = Signal(width)
    m.d.comb += result.eq(value)
    return result


class Operators(Described):
    """The tables of a layer: bit i of ``y`` is table i at the address that its wires give.

    Combinational.

    Parameters
    ----------
    n_in : int
        Number of wires.
    idx : tuple of tuples of int
        Wires of each table; the k-th is address bit k.
    tt : tuple of int
        Tables of 2**K bits.

    Members
    -------
    x : ``In(n_in)``
        Wires.
    y : ``Out(n_tables)``
        Outputs.
    """

    def __init__(self, n_in: int, idx: tuple[tuple[int, ...], ...], tt: tuple[int, ...]):
        self.idx, self.tt = idx, tt
        super().__init__({"x": In(n_in), "y": Out(len(tt))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows = zip(self.tt, self.idx, strict=True)
        m.d.comb += self.y.eq(Cat(table(tt, [self.x[i] for i in row]) for tt, row in rows))
        return m

    def rtlil(self, name: str) -> str:
        """Return the module as RTLIL: one ``$lut`` cell per table.

        Yosys prints it as a constant shifted by an address. Where Amaranth would write that shift
        itself, Yosys maps barrel shifters, which takes it minutes for a thousand tables.
        """
        lines = [
            f"module \\{name}",
            f"  wire width {len(self.x)} input 0 \\x",
            f"  wire width {len(self.y)} output 1 \\y",
        ]
        for i, (tt, row) in enumerate(zip(self.tt, self.idx, strict=True)):
            k = len(row)
            # Concatenations begin with the most significant bit.
            address = " ".join(f"\\x [{wire}]" for wire in reversed(row))
            lines += [
                f"  cell $lut $table{i}",
                f"    parameter \\WIDTH {k}",
                f"    parameter \\LUT {1 << k}'{tt:0{1 << k}b}",
                f"    connect \\A {{ {address} }}",
                f"    connect \\Y \\y [{i}]",
                "  end",
            ]
        return "\n".join([*lines, "end", ""])


def look_up(m: Module, x: Value, idx: Sequence[Sequence[int]], tt: Sequence[int]) -> Value:
    """Return the outputs of a layer's tables, which are a module of their own."""
    part = Once("operators", Operators, len(x), tuple(map(tuple, idx)), tuple(tt))
    m.submodules.operators = part
    m.d.comb += part.x.eq(x)
    return part.y


def cells(m: Module, inputs: Sequence[Value], tt: Sequence[int]) -> list[Value]:
    """Return the outputs of tables over the same inputs, which the mapper keeps as they are."""
    row = tuple(range(len(inputs)))
    part = Once("cell", Operators, len(row), (row,) * len(tt), tuple(tt), keep=True)
    # Numbered rather than named: there are hundreds.
    m.submodules += part
    m.d.comb += part.x.eq(Cat(*inputs))
    return list(part.y)


def summed(layer: LutLayer | Xnor, adder: str) -> tuple[Rows, Sequence[int], list[Place]]:
    """Return wires and tables of the bits that a layer adds, and where each of them belongs.

    A place is neuron, residual level and weight 2**w. With ``lut6`` operators of few inputs share
    tables, whose outputs are digits of their sum.
    """
    if adder == "lut6":
        groups = absorb(layer)
        # A sum without inputs is a constant over any wire.
        idx = [group.wires or (0,) for group in groups for _ in group.digits]
        tt = [d if g.wires else d * 0b11 for g in groups for d in g.digits]
        places = [
            (group.neuron, group.level, weight)
            for group in groups
            for weight in range(len(group.digits))
        ]
        return idx, tt, places
    places = [(*place, 0) for place in zip(layer.out.tolist(), layer.level.tolist(), strict=True)]
    if isinstance(layer, Xnor):
        return layer.idx[:, None].tolist(), [0b10 if w else 0b01 for w in layer.weight], places
    return layer.idx.tolist(), layer.tt, places
