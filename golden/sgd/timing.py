"""Cycles of a step, by phase."""

from __future__ import annotations

from nomul.golden.sgd.config import Config, Shares


def cycles(cfg: Config) -> dict[str, int]:
    """Return for one sample the cycles in which the processing elements multiply, by phase.

    Forward and update: the sum over layers of ceil(n_l / P) n_(l-1) ceil(B / U); backward, from
    layer 2 up, ceil(n_(l-1) / P) n_l ceil(B / U). A stochastic update takes one cycle where an
    exact one takes ceil(B / U). :func:`shares` has all cycles.
    """
    return cfg.shares(moves=False)._asdict()


def shares(cfg: Config) -> Shares:
    """Return the cycles of a step's phases as the hardware takes them, without stalls."""
    return cfg.shares()
