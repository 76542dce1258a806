"""Parameters of one layer of leaky integrate-and-fire neurons, and the widths that follow."""

import dataclasses
import warnings
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from nomul.golden import config
from nomul.golden.arrays import Ints

# What a spike does to the potential; the rules are written out in nomul.golden.lif.neuron.
Reset = Literal[
    "subtract", "subtract_beta", "zero", "zero_drop", "subtract_now", "zero_now", "none", "spiker22"
]
RESETS: tuple[Reset, ...] = get_args(Reset)
Rounding = Literal["floor", "rne"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

# The neuron of Spiker (arXiv 2201.06993): 13, 5 and -15 mV in eighths of a millivolt.
SPIKER22: dict[str, Any] = {
    "weight_bits": 5,
    "state_bits": 16,
    "fraction": 0,
    "leak": 10,
    "threshold": 104,
    "reset": "spiker22",
    "reset_value": 40,
    "inhibit": -120,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layer(config.Config):
    """Parameters of one layer.

    Parameters
    ----------
    inputs
        M, inputs that spike or not in each step, 1..32768.
    neurons
        N, 1..32768.
    lanes
        P, neurons computed at a time, 1..64; more than N idle.
    weight_bits
        Bits of a weight, signed, 2..16.
    state_bits
        V, bits of a stored potential, signed, 4..32.
    fraction
        F, fraction bits of a potential; weights and thresholds have none. Less than V - 1.
    leak
        K for beta = 1 - 2^-K, or two shifts (a, b) for 1 - 2^-a - 2^-b; 0 for no leak.
    threshold
        Of all neurons, or one per neuron; in units of a weight, more than 0.
    reset
        One of :data:`RESETS`.
    reset_value
        Of ``spiker22``: potential after a spike, in units of a weight.
    inhibit
        Of ``spiker22``: what a spike does to all other neurons in the step after.
    rounding
        Of the shifted potential: ``floor``, or ``rne``, to nearest with ties to even.
    """

    block_name: ClassVar[str] = "lif"

    inputs: int = 16
    neurons: int = 8
    lanes: int = 4
    weight_bits: int = 6
    state_bits: int = 14
    fraction: int = 4
    leak: int | tuple[int, ...] = 4
    threshold: int | tuple[int, ...] = 40
    reset: Reset = "subtract"
    reset_value: int = 0
    inhibit: int = 0
    rounding: Rounding = "floor"

    def validate(self) -> None:
        """Check the ranges; warn of a leak that does nothing below the threshold."""
        self.check_range("inputs", 1, 32768)
        self.check_range("neurons", 1, 32768)
        self.check_range("lanes", 1, 64)
        self.check_range("weight_bits", 2, 16)
        self.check_range("state_bits", 4, 32)
        self.check_range("fraction", 0, self.state_bits - 2)
        self.check_choice("reset")
        self.check_choice("rounding")
        most = (1 << (self.state_bits - 1 - self.fraction)) - 1
        shifts = self.leak if isinstance(self.leak, tuple) else (self.leak,)
        self.check("leak", len(shifts) in (1, 2), "one shift or two")
        lowest = 0 if len(shifts) == 1 else 1
        rule = f"in {lowest}..{self.state_bits - 1}, less than state_bits"
        self.check("leak", all(lowest <= k < self.state_bits for k in shifts), rule)
        if isinstance(self.threshold, tuple):
            fits = len(self.threshold) == self.neurons
            self.check("threshold", fits, f"one integer or {self.neurons}, one per neuron")
            self.check("threshold", min(self.threshold) > 0, "more than 0")
        rule = f"in 1..{most}, so that it fits {self.state_bits} bits with {self.fraction} fraction"
        self.check("threshold", 0 < self._threshold.min() <= self._threshold.max() <= most, rule)
        if self.reset == "spiker22":
            self.check("rounding", self.rounding == "floor", "floor for reset 'spiker22'")
            self.check("leak", len(shifts) == 1, "one shift for reset 'spiker22'")
            self.check_range("reset_value", -most - 1, most)
            self.check_range("inhibit", -most - 1, most)
        else:
            rule = f"0 for reset {self.reset!r}: it belongs to 'spiker22'"
            self.check("reset_value", self.reset_value == 0, rule)
            self.check("inhibit", self.inhibit == 0, rule)
        if self.leak_is_dead:
            threshold, shift = int(self.stored_threshold.max()), min(self.shifts)
            warnings.warn(
                f"lif.leak {self.leak} does nothing to potentials of 0..{(1 << shift) - 1}, "
                f"and the stored threshold is {threshold}: the neuron integrates without a leak",
                stacklevel=2,
            )

    @property
    def shifts(self) -> tuple[int, ...]:
        """Shifts of the leak; empty where there is none."""
        shifts = self.leak if isinstance(self.leak, tuple) else (self.leak,)
        return () if shifts == (0,) else shifts

    @property
    def beta(self) -> float:
        """Share of a potential that is left after a step."""
        return 1.0 - sum(2.0**-k for k in self.shifts)

    @property
    def leak_is_dead(self) -> bool:
        """Whether a stored threshold is below 2^K, so that a floored leak never acts below it."""
        return bool(self.shifts) and int(self.stored_threshold.min()) < 1 << min(self.shifts)

    @cached_property
    def _threshold(self) -> Ints:
        return np.broadcast_to(np.array(self.threshold, dtype=np.int64), (self.neurons,))

    @property
    def stored_threshold(self) -> Ints:
        """Thresholds times 2^F, int64[neurons]."""
        return self._threshold << self.fraction

    @property
    def parallel(self) -> int:
        """Neurons that are computed at a time: P, or N if that is less."""
        return min(self.lanes, self.neurons)

    @property
    def groups(self) -> int:
        """Groups of neurons that share the lanes, ceil(N / P)."""
        return -(-self.neurons // self.parallel)

    @property
    def low(self) -> int:
        """Smallest stored potential."""
        return -(1 << (self.state_bits - 1))

    @property
    def high(self) -> int:
        """Largest stored potential."""
        return (1 << (self.state_bits - 1)) - 1

    @property
    def index_bits(self) -> int:
        """Bits of an input's number."""
        return max(1, (self.inputs - 1).bit_length())

    @property
    def sum_bits(self) -> int:
        """Bits of a finished sum before it saturates, signed.

        A potential, all weights at once, all neurons' inhibition, and twice a threshold.
        """
        current = self.inputs << (self.weight_bits - 1)
        inhibition = self.neurons * abs(self.inhibit)
        most = ((current + inhibition) << self.fraction) + 3 * (self.high + 1)
        return most.bit_length() + 1

    @property
    def latency(self) -> int:
        """Cycles of a step without events: each group is updated once, in a pipeline of three."""
        return self.groups + 2

    @property
    def interval(self) -> int:
        """Cycles that one event takes: each group of neurons adds its weights."""
        return self.groups

    def cycles(self, n: int) -> int:
        """Cycles of a step with ``n`` events: n ceil(N/P) + ceil(N/P) + 2."""
        return n * self.interval + self.latency
