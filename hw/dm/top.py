"""A Bayesian layer: weights in, vectors in, T samples of every result out."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.dm import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.dm import direct
from nomul.hw.dm.sampler import Sampler
from nomul.hw.memory import whole
from nomul.hw.skid import Stage

COUNTER_BITS = 32


def weight_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``weight``: mean and deviation of a weight; the layer's last is marked."""
    return data.StructLayout(
        {"mu": signed(cfg.mu_bits), "sigma": unsigned(cfg.sigma_bits), "last": unsigned(1)}
    )


def x_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``x``: an activation; the vector's last is marked."""
    return data.StructLayout({"x": signed(cfg.act_bits), "last": unsigned(1)})


def result_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``y``: twice a sample of a result; the vector's last is marked."""
    return data.StructLayout({"y": signed(cfg.y_bits), "last": unsigned(1)})


class Top(Configured[Config]):
    """Multiplies vectors by weights that are drawn anew for each sample.

    Mean and beta of an output are computed once per vector, by two multipliers, and kept; then all
    samples of that output are added up. By direct sampling every weight is drawn and multiplied for
    every sample. Latency and interval are those of a vector,
    ``cfg.latency`` and ``cfg.interval`` cycles.

    Members
    -------
    weight : ``In(stream.Signature(weight_layout(cfg)))``
        The layer: for each output all its inputs. It stays until the next one, which is taken
        between two vectors.
    x : ``In(stream.Signature(x_layout(cfg)))``
        Vectors, one activation per word.
    y : ``Out(stream.Signature(result_layout(cfg)))``
        For each vector and output all samples of 2 y, as ``nomul.golden.dm.model`` has them; with
        no samples, one word per vector, which is 0.
    misloaded, misfit : ``Out(1)``
        Sticky: a layer of another size, after which no vector is taken until a good one came; a
        vector of another size, which is dropped and draws nothing.
    saturated : ``Out(32)``
        Samples that were cut to ``y_bits``, modulo 2^32.

    Limits
    ------
    Reset lets the random numbers begin anew, and the layer is to be loaded again.
    """

    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "weight": In(stream.Signature(weight_layout(cfg))),
            "x": In(stream.Signature(x_layout(cfg))),
            "y": Out(stream.Signature(result_layout(cfg))),
            "misloaded": Out(1),
            "misfit": Out(1),
            "saturated": Out(COUNTER_BITS),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.stage = stage = Stage(result_layout(cfg))
        wiring.connect(m, stage.o, wiring.flipped(self.y))
        # A vector is loaded while none is computed; a layer while no vector is begun.
        busy, loaded, place = Signal(), Signal(), Signal(range(max(2, cfg.inputs)))
        between = ~busy & ~place.any() & ~self.x.valid
        weights = self._load_layer(m, loaded, ~loaded | between)
        vector, start = self._load_vector(m, place, loaded & ~busy)
        with m.If(start):
            m.d.sync += busy.eq(1)
        if cfg.samples == 0:
            # Nothing is drawn: a vector only ends.
            m.d.comb += [stage.i.valid.eq(busy), stage.i.payload.last.eq(1)]
            with m.If(busy & stage.i.ready):
                m.d.sync += busy.eq(0)
            return m
        if cfg.method == "direct":
            go = Signal()
            done, closes, total = direct.sample(m, cfg, busy, go, weights, vector)
            m.d.comb += go.eq(~done | stage.i.ready)
            self._leave(m, stage, done, closes, total)
        else:
            self._compute(m, stage, busy, weights, vector)
        return m

    def _load_layer(self, m: Module, loaded: Signal, ready: Value) -> memory.ReadPort:
        """Describe the memory of weights; return its port for reading."""
        cfg, word = self.cfg, self.weight.payload
        depth = cfg.inputs * cfg.outputs
        kept = data.StructLayout({"mu": signed(cfg.mu_bits), "sigma": unsigned(cfg.sigma_bits)})
        store: memory.Memory = memory.Memory(shape=kept, depth=depth, init=[])
        m.submodules.weights = store
        write, read = store.write_port(), store.read_port()
        place, ends, taken = Signal(range(max(2, depth))), Signal(), Signal()
        m.d.comb += [
            self.weight.ready.eq(ready),
            taken.eq(self.weight.valid & ready),
            ends.eq(place == depth - 1),
            write.addr.eq(place),
            write.data.mu.eq(word.mu),
            write.data.sigma.eq(word.sigma),
            write.en.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += whole(word.last, ends, place, loaded, self.misloaded)
        return read

    def _load_vector(
        self, m: Module, place: Signal, ready: Value
    ) -> tuple[memory.ReadPort, Signal]:
        """Describe the memory of a vector; return its port for reading, and that it is whole."""
        cfg, word = self.cfg, self.x.payload
        store: memory.Memory = memory.Memory(shape=signed(cfg.act_bits), depth=cfg.inputs, init=[])
        m.submodules.vector = store
        write, read = store.write_port(), store.read_port()
        ends, taken, start = Signal(), Signal(), Signal()
        m.d.comb += [
            self.x.ready.eq(ready),
            taken.eq(self.x.valid & ready),
            ends.eq(place == cfg.inputs - 1),
            start.eq(taken & ends & word.last),
            write.addr.eq(place),
            write.data.eq(word.x),
            write.en.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += [
                place.eq(Mux(word.last | ends, 0, place + 1)),
                self.misfit.eq(self.misfit | (word.last != ends)),
            ]
        return read, start

    def _compute(
        self,
        m: Module,
        stage: Stage,
        busy: Signal,
        weights: memory.ReadPort,
        vector: memory.ReadPort,
    ) -> None:
        """Describe the outputs of a vector, each first memorised and then sampled."""
        cfg = self.cfg
        go, drawing = Signal(), Signal()
        row, column = Signal(range(max(2, cfg.outputs))), Signal(range(max(2, cfg.inputs)))
        sample, bit = Signal(range(max(2, cfg.samples))), Signal(range(max(2, cfg.passes)))
        waits = Signal(range(3))  # until what is memorised can be read
        base = Signal(range(max(2, cfg.inputs * cfg.outputs)))
        # What is done in this cycle: a product, or an addition.
        multiplies, adds = Signal(), Signal()
        across, through, sampled = Signal(), Signal(), Signal()
        m.d.comb += [
            multiplies.eq(busy & ~drawing & ~waits.any()),
            adds.eq(busy & drawing),
            across.eq(column == cfg.inputs - 1),
            through.eq(bit == cfg.passes - 1),
            sampled.eq(sample == cfg.samples - 1),
        ]
        with m.If(go):
            with m.If(multiplies):
                m.d.sync += [
                    column.eq(Mux(across, 0, column + 1)),
                    base.eq(Mux(base == cfg.inputs * cfg.outputs - 1, 0, base + 1)),
                ]
                with m.If(across):
                    m.d.sync += waits.eq(2)
            with m.If(waits.any()):
                m.d.sync += [waits.eq(waits - 1), drawing.eq(waits == 1)]
            with m.If(adds):
                m.d.sync += bit.eq(Mux(through, 0, bit + 1))
                with m.If(through):
                    m.d.sync += column.eq(Mux(across, 0, column + 1))
                with m.If(through & across):
                    m.d.sync += sample.eq(Mux(sampled, 0, sample + 1))
                with m.If(through & across & sampled):
                    m.d.sync += [drawing.eq(0), row.eq(row + 1)]
                    with m.If(row == cfg.outputs - 1):
                        m.d.sync += [row.eq(0), busy.eq(0)]
        beta, eta = self._memorise(m, go, multiplies, column, base, weights, vector)
        m.d.comb += [beta.addr.eq(column), beta.en.eq(go)]
        # The next cycle: what was read is added.
        m.submodules.sampler = sampler = Sampler(cfg)
        one = {
            "there": adds,
            "begin": ~column.any() & ~bit.any(),
            "number": bit,
            "last": through,
            "ends": through & across,
            "closes": sampled & (row == cfg.outputs - 1),
        }
        late: dict[str, Signal] = {}
        for name, value in one.items():
            late[name] = Signal(Value.cast(value).shape(), name=f"late_{name}")
            with m.If(go):
                m.d.sync += late[name].eq(value)
        m.d.comb += [
            sampler.go.eq(go & late["there"]),
            sampler.begin.eq(late["begin"]),
            sampler.number.eq(late["number"]),
            sampler.last.eq(late["last"]),
            sampler.eta.eq(eta),
            sampler.beta.eq(beta.data),
        ]
        # The cycle after a sample's last addition it leaves, or everything waits.
        done, closes = Signal(), Signal()
        with m.If(go):
            m.d.sync += [
                done.eq(late["there"] & late["ends"]),
                closes.eq(late["closes"]),
            ]
        m.d.comb += go.eq(~done | stage.i.ready)
        self._leave(m, stage, done, closes, sampler.total)

    def _memorise(
        self,
        m: Module,
        go: Signal,
        multiplies: Signal,
        column: Signal,
        base: Signal,
        weights: memory.ReadPort,
        vector: memory.ReadPort,
    ) -> tuple[memory.ReadPort, Signal]:
        """Describe the two products of a weight; return where beta is read, and the mean."""
        cfg = self.cfg
        betas: memory.Memory = memory.Memory(shape=signed(cfg.beta_bits), depth=cfg.inputs, init=[])
        m.submodules.betas = betas
        write, read = betas.write_port(), betas.read_port()
        m.d.comb += [
            weights.addr.eq(base),
            weights.en.eq(go),
            vector.addr.eq(column),
            vector.en.eq(go),
        ]
        # One cycle later weight and activation are there; the products are in registers the next.
        one, two = Signal(), Signal()
        one_at, two_at = Signal.like(column), Signal.like(column)
        eta = Signal(signed(cfg.sum_bits))
        mean = Signal(signed(cfg.mu_bits + cfg.act_bits))
        product = Signal(signed(cfg.beta_bits))
        with m.If(go):
            m.d.sync += [
                one.eq(multiplies),
                one_at.eq(column),
                two.eq(one),
                two_at.eq(one_at),
                mean.eq(weights.data.mu * vector.data),
                product.eq(weights.data.sigma * vector.data),
            ]
            with m.If(two):
                m.d.sync += eta.eq(Mux(two_at.any(), eta, 0) + mean)
        m.d.comb += [write.addr.eq(two_at), write.data.eq(product), write.en.eq(two & go)]
        return read, eta

    def _leave(self, m: Module, stage: Stage, done: Value, closes: Value, total: Signal) -> None:
        """Describe how a sample leaves, cut where it is larger than a result can be."""
        cfg = self.cfg
        most, cut = 1 << (cfg.y_bits - 1), Signal()
        m.d.comb += [stage.i.valid.eq(done), stage.i.payload.last.eq(closes)]
        if cfg.y_bits >= cfg.sum_bits:
            m.d.comb += [stage.i.payload.y.eq(total), cut.eq(0)]
            return
        above, below = total > most - 1, total < -most
        m.d.comb += [
            cut.eq(above | below),
            stage.i.payload.y.eq(Mux(above, Const(most - 1), Mux(below, Const(-most), total))),
        ]
        with m.If(done & stage.i.ready & cut):
            m.d.sync += self.saturated.eq(self.saturated + 1)
