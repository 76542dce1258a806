"""Configuration records: frozen, validated once, JSON in and JSON out."""

import dataclasses
import difflib
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

Part = TypeVar("Part", bound="Config")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of every block's ``Config``.

    A subclass declares the name of its block in ``block_name``, its parameters as fields, its named
    configurations in ``presets`` and its ranges in ``validate``. Kinds are checked here, from the
    annotations, before ``validate`` runs. A preset that has another name now stands in ``renamed``
    with a sentence that says which.

    Errors
    ------
    TypeError
        A field is of the wrong kind, or is not a parameter of the block.
    ValueError
        A field is out of range, or the preset does not exist.
    """

    block_name: ClassVar[str]
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": {}}
    renamed: ClassVar[dict[str, str]] = {}  # presets that have gone: what to take instead

    def __post_init__(self) -> None:
        hints = _kinds(type(self))
        for field in dataclasses.fields(self):
            value = _coerce(self, field.name, getattr(self, field.name), hints[field.name])
            object.__setattr__(self, field.name, value)
        self.validate()

    def validate(self) -> None:
        """Raise ValueError, naming the field and showing its value, for what cannot be built."""

    @classmethod
    def names(cls) -> list[str]:
        """Names of the parameters, in the order of their declaration."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> Self:
        """Return the named configuration, with ``overrides`` applied on top."""
        if name in cls.renamed:
            raise ValueError(f"{cls.block_name} has no preset {name!r}: {cls.renamed[name]}")
        if name not in cls.presets:
            known = ", ".join(cls.presets)
            raise ValueError(f"{cls.block_name} has no preset {name!r}; it has {known}")
        return cls.from_dict({**cls.presets[name], **overrides})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from a mapping; an unknown name is refused with the names that exist."""
        for name in values:
            cls.require(name)
        return cls(**values)

    @classmethod
    def require(cls, name: str) -> None:
        """Raise TypeError unless ``name`` is a parameter; the message offers the closest ones."""
        names = cls.names()
        if name in names:
            return
        near = difflib.get_close_matches(name, names, n=1)
        ordered = near + [other for other in names if other not in near]
        have = ", ".join(ordered)
        raise TypeError(f"{cls.block_name} has no parameter {name!r}; it has {have}")

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """Read one parameter from text, as a command line gives it (``16``, ``0xACE1``, ``[1,2]``).

        ``none`` is accepted where the field may be absent. Integers take any Python base prefix.
        """
        cls.require(name)
        allowed = _options(_kinds(cls)[name])
        if types.NoneType in allowed and text.lower() == "none":
            return None
        options = [k for k in allowed if k is not types.NoneType]
        several = any(typing.get_origin(k) is tuple for k in options) and "," in text
        plain = options[-1] if several else options[0]
        if typing.get_origin(plain) is not tuple:
            return _plain(cls, name, plain).read(cls, name, text)
        items = [item for item in text.strip("()[] ").split(",") if item.strip()]
        return tuple(
            _plain(cls, name, typing.get_args(plain)[0]).read(cls, name, item.strip())
            for item in items
        )

    @classmethod
    def alternatives(cls, name: str) -> tuple[Any, ...]:
        """Return every value that an enumerated parameter may take.

        Of a flag these are False and True; otherwise those of its ``Literal``.

        Raises
        ------
        TypeError
            There is no such parameter.
        ValueError
            It is not an enumerated one.
        """
        cls.require(name)
        for kind in _options(_kinds(cls)[name]):
            if kind is bool:
                return False, True
            if typing.get_origin(kind) is Literal:
                return typing.get_args(kind)
        raise ValueError(f"{cls.block_name}.{name} is not an enumerated parameter: name values")

    def replace(self, **changes: Any) -> Self:
        """Return a copy with ``changes`` applied, validated again."""
        return type(self).from_dict({**self.to_dict(), **changes})

    def part(self, kind: type[Part], **values: Any) -> Part:
        """Return a configuration of another kind, with the parameters that both have by name.

        ``values`` are given on top. What ``kind`` refuses is refused in the name of this block.
        """
        shared = {name: getattr(self, name) for name in kind.names() if name in self.names()}
        try:
            return kind.from_dict(shared | values)
        except ValueError as error:
            message = str(error).replace(f"{kind.block_name}.", f"{self.block_name}.", 1)
            raise ValueError(message) from None

    def located(self) -> Self:
        """Return the same configuration with whole paths, for a process in another folder."""
        paths = {name: str(path.resolve()) for name, path in self.files().items()}
        return self.replace(**paths) if paths else self

    def files(self) -> dict[str, Path]:
        """Return the files that parameters name, by parameter; the content counts, not the name."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values that JSON can carry."""
        values = ((name, getattr(self, name)) for name in self.names())
        return {n: list(v) if isinstance(v, tuple) else v for n, v in values}

    def to_json(self) -> str:
        """Return the parameters as one line of JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls.from_dict(json.loads(text))

    def check(self, name: str, ok: bool, rule: str) -> None:
        """Raise ValueError ``<block>.<name> must be <rule>, not <value>`` unless ``ok``."""
        if not ok:
            value = getattr(self, name)
            raise ValueError(f"{self.block_name}.{name} must be {rule}, not {value!r}")

    def check_range(self, name: str, low: int, high: int) -> None:
        """Require ``low <= self.<name> <= high``."""
        self.check(name, low <= getattr(self, name) <= high, f"in {low}..{high}")

    def check_choice(self, name: str) -> None:
        """Require ``self.<name>`` to be one of the alternatives that its ``Literal`` lists."""
        choices = self.alternatives(name)
        self.check(name, getattr(self, name) in choices, f"one of {', '.join(choices)}")


def _kinds(cls: type[Config]) -> dict[str, Any]:
    if "_kept_kinds" not in vars(cls):  # to read annotations takes long
        cls._kept_kinds = typing.get_type_hints(cls)  # type: ignore[attr-defined]
    return vars(cls)["_kept_kinds"]


def _kind_error(owner: Any, name: str, value: Any, rule: str) -> TypeError:
    return TypeError(
        f"{owner.block_name}.{name} must be {rule}, not {value!r} ({type(value).__name__})"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pipelined(Config):
    """Base of the ``Config`` of a block that takes a word in every cycle; it says its latency."""

    @property
    def latency(self) -> int:
        """Cycles from a word to its answer."""
        return 1

    @property
    def interval(self) -> int:
        """Cycles between two words."""
        return 1

    def cycles(self, n: int) -> int:
        """Cycles from the first word in to the last answer out, inclusive, without stalls."""
        return n * self.interval + self.latency


@dataclasses.dataclass(frozen=True)
class _Plain:
    """A kind of single values: what it is called, and how it is read from a value and from text.

    Both functions raise TypeError or ValueError for what is not of the kind.
    """

    rule: str
    take: Callable[[Any], Any]
    parse: Callable[[str], Any]

    def coerce(self, owner: Any, name: str, value: Any) -> Any:
        """Return a value as one of this kind; whatever else it is, is a TypeError."""
        try:
            return self.take(value)
        except TypeError:
            raise _kind_error(owner, name, value, self.rule) from None

    def read(self, owner: Any, name: str, text: str) -> Any:
        """Return the value that a text stands for."""
        try:
            return self.parse(text)
        except (TypeError, ValueError, KeyError):
            raise _kind_error(owner, name, text, self.rule) from None


def _of_class(kind: type, *but: type) -> Callable[[Any], Any]:
    """Return a function that takes values of a class, and refuses those of some below it."""

    def take(value: Any) -> Any:
        if not isinstance(value, kind) or isinstance(value, but):
            raise TypeError
        return value

    return take


def _integer(value: Any) -> int:
    return operator.index(_of_class(object, bool)(value))


def _number(value: Any) -> float:
    return float(_of_class(int | float, bool)(value))  # type: ignore[arg-type]


_PLAIN: dict[Any, _Plain] = {
    int: _Plain("an integer", _integer, lambda text: int(text, 0)),
    float: _Plain("a number", _number, lambda text: _number(json.loads(text))),
    bool: _Plain(
        "true or false", _of_class(bool), lambda text: {"true": True, "false": False}[text.lower()]
    ),
    str: _Plain("text", _of_class(str), str),
}


def _plain(owner: Any, name: str, kind: Any) -> _Plain:
    """Return how a single value is read; one of a ``Literal`` is text, whose choice is checked."""
    plain = _PLAIN.get(str if typing.get_origin(kind) is Literal else kind)
    if plain is None:
        raise TypeError(
            f"{owner.block_name}.{name} is declared as {kind!r}, which Config cannot hold"
        )
    return plain


def _options(kind: Any) -> tuple[Any, ...]:
    """Return the kinds that an annotation allows, one of them unless it is a union."""
    union = typing.get_origin(kind) in (types.UnionType, typing.Union)
    return typing.get_args(kind) if union else (kind,)


def _coerce(owner: Config, name: str, value: Any, kind: Any) -> Any:
    """Return ``value`` as ``kind`` (int, bool, str, float, tuple, or one of those or None).

    A parameter that is one value or several is declared as ``int | tuple[int, ...]``.
    """
    options = _options(kind)
    if value is None and types.NoneType in options:
        return None
    several = isinstance(value, list | tuple)
    fitting = [k for k in options if (typing.get_origin(k) is tuple) == several]
    kind = next(k for k in [*fitting, *options] if k is not types.NoneType)
    if typing.get_origin(kind) is not tuple:
        return _plain(owner, name, kind).coerce(owner, name, value)
    if not several:
        raise _kind_error(owner, name, value, "a sequence")
    item_kinds = typing.get_args(kind)
    variable = len(item_kinds) == 2 and item_kinds[1] is Ellipsis
    if not variable and len(value) != len(item_kinds):
        raise ValueError(
            f"{owner.block_name}.{name} must have {len(item_kinds)} entries, not {value!r}"
        )
    return tuple(_coerce(owner, name, item, item_kinds[0]) for item in value)
