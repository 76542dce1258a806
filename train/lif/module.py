"""Spiking layers in PyTorch: snnTorch's rules, on the integers that the hardware computes with."""

from collections.abc import Sequence

import torch

from nomul.golden.lif import Layer, Network
from nomul.train.lif.surrogate import spike, through

# The rules of snnTorch 1.0 under our names.
RULES = ("subtract", "zero", "subtract_now", "zero_now", "none")

# Largest integer below which float32 has them all.
EXACT = 1 << 24


class Spiking(torch.nn.Module):
    """A layer whose forward pass is the integer model's, to the bit.

    Weights are kept as fractions of the threshold and rounded to the grid of the hardware in every
    forward pass; the gradient passes the rounding, the floor of the leak and the limits straight
    through. Potentials are whole numbers of 2^-F in float32, so no sum is inexact.

    Parameters
    ----------
    cfg
        Geometry and neuron; one threshold, one of :data:`RULES`.
    gain
        Standard deviation of the first weights' sum, in thresholds, if a quarter of inputs spiked.
    generator
        Of the first weights.
    """

    def __init__(self, cfg: Layer, gain: float, generator: torch.Generator):
        super().__init__()
        if cfg.reset not in RULES:
            raise ValueError(f"lif.reset must be one of {', '.join(RULES)}, not {cfg.reset!r}")
        if not isinstance(cfg.threshold, int):
            raise ValueError("lif.threshold must be one integer for training")
        if cfg.sum_bits > EXACT.bit_length():
            raise ValueError(
                f"lif.fraction must be less: sums of {cfg.sum_bits} bits are not exact in float32"
            )
        self.cfg, self.threshold = cfg, cfg.threshold
        first = torch.randn(cfg.inputs, cfg.neurons, generator=generator)
        self.weight = torch.nn.Parameter(first * gain * 2 / cfg.inputs**0.5)

    def whole(self) -> torch.Tensor:
        """Return the weights as whole numbers, with the gradient of their fractions."""
        half = 1 << (self.cfg.weight_bits - 1)
        scaled = self.weight * self.threshold
        return through(scaled.round().clamp(-half, half - 1), scaled)

    def leaked(self, v: torch.Tensor) -> torch.Tensor:
        """Return beta v with each shift rounded as the hardware does."""
        unit, result = float(1 << self.cfg.fraction), v
        for shift in self.cfg.shifts:
            exact = v * 2.0**-shift
            scaled = exact * unit
            whole = scaled.floor() if self.cfg.rounding == "floor" else scaled.round()
            result = result - through(whole / unit, exact)
        return result

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes [T, n, neurons] of [T, n, inputs], and the potential at the end."""
        cfg, theta = self.cfg, float(self.threshold)
        unit = float(1 << cfg.fraction)
        current = spikes @ self.whole()
        v, outs = torch.zeros_like(current[0]), []
        for i in current:
            reset = (v > theta).to(v.dtype).detach()
            if cfg.reset == "zero":
                v = self.leaked((1 - reset) * v) + i
            else:
                v = self.leaked(v) + i
            if cfg.reset == "subtract":
                v = v - reset * theta
            if cfg.reset == "subtract_now":
                out = spike((v - reset * theta - theta) / theta)
                v = v - out.detach() * theta
            elif cfg.reset == "zero_now":
                out = spike((v - theta) / theta)
                v = v * (1 - out.detach())
            v = through(v.clamp(cfg.low / unit, cfg.high / unit), v)
            if not cfg.reset.endswith("_now"):
                out = spike((v - theta) / theta)
            outs.append(out)
        return torch.stack(outs), v


class Net(torch.nn.Module):
    """Spiking layers one after another; the last one's potential at the end is the answer.

    Parameters
    ----------
    layers
        Geometry and neuron of each.
    seed
        Of the first weights.
    gain
        As of :class:`Spiking`.
    """

    def __init__(self, layers: Sequence[Layer], seed: int, gain: float = 1.0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.spiking = [Spiking(cfg, gain, generator) for cfg in layers]
        self.layers = torch.nn.ModuleList(self.spiking)  # which is how PyTorch finds the weights

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last potentials [n, classes] and the mean rate of hidden spikes."""
        rates = []
        for layer in self.spiking:
            spikes, v = layer(spikes)
            rates.append(spikes.mean())
        return v, torch.stack(rates[:-1]).mean() if len(rates) > 1 else rates[0] * 0

    def network(self, coder: str, steps: int, pixel_bits: int) -> Network:
        """Return the trained network in integers, with readout ``potential``."""
        with torch.no_grad():
            weights = tuple(layer.whole().numpy().round().astype("int64") for layer in self.spiking)
        return Network(
            layers=tuple(layer.cfg for layer in self.spiking),
            weights=weights,
            coder=coder,
            readout="potential",
            steps=steps,
            pixel_bits=pixel_bits,
        )
