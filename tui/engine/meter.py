"""Measures how fast bytes go, over the last few seconds."""

from collections import deque
from collections.abc import Callable
from time import monotonic

_WINDOW = 5.0
"""Seconds over which the speed is averaged."""

_STEP = 0.25
"""Seconds between two samples kept; what is counted in between adds to the newest one."""


class Meter:
    """Fed with a count that grows; tells its growth per second."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])

    def update(self, total: int) -> None:
        """Take note of the count now. A smaller one (another process began a file again) starts afresh."""
        now = self._clock()
        if total < self._samples[-1][1]:
            self._samples.clear()
            self._samples.append((now, total))
            return
        if len(self._samples) > 1 and now - self._samples[-2][0] < _STEP:
            self._samples[-1] = (now, total)
        else:
            self._samples.append((now, total))
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW:
            self._samples.popleft()

    def speed(self) -> float:
        """Units per second over the window; 0 before there is anything to measure."""
        began, first = self._samples[0]
        last = self._samples[-1][1]
        elapsed = self._clock() - began
        return (last - first) / elapsed if elapsed > 0 else 0.0


def time_left(remaining: int, speed: float) -> float | None:
    """Seconds until `remaining` units have gone at this speed; None while it stands still."""
    return remaining / speed if speed > 0 else None
