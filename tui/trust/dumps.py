"""Keeps the memory of this process, and the secrets in it, out of files and out of the reach of other programs."""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4
"""Of <linux/prctl.h>."""


def forbid_dumps() -> None:
    """No core dump of this process from now on, and on Linux no debugger of the same user either.

    The limit alone does not do: where the kernel pipes dumps to a program, such as systemd-coredump, it does not heed
    a limit of zero (core(5)). What is not dumpable is not piped, and its memory and environment in /proc belong to
    root. Programs that this one starts get the limit, but are dumpable again.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        # It cannot fail with this argument; on a kernel that forbids it the limit still holds.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
