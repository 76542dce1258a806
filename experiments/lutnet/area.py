"""Look-up tables of a network by what they do: encoder, operators, popcount, head."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden import compressor, lutnet
from nomul.golden.lutnet.layers import Summing
from nomul.hw.lutnet import Top
from nomul.synth.emit import Emitted, emit
from nomul.synth.map import packing
from nomul.synth.map.synthesize import Result, synthesize
from nomul.synth.place.pnr import DoesNotFitError, Placed, place_and_route

# The kind of adder that is smallest on each target.
ADDERS: dict[str, compressor.Adder] = {"xc7": "lut6", "ecp5": "carry", "ice40": "carry"}

PARTS = ("encoder", "operators", "popcount", "head")


def design(network: lutnet.Network, target: str, registers: lutnet.Registers = "end") -> Emitted:
    """Return the Verilog of a network with the adders of a target.

    Parameters
    ----------
    network
        The network.
    target
        ``xc7``, ``ecp5`` or ``ice40``.
    registers
        ``layers`` or ``end``, as :class:`nomul.golden.lutnet.Config` has it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        network.save(path)
        cfg = lutnet.Config(network=str(path), adder=ADDERS[target], registers=registers)
        return emit(Top(cfg), "lutnet")


def luts(network: lutnet.Network, target: str = "xc7", registers: lutnet.Registers = "end") -> int:
    """Return the look-up tables of a network, its hierarchy flattened."""
    return synthesize(design(network, target, registers), target).resources["luts"]


@contextlib.contextmanager
def mapped(emitted: Emitted, target: str) -> Iterator[tuple[Result, Callable[..., Placed]]]:
    """Map a design; within the ``with`` statement what is given too places that netlist, seed 1."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        result = synthesize(emitted, target, folder=folder)
        options: dict[str, Any] = {"netlist_json": result.netlist_json, "folder": folder}
        yield result, partial(place_and_route, emitted, target, (1,), **options)


def packed(emitted: Emitted) -> tuple[dict[str, int], int]:
    """Return the resources of a design on xc7, and its look-up tables if pairs share one.

    Which pairs do is in :mod:`nomul.synth.map.packing`.
    """
    with mapped(emitted, "xc7") as (result, _):
        assert result.netlist_json is not None
        return result.resources, packing.packed(result.netlist_json, result.name)


def split(network: lutnet.Network, *, head: bool = True) -> dict[str, int | None]:
    """Return how many look-up tables the parts of a network take on xc7.

    Two designs are measured, the network and the network without its argmax; each has one register,
    at its end. Of the second, every table of the network is one look-up table and so is every
    comparator of the encoder; what is left is the popcount, the stream's control with it, less what
    the mapper merges.

    Parameters
    ----------
    network
        The network, with tables of at most six inputs.
    head
        Whether to measure the argmax too; without, ``head``, ``all`` and ``packed`` are
        None.

    Returns
    -------
    ``encoder``, ``operators``, ``popcount``, ``scores`` (their sum), ``head``, ``all``, and
    ``packed``: the last one with pairs of tables in one.
    """
    scores = luts(lutnet.Network(network.body, network.inputs, network.input_bits))
    whole = pairs = None
    if head:
        resources, pairs = packed(design(network, "xc7"))
        whole = resources["luts"]
    encoder, operators = comparators(network), tables(network)
    return {
        "encoder": encoder,
        "operators": operators,
        "popcount": scores - encoder - operators,
        "scores": scores,
        "head": None if whole is None else whole - scores,
        "all": whole,
        "packed": pairs,
    }


def parts(network: lutnet.Network, target: str) -> tuple[dict[str, int], Placed | None]:
    """Return how many look-up tables a network and its parts take on any target, and its clock.

    A register follows every layer. Encoder, operators and head are measured by themselves; what
    they leave of the whole is the popcount's, with thresholds and control. XNORs count as nothing:
    a popcount absorbs them.

    Parameters
    ----------
    network
        The network, encoder and argmax included.
    target
        ``xc7``, ``ecp5`` or ``ice40``.

    Returns
    -------
    The parts and ``all``, and the placement of seed 1; None on xc7, or where no device is large
    enough.
    """
    with mapped(design(network, target, "layers"), target) as (whole, place):
        placed = None
        if target != "xc7":
            with contextlib.suppress(DoesNotFitError):
                placed = place()
    luts = dict.fromkeys(PARTS, 0)
    for before, layer in zip(network.lanes, network.layers, strict=False):
        if isinstance(layer, lutnet.Thermometer):
            alone = lutnet.Network([layer], network.inputs, network.input_bits)
            luts["encoder"] += _layer(alone, target)
        elif isinstance(layer, lutnet.LutLayer | lutnet.DirectLut):
            tables = lutnet.DirectLut(k=layer.k, idx=layer.idx, tt=layer.tt)
            luts["operators"] += _layer(lutnet.Network([tables], before.bits), target)
        elif isinstance(layer, lutnet.Argmax):
            alone = lutnet.Network([layer], before.count, before.width)
            luts["head"] += _layer(alone, target)
    total = whole.resources["luts"]
    luts["popcount"] = total - sum(luts.values())
    return luts | {"all": total}, placed


def _layer(network: lutnet.Network, target: str = "xc7") -> int:
    """Return the look-up tables of a network's only layer: without the stream's control."""
    return luts(network, target) - _control(target)


@cache
def _control(target: str) -> int:
    """Return what a layer of one wire takes: the stream's control and nothing else."""
    return luts(lutnet.Network([lutnet.DirectLut(k=1, idx=[[0]], tt=[0b10])], 1), target)


def comparators(network: lutnet.Network) -> int:
    """Return the thresholds that need a comparator: half of the range is a code's top bit."""
    first = network.layers[0]
    if not isinstance(first, lutnet.Thermometer):
        return 0
    return int((first.threshold != 1 << (network.input_bits - 1)).sum())


def tables(network: lutnet.Network) -> int:
    """Return the tables of a network without those by which a summing layer adds a single wire."""
    wires = sum(
        len(lutnet.support(table, layer.k)) < 2
        for layer in network.layers
        if isinstance(layer, lutnet.LutLayer)
        for table in layer.tt
    )
    return network.n_tables - wires


def sampled(network: lutnet.Network, steps: tuple[int, int] = (20, 5)) -> int:
    """Return about how many look-up tables a network's two summing layers take on xc7.

    Of a layer every so many-th neuron is measured, and counted as many times; neurons of one layer
    have equally many operators. Inverters are not counted: the neurons of a layer share one per
    wire, and most of these vanish in what drives the wire.
    """
    total = 0
    layers = (layer for layer in network.layers if isinstance(layer, Summing))
    for layer, step in zip(layers, steps, strict=True):
        few = some_neurons(without_inverters(layer), step)
        total += step * _layer(lutnet.Network([few], int(layer.idx.max()) + 1))
    return total


def without_inverters(layer: Summing) -> Summing:
    """Return a layer whose operators that invert one wire pass it on instead."""
    if isinstance(layer, lutnet.Xnor):
        return dataclasses.replace(layer, weight=np.ones_like(layer.weight))
    assert isinstance(layer, lutnet.LutLayer)
    tables = list(layer.tt)
    for i, table in enumerate(tables):
        used = lutnet.support(table, layer.k)
        if len(used) == 1 and not table >> (1 << used[0]) & 1:
            tables[i] = table ^ ((1 << (1 << layer.k)) - 1)
    return dataclasses.replace(layer, tt=tables)


def some_neurons(layer: Summing, step: int) -> Summing:
    """Return every ``step``-th neuron of a summing layer."""
    chosen = np.flatnonzero(layer.out % step == 0)
    values: dict[str, Any] = {
        name: getattr(layer, name)[chosen] for name in ("idx", "out", "level")
    }
    values |= {name: getattr(layer, name)[::step] for name in ("theta", "flip", "bias")}
    if isinstance(layer, lutnet.Xnor):
        values["weight"] = layer.weight[chosen]
    else:
        values["tt"] = [layer.tt[i] for i in chosen]  # type: ignore[attr-defined]
    values["out"] = values["out"] // step
    return dataclasses.replace(layer, n_out=-(-layer.n_out // step), **values)
