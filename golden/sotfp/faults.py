"""The array over time: banks of cells that keep what they held, and writes that fail."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import lfsr
from nomul.golden.sotfp import array
from nomul.golden.sotfp.config import FAULT_BITS, FAULT_WIDTH, Config
from nomul.golden.sotfp.microcode import Program
from nomul.golden.sotfp.rom import program
from nomul.golden.sotfp.words import pair


class Array:
    """The array over time: two banks of cells, and the register that chooses write errors.

    A write error leaves the cell as it was, so what a bank held before matters; without faults it
    does not, and :func:`model` needs none of this.

    Parameters
    ----------
    cfg
        Format, lanes and faults.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        n_words = -(-cfg.lanes // 64)
        self.banks = np.zeros((2, cfg.depth, n_words), dtype=np.uint64)
        self.stuck = self._mask(list(cfg.stuck_lanes))
        self.steps = self.batches = 0

    def _mask(self, lanes: list[int]) -> NDArray[np.uint64]:
        mask = np.zeros(self.banks.shape[2], dtype=np.uint64)
        for lane in lanes:
            mask[lane // 64] |= np.uint64(1 << lane % 64)
        return mask

    def run(self, op: str, a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
        """Return the results of the next batches, each of ``cfg.lanes`` words but the last.

        Of ``begin`` and ``mac`` those are the sums so far, lane by lane.
        """
        x, y = pair(self.cfg, a, b)
        code, lanes = program(self.cfg, op), self.cfg.lanes
        parts = [
            self._batch(code, x[start : start + lanes], y[start : start + lanes])
            for start in range(0, len(x), lanes)
        ]
        return np.concatenate(parts) if parts else array.run(code, x, y)

    def _batch(self, code: Program, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        memory, other = self.banks[self.batches % 2], self.banks[1 - self.batches % 2]
        memory[:] &= ~self.stuck
        for columns, piece in zip(code.inputs[:2], (a, b), strict=True):
            full = np.zeros(self.cfg.lanes, dtype=np.uint64)
            full[: len(piece)] = piece
            memory[list(columns)] = array.to_columns(full, len(columns)) & ~self.stuck
        failing = self._failures(code.steps)
        masks = {step: ~self._mask([lane]) for step, lane in failing.items()}
        every = ~self._mask([])
        array.execute(
            code,
            memory,
            other=other,
            writable=lambda step: masks.get(step, every),
            stuck=self.stuck,
        )
        self.batches += 1
        self.steps += code.steps
        return array.from_columns(memory[list(code.output)], len(a))

    def _failures(self, steps: int) -> dict[int, int]:
        """Return the steps of the next program whose write fails, and the lane of each.

        Each step draws 32 bits: an error if the low 16 are below ``write_errors``, in the lane that
        the high ones name.
        """
        step = lfsr.step_matrix(FAULT_WIDTH, lfsr.TAPS[FAULT_WIDTH]) ** FAULT_WIDTH
        first = (step**self.steps).apply(self.cfg.fault_seed)
        states = lfsr.walk(step, np.array([first], dtype=np.int64), steps)[:, 0]
        span = 1 << (self.cfg.lanes - 1).bit_length()
        lane = (states >> FAULT_BITS) & (span - 1)
        draw = states & ((1 << FAULT_BITS) - 1)
        hit = (draw < self.cfg.write_errors) & (lane < self.cfg.lanes)
        return {int(i): int(lane[i]) for i in np.nonzero(hit)[0]}
