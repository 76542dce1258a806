"""What z3 proves about the SP-IMC macro; as a program it has z3 do so, see ``make formal``."""

from collections.abc import Iterator
from typing import Any

from nomul.golden.spimc import Config
from nomul.synth.check.formal import prove

TINY = Config(
    window=2, columns=2, slots=2, weight_bits=2, act_bits=2, lanes=1, max_group=2, tree_regs=0
)


def proofs(cfg: Config = TINY) -> Iterator[dict[str, Any]]:
    """Yield what ``make formal`` proves, as arguments of :func:`nomul.synth.check.formal.prove`."""
    from nomul.hw.spimc.formal import Progress, Safety

    yield {"top": Safety(cfg), "name": "spimc_safety", "mode": "prove", "depth": 2}
    progress = Progress(cfg)
    depth = progress.bound + 20  # a tile is opened and loaded before
    yield {"top": progress, "name": "spimc_progress", "mode": "bmc", "depth": depth}


def main() -> None:
    """Prove everything, and print what was shown."""
    for arguments in proofs():
        print(prove(**arguments), flush=True)


if __name__ == "__main__":
    main()
