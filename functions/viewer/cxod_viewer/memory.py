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


def nearly_full() -> bool:
    """
    True when this process holds almost all that it may. HDF5 reports a failed allocation inside a filter in the words of a
    broken file: only this tells the two apart (ask while the error is held, and with it what was being built).
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return False
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            held = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData:"))
    except (OSError, StopIteration):  # no Linux
        return False
    return limit - held < max(32 << 20, limit // 10)


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
