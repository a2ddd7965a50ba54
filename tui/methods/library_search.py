"""Answers at once whether the system has a library.

When asyncssh is imported it looks for two libraries of C that hardly anybody has or needs. Python starts `ldconfig`,
`gcc` and `ld` to look for each of several names of theirs, one after the other, which takes longer than the rest of
the import. What the cache of the dynamic linker (ldconfig(8)) does not name could not be loaded anyway.
"""

import ctypes.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

_CACHE = Path("/etc/ld.so.cache")
_OTHER_PLACES = ("LD_LIBRARY_PATH", "LD_PRELOAD")
"""Variables of the environment that name libraries which are not in the cache."""
_turn = Lock()


@contextmanager
def quick_search() -> Iterator[None]:
    """In the body, `ctypes.util.find_library` starts no program for what is not there. One thread at a time."""
    with _turn:
        search = ctypes.util.find_library

        def find(name: str) -> str | None:
            return search(name) if _may_have(name) else None

        ctypes.util.find_library = find
        try:
            yield
        finally:
            ctypes.util.find_library = search


def _may_have(name: str) -> bool:
    known = _cached()
    return known is None or f"lib{name}.so".encode() in known


@cache
def _cached() -> bytes | None:
    """What the linker knows; None where it keeps no cache or might find more than is in it."""
    if any(os.environ.get(name) for name in _OTHER_PLACES):
        return None
    try:
        return _CACHE.read_bytes()
    except OSError:
        return None
