"""The block's answer to its stimuli, of a layer with loaded weights or of a network."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.lif import network as networks
from nomul.golden.lif import response
from nomul.golden.lif.config import Config
from nomul.golden.lif.layer import Layer
from nomul.golden.lif.network import Network
from nomul.golden.lif.response import Response


def model(cfg: Layer, w: ArrayLike | None = None, spikes: ArrayLike = ()) -> Response:
    """Return the last layer's spikes and stored potentials.

    Parameters
    ----------
    w
        Weights of a layer, integers [inputs, neurons]; None for those of ``cfg.network``.
    spikes
        0 or 1, [T, inputs]; leading axes are runs of their own, each from rest.

    Returns
    -------
    out, v
        int64[T, neurons] each, after as many leading axes as the spikes have.
    """
    if isinstance(cfg, Config) and cfg.network:
        if w is not None:
            raise ValueError(f"lif.w must be left out: network {cfg.network!r} has weights")
        return networks.responses(cfg.load(), spikes)[-1]
    if w is None:
        raise ValueError("lif.w is missing: weights of a layer are integers [inputs, neurons]")
    return response.layer(cfg, w, spikes)


def as_network(cfg: Config, w: ArrayLike | None = None) -> Network:
    """Return a configuration as a network, around the weights of a layer if it has none itself."""
    if cfg.network:
        return cfg.load()
    if w is None:
        raise ValueError("lif.w is missing: weights of a layer are integers [inputs, neurons]")
    names = ("coder", "readout", "steps", "pixel_bits")
    return Network(
        layers=cfg.layers, weights=(np.asarray(w),), **{n: getattr(cfg, n) for n in names}
    )


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 6) -> dict[str, Any]:
    """Return weights and spikes: no event, all events, and every density between.

    Spikes are [n, steps, inputs], the coder's where there is one, or [8 n, inputs] for a layer
    that runs on. ``w`` is None for a network, which has weights.
    """
    w: Ints | None = None
    if not cfg.network:
        half = 1 << (cfg.weight_bits - 1)
        w = rng.integers(-half, half, (cfg.inputs, cfg.neurons))
        # More excitation than inhibition, or nothing would ever spike.
        w = np.where(rng.random(w.shape) < 0.4, np.abs(w) % half, w)
        w[0], w[-1] = half - 1, -half
    if cfg.coder != "direct":
        return {"w": w, "spikes": as_network(cfg, w).spikes(pixels(cfg, rng, n))}
    shape = (n, cfg.steps) if cfg.steps else (8 * n,)
    count = int(np.prod(shape))
    spikes = (
        rng.random((count, cfg.inputs)) < np.linspace(0, 1, count)[rng.permutation(count), None]
    )
    spikes[0], spikes[-1] = True, False
    return {"w": w, "spikes": spikes.astype(np.int64).reshape(*shape, cfg.inputs)}


def pixels(cfg: Config, rng: np.random.Generator, n: int) -> Ints:
    """Return images int64[n, inputs] for a coder: noise, and one each of all black and white."""
    x = rng.integers(0, 1 << cfg.pixel_bits, (n, cfg.inputs))
    x[0] = 0
    x[-1] = (1 << cfg.pixel_bits) - 1
    return x
