"""Opens files of a local source folder, and none that a link in it leads to outside.

Whoever may write to the folder could otherwise have any file sent that Wharf can read. Links within the folder are
followed: they show nothing that does not lie there anyway.
"""

import os
import stat
from pathlib import Path

from tui.domain.failure import FailureClass, TransferFailed

LEADS_OUT = "it is a link that leads out of the folder"


def is_file(item: "os.DirEntry[str]") -> bool:
    """Whether it is a file or a link to one. A link that leads nowhere, or in a circle, is none. Raises OSError."""
    try:
        return item.is_file()
    except OSError:
        if item.is_symlink():
            return False
        raise


def leads_out(path: str) -> bool:
    """Whether it is a link to somewhere that is not below its folder."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(Path(path).parent))


def open_source(path: str) -> int:
    """Open a file of a source folder for reading. Raises OSError; TransferFailed (unsafe-name) when it leads out of the
    folder, also when it has become a link only since the folder was listed."""
    # What was listed as a file and is a pipe by now must not be waited for.
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check(path, os.fstat(file))
    except BaseException:
        os.close(file)
        raise
    return file


def _check(path: str, opened: os.stat_result) -> None:
    if not stat.S_ISREG(opened.st_mode):
        raise TransferFailed(FailureClass.UNSAFE_NAME, f"{path} was left where it is: it is no regular file any more.")
    if os.path.samestat(os.lstat(path), opened):
        return
    # A link. What was opened must be what now lies at the end of it, and that must be below the folder.
    if leads_out(path) or not os.path.samestat(os.lstat(os.path.realpath(path)), opened):
        raise TransferFailed(FailureClass.UNSAFE_NAME, f"{path} was left where it is: {LEADS_OUT}.")
