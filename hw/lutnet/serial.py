"""A look-up-table classifier behind few pins: one input code per beat, one class per vector."""

from itertools import pairwise

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import Config, Thermometer
from nomul.hw.lutnet.tiled import beat
from nomul.hw.lutnet.top import Group


class Serial(wiring.Component):
    """Computes a network whose first layer is an encoder, from codes that come one by one.

    The encoder has one comparator per distinct threshold, which all inputs pass in turn; what the
    tables use of its bits is kept in a shift register per threshold. Latency is one cycle per
    further register; one vector takes as many cycles as it has inputs.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lutnet.Config`
        Network without tiled layers, kind of adder and registers, already validated.

    Members
    -------
    x : ``In(stream.Signature(unsigned(network.input_bits)))``
        Input codes, those of a vector one after another, input 0 first.
    y : ``Out(stream.Signature(beat(network.lanes[-1])))``
        What ``nomul.hw.lutnet.Top`` gives; ``last`` is always set.

    Limits
    ------
    Vectors have no marks: whoever loses a beat has to reset.
    """

    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg, self.network = cfg, cfg.load()
        if not isinstance(self.network.layers[0], Thermometer) or self.network.tiled:
            raise ValueError("lutnet.network must begin with an encoder and have no tiled layer")
        super().__init__(
            {
                "x": In(stream.Signature(unsigned(self.network.input_bits))),
                "y": Out(stream.Signature(beat(self.network.lanes[-1]))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, network, m = self.cfg, self.network, Module()
        number = Signal(range(network.inputs))
        final, full, step = Signal(), Signal(), Signal()
        # The encoder is below; the rest as in a network of bits.
        encoded, *others = cfg.stages
        groups = [group for group in (encoded[1:], *others) if group]
        stages: list[Group] = []
        first = 1
        for layers in groups:
            stage = Group(layers, network.lanes[first], cfg.adder, first)
            m.submodules[f"stage{len(stages)}"] = stage
            stages.append(stage)
            first += len(layers)
        for stage, following in pairwise(stages):
            wiring.connect(m, stage.o, following.i)
        wiring.connect(m, stages[-1].o, wiring.flipped(self.y))
        entry = stages[0].i

        m.d.comb += [
            final.eq(number == network.inputs - 1),
            entry.valid.eq(full),
            entry.payload.x.eq(self.held(m, number, step)),
            entry.payload.last.eq(1),
            # The vector may leave while the next one's first code comes.
            self.x.ready.eq(~full | entry.ready),
            step.eq(self.x.valid & self.x.ready),
        ]
        with m.If(step):
            m.d.sync += number.eq(Mux(final, 0, number + 1))
        with m.If(self.x.ready):
            m.d.sync += full.eq(step & final)
        return m

    def held(self, m: Module, number: Signal, step: Signal) -> Cat:
        """Describe comparators and shift registers; return the encoder's bits of a vector."""
        encoder, network = self.network.layers[0], self.network
        bits: dict[tuple[int, int], Signal] = {}
        pairs = list(zip(encoder.threshold.tolist(), encoder.feature.tolist(), strict=True))
        for threshold in sorted(set(encoder.threshold.tolist())):
            used = sorted({feature for t, feature in pairs if t == threshold})
            chain = Signal(len(used), name=f"chain{threshold}", reset_less=True)
            mask = Const(sum(1 << feature for feature in used), network.inputs)
            with m.If(step & mask.bit_select(number, 1)):
                m.d.sync += chain.eq(Cat(chain[1:], self.x.payload >= threshold))
            bits |= {(threshold, feature): chain[i] for i, feature in enumerate(used)}
        return Cat(bits[pair] for pair in pairs)
