"""Members with streams of their own, SP-IMC and SONIC, behind the words and the pace of the others.

A word of theirs is made here, for what ``nomul.hw.engine`` puts around them to take apart.
"""

from typing import Any

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.spimc import FIELDS, Tile, words

KIND = 1  # bits of a SONIC word that say whether it has codes, or a level


class SpImc:
    """SP-IMC: a word is the tile's header, or an entry; one activation per beat, one sum.

    ``lead``: a vector is started in the cycle in which its first activation is offered, and takes
    it in the next one.
    """

    lead = 1

    @staticmethod
    def word_bits(tile: Any) -> int:
        """Return the bits of a header, or of value, index, last and null, whichever are more."""
        return max(sum(FIELDS.values()), int(tile.weight_bits) + int(tile.ib) + 2)

    @staticmethod
    def words(packed: Any) -> list[int]:
        """Return the header, then the entries column by column.

        Raises
        ------
        ValueError
            The tile comes in several passes, which the engine does not send again for each vector.
        """
        cfg, header = packed.cfg, Tile.from_dict(packed.form)
        if cfg.macro.passes(header) > 1:
            raise ValueError(
                f"spimc: a dense tile of {cfg.inputs} rows does not fit {cfg.slots} slots at once: "
                "set slots to inputs, or leave dense out of formats"
            )
        tile = words.command(cfg.macro, words.OPEN, header) >> words.OP_BITS
        return [tile, *words.entries(cfg.macro, packed.tile).tolist()]

    @staticmethod
    def beats(packed: Any) -> int:
        """Return the words of a tile."""
        return 1 + int(packed.beats)

    @staticmethod
    def loading(packed: Any) -> int:
        """Return the cycles of all words: slots learn their groups behind the header."""
        setup = 0 if packed.cfg.store == "rowserial" else int(packed.cfg.slots)
        return 1 + setup + int(packed.beats)

    @staticmethod
    def pace(packed: Any, x: Ints) -> Ints:
        """Return the cycles of each beat: of the last one the product, and its sums' way out."""
        cfg = packed.cfg
        work = np.ones((len(x), cfg.inputs), dtype=np.int64)
        work[:, -1] += cfg.macro.cycles(Tile.from_dict(packed.form)) + cfg.outputs + 2
        return work


class Sonic:
    """SONIC: a word is a level of the codebook, or the codes of one activation for all outputs.

    The units ask for codes, which a memory beside them answers. One activation per beat.
    ``lead``: a task is taken in the cycle in which its first activation is offered, set up, and
    takes it.
    """

    lead = 2

    @staticmethod
    def word_bits(tile: Any) -> int:
        """Return the bits of the codes of an activation or of a level, and one that says which."""
        groups = -(-tile.outputs // tile.fc_units)
        return KIND + max(groups * tile.fc_units * tile.code_bits, int(tile.level_bits))

    @staticmethod
    def words(packed: Any) -> list[int]:
        """Return the levels but zero, then the codes, activation by activation."""
        cfg = packed.cfg
        mask = (1 << cfg.level_bits) - 1
        levels = [(int(level) & mask) << KIND for level in packed.codebook[1:]]
        codes = [
            1 | sum(int(code) << (KIND + cfg.code_bits * row) for row, code in enumerate(column))
            for column in packed.codes.T
        ]
        return levels + codes

    @staticmethod
    def beats(packed: Any) -> int:
        """Return the words of a tile."""
        return len(packed.codebook) - 1 + int(packed.cfg.inputs)

    @classmethod
    def loading(cls, packed: Any) -> int:
        """Return the cycles of all words."""
        return cls.beats(packed)

    @staticmethod
    def pace(packed: Any, x: Ints) -> Ints:
        """Return the cycles of each beat: of the last one those until all results have left.

        As ``nomul.golden.products.sonic.cycles`` counts them, for all vectors at once. With one
        activation per beat compaction waits at most once, where the last one begins a new chunk.
        """
        cfg = packed.cfg
        there, lanes = x != 0, cfg.fc_lanes
        held = np.zeros(len(x), dtype=np.int64)
        for place in range(cfg.inputs):
            held += there[:, place]
            if place < cfg.inputs - 1:
                held -= np.where(held > lanes, lanes, 0)
        chunks = np.maximum(1, -(-there.sum(axis=1) // lanes))
        rounds = chunks * -(-cfg.outputs // cfg.fc_units)
        work = np.ones((len(x), cfg.inputs), dtype=np.int64)
        work[:, -1] += (held > lanes) + rounds * cfg.interval + cfg.latency + 2
        return work


ADAPTED: dict[str, type[SpImc] | type[Sonic]] = {"spimc": SpImc, "sonic": Sonic}
