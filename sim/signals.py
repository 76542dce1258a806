"""Values of signals as integers; what is unknown is an error, never zero."""

from typing import Any


def bit(handle: Any) -> bool:
    """Return a one-bit signal; an unknown value is an error, never False."""
    value = handle.value
    assert value.is_resolvable, f"{handle._name} is {value}"
    return bool(int(value))


def bits(handle: Any) -> int:
    """Return a signal as an unsigned integer; an unknown bit is an error."""
    value = handle.value
    assert value.is_resolvable, f"{handle._name} is {value}"
    return int(value.to_unsigned()) if hasattr(value, "to_unsigned") else int(value)
