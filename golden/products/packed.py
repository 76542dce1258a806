"""A tile of weights as a member of the family stores it, and the file that keeps one."""

import dataclasses
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.config import Config

SCHEMA = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Packed(ABC):
    """Weights of one tile, in the form that a member's ``compress`` gives them.

    A subclass is a frozen dataclass of a configuration, plain values and integer arrays, names its
    member and its kind of configuration, and is kept by :meth:`save` without a word of its own.
    """

    member: ClassVar[str]
    kind: ClassVar[type[Config]]

    @abstractmethod
    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""

    @property
    @abstractmethod
    def beats(self) -> int:
        """Words that load the tile."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits stored, headers and indices included."""

    @abstractmethod
    def words(self) -> dict[str, Ints]:
        """Return the words that load the tile, by field: int64[beats] or int64[beats, count]."""

    def save(self, path: Path | str) -> None:
        """Write the tile into an ``.npz`` file, which holds numbers and text only."""
        text: dict[str, Any] = {"schema": SCHEMA, "member": self.member, "values": {}}
        arrays: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            else:
                plain = value.to_dict() if isinstance(value, Config) else value
                text["values"][field.name] = plain
        meta = np.frombuffer(json.dumps(text).encode(), np.uint8)
        np.savez_compressed(path, meta=meta, **arrays)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a tile of this member back.

        Raises
        ------
        ValueError
            The file is not a tile, is of another schema, or is another member's.
        """
        text, arrays = read(path)
        if text["member"] != cls.member:
            raise ValueError(f"{path} holds a tile of {text['member']}, not of {cls.member}")
        names = {field.name for field in dataclasses.fields(cls)}
        values = text["values"] | arrays
        if values.keys() != names:
            raise ValueError(f"{path} must hold {', '.join(sorted(names))}, not {sorted(values)}")
        return cls(**{name: cls._restore(name, value) for name, value in values.items()})

    @classmethod
    def _restore(cls, name: str, value: Any) -> Any:
        return cls.kind.from_dict(value) if name == "cfg" else value


def read(path: Path | str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the file of a tile says, and its arrays; ValueError if it is no such file."""
    with np.load(path) as file:
        if "meta" not in file:
            raise ValueError(f"{path} is not a tile of weights")
        text = json.loads(file["meta"].tobytes())
        if not isinstance(text, dict) or text.get("schema") != SCHEMA or "member" not in text:
            raise ValueError(f"{path} has schema {text.get('schema')!r}, not {SCHEMA}")
        return text, {name: file[name] for name in file.files if name != "meta"}
