"""What one image needs: its activations, an accumulator, and the step to the next layer."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.spdnn import Config
from nomul.hw.spdnn.stores import ports, store


def control_layout(cfg: Config) -> data.StructLayout:
    """Return what the sequencer tells all lanes in a cycle.

    ``read`` and ``reads`` address the activations. In the next cycle what was read (or a class's
    sum, with ``from_sums``) is taken, shifted and negated or nothing at all, and in the one after
    ``add`` adds it, and begins a sum with ``begin``. In the cycle after a sum's last addition
    ``keep`` writes it at ``place`` of the classes' sums; two cycles later ``put`` writes the
    activation at ``write``. ``load`` writes the image's word there instead.
    """
    fields = {
        "read": unsigned(cfg.address_bits + 1),
        "reads": unsigned(1),
        "add": unsigned(1),
        "begin": unsigned(1),
        "put": unsigned(1),
        "load": unsigned(1),
        "write": unsigned(cfg.address_bits + 1),
    }
    if cfg.engine == "class":
        fields |= {
            "from_sums": unsigned(1),
            "sum": unsigned(cfg.class_bits),
            "keep": unsigned(1),
            "place": unsigned(cfg.class_bits),
        }
    if cfg.engine == "general":
        fields |= {
            "shift": unsigned(cfg.shift_bits),
            "negative": unsigned(1),
            "none": unsigned(1),
        }
    return data.StructLayout(fields)


class Lane(wiring.Component):
    """Adds the activations of one image that the sequencer names; one addition per cycle.

    Two banks of activations, one read while the other is written. Latency is five cycles from an
    address to the activation that is written; one addition per cycle.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spdnn.Config`
        Sizes and engine.
    outside : bool
        Bring the ports of the memories out, for memory macros.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What to do in this cycle.
    word : ``In(cfg.y_bits)``
        The image's activation, to be loaded.
    y : ``Out(cfg.y_bits)``
        The activation that was read in the cycle before.
    activations_read, activations_write, sums_read, sums_write
        Ports of the memories, see :func:`nomul.hw.spdnn.stores.ports`; only ``outside``.
    """

    control: data.View
    word: Signal
    y: Signal

    def __init__(self, cfg: Config, outside: bool = False):
        self.cfg, self.outside = cfg, outside
        members: dict[str, wiring.Member] = {
            "control": In(control_layout(cfg)),
            "word": In(cfg.y_bits),
            "y": Out(cfg.y_bits),
        }
        for name in self.stores(cfg) if outside else ():
            members |= ports(cfg, name)
        super().__init__(members)

    @staticmethod
    def stores(cfg: Config) -> list[str]:
        """Return the names of a lane's memories."""
        return [name for name in cfg.memories if name != "table"]

    def elaborate(self, platform: object) -> Module:
        cfg, m, control = self.cfg, Module(), self.control
        read, write = store(m, self, cfg, "activations", self.outside)
        m.d.comb += [read.addr.eq(control.read), read.en.eq(control.reads), self.y.eq(read.data)]
        total = Signal(signed(cfg.sum_bits))
        brought = self._brought(m, total)
        with m.If(control.add):
            m.d.sync += total.eq(Mux(control.begin, 0, total) + brought)
        # The step: round sixteenths and subtract the bias, and in the next cycle clip to 0..32.
        rounded, after = Signal(signed(cfg.sum_bits)), Signal(cfg.y_bits)
        ceiling = 32 << cfg.fraction
        # As one sum: rounding adds 8 sixteenths, and the bias is sixteen of them per unit.
        m.d.sync += rounded.eq((total + (8 - 16 * cfg.bias)) >> 4)
        m.d.sync += after.eq(Mux(rounded < 0, 0, Mux(rounded > ceiling, ceiling, rounded)))
        m.d.comb += [
            write.addr.eq(control.write),
            write.en.eq(control.put | control.load),
            write.data.eq(Mux(control.load, self.word, after)),
        ]
        return m

    def _brought(self, m: Module, total: Signal) -> Signal:
        """Return what is added: an activation, its multiple by a power of two, or a class's sum."""
        cfg, control = self.cfg, self.control
        brought, taken = Signal(signed(cfg.sum_bits)), Signal(signed(cfg.sum_bits))
        m.d.sync += taken.eq(brought)
        if cfg.engine == "general":
            shifted = Signal(signed(cfg.sum_bits))
            m.d.comb += [
                shifted.eq(self.y << control.shift),
                brought.eq(Mux(control.none, 0, Mux(control.negative, -shifted, shifted))),
            ]
        elif cfg.engine == "class":
            read, write = store(m, self, cfg, "sums", self.outside)
            m.d.comb += [
                read.addr.eq(control.sum),
                write.addr.eq(control.place),
                write.en.eq(control.keep),
                write.data.eq(total),
                brought.eq(Mux(control.from_sums, read.data, self.y)),
            ]
        else:
            m.d.comb += brought.eq(self.y)
        return taken
