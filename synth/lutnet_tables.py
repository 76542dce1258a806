"""Tables of docs/lutnet.md that only synthesis can fill: `python -m nomul.synth.lutnet_tables`."""

import argparse
from collections.abc import Sequence

from nomul.golden import compressor, lutnet
from nomul.hw.compressor import Top as Compressor
from nomul.hw.lutnet import Top
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.synthesize import synthesize

TARGETS = {"xc7": "lut6", "ecp5": "carry", "ice40": "carry"}


def adders(widths: Sequence[int]) -> list[str]:
    """Return the compressor tree beside plain addition, in look-up tables (T7)."""
    rows = ["| target | bits | `plus` | compressor | saved |", "| --- | --- | --- | --- | --- |"]
    for target, adder in TARGETS.items():
        for width in widths:
            plus, tree = (
                synthesize(
                    emit(Compressor(compressor.Config(width=width, adder=name)), "compressor"),
                    target,
                ).resources["luts"]
                for name in ("plus", adder)
            )
            rows.append(f"| {target} | {width} | {plus} | {tree} | {1 - tree / plus:.0%} |")
    return rows


def area(networks: Sequence[str]) -> list[str]:
    """Return the look-up tables of whole networks, with and without their encoder (T2)."""
    rows = ["| network | target | with encoder | without |", "| --- | --- | --- | --- |"]
    for name in networks:
        for target, adder in TARGETS.items():
            cfg = lutnet.Config(network=name, adder=adder, registers="end")
            luts = [
                synthesize(emit(top, "lutnet"), target).resources["luts"]
                for top in (Top(cfg), Top(_without_encoder(cfg)))
            ]
            rows.append(f"| {name} | {target} | {luts[0]} | {luts[1]} |")
    return rows


class _Given(lutnet.Config):
    """A configuration whose network is given, not loaded."""

    def load(self) -> lutnet.Network:
        """Return the network without its encoder."""
        whole = super().load()
        first = whole.layers[0]
        if not isinstance(first, lutnet.Thermometer):
            return whole
        return lutnet.Network(whole.layers[1:], len(first.feature))


def _without_encoder(cfg: lutnet.Config) -> lutnet.Config:
    return _Given.from_dict(cfg.to_dict())


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=("adders", "area"))
    parser.add_argument("what", nargs="*", help="widths in bits, or networks")
    arguments = parser.parse_args()
    print(f"Yosys {yosys.version()}")
    if arguments.table == "adders":
        rows = adders([int(w) for w in arguments.what] or [64, 256, 1024])
    else:
        rows = area(arguments.what or ["digits-xc7", "digits-hx1k"])
    print("\n".join(rows))


if __name__ == "__main__":
    main()
