"""Which networks the studies of LUTNet train."""

import dataclasses

SEEDS = (1, 2, 3, 4, 5)

STUDIES = ("density", "fashion", "start", "levels", "tiles")

STARTS = ("recovery", "plain", "boundary", "random")

# Neurons of a tiled layer, and tables that each adds.
TILED, FAN_IN = 64, 16


# How a table comes by its wires: some products' inputs for good, or as its training finds them.
WIRES = ("random", "learned")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One network of a study: ``k`` is 0 for the pruned XNOR network, else K of the LUTNet.

    With K = 1 and learned wires a LUTNet is an XNOR network whose inputs are learned.
    """

    data: str
    density: float
    k: int
    seed: int
    start: str = "recovery"
    levels: int = 1
    wires: str = "random"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tiles:
    """One network with a tiled layer: K, P, TM and TN."""

    k: int
    p: int
    tile_m: int
    tile_n: int
    seed: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """K, P, TM, TN."""
        return self.k, self.p, self.tile_m, self.tile_n


def cases(study: str) -> list[Case] | list[Tiles]:
    """Return the networks of a study, those that share a dense network beside each other.

    ``density``: XNOR, LUTNet with K = 2..6, and both with learned wires (where XNOR is K = 1), on
    digits, five seeds. ``fashion``: the same on Fashion-MNIST, of fewer densities, one seed.
    ``start``: first tables. ``levels``: residual levels 1 and 2. Three seeds each. ``tiles``: K, P
    and tiles of a tiled layer on digits, three seeds.
    """
    if study == "density":
        grid = [(d, 0, "random") for d in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 1.0)]
        few = (0.0125, 0.025, 0.05, 0.1, 0.15, 0.2)
        grid += [(d, k, "random") for d in few for k in (2, 3, 4, 5, 6)]
        grid += [(d, 1, "learned") for d in (0.025, 0.05, 0.1, 0.15, 0.2, 0.3)]
        grid += [(d, k, "learned") for d in (0.0125, 0.025, 0.05) for k in (2, 3, 4, 5, 6)]
        grid += [(0.1, k, "learned") for k in (2, 3, 4)]
        return [_case("digits", *shape, seed) for seed in SEEDS for shape in sorted(grid)]
    if study == "fashion":
        grid = [(d, 0, "random") for d in (0.01, 0.02, 0.04, 0.08)]
        grid += [(d, k, "random") for d in (0.0025, 0.005, 0.01) for k in (4, 6)]
        grid += [(d, 1, "learned") for d in (0.01, 0.02, 0.04)]
        grid += [(d, k, "learned") for d in (0.0025, 0.005, 0.01) for k in (2, 4)]
        return [_case("fashion-mnist", *shape, 1) for shape in sorted(grid)]
    if study == "start":
        return [
            Case(data="digits", density=0.05, k=4, seed=s, start=start, wires=wires)
            for s in SEEDS[:3]
            for wires in WIRES
            for start in STARTS
        ]
    if study == "levels":
        return [
            Case(data="digits", density=0.05, k=k, seed=s, levels=levels)
            for s in SEEDS[:3]
            for levels in (1, 2)
            for k in (0, 4)
        ]
    if study == "tiles":
        return [
            Tiles(k=k, p=p, tile_m=side, tile_n=side, seed=seed)
            for seed in SEEDS[:3]
            for k, p in ((2, 1), (4, 1), (4, 2), (6, 1), (6, 3))
            for side in (1, 2, 4, 8)
        ]
    raise ValueError(f"study must be one of {', '.join(STUDIES)}, not {study!r}")


def _case(data: str, density: float, k: int, wires: str, seed: int) -> Case:
    """Return a case whose tables, where their wires are learned, begin at random."""
    start = "random" if wires == "learned" and k > 1 else "recovery"
    return Case(data=data, density=density, k=k, seed=seed, start=start, wires=wires)
