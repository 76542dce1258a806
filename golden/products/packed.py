"""A tile of weights as a member of the family stores it, and the file that keeps one."""

import dataclasses
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.config import Config
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.documents import field, mapping, only, text_document
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import reading

SCHEMA = 1


class Holding(Protocol):
    """A configuration of an array that holds a tile."""

    @property
    def depth(self) -> int:
        """Words of a tile."""

    @property
    def stored_bits(self) -> int:
        """Bits of what is stored of a weight."""


C = TypeVar("C", bound=Holding)


@dataclasses.dataclass(frozen=True, eq=False)
class Packed(ABC):
    """Weights of one tile, in the form that a member's ``compress`` gives them.

    A subclass is a frozen dataclass of a configuration, plain values and integer arrays, names its
    kind of configuration, and is kept by :meth:`save` without a word of its own.

    Attributes
    ----------
    kind
        The kind of configuration.
    member
        Name of the member: that of the block which the configuration is of.
    """

    kind: ClassVar[type[Config]]
    member: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "kind"):
            cls.member = cls.kind.block_name

    @abstractmethod
    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""

    @property
    @abstractmethod
    def beats(self) -> int:
        """Words that load the tile."""

    @property
    def first(self) -> int:
        """Words that must be there before the first vector: all of them, if the tile stays."""
        return self.beats

    def fetched(self, x: Ints) -> int:
        """Return the bits of weights that come in for vectors int64[V, inputs]: once, if they stay.

        A member that keeps no weights fetches them for every vector.
        """
        return self.bits

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits stored, headers and indices included."""

    @abstractmethod
    def words(self) -> dict[str, Ints]:
        """Return the words that load the tile, by field: int64[beats] or int64[beats, count]."""

    def operands(self) -> dict[str, Any]:
        """Return what the member's bench is given of the tile, by name."""
        return {"w": self.weights()}

    def save(self, path: Path | str) -> None:
        """Write the tile into an ``.npz`` file, which holds numbers and text only."""
        text: dict[str, Any] = {"schema": SCHEMA, "member": self.member, "values": {}}
        stored: dict[str, Any] = {}
        for member in dataclasses.fields(self):
            value = getattr(self, member.name)
            if isinstance(value, np.ndarray):
                stored[member.name] = value
            else:
                plain = value.to_dict() if isinstance(value, Config) else value
                text["values"][member.name] = plain
        meta = np.frombuffer(json.dumps(text).encode(), np.uint8)
        np.savez_compressed(path, meta=meta, **stored)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a tile of this member back.

        Raises
        ------
        ValueError
            The file is not a tile, is of another schema, or is another member's.
        """
        text, found = read(path)
        with reading(Path(path)):
            if text["member"] != cls.member:
                raise ValueError(f"holds a tile of {shown(text['member'])}, not of {cls.member}")
            names = {member.name for member in dataclasses.fields(cls)}
            values = text["values"] | found
            if values.keys() != names or text["values"].keys() & found:
                raise ValueError(f"must hold {', '.join(sorted(names))}, not {sorted(values)}")
            return cls(**{name: cls._restore(name, value) for name, value in values.items()})

    @classmethod
    def _restore(cls, name: str, value: Any) -> Any:
        return cls.kind.from_dict(mapping(value, name)) if name == "cfg" else value


@dataclasses.dataclass(frozen=True, eq=False)
class Stored(Packed, Generic[C]):
    """A tile of values, each of as many bits, in all the words that the member has room for.

    Parameters
    ----------
    cfg
        The array that holds it, with ``depth`` words and ``stored_bits`` of a value.
    values
        int64, in the member's own order.
    """

    cfg: C
    values: Ints

    @property
    def beats(self) -> int:
        """Words that load the tile."""
        return self.cfg.depth

    @property
    def bits(self) -> int:
        """Bits stored; what pads the last words is not counted, padding of the values is."""
        return self.values.size * self.cfg.stored_bits


def read(path: Path | str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the file of a tile says, and its arrays; ValueError if it is no such file."""
    path = Path(path)
    found = arrays(path)
    with reading(path):
        if "meta" not in found or found["meta"].dtype != np.uint8:
            raise ValueError("is not a tile of weights")
        text = mapping(text_document(found.pop("meta").tobytes()), "meta")
        schema = text.get("schema")
        if type(schema) is not int or schema != SCHEMA:
            raise ValueError(f"has schema {shown(schema)}, not {SCHEMA}")
        only(text, ("schema", "member", "values"), "meta")
        field(text, "member")
        mapping(field(text, "values"), "values")
        return text, found
