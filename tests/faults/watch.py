"""Watches a folder for what no consumer of it may ever see: a final name with anything but the complete file.

It listens to inotify (Linux), so nothing that happens between two looks is missed: a final name that is written to is
caught even if the file is complete a moment later.
"""

import asyncio
import ctypes
import hashlib
import os
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tui.domain.naming import is_partial

_MODIFY, _MOVED_TO, _CREATE, _OVERFLOW = 0x2, 0x80, 0x100, 0x4000
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class FolderWatch:
    """What has happened to final names since the watch began."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._complete: dict[str, set[str]] = {}
        self.violations: list[str] = []
        self.published: Counter[str] = Counter()
        """How often a complete file got this name."""

    def allow(self, name: str, content: bytes) -> None:
        """Under this name, this content is complete."""
        self._complete.setdefault(name, set()).add(hashlib.sha256(content).hexdigest())

    def take(self, events: bytes) -> None:
        place = 0
        while place < len(events):
            _, mask, _, length = _HEAD.unpack_from(events, place)
            place += _HEAD.size
            name = os.fsdecode(events[place : place + length].rstrip(b"\0"))
            place += length
            if mask & _OVERFLOW:
                self.violations.append("too much happened to be watched")
            elif name and not is_partial(name):
                self._judge(name, mask)

    def _judge(self, name: str, mask: int) -> None:
        if mask & _MODIFY:
            self.violations.append(f"{name} was written to under its final name")
        if not mask & (_MOVED_TO | _CREATE):
            return
        try:
            content = (self._folder / name).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return
        if hashlib.sha256(content).hexdigest() in self._complete.get(name, ()):
            self.published[name] += 1
        else:
            self.violations.append(f"{name} got its final name with {len(content)} bytes that are not the file")


@contextmanager
def watching(folder: Path) -> Iterator[FolderWatch]:
    """Watch the folder from the running loop. At the end everything has been judged that happened until then."""
    watch = FolderWatch(folder)
    notices = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if notices < 0 or _libc.inotify_add_watch(notices, os.fsencode(folder), _MODIFY | _MOVED_TO | _CREATE) < 0:
        raise OSError(ctypes.get_errno(), "inotify")

    def look() -> None:
        try:
            watch.take(os.read(notices, 64 * 1024))
        except BlockingIOError:
            return

    loop = asyncio.get_running_loop()
    loop.add_reader(notices, look)
    try:
        yield watch
    finally:
        look()
        loop.remove_reader(notices)
        os.close(notices)
