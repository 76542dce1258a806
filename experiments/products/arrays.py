"""Arrays of equal throughput: what each structure takes on cells and on an FPGA."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.compare.hardware import Job, module, run
from nomul.experiments.products.trained import recognised
from nomul.experiments.tables import Rows
from nomul.golden import epitome, network, pq, products
from nomul.golden.arrays import Ints
from nomul.golden.network import examples
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.train import digits

# Where finished parts stay, under the current folder.
KEPT = Path("build/products")

# Slow enough for every array, so that all of them work at the same clock.
PERIOD_PS = 4000
INPUTS, OUTPUTS = 16, 8
VECTORS = 4
# Images whose activations tables of prototypes are fitted to.
SAMPLES = 500


@dataclasses.dataclass(frozen=True)
class Row:
    """An array of the comparison.

    Attributes
    ----------
    name
        What the row is called.
    member
        Of the family, or ``epitome``.
    settings
        Its own parameters.
    case
        Structure and size of the networks that were trained for it; None if none was.
    """

    name: str
    member: str
    settings: dict[str, Any]
    case: tuple[str, int] | None = None


DIAGONALS = {"p": 4, "pes": 1, "muls": 2, "lanes": 4}
BINARY = {"encodings": ("and",), "rounding": False, "checks": False}
TABLES = {"length": 8, "units": (8, 1, 1)}

# A vector of 16 x 8 every 16 cycles, or as near as units allow: eight products of a dense layer per
# cycle.
ARRAYS = (
    Row("dense, INT8", "dense", {"products": 8}, ("dense", 8)),
    Row("dense, INT4 weights", "dense", {"products": 8, "weight_bits": 4}, ("dense", 4)),
    Row("dense, INT8 bit by bit", "dense", {"products": 64, "array": "bitserial"}, ("dense", 8)),
    # Diagonals of blocks of one weight are all weights.
    Row(
        "dense, powers of two",
        "permdiag",
        {"p": 1, "pes": 1, "muls": 8, "lanes": 4, "product": "pow2"},
        ("powers of two", 4),
    ),
    Row("bitplanes", "bitplanes", {"lanes": 16, "pairs": 4, **BINARY}, ("dense", 8)),
    Row("permdiag, p = 4", "permdiag", DIAGONALS, ("permdiag", 4)),
    Row(
        "permdiag, p = 4, shifts loaded",
        "permdiag",
        {**DIAGONALS, "k": "loaded"},
        ("permdiag, chosen", 4),
    ),
    Row("permdiag, p = 4, powers of two", "permdiag", {**DIAGONALS, "product": "pow2"}),
    Row("circulant, k = 4", "circulant", {"k": 4, "units": 2}, ("circulant", 4)),
    Row("pow2basis, factor", "pow2basis", {"units": 4}, ("pow2basis", 1)),
    Row("pow2basis, rebuild", "pow2basis", {"units": 4, "datapath": "rebuild"}, ("pow2basis", 1)),
    Row("pq, 8 prototypes of 8", "pq", {"prototypes": 8, **TABLES}, ("pq", 1)),
    Row("pq, tree of 16 leaves", "pq", {"metric": "tree", **TABLES}),
    Row("epitome, 16 x 2 cells", "epitome", {"rows": 16, "cols": 2}, ("epitome", 4)),
    Row(
        "spimc, 4 of 16 rows",
        "spimc",
        {"slots": 4, "lanes": 16, "formats": ("coo",), "tree_regs": 0},
        ("1:M", 4),
    ),
)

# Who takes one vector after the other, or makes one product of several rounds.
SLOWER = ("epitome", "spimc")


@caption("Arrays of 16 x 8 weights at equal throughput, with what they store; FreePDK45.")
def arrays() -> Rows:
    """Return arrays of 16 x 8 weights at equal throughput, with what they store; FreePDK45.

    The second layer of the perceptron for digits gives weights, projected, and activations.
    """
    return [_row(row) for row in ARRAYS]


def _row(row: Row) -> dict[str, Any]:
    made = Made.of(row)
    found = measured(row, made.cfg, [made.part], "freepdk45")
    per_vector = made.cycles_per_vector
    ns = per_vector * PERIOD_PS / 1000
    (energy,) = found["energies"]
    return {
        "array": row.name,
        "bits per weight": round(made.bits / (INPUTS * OUTPUTS), 2),
        "recognised, %": recognised("perceptron", row.case),
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
    made = Made.of(dataclasses.replace(row, settings={**row.settings, **own}))
    found = measured(row, made.cfg, [], "ecp5")
    resources, period = found["resources"], found["period_ps"]
    us = made.cycles_per_vector * period * 1e-6
    return {
        "array": row.name,
        "cycles per vector": round(made.cycles_per_vector, 1),
        "LUT": resources["luts"],
        "FF": resources["ffs"],
        "DSP": resources["dsp"],
        "BRAM": resources["bram"],
        "clock, MHz": round(1e6 / period, 1),
        "us per vector": round(us, 3),
        "LUT x us": round(resources["luts"] * us),
    }


@dataclasses.dataclass(frozen=True, eq=False)
class Made:
    """An array with its tile and activations.

    Attributes
    ----------
    cfg
        The array.
    part
        Operands that its bench is given.
    bits
        Stored by the tile, headers and tables included.
    cycles_per_vector
        Of a vector among many.
    """

    cfg: Any
    part: dict[str, Any]
    bits: int
    cycles_per_vector: float

    @classmethod
    def of(cls, row: Row) -> "Made":
        """Return an array that holds weights of a trained layer, as near as its member can."""
        # Activations behind a ReLU are not negative; a member that takes signed ones has a bit
        # less.
        names: dict[str, Any] = {"inputs": INPUTS, "outputs": OUTPUTS, "act_bits": 8}
        w, x = operands()
        if row.member == "epitome":
            return cls._patched(epitome.Config(**names, **row.settings), w, x)
        module = products.member(row.member)
        cfg = products.configure(row.member, **names, **row.settings)
        part = {"x": x.tolist()}
        if row.member == "pq":
            samples = operands(SAMPLES, train=True)[1]
            shift = pq.least_shift(cfg, w, pq.fit(cfg, w, samples).prototypes)
            cfg = cfg.replace(table_shift=shift)
            packed, part = pq.fit(cfg, w, samples), {**part, "samples": samples.tolist()}
        else:
            packed = module.compress(cfg, module.project(cfg, w >> (8 - cfg.weight_bits)))
            w = np.asarray(packed.weights())
        many, few = (module.cycles(cfg, packed, np.tile(x, (n, 1))) for n in (4, 1))
        return cls(cfg, part | {"w": w.tolist()}, packed.bits, (many - few) / (3 * len(x)))

    @classmethod
    def _patched(cls, cfg: epitome.Config, w: Ints, x: Ints) -> "Made":
        """Return an epitome whose patches are those of the networks that were trained."""
        from nomul.train.networks.projection import patches

        cfg, entries = patches(cfg)
        part = {
            "e": epitome.project(cfg, w, entries).tolist(),
            "entries": [list(entry) for part in epitome.rounds(entries) for entry in part],
            "x": x.tolist(),
        }
        bits = cfg.rows * cfg.cols * cfg.weight_bits + len(entries) * cfg.table_bits
        return cls(cfg, part, bits, float(epitome.cycles(cfg, entries, 1)))


def measured(row: Row, cfg: Any, parts: list[dict[str, Any]], target: str) -> dict[str, Any]:
    """Return what an array takes on a target, and the energy of some operands.

    What is in the store is not measured again.
    """
    config = cfg.to_json()
    about = {"array": row.name, "config": config, "parts": parts, "tool": yosys.version()}
    about |= {"period": PERIOD_PS, "verilog": verilog(row.member, cfg), "target": target}
    job = Job(
        name=row.member,
        config=config,
        rival=False,
        target=target,
        period_ps=PERIOD_PS,
        parts=tuple(parts),
    )
    return dict(ledger.kept(ledger.Folder(KEPT), about, partial(run, job)))


def verilog(member: str, cfg: Any) -> str:
    """Return the digest of an array's Verilog, which stands for the sources that it comes from."""
    return ledger.digest(emit(module(member, "hw").Top(cfg), member).verilog)


def operands(vectors: int = VECTORS, train: bool = False) -> tuple[Ints, Ints]:
    """Return weights int64[16, 8] and activations int64[V, 16], halved, of a trained layer.

    A fraction of the activations is zero, as it is behind a ReLU. They are of images for test, or
    of those for training.
    """
    net, data = examples.example("digits-mlp-int8"), digits.load()
    images = (data.x if train else data.x_test)[:vectors]
    values = network.trace(net, net.encode(images.astype(np.float32)))
    dense = [i for i, layer in enumerate(net.layers) if isinstance(layer, network.Dense)]
    layer = net.layers[dense[1]]
    assert isinstance(layer, network.Dense)
    x = values[net.sources(dense[1])[0]][:, :INPUTS] // 2
    return layer.w[:INPUTS, :OUTPUTS], x
