"""Spikes and roundings that let a gradient through."""

import math
from typing import Any

import torch


class Spike(torch.autograd.Function):
    """One where the argument is more than zero; the gradient is that of an arctangent.

    As snnTorch's ``surrogate.atan(alpha=2)``: 1 / (1 + (pi x)^2), for x in units of the threshold.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return [x > 0] as numbers."""
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        """Return the gradient times the surrogate's derivative."""
        (x,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * x) ** 2)


def spike(x: torch.Tensor) -> torch.Tensor:
    """Return [x > 0] with a surrogate gradient."""
    result: torch.Tensor = Spike.apply(x)  # type: ignore[no-untyped-call]
    return result


def through(exact: torch.Tensor, smooth: torch.Tensor) -> torch.Tensor:
    """Return the values of ``exact`` with the gradient of ``smooth``: a straight-through step."""
    return smooth + (exact - smooth).detach()
