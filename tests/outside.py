"""What goes on in other processes. They tell nobody of it, so that there is nothing to be done but to look again."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

_PATIENCE = 10.0
"""Seconds after which what has not come will not come."""
_PAUSE = 0.005

_Found = TypeVar("_Found")


def seen(look: Callable[[], _Found], what: str) -> _Found:
    """What `look` finds, as soon as it finds something; `what` says in words what that would be."""
    ends = time.monotonic() + _PATIENCE
    while not (found := look()):
        _require_time(ends, what)
        time.sleep(_PAUSE)
    return found


async def seen_meanwhile(look: Callable[[], _Found], what: str) -> _Found:
    """The same while the event loop goes on."""
    ends = time.monotonic() + _PATIENCE
    while not (found := look()):
        _require_time(ends, what)
        await asyncio.sleep(_PAUSE)
    return found


def _require_time(ends: float, what: str) -> None:
    if time.monotonic() > ends:
        pytest.fail(f"waited for {_PATIENCE:g} s in vain for {what}")


def descendants(pid: int) -> list[int]:
    """The living children of a process, and theirs, as /proc tells, the nearest first."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = list(children.get(pid, ()))
    for child in found:
        found += children.get(child, ())
    return found
