"""Who a process is, and whether it still lives.

A pid alone says little: it is given away again after a restart, or to a process of another container. So the mark of a
process also holds the boot of the machine, the pid namespace and the clock tick at which the process started (proc(5)).
"""

import os
from pathlib import Path

from tui.domain.run import Owner

_PROC = Path("/proc")


def this_process() -> Owner:
    """The owner to name for runs that this process executes."""
    pid = os.getpid()
    place, stat = _place(), _stat(pid)
    started = "/".join([*place, stat.ticks]) if place and stat else ""
    return Owner(pid, _host(), started)


def _host() -> str:
    return os.uname().nodename


def is_gone(owner: Owner) -> bool | None:
    """Whether the process has ended for certain (True), lives for certain (False), or cannot be seen from here (None):
    it is on another host or in another pid namespace, or this system tells nothing of when a process started.
    """
    if owner.host != _host():
        return None
    place = _place()
    boot, _, rest = owner.started.partition("/")
    namespace, _, ticks = rest.partition("/")
    if place and boot and boot != place[0]:
        return True
    if place and boot and namespace != place[1]:
        return None
    if not _exists(owner.pid):
        return True
    stat = _stat(owner.pid)
    if stat is None or not ticks:
        return None
    return stat.ended or stat.ticks != ticks


class _Stat:
    """What /proc tells of one process: the tick at which it started, and whether it only waits to be reaped."""

    def __init__(self, text: str) -> None:
        # The second field is the command's name in parentheses, which may itself hold spaces and parentheses.
        fields = text.rpartition(")")[2].split()
        self.ended = fields[0] in {"Z", "X"}
        self.ticks = fields[19]


def _stat(pid: int) -> _Stat | None:
    try:
        return _Stat((_PROC / str(pid) / "stat").read_text(errors="replace"))
    except OSError:
        return None


def _place() -> tuple[str, str] | None:
    """The boot of this machine and the pid namespace of this process, or None where there is no /proc."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return boot, str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
