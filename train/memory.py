"""Memory that a training frees and takes again, step after step: kept instead of handed back."""

import ctypes
from functools import cache

# glibc's mallopt: from which size a block has a mapping of its own, and how much free memory at
# the end of the heap is handed back.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1

_LARGEST = (1 << 31) - 1


@cache
def keep() -> bool:
    """Tell the C library to keep freed memory for this process; return whether it does.

    Each step of a training takes and frees the same large blocks. By default each is mapped anew,
    and the kernel fills its pages with zeros again: with 4,700 tables of six inputs that is three
    quarters of all page faults. Results do not change. Elsewhere than with glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    kept = [mallopt(_MMAP_THRESHOLD, 1 << 30), mallopt(_TRIM_THRESHOLD, _LARGEST)]
    return all(kept)
