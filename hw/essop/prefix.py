"""Columns of the prefix form: counts in a table, read once per row instead of counted per cell."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.essop import Config
from nomul.hw.essop.array import running
from nomul.hw.once import Once


def control_layout(cfg: Config) -> data.StructLayout:
    """Return what the controller sends to every column.

    ``step``: the bit is valid. ``first``: of a vector. ``bank``: the half of the table that is
    written. ``write``: number of the bit. ``length``: number of ones of the row that is read.
    """
    return data.StructLayout(
        {
            "step": 1,
            "first": 1,
            "bank": 1,
            "write": unsigned(max(1, cfg.stream_log2)),
            "length": unsigned(cfg.count_bits),
        }
    )


class Column(wiring.Component):
    """Keeps the running count of one column's bits, and looks up the count at a row's length.

    In ascending order of the rows' words, row i's bits are T_i ones and then zeros, so c_ij is the
    count of the column's first T_i bits. The table has two halves: one is written while the other
    is read, combinationally, which FPGAs do in LUT RAM.

    Latency is one cycle from the last bit to ``o``; one row per cycle.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        Stream length.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What to do in this cycle.
    b : ``In(1)``
        The column's bit.
    o : ``Out(cfg.count_bits)``
        The count at ``control.length`` of the half that is not written.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        super().__init__({"control": In(control_layout(cfg)), "b": In(1), "o": Out(cfg.count_bits)})

    def elaborate(self, platform: object) -> Module:
        cfg, control, m = self.cfg, self.control, Module()
        depth = 2 * cfg.stream_bits
        m.submodules.table = table = memory.Memory(
            shape=unsigned(cfg.count_bits), depth=depth, init=[]
        )
        write, read = table.write_port(), table.read_port(domain="comb")
        before_end = Signal(cfg.stream_log2 + 1)
        # A table of length 1 has no index bits: the bank alone is the address.
        index = slice(0, cfg.stream_log2)
        m.d.comb += [
            write.data.eq(running(m, cfg, control, lambda count: count + self.b)),
            write.addr.eq(Cat(control.write[index], control.bank)),
            write.en.eq(control.step),
            before_end.eq(control.length - 1),
            read.addr.eq(Cat(before_end[index], ~control.bank)),
            self.o.eq(Mux(control.length == 0, 0, read.data)),
        ]
        return m


def run_length(cfg: Config, operand: Value, first_word: Value) -> Value:
    """Return T, the number of the rows' words below an operand; ``first_word`` is the smallest.

    The words are first_word + m 2**W / R for m = 0 .. R - 1, BL / R times each, and first_word is
    below 2**W / R.
    """
    levels = cfg.stream_bits >> cfg.repeats_log2
    return Cat(Const(0, cfg.repeats_log2), run_of(operand, first_word, cfg.row_low, levels))


def run_of(operand: Value, first_word: Value, low: int, count: int) -> Value:
    """Return how many of ``count`` words first_word + m 2**low are below an operand."""
    whole = operand[low:] + (first_word[:low] < operand[:low] if low else 0)
    return Mux(operand[-1], count, whole)[: count.bit_length()]


def columns(
    m: Module, cfg: Config, control: data.View, bits: list[Value], lengths: Value
) -> list[Value]:
    """Describe all columns; return the counts of the row at the head of the read-out.

    Parameters
    ----------
    control
        The array's control, see :func:`nomul.hw.essop.array.control_layout`.
    bits
        One bit per column.
    lengths
        T of every row of the pair that ``control.capture`` hands to the read-out.
    """
    common = Signal(control_layout(cfg), name="column_control")
    write, bank = Signal.like(common.write), Signal()
    chain = Signal(cfg.rows * cfg.count_bits, name="lengths", reset_less=True)
    m.d.comb += [
        common.step.eq(control.step),
        common.first.eq(control.first),
        common.write.eq(write),
        common.bank.eq(bank),
        common.length.eq(chain),
    ]
    with m.If(control.step):
        m.d.sync += write.eq(Mux(control.capture, 0, write + 1))
    with m.If(control.capture):
        m.d.sync += [bank.eq(~bank), chain.eq(lengths)]
    with m.Elif(control.shift):
        m.d.sync += chain.eq(chain >> cfg.count_bits)
    counts = []
    for j, bit in enumerate(bits):
        m.submodules[f"column{j}"] = column = Once("column", Column, cfg)
        m.d.comb += [column.control.eq(common), column.b.eq(bit)]
        counts.append(column.o)
    return counts
