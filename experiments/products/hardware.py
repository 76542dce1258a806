"""What the structures cost: arrays of equal throughput, parts of circulants, addresses, indices.

One file, since all these measurements share a column of one size, its operands and its store.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.compare.hardware import CELLS, Job, run
from nomul.experiments.compare.memory import SRAM_MB_PER_MM2
from nomul.experiments.tables import Rows
from nomul.golden import circulant, network, permdiag, products
from nomul.golden.network import examples
from nomul.golden.spimc.config import bits_for
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize
from nomul.train import digits

# Where finished parts stay, under the current folder.
KEPT = Path("build/products")

# Slow enough for every array, so that all of them work at the same clock.
PERIOD_PS = 4000
INPUTS, OUTPUTS = 16, 8
VECTORS = 4


@dataclasses.dataclass(frozen=True)
class Row:
    """An array of the comparison: its member and its own parameters."""

    name: str
    member: str
    settings: dict[str, Any]


# A vector of 16 x 8 every 16 cycles, or as near as units allow: eight products of a dense layer per
# cycle.
ARRAYS = (
    Row("dense, INT8", "dense", {"products": 8}),
    Row("dense, INT4 weights", "dense", {"products": 8, "weight_bits": 4}),
    Row("dense, INT8 bit by bit", "dense", {"products": 64, "array": "bitserial"}),
    Row("permdiag, p = 4", "permdiag", {"p": 4, "pes": 1, "muls": 2, "lanes": 4}),
    Row(
        "permdiag, p = 4, powers of two",
        "permdiag",
        {"p": 4, "pes": 1, "muls": 2, "lanes": 4, "product": "pow2"},
    ),
    Row("circulant, k = 4", "circulant", {"k": 4, "units": 2}),
    Row("pow2basis, factor", "pow2basis", {"units": 4}),
    Row("pow2basis, rebuild", "pow2basis", {"units": 4, "datapath": "rebuild"}),
    Row(
        "spimc, 4 of 16 rows",
        "spimc",
        {"slots": 4, "lanes": 16, "formats": ("coo",), "tree_regs": 0},
    ),
)


@caption("Arrays of 16 x 8 weights at equal throughput, with what they store; FreePDK45.")
def arrays() -> Rows:
    """Return arrays of 16 x 8 weights at equal throughput, with what they store; FreePDK45.

    The second layer of the perceptron for digits gives weights, projected, and activations.
    """
    return [_row(row) for row in ARRAYS]


def _row(row: Row) -> dict[str, Any]:
    made = _Made.of(row)
    found = _measured(made, "freepdk45", PERIOD_PS)
    per_vector = made.cycles_per_vector
    ns = per_vector * PERIOD_PS / 1000
    (energy,) = found["energies"]
    return {
        "array": row.name,
        "bits per weight": round(made.packed.bits / made.w.size, 2),
        "cycles per vector": round(per_vector, 1),
        "um2": round(found["area_um2"]),
        "of it registers": round(found["sequential_um2"]),
        "least period, ps": round(found["period_ps"]),
        "ns per vector": round(ns, 1),
        "pJ per vector": round(energy["vector_fj"] / 1000, 2),
        "um2 x us": round(found["area_um2"] * ns / 1000),
    }


# Of these, what has a rival that does the same with less is not placed and routed.
LARGER = ("dense, INT8 bit by bit", "pow2basis, rebuild")


@caption("The same arrays on ECP5, placed and routed once each, at the clock that they reach.")
def arrays_ecp5() -> Rows:
    """Return the same arrays on ECP5, placed and routed once each, at the clock that they reach."""
    return [_placed(row) for row in ARRAYS if row.name not in LARGER]


def _placed(row: Row) -> dict[str, Any]:
    # The FPGA has multipliers of its own, which an operator becomes.
    own = {"multiplier": "operator"} if row.member == "dense" else {}
    made = _Made.of(dataclasses.replace(row, settings={**row.settings, **own}))
    found = _measured(made, "ecp5", PERIOD_PS)
    resources, period = found["resources"], found["period_ps"]
    us = made.cycles_per_vector * period * 1e-6
    return {
        "array": row.name,
        "cycles per vector": round(made.cycles_per_vector, 1),
        "LUT": resources["luts"],
        "FF": resources["ffs"],
        "DSP": resources["dsp"],
        "clock, MHz": round(1e6 / period, 1),
        "us per vector": round(us, 3),
        "LUT x us": round(resources["luts"] * us),
    }


@dataclasses.dataclass(frozen=True, eq=False)
class _Made:
    """An array with its tile and activations, and how often it takes a vector."""

    row: Row
    cfg: Any
    packed: Any
    w: Any
    x: Any

    @classmethod
    def of(cls, row: Row) -> "_Made":
        module = products.member(row.member)
        names = {"inputs": INPUTS, "outputs": OUTPUTS, "act_bits": 8}
        # Activations behind a ReLU are not negative; a member that takes signed ones has a bit
        # less.
        cfg = products.configure(row.member, **names, **row.settings)
        w, x = operands()
        packed = module.compress(cfg, module.project(cfg, w >> (8 - cfg.weight_bits)))
        return cls(row, cfg, packed, np.asarray(packed.weights()), x)

    @property
    def cycles_per_vector(self) -> float:
        """Cycles of a vector among many."""
        module, x = products.member(self.row.member), self.x
        many = module.cycles(self.cfg, self.packed, np.tile(x, (4, 1)))
        return float(many - module.cycles(self.cfg, self.packed, x)) / (3 * len(x))


def _measured(made: _Made, target: str, period_ps: int) -> dict[str, Any]:
    """Return what an array takes on a target; what is in the store is not measured again."""
    part = {"w": made.w.tolist(), "x": made.x.tolist()}
    config, name = made.cfg.to_json(), made.row.member
    about = {"array": made.row.name, "config": config, "part": part, "tool": yosys.version()}
    about |= {"period": period_ps, "source": sources(name)}
    if target != "freepdk45":
        about |= {"target": target}
    job = Job(
        name=name, config=config, rival=False, target=target, period_ps=period_ps, parts=(part,)
    )
    return dict(ledger.kept(ledger.Folder(KEPT), about, partial(run, job)))


def sources(member: str) -> str:
    """Return the digest of a member's hardware, and of what members share."""
    root = Path(__file__).parents[2] / "hw"
    files = [*sorted((root / "products").glob("*.py")), *sorted((root / member).glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def operands() -> tuple[Any, Any]:
    """Return weights int64[16, 8] and activations int64[4, 16], halved, of a trained layer.

    A fraction of the activations is zero, as it is behind a ReLU.
    """
    net = examples.example("digits-mlp-int8")
    values = network.trace(net, net.encode(digits.load().x_test[:VECTORS].astype(np.float32)))
    dense = [i for i, layer in enumerate(net.layers) if isinstance(layer, network.Dense)]
    layer = net.layers[dense[1]]
    assert isinstance(layer, network.Dense)
    x = values[net.sources(dense[1])[0]][:, :INPUTS] // 2
    return layer.w[:INPUTS, :OUTPUTS], x


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
