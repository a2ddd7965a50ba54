"""Renames a file only where nothing has the new name.

rename(2) replaces what is there, and a look beforehand does not see what comes a moment later. Linux refuses in the
same step where the file system knows how (renameat2(2), RENAME_NOREPLACE).
"""

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_UNKNOWN = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})


def rename_to_free(old: Path, new: str) -> None:
    """Rename. Raises FileExistsError where there is something of the new name, and other OSErrors. Where the system or
    the file system has no such step, such as on NFS, a look comes right before the rename."""
    if _renamed_in_one_step(old, new):
        return
    if os.path.lexists(new):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
    old.rename(new)


def _renamed_in_one_step(old: Path, new: str) -> bool:
    """Returns False where that is not known."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), _RENAME_NOREPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(old), None, new)
