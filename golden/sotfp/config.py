"""Parameters of floating point in a memory array, and of its faults."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden import config
from nomul.golden.sotfp import judge
from nomul.golden.sotfp.judge import Format
from nomul.golden.sotfp.microcode import Program
from nomul.golden.sotfp.programs import CHAIN, OPS, Opset, compiled

Ports = Literal["replicated", "dual"]
PORTS: tuple[Ports, ...] = get_args(Ports)
FAULT_BITS = 16
FAULT_WIDTH = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the array and of the numbers in it.

    Parameters
    ----------
    exponent_bits, mantissa_bits
        Ne, 3..8, and Nm, 2..23, of an IEEE-style format.
    lanes
        R, words that one program works on, 2..1024.
    mode
        ``ieee``: gradual underflow. ``ftz``: subnormal operands count as zero, and results below
        the smallest normal number become zero.
    opset
        ``sot``: any two-input function, with predicated write. ``nor``: NOT and NOR. With
        ``+search``: masked equality over an operand's exponent columns in one step.
    columns
        C, bit columns; None takes what the programs need.
    mac
        Whether the array also has the programs ``begin`` and ``mac``: sums of products that stay.
    ports
        ``replicated``: four copies of the memory, a step takes two cycles. ``dual``: one memory
        with two ports, three cycles.
    write_errors
        Probability times 2**16 that a step's write fails in one lane, 0..65535.
    fault_seed
        Start of the register that chooses step and lane of the failures, not 0.
    stuck_lanes
        Lanes whose cells hold zero whatever is written.
    """

    block_name: ClassVar[str] = "sotfp"

    exponent_bits: int = 5
    mantissa_bits: int = 10
    lanes: int = 64
    mode: judge.Mode = "ieee"
    opset: Opset = "sot"
    columns: int | None = None
    mac: bool = False
    ports: Ports = "replicated"
    write_errors: int = 0
    fault_seed: int = 1
    stuck_lanes: tuple[int, ...] = ()

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "fp16": {"lanes": 16},
        "bf16": {"exponent_bits": 8, "mantissa_bits": 7, "lanes": 16},
        "fp32": {"exponent_bits": 8, "mantissa_bits": 23, "lanes": 16},
        "fp8": {"exponent_bits": 5, "mantissa_bits": 2, "lanes": 16},
    }

    def validate(self) -> None:
        """Check the ranges, and that the programs fit the columns."""
        self.check_range("exponent_bits", 3, 8)
        self.check_range("mantissa_bits", 2, 23)
        self.check_range("lanes", 2, 1024)
        self.check_choice("mode")
        self.check_choice("opset")
        self.check_choice("ports")
        self.check_range("write_errors", 0, (1 << FAULT_BITS) - 1)
        self.check_range("fault_seed", 1, (1 << FAULT_WIDTH) - 1)
        legal = all(0 <= lane < self.lanes for lane in self.stuck_lanes)
        self.check("stuck_lanes", legal, f"in 0..{self.lanes - 1}")
        if self.columns is not None:
            need = self.columns_needed
            self.check("columns", need <= self.columns <= 1024, f"in {need}..1024 for its programs")

    @property
    def form(self) -> Format:
        """The number format."""
        return Format(self.exponent_bits, self.mantissa_bits)

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.form.width

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, in the order of their numbers."""
        return (*OPS, *CHAIN) if self.mac else OPS

    def program(self, op: str) -> Program:
        """Return the microcode of one of the programs; see :func:`nomul.golden.sotfp.program`."""
        form = self.exponent_bits, self.mantissa_bits
        return compiled(*form, self.mode, self.opset, op)

    @property
    def columns_needed(self) -> int:
        """Columns that the longest-lived set of bits of any program needs."""
        return max(self.program(op).columns for op in self.programs)

    @property
    def depth(self) -> int:
        """C, columns of the array."""
        return self.columns or self.columns_needed

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a read phase and a write phase."""
        return {"replicated": 2, "dual": 3}[self.ports]

    def cycles(self, n: int, op: str = "mul") -> int:
        """Cycles that ``n`` programs keep the array busy: three more each than its steps take."""
        return n * (self.cycles_per_step * self.program(op).steps + 3)

    @property
    def latency(self) -> int:
        """Cycles of the longest program."""
        return max(self.cycles(1, op) for op in self.programs)

    @property
    def interval(self) -> int:
        """Cycles between two batches of the longest program; loading and storing hide behind it."""
        return self.latency

    @property
    def faulty(self) -> bool:
        """Whether faults are injected."""
        return bool(self.write_errors or self.stuck_lanes)
