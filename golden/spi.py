"""The serial protocol over SPI: the same bytes as :mod:`nomul.golden.serial`, clocked by the host.

Mode 0, most significant bit first: the clock rests low, both sides look at rising edges, and change
at falling ones. Bytes go both ways at once, so each side has one that says nothing, :data:`IDLE`,
wherever a byte would name a stream. The host asks for answers by sending it. :data:`RESET`, at such
a place, resets the board; raising the select line ends whatever word was half sent.
"""

from collections.abc import Iterable

IDLE, RESET = 0xFF, 0xFE

# Clock cycles of the board per bit, at least: two to see an edge, one to act, one to be seen.
LEAST_DIVISOR = 8


def levels(data: Iterable[int]) -> list[tuple[int, int]]:
    """Return clock and data line of the host, a pair per half of a bit's time."""
    return [
        (clock, byte >> bit & 1) for byte in data for bit in range(7, -1, -1) for clock in (0, 1)
    ]


def read_levels(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return the bytes of a clock and a data line, looked at where the clock rises.

    Bits behind the last whole byte are dropped, as the end of a selection drops them.
    """
    bits, before = list[int](), 0
    for clock, level in pairs:
        if clock and not before:
            bits.append(level)
        before = clock
    whole = len(bits) // 8 * 8
    return [int("".join(map(str, bits[k : k + 8])), 2) for k in range(0, whole, 8)]
