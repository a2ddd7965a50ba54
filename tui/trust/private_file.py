"""Small files that belong to one user: written whole or not at all, and never by two writers at once."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK_PATIENCE = 10.0
"""Seconds to wait for another writer. Each holds the lock for one small write only."""
_LOCK_PAUSE = 0.02
_OTHERS = 0o077
"""The permission bits that give anything to the group or to everybody."""


def why_not_private(found: os.stat_result) -> tuple[str, str] | None:
    """Why somebody else may know or change what a file holds, and the command that ends that; None when nobody can.
    `root`, who can read all files, may own one: that is how service managers hand out secrets."""
    if found.st_uid not in {os.geteuid(), 0}:
        return f"it belongs to another user (uid {found.st_uid})", "chown"
    if found.st_mode & _OTHERS:
        return f"others have rights on it (mode {stat.S_IMODE(found.st_mode):04o})", "chmod 600"
    return None


def write_private(path: Path, content: bytes) -> None:
    """Put the content at the path in one step, durably, with mode 0600. Raises OSError; the old file is whole then.

    A symbolic link is followed, so that a file kept elsewhere stays where it is kept.
    """
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as writer:
            writer.write(content)
            writer.flush()
            os.fsync(writer.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder as durable as their files are. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep other writers of the path out, of this process and of others. Raises OSError when one does not finish.

    The lock is on a file of its own beside the path: the path itself is replaced by each write, and a lock stays with
    the file that was replaced.
    """
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(lock, path)
        yield
    finally:
        os.close(lock)


def _take(lock: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process has kept it locked for 10 s", str(path)) from None
            time.sleep(_LOCK_PAUSE)
        else:
            return
