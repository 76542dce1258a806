"""Frames: words of weights and images, counted and judged as they come."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from nomul.golden.sgd import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.sgd.layouts import Kind, request_layout
from nomul.hw.sgd.ring import index_bits


class Frames(Configured[Config]):
    """Takes frames while nothing else is done, and says what each word is and what a frame asks.

    A frame has the words of its kind, and ``last`` comes with the last of them. Whatever has more
    or fewer is dropped at its end; so is one that needs weights while there are none.

    Members
    -------
    i : ``In(stream.Signature(request_layout(cfg)))``
        Words.
    idle : ``In(1)``
        A word may come.
    weight, value : ``Out(1)``
        This word is a weight, or an input or a target.
    first : ``Out(1)``
        It is the first of its frame.
    place : ``Out``
        Where a value goes.
    image : ``Out(1)``
        It is an input.
    learn, infer, dump : ``Out(1)``
        The frame that ends with this word asks for that.
    misframed, unloaded : ``Out(1)``
        Sticky: a frame was of another length; one came before any weights.
    """

    i: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        strobes = ("weight", "value", "first", "image", "learn", "infer", "dump")
        return {
            "i": In(stream.Signature(request_layout(cfg))),
            "idle": In(1),
            "place": Out(unsigned(index_bits(cfg.values))),
            **{name: Out(1) for name in (*strobes, "misframed", "unloaded")},
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        most = max(cfg.weights, cfg.frame)
        place, over, loaded = Signal(range(most + 1)), Signal(), Signal()
        held, kind = Signal(Kind), Signal(Kind)
        taken, length = Signal(), Signal(range(most + 1))
        m.d.comb += [
            self.i.ready.eq(self.idle),
            taken.eq(self.i.valid & self.i.ready),
            self.first.eq(taken & (place == 0) & ~over),
            kind.eq(Mux((place == 0) & ~over, self.i.payload.kind, held)),
        ]
        with m.Switch(kind):
            for name, words in (
                (Kind.LOAD, cfg.weights),
                (Kind.DUMP, 1),
                (Kind.INFER, cfg.sizes[0]),
                (Kind.LEARN, cfg.frame),
            ):
                with m.Case(name):
                    m.d.comb += length.eq(words)
        last, whole, good = self.i.payload.last, Signal(), Signal()
        m.d.comb += [
            whole.eq(place == length - 1),
            good.eq(taken & last & whole & ~over),
            self.weight.eq(taken & ~over & (kind == Kind.LOAD)),
            self.value.eq(taken & ~over & ((kind == Kind.INFER) | (kind == Kind.LEARN))),
            self.image.eq(place < cfg.sizes[0]),
            self.place.eq(
                Mux(self.image, place, place + (cfg.gradient(cfg.layers) - cfg.sizes[0]))
            ),
            self.learn.eq(good & loaded & (kind == Kind.LEARN)),
            self.infer.eq(good & loaded & (kind == Kind.INFER)),
            self.dump.eq(good & loaded & (kind == Kind.DUMP)),
        ]
        with m.If(taken):
            m.d.sync += [held.eq(kind), place.eq(place + 1), over.eq(over | whole)]
            with m.If(last):
                m.d.sync += [place.eq(0), over.eq(0)]
                m.d.sync += self.misframed.eq(self.misframed | over | ~whole)
        with m.If(self.weight):
            m.d.sync += loaded.eq(good)
        with m.If(good & ~loaded & (kind != Kind.LOAD)):
            m.d.sync += self.unloaded.eq(1)
        return m
