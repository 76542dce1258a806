"""KANELE networks: one table per used edge, in JSON."""

from pathlib import Path
from typing import Any

from nomul.golden.foreign.documents import document, field, mapping, sequence
from nomul.golden.foreign.numbers import integer, integers, shown
from nomul.golden.foreign.refusals import reading
from nomul.golden.lutnet.heads import MAX_ADDRESS, TableNeuron
from nomul.golden.lutnet.layers import MAX_LANES
from nomul.golden.lutnet.network import Network

# Values of a table, as far as a table neuron takes them.
_MOST = 1 << 30


def kanele(path: Path) -> Network:
    """Read a KANELE network: one table per used edge, sums clipped to signed widths.

    ``layers`` and ``layers_bitwidth`` of ``config.json`` give sizes and widths. The first layer is
    indexed by the input code, later ones by value + 2**(bits - 1). The outputs are signed values.
    Of an edge ``acive`` (so spelt; ``active`` too) and ``values_int`` are read; an edge that the
    file does not have is not used.
    """
    sizes, bits = _config(path.parent / "config.json")
    edges: list[list[tuple[int, int, list[int]]]] = [[] for _ in sizes[1:]]
    for key, edge in mapping(document(path), "the file").items():
        layer, source, target = _edge(key, sizes)
        values = _values(f"edge {key}", edge, 1 << bits[layer])
        if values is not None:
            edges[layer].append((source, target, values))
    layers = []
    for layer, used in enumerate(edges):
        if not used:
            raise ValueError(f"layer {layer} has no used edge")
        used.sort(key=lambda edge: edge[:2])
        half = 1 << (bits[layer + 1] - 1)
        layers.append(
            TableNeuron(
                in_bits=bits[layer],
                idx=[[source] for source, _, _ in used],
                table=[values for _, _, values in used],
                out=[target for _, target, _ in used],
                n_out=sizes[layer + 1],
                low=-half,
                high=half - 1,
                offset=half if layer + 2 < len(sizes) else 0,
            )
        )
    return Network(layers, sizes[0], bits[0], {"format": "kanele"})


def _config(path: Path) -> tuple[list[int], list[int]]:
    """Return number and bits of the neurons of each layer, the inputs first."""
    with reading(path):
        config = mapping(document(path), "the file")
        sizes = integers(sequence(field(config, "layers"), "layers"), "layers", 1, 1, MAX_LANES)
        widths = sequence(field(config, "layers_bitwidth"), "layers_bitwidth")
        bits = integers(widths, "layers_bitwidth", 1, 1, MAX_ADDRESS)
        if len(sizes) < 2 or len(bits) != len(sizes):
            raise ValueError(
                f"layers_bitwidth must have an entry per layer, {len(sizes)}, not {len(bits)}"
            )
    return sizes.tolist(), bits.tolist()


def _edge(key: str, sizes: list[int]) -> tuple[int, int, int]:
    """Return layer, input and output of an edge; its name may be written in one way only."""
    parts = key.split("_")
    if len(parts) == 3 and all(p.isascii() and p.isdigit() and len(p) < 10 for p in parts):
        layer, source, target = map(int, parts)
        inside = layer + 1 < len(sizes) and source < sizes[layer] and target < sizes[layer + 1]
        if inside and key == f"{layer}_{source}_{target}":
            return layer, source, target
    raise ValueError(f"edge {shown(key)}: must be layer_in_out within the sizes {sizes}")


def _values(place: str, edge: Any, size: int) -> list[int] | None:
    """Return the table of an edge, or None if the edge is not used."""
    edge = mapping(edge, place)
    spelt = [name for name in ("acive", "active") if name in edge]
    if len(spelt) != 1:
        raise ValueError(f"{place}: must have acive, once")
    if not integer(edge[spelt[0]], f"{place}: acive", 0, 1):
        return None
    values = edge.get("values_int")
    if not isinstance(values, list) or len(values) != size:
        have = len(values) if isinstance(values, list) else shown(values)
        raise ValueError(f"{place}: values_int must have {size} values: {have}")
    listed: list[int] = integers(values, f"{place}: values_int", 1, -_MOST, _MOST).tolist()
    return listed
