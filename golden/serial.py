"""The serial protocol between a computer and a block on a board: bits, bytes and words.

One byte names a stream, its payload follows, least significant byte first. The board answers each
word that the block has taken with a byte of 0x80 plus the number of its stream, and sends the words
of output streams the same way it gets those of inputs. A break (a byte of zeros without stop bit)
resets the board, so that both sides start anew.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

TAKEN = 0x80


def word_bytes(width: int) -> int:
    """Return the number of bytes of a payload of so many bits."""
    return (width + 7) // 8


def line(data: Iterable[int], broken: bool = False) -> list[int]:
    """Return the levels of the line, one per bit time: start bit, eight bits lowest first, stop.

    With ``broken`` the stop bits are missing.
    """
    stop = 0 if broken else 1
    return [level for byte in data for level in (0, *((byte >> k) & 1 for k in range(8)), stop)]


def read_line(levels: Iterable[int]) -> list[int]:
    """Return the bytes on a line, one level per bit time; idle levels lie between them.

    Raises
    ------
    ValueError
        A stop bit is missing, or the line ends within a byte.
    """
    source, data = iter(levels), list[int]()
    for level in source:
        if level:
            continue
        bits = [next(source, 2) for _ in range(9)]
        if bits[8] != 1:
            raise ValueError(f"byte {len(data)} has no stop bit")
        data.append(sum(bit << k for k, bit in enumerate(bits[:8])))
    return data


@dataclass
class Link:
    """The computer's side, without any port: bytes out, bytes in.

    The board holds one word per input stream, so a word waits until the one before it was taken.

    Parameters
    ----------
    inputs, outputs
        Widths of the block's streams by name, in the order of its ports.
    filler
        A byte that says nothing where one would name a stream, such as that of SPI; None where
        there is none.
    """

    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    received: dict[str, list[int]] = field(default_factory=dict)
    filler: int | None = None

    def __post_init__(self) -> None:
        most = TAKEN if self.filler is None else TAKEN - 2  # the last two are idle and reset
        if len(self.inputs) > most or len(self.outputs) > most:
            raise ValueError(f"more than {most} streams have no number")
        self.received = {name: [] for name in self.outputs}
        self._waiting: dict[str, deque[int]] = {name: deque() for name in self.inputs}
        self._sent: set[str] = set()
        self._buffer = bytearray()

    @property
    def idle(self) -> bool:
        """Whether the block has taken every word."""
        return not self._sent and not any(self._waiting.values())

    def put(self, name: str, words: Iterable[int]) -> None:
        """Queue words for an input stream.

        Raises
        ------
        ValueError
            There is no such stream, or a word does not fit its width.
        """
        if name not in self.inputs:
            raise ValueError(f"there is no input {name!r}; there are {', '.join(self.inputs)}")
        for word in words:
            if not 0 <= word < 1 << self.inputs[name]:
                raise ValueError(f"{name} has {self.inputs[name]} bits, so no word {word:#x}")
            self._waiting[name].append(int(word))

    def outgoing(self) -> bytes:
        """Return what may be sent now."""
        data = bytearray()
        for number, (name, width) in enumerate(self.inputs.items()):
            if self._waiting[name] and name not in self._sent:
                word = self._waiting[name].popleft()
                data += bytes([number]) + word.to_bytes(word_bytes(width), "little")
                self._sent.add(name)
        return bytes(data)

    def feed(self, data: bytes) -> bool:
        """Take what the board sent, and return whether any of it says something.

        Raises
        ------
        ValueError
            It names a stream that does not exist, or takes a word that was not sent.
        """
        self._buffer += data
        names, widths = list(self.outputs), list(self.outputs.values())
        heard = False
        while self._buffer:
            head = self._buffer[0]
            if head == self.filler:
                del self._buffer[0]
                continue
            heard = True
            if head >= TAKEN:
                taken = head - TAKEN
                if taken >= len(self.inputs) or list(self.inputs)[taken] not in self._sent:
                    raise ValueError(f"the board took a word of stream {taken}, and none was sent")
                self._sent.remove(list(self.inputs)[taken])
                del self._buffer[0]
                continue
            if head >= len(names):
                raise ValueError(f"the board sends stream {head}, and there is none")
            size = word_bytes(widths[head])
            if len(self._buffer) <= size:
                return True
            word = int.from_bytes(self._buffer[1 : size + 1], "little")
            self.received[names[head]].append(word & (1 << widths[head]) - 1)
            del self._buffer[: size + 1]
        return heard
