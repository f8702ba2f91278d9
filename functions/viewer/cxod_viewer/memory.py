"""The viewer's memory bound, and how it is known that it was hit: Python shows a failed allocation in several shapes."""

from __future__ import annotations

import resource

# Held back from the start, so that the last words can be said when nothing else can be allocated.
_RESERVE_BYTES = 16 << 20
_WORDS = (
    "unable to allocate",
    "cannot allocate memory",
    "can't allocate",
    "memory allocation failed",
    "no space available for allocation",
    "not enough memory",
    "can't start new thread",
)
# Errors whose words come from the system or a library. Others may quote what a person typed: there only the first words count.
_SYSTEM_ERRORS = (OSError, RuntimeError, ImportError, SystemError)


def bound(mebibytes: int) -> None:
    """
    Limits what this process may allocate. RLIMIT_DATA, not RLIMIT_AS: address space that is only reserved, or maps a library,
    does not count, so imports are not in danger.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    size = mebibytes << 20
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


class Reserve:
    """A block of memory that can be given back once."""

    def __init__(self) -> None:
        self._block: bytearray | None = bytearray(_RESERVE_BYTES)

    def release(self) -> None:
        self._block = None


def is_out_of_memory(error: BaseException | None) -> bool:
    """True when the error, or anything that led to it, is a failed allocation (cellxgene and h5py wrap them in others)."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, MemoryError):  # numpy's own is one too
            return True
        words = str(current).lower()
        if words.startswith(_WORDS) or (isinstance(current, _SYSTEM_ERRORS) and any(word in words for word in _WORDS)):
            return True
        waiting += [current.__cause__, current.__context__]
    return False
