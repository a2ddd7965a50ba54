"""A program on a pseudo terminal of 120x40 whose answers are timed."""

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from tests.pty.picture import Picture

COLUMNS, ROWS = 120, 40
_PATIENCE = 60.0
"""Seconds that an answer may take before the measurement is given up."""
_BLOCK = 65_536
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Watched:
    """A running program. Times are in seconds."""

    pid: int
    ours: int
    begun: float
    picture: Picture = field(default_factory=lambda: Picture(COLUMNS, ROWS))

    @property
    def shown(self) -> str:
        """What stands on the screen."""
        return "\n".join(self.picture.lines)

    def press(self, keys: bytes, effect: Callable[[str], bool]) -> tuple[float, float]:
        """Send keys and wait until the screen shows their effect; how long that took, and how long without the time for
        which the program was ready to run and no core was free.
        """
        self.take()
        if effect(self.shown):
            sys.exit(f"the effect of {keys!r} was to be seen before:\n{self.shown}")
        waited, begun = self._waited(), monotonic()
        os.write(self.ours, keys)
        self.wait(effect)
        took, waited = monotonic() - begun, self._waited() - waited
        self.take(0.1)
        return took, took - waited

    def type(self, keys: bytes, effect: Callable[[str], bool]) -> None:
        """The same without measuring; the effect may be there already."""
        os.write(self.ours, keys)
        self.wait(effect)

    def wait(self, effect: Callable[[str], bool]) -> None:
        """Until the screen shows what is waited for."""
        deadline = monotonic() + _PATIENCE
        while not effect(self.shown):
            if not select.select([self.ours], [], [], max(deadline - monotonic(), 0))[0]:
                sys.exit(f"waited {_PATIENCE:.0f} s for something else than this:\n{self.shown}")
            self.picture.feed(os.read(self.ours, _BLOCK))

    def take(self, seconds: float = 0.0) -> int:
        """Read what comes in this time; how many bytes."""
        received, end = 0, monotonic() + seconds
        while select.select([self.ours], [], [], max(end - monotonic(), 0))[0]:
            data = os.read(self.ours, _BLOCK)
            self.picture.feed(data)
            received += len(data)
        return received

    def age(self) -> float:
        """Seconds since the program was started."""
        return monotonic() - self.begun

    def cpu(self) -> float:
        """Seconds of processor time used by now, in all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident(self) -> int:
        """Bytes of memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE

    def _waited(self) -> float:
        """How long the main thread was ready to run without a core: the second figure in proc(5)'s schedstat."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9


@contextmanager
def watched(*argv: str, home: Path) -> Iterator[Watched]:
    """Run `python ARGV` on a terminal of its own; it is gone at the end of the body."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (ROWS, COLUMNS))
    environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES"}}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "WHARF_HOME": str(home)}
    begun = monotonic()
    process = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, *argv], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    try:
        yield Watched(process.pid, ours, begun)
    finally:
        process.terminate()
        _drain(process, ours)
        os.close(ours)
        os.close(theirs)


def _drain(process: "subprocess.Popen[bytes]", ours: int) -> None:
    """A program that restores its terminal ends only while somebody reads."""
    deadline = monotonic() + 10
    while process.poll() is None:
        if monotonic() > deadline:
            process.kill()
        if select.select([ours], [], [], 0)[0]:
            os.read(ours, _BLOCK)
        sleep(0.01)
