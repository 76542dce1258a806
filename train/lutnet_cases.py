"""Which networks the studies of LUTNet train."""

import dataclasses

SEEDS = (1, 2, 3, 4, 5)

STUDIES = ("density", "fashion", "start", "levels", "tiles")

STARTS = ("recovery", "plain", "boundary", "random")

# Neurons of a tiled layer, and tables that each adds.
TILED, FAN_IN = 64, 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One network of a study: ``k`` is 0 for the XNOR network, else K of the LUTNet."""

    data: str
    density: float
    k: int
    seed: int
    start: str = "recovery"
    levels: int = 1


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

    ``density``: XNOR and K = 2..6 on digits, five seeds. ``fashion``: XNOR and K = 2, 4, 6 on
    Fashion-MNIST, one seed. ``start``: first tables. ``levels``: residual levels 1 and 2. Three
    seeds each. ``tiles``: K, P and tiles of a tiled layer on digits, one seed.
    """
    if study == "density":
        grid = [(d, 0) for d in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 1.0)]
        grid += [(d, k) for d in (0.0125, 0.025, 0.05, 0.1, 0.15, 0.2) for k in (2, 3, 4, 5, 6)]
        return [Case(data="digits", density=d, k=k, seed=s) for s in SEEDS for d, k in sorted(grid)]
    if study == "fashion":
        grid = [(d, 0) for d in (0.01, 0.02, 0.04)]
        grid += [(d, k) for d in (0.0025, 0.005, 0.01) for k in (2, 4, 6)]
        return [Case(data="fashion-mnist", density=d, k=k, seed=1) for d, k in sorted(grid)]
    if study == "start":
        return [
            Case(data="digits", density=0.05, k=4, seed=s, start=start)
            for s in SEEDS[:3]
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
            Tiles(k=k, p=p, tile_m=side, tile_n=side, seed=1)
            for k, p in ((2, 1), (4, 1), (4, 2), (6, 1))
            for side in (1, 2, 4, 8)
        ]
    raise ValueError(f"study must be one of {', '.join(STUDIES)}, not {study!r}")
