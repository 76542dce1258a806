"""Activations of the SP-IMC macro: the buffer, its bit planes, and each slot's bundle of lanes."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.spimc import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.once import Once
from nomul.hw.spimc.layouts import rows, step_bits


def address_bits(cfg: Config) -> int:
    """Return the bits of a row's address, with room for what lies beyond the window."""
    return step_bits(cfg) + 1


class Buffer(Configured[Config]):
    """Holds K activations and shows their most significant bits, one plane after the other.

    Latency is one cycle; a plane per cycle.

    Members
    -------
    enable, place, x : ``In``
        Write an activation, aligned to the most significant bit.
    rotate : ``In(1)``
        Go on to the next plane; after ``act_bits`` times the first plane is back.
    plane : ``Out(K)``
        One bit of every activation.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "enable": In(1),
            "place": In(9),
            "x": In(cfg.act_bits),
            "rotate": In(1),
            "plane": Out(cfg.window),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        for k in range(cfg.window):
            held = Signal(cfg.act_bits, name=f"x{k}", reset_less=True)
            with m.If(self.enable & (self.place == k)):
                m.d.sync += held.eq(self.x)
            with m.Elif(self.rotate):
                m.d.sync += held.eq(held.rotate_left(1))
            m.d.comb += self.plane[k].eq(held[-1])
        return m


class Row(Configured[Config]):
    """Gives the slots of one row of the array their bundle: B bits from where their group is.

    Latency is one cycle; one bundle per cycle.

    Members
    -------
    enable : ``In(1)``
        A step is issued.
    address : ``In(address_bits(cfg))``
        First row of the bundle.
    rl : ``In(1)``
        Put the first bit on all lanes.
    plane : ``In(K)``
        The bit plane.
    bundle : ``Out(cfg.lanes)``
        The bits.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "enable": In(1),
            "address": In(address_bits(cfg)),
            "rl": In(1),
            "plane": In(cfg.window),
            "bundle": Out(cfg.lanes),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        lanes = Signal(cfg.lanes)
        m.d.comb += lanes.eq(self.plane >> self.address)
        with m.If(self.enable):
            m.d.sync += self.bundle.eq(
                Mux(self.rl, lanes[0].replicate(cfg.lanes), lanes) if "rl" in cfg.formats else lanes
            )
        return m


class Rows(Configured[Config]):
    """Gives every slot its bundle; the groups of N:M and the rows of dense tiles differ by slot.

    Latency is one cycle; one set of bundles per cycle. Without those two formats, all slots share
    one bundle.

    Members
    -------
    set_base : ``In(1)``, slot, base : ``In``
        Tell a slot the first row of its group.
    enable : ``In(1)``, offset : ``In(address_bits(cfg))``
        A step is issued; its first row within the group.
    rl, plane : ``In``
        As those of :class:`Row`.
    bundle : ``Out(ArrayLayout(cfg.lanes, R))``
        One bundle per slot; a single one where slots are read one by one.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "set_base": In(1),
            "slot": In(range(cfg.slots + 1)),
            "base": In(address_bits(cfg)),
            "enable": In(1),
            "offset": In(address_bits(cfg)),
            "rl": In(1),
            "plane": In(cfg.window),
            "bundle": Out(data.ArrayLayout(cfg.lanes, rows(cfg))),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        grouped = cfg.store != "rowserial" and bool({"nm", "dense"} & set(cfg.formats))
        bundles = []
        for r in range(cfg.slots if grouped else 1):
            m.submodules[f"row{r}"] = row = Once("row", Row, cfg)
            base = Signal(address_bits(cfg), name=f"base{r}", reset_less=True)
            if cfg.store == "rowserial":
                m.d.comb += base.eq(self.base)
            elif grouped:
                with m.If(self.set_base & (self.slot == r)):
                    m.d.sync += base.eq(self.base)
            m.d.comb += [
                row.enable.eq(self.enable),
                # Groups and lanes are powers of two, so base and offset share no bit.
                row.address.eq(base | self.offset),
                row.rl.eq(self.rl),
                row.plane.eq(self.plane),
            ]
            bundles.append(row.bundle)
        m.d.comb += Cat(*(self.bundle[r] for r in range(rows(cfg)))).eq(
            Cat(*(bundles * (rows(cfg) if len(bundles) == 1 else 1)))
        )
        return m
