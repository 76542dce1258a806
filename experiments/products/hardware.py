"""What structures are made of: addresses of permuted diagonals, indices, parts of circulants."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.compare.hardware import CELLS
from nomul.experiments.compare.memory import SRAM_MB_PER_MM2
from nomul.experiments.products.arrays import KEPT, PERIOD_PS
from nomul.experiments.tables import Rows
from nomul.golden import circulant, permdiag
from nomul.golden.spimc.config import bits_for
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize


class Addresses(wiring.Component):  # type: ignore[type-arg]
    """What addresses the rows of permuted diagonals: places that move on, and one row per unit.

    Parameters
    ----------
    cfg : :class:`nomul.golden.permdiag.Config`
        Sizes.
    """

    d: Any
    block: Any
    k: Any
    rows: Any

    def __init__(self, cfg: permdiag.Config):
        self.cfg = cfg
        place = range(max(2, cfg.p))
        super().__init__(
            {
                "d": In(place),
                "block": In(place),
                "k": In(data.ArrayLayout(place_shape(cfg.p), cfg.units)),
                "rows": Out(data.ArrayLayout(place_shape(cfg.p), cfg.units)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Describe one modular difference of the place, and one per unit."""
        from nomul.hw.permdiag.address import modular_difference

        m, p = Module(), self.cfg.p
        e = modular_difference(m, self.d, self.block, p, "e")
        for number in range(self.cfg.units):
            row = modular_difference(m, e, self.k[number], p, f"row{number}")
            m.d.comb += self.rows[number].eq(row)
        return m


class Places(wiring.Component):  # type: ignore[type-arg]
    """Where the activations of a beat stand: place within a block, and block column modulo p.

    Parameters
    ----------
    p, width : int
        Side of a block, and activations of a beat.
    """

    load: Any
    begin: Any
    lane: Any
    d: Any
    block: Any

    def __init__(self, p: int, width: int):
        self.p, self.width = p, width
        place = range(max(2, p))
        super().__init__(
            {
                "load": In(1),
                "begin": In(1),
                "lane": In(range(max(2, width))),
                "d": Out(place),
                "block": Out(place),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Describe what moves on with each beat, and what moves on with the lane in it."""
        from amaranth.hdl import Array, Const, Mux, Signal

        from nomul.hw.permdiag.address import modular_sum

        m, p, place = Module(), self.p, range(max(2, self.p))
        first = [Signal(place, name=f"first_{name}") for name in ("d", "block")]
        on_d, carry = modular_sum(m, first[0], self.width % p, p, "on_d")
        on_block, _ = modular_sum(m, first[1], self.width // p % p + carry, p, "on_block")
        with m.If(self.load):
            for kept, on in zip(first, (on_d, on_block), strict=True):
                m.d.sync += kept.eq(Mux(self.begin, 0, on))
        lanes = range(self.width)
        within = Array([Const(i % p, place) for i in lanes])[self.lane]
        across = Array([Const(i // p % p, place) for i in lanes])[self.lane]
        d, carry = modular_sum(m, first[0], within, p, "at_d")
        block, _ = modular_sum(m, first[1], across + carry, p, "at_block")
        m.d.comb += [self.d.eq(d), self.block.eq(block)]
        return m


def place_shape(p: int) -> Any:
    """Return the shape of a place within a block."""
    from amaranth.hdl import unsigned

    return unsigned(max(1, bits_for(p)))


@caption("Addresses of permuted diagonals beside stored indices of N:M; 64 x 64 on FreePDK45.")
def addresses() -> Rows:
    """Return what addresses of permuted diagonals take, beside the indices of N:M, for 64 x 64.

    Places and rows of eight units; indices in flip-flops, and in a memory of modelled density.
    """
    rows, flop = [], _area("flop", {}, Flop)
    for p in (4, 7, 8, 16):
        cfg = permdiag.Config(inputs=64, outputs=64, p=p, pes=1, muls=8)
        area = _area("places", {"p": p}, partial(Places, p, 8))
        area += _area("addresses", {"p": p}, partial(Addresses, cfg))
        index = cfg.inputs * cfg.block_rows * bits_for(p)
        rows.append(
            {
                "p": p,
                "units": cfg.units,
                "addresses, um2": round(area),
                "weights": cfg.inputs * cfg.block_rows,
                "index bits of 1:p": index,
                "in flip-flops, um2": round(index * flop),
                "in a memory, um2 (modelled)": round(index / SRAM_MB_PER_MM2),
            }
        )
    return rows


class Flop(wiring.Component):  # type: ignore[type-arg]
    """One flip-flop."""

    d: Any
    q: Any

    def __init__(self) -> None:
        super().__init__({"d": In(1), "q": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Describe it."""
        m = Module()
        m.d.sync += self.q.eq(self.d)
        return m


@caption("A circulant block row at k products per cycle, and what is left for ntt's multiplier.")
def engines() -> Rows:
    """Return areas of a circulant block row at k products per cycle, added up of measured parts.

    ``direct`` has k columns, or 8 k of one bit. A unit of ``ntt`` has a register and a point of the
    inverse transform for each element, and a multiplier modulo 2^32 + 1: what is left for it, if
    it is to be no larger, with an inverse for each unit and with one for all of many.
    """
    from nomul.hw.circulant import Transform
    from nomul.hw.circulant.direct import column_config
    from nomul.hw.dense import Column

    b, plain = 32, circulant.Config(inputs=64, outputs=64)
    column = _area("column", {}, partial(Column, column_config(plain)))
    serial = _area("bits", {}, partial(Column, column_config(plain.replace(product="bitserial"))))
    # A point is an adder and a register: of two sizes the difference.
    small, large = (_area("transform", {"k": k}, partial(Transform, k, b, False)) for k in (4, 8))
    point, word = (large - small) / 4, (b + 1) * _area("flop", {}, Flop)
    return [
        {
            "k": k,
            "k columns of INT8, um2": round(k * column),
            "8 k columns of one bit, um2": round(8 * k * serial),
            "ntt: registers, um2": round(k * word),
            "ntt: inverse, um2": round(k * point),
            "left, inverse for each": round(k * (column - word - point)),
            "left, one for all": round(k * (column - word)),
            "16 multipliers of 8 bits, um2": round(16 * column),
        }
        for k in (4, 8, 16, 32, 64)
    ]


def _area(name: str, values: dict[str, Any], make: Callable[[], Any]) -> float:
    """Return the area of a component at the period, in um2."""

    def work() -> dict[str, Any]:
        result = synthesize(emit(make(), name), CELLS, period_ps=PERIOD_PS)
        assert result.area_um2 is not None
        return {"um2": result.area_um2}

    hw = Path(__file__).parents[2] / "hw"
    files = sorted((hw / "circulant").glob("*.py")) + sorted((hw / "permdiag").glob("*.py"))
    source = hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()[:16]
    about = {"part": name, **values, "period": PERIOD_PS, "tool": yosys.version(), "at": source}
    return float(ledger.kept(ledger.Folder(KEPT), about, work)["um2"])
