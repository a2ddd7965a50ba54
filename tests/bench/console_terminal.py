"""A program on a pseudo terminal of 120x40 whose answers are timed."""

import os
import pty
import select
import subprocess
import sys
import termios
from collections import deque
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
_PAUSE = 0.002
"""Seconds of silence after which what has come is looked at: to make a picture of it takes longer than to send it, and
a program whose terminal is not read has to wait."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Block:
    """Bytes that came, when they did, and how long the program had waited for a core by then."""

    data: bytes
    moment: float
    waited: float


@dataclass
class Watched:
    """A running program. Times are in seconds."""

    pid: int
    ours: int
    begun: float
    picture: Picture = field(default_factory=lambda: Picture(COLUMNS, ROWS))
    _to_show: deque[_Block] = field(default_factory=deque)

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
        last = self._shown_by(effect)
        took, waited = last.moment - begun, last.waited - waited
        self.take(0.1)
        return took, took - waited

    def type(self, keys: bytes, effect: Callable[[str], bool]) -> None:
        """The same without measuring; the effect may be there already."""
        os.write(self.ours, keys)
        self.wait(effect)

    def wait(self, effect: Callable[[str], bool]) -> float:
        """Until the screen shows what is waited for; how old the program was then."""
        if effect(self.shown):
            return self.age()
        return self._shown_by(effect).moment - self.begun

    def _shown_by(self, effect: Callable[[str], bool]) -> _Block:
        """What came last of what shows the effect."""
        deadline = monotonic() + _PATIENCE
        while True:
            if not self._to_show:
                self._receive(deadline)
            block = self._to_show.popleft()
            self.picture.feed(block.data)
            if effect(self.shown):
                return block

    def _receive(self, deadline: float) -> None:
        """Read until nothing more comes for a moment."""
        patience = max(deadline - monotonic(), 0)
        while select.select([self.ours], [], [], patience)[0]:
            data = os.read(self.ours, _BLOCK)
            self._to_show.append(_Block(data, monotonic(), self._waited()))
            patience = _PAUSE
        if not self._to_show:
            sys.exit(f"waited {_PATIENCE:.0f} s for something else than this:\n{self.shown}")

    def take(self, seconds: float = 0.0) -> int:
        """Read what comes in this time; how many bytes."""
        while self._to_show:
            self.picture.feed(self._to_show.popleft().data)
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
