"""Networks of snnTorch: a module with its trained numbers, or a state dictionary."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nomul.golden.lif.importers import quantize
from nomul.golden.lif.importers.quantize import Precision, Rounded, Trained
from nomul.golden.lif.layer import Reset
from nomul.golden.lif.network import Network

# snnTorch's reset mechanism and whether it is delayed, and what we call that.
RULES: dict[tuple[str, bool], Reset] = {
    ("subtract", True): "subtract",
    ("zero", True): "zero",
    ("subtract", False): "subtract_now",
    ("zero", False): "zero_now",
    ("none", True): "none",
    ("none", False): "none",
}
_MECHANISMS = ("subtract", "zero", "none")  # by the number that a state dictionary holds


def load(
    module: Any,
    *,
    weight_bits: int = 8,
    fraction: int = 4,
    state_bits: int = 18,
    coder: str = "direct",
    readout: str = "spikes",
    steps: int = 0,
    tolerance: float = 0.01,
) -> tuple[Network, list[Rounded]]:
    """Return the network of a module whose children are ``Linear`` and ``Leaky`` in turns.

    Parameters
    ----------
    module
        A ``torch.nn.Module``, such as ``Sequential(Linear, Leaky, Linear, Leaky)``; its children
        work in the order in which they were declared.
    weight_bits, fraction, state_bits, tolerance
        As of :func:`nomul.golden.lif.importers.quantize.layer`.

    Raises
    ------
    ValueError
        A child cannot be had; the message names it.
    """
    found, pending = [], None
    for name, child in module.named_children():
        kind, where = type(child).__name__, f"{name} ({type(child).__name__})"
        if kind == "Linear":
            if pending is not None:
                raise ValueError(f"{where} follows a Linear; there must be neurons between")
            if child.bias is not None and bool((child.bias != 0).any()):
                raise ValueError(f"{where}: bias must be 0 or none")
            pending = child.weight.detach().numpy()
        elif kind == "Leaky":
            if pending is None:
                raise ValueError(f"{where} has no Linear before it")
            _plain(where, child)
            rule = RULES[child.reset_mechanism, bool(child.reset_delay)]
            found.append(_trained(where, pending, child.beta, child.threshold, rule))
            pending = None
        elif kind not in ("Flatten", "Identity", "Dropout"):
            raise ValueError(f"{where} is refused: there are Linear, Leaky, Flatten, Dropout")
    if pending is not None:
        raise ValueError("the last Linear has no neurons after it")
    precision = Precision(weight_bits, fraction, state_bits, tolerance)
    return quantize.network(found, precision, coder=coder, readout=readout, steps=steps)


def load_state(
    state: Mapping[str, Any],
    *,
    reset_delay: bool | None = None,
    weight_bits: int = 8,
    fraction: int = 4,
    state_bits: int = 18,
    coder: str = "direct",
    readout: str = "spikes",
    steps: int = 0,
    tolerance: float = 0.01,
) -> tuple[Network, list[Rounded]]:
    """Return the network of a state dictionary, whose entries come in the order of the layers.

    Parameters
    ----------
    reset_delay
        Whether resets come a step later: a state dictionary does not say so.

    Raises
    ------
    ValueError
        An entry is missing or not understood, or ``reset_delay`` is not given.
    """
    if reset_delay is None:
        raise ValueError("reset_delay must be given: a state dictionary does not say it")
    groups: dict[str, dict[str, Any]] = {}
    for key, value in state.items():
        prefix, _, field = key.rpartition(".")
        groups.setdefault(prefix, {})[field] = np.asarray(value)
    found, pending = [], None
    for name, fields in groups.items():
        if set(fields) <= {"weight", "bias"}:
            if pending is not None:
                raise ValueError(f"{name} follows weights; there must be neurons between")
            if np.any(fields.get("bias", 0)):
                raise ValueError(f"{name}.bias must be 0 or absent")
            pending = fields["weight"]
            continue
        unknown = set(fields) - {"threshold", "beta", "graded_spikes_factor", "reset_mechanism_val"}
        if unknown or not {"beta", "threshold", "reset_mechanism_val"} <= set(fields):
            wrong = min(unknown) if unknown else "its entries"
            raise ValueError(f"{name}: {wrong} is not of Leaky, the only neuron that is read")
        if np.any(fields.get("graded_spikes_factor", 1) != 1):
            raise ValueError(f"{name}.graded_spikes_factor must be 1")
        if pending is None:
            raise ValueError(f"{name} has no weights before it")
        rule = RULES[_MECHANISMS[int(fields["reset_mechanism_val"])], reset_delay]
        found.append(_trained(name, pending, fields["beta"], fields["threshold"], rule))
        pending = None
    if pending is not None:
        raise ValueError("the last Linear has no neurons after it")
    precision = Precision(weight_bits, fraction, state_bits, tolerance)
    return quantize.network(found, precision, coder=coder, readout=readout, steps=steps)


def _plain(where: str, child: Any) -> None:
    """Refuse what our neuron does not do."""
    if child.inhibition:
        raise ValueError(f"{where}: inhibition is refused")
    if child.state_quant:
        raise ValueError(f"{where}: state_quant is refused")
    if float(child.graded_spikes_factor) != 1:
        raise ValueError(f"{where}: graded_spikes_factor must be 1")


def _trained(where: str, weight: Any, beta: Any, threshold: Any, rule: Reset) -> Trained:
    def numbers(name: str, value: Any) -> Any:
        value = value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)
        value = np.atleast_1d(value.astype(np.float64)).ravel()
        if value.size not in (1, len(weight)):
            raise ValueError(f"{where}: {name} must have 1 or {len(weight)} values")
        return value

    betas = np.clip(numbers("beta", beta), 0, 1)  # as snnTorch does in every step
    if np.ptp(betas):
        raise ValueError(f"{where}: beta must be the same for all neurons of a layer")
    thresholds = np.broadcast_to(numbers("threshold", threshold), (len(weight),))
    matrix = np.asarray(weight, dtype=np.float64).T
    return Trained(where, matrix, float(betas[0]), thresholds, rule)


def state_dict(network: Network) -> dict[str, Any]:
    """Return a network as a state dictionary for ``Sequential(Linear, Leaky, ...)``.

    Arrays of NumPy, float64, whole numbers; thresholds and betas are those of the layers. What it
    cannot say is in the network's file: reset_delay, rounding and limits.

    Raises
    ------
    ValueError
        A layer has a reset rule that snnTorch has not.
    """
    names = {rule: mechanism for (mechanism, _), rule in RULES.items()}
    state: dict[str, Any] = {}
    for number, (config, w) in enumerate(zip(network.layers, network.weights, strict=True)):
        if config.reset not in names:
            raise ValueError(f"layer {number}: snnTorch has no reset {config.reset!r}")
        state[f"{2 * number}.weight"] = w.T.astype(np.float64)
        leaky = f"{2 * number + 1}"
        state[f"{leaky}.threshold"] = np.asarray(config.threshold, dtype=np.float64)
        state[f"{leaky}.graded_spikes_factor"] = np.asarray(1.0)
        state[f"{leaky}.reset_mechanism_val"] = np.asarray(_MECHANISMS.index(names[config.reset]))
        state[f"{leaky}.beta"] = np.asarray(config.beta)
    return state
