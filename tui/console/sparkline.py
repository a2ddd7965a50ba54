"""Many numbers in one line: a bar of one cell for each."""

from collections.abc import Callable, Sequence
from time import monotonic

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """A cell per value, as high as its part of the highest one; what is more than nothing is never the lowest bar."""
    highest = max(values, default=0)
    return "".join(_BARS[_height(value, highest)] for value in values)


def _height(value: float, highest: float) -> int:
    return 0 if value <= 0 or highest <= 0 else max(1, round(value / highest * (len(_BARS) - 1)))


class LastMinute:
    """A quantity over the last minute: the mean of what was told in each part of it.

    Where nothing was told, as while nobody looks, what was told before goes on.
    """

    SECONDS = 60
    PART = 2
    """Seconds of a part."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or monotonic
        self._parts: dict[int, tuple[float, int]] = {}

    def tell(self, value: float) -> None:
        now = self._part()
        total, number = self._parts.get(now, (0.0, 0))
        self._parts[now] = total + value, number + 1
        for old in [part for part in self._parts if part <= now - self.SECONDS // self.PART]:
            del self._parts[old]

    def values(self) -> list[float]:
        """The means, oldest first; only those since the first that was told."""
        if not self._parts:
            return []
        values, last = [], 0.0
        for part in range(min(self._parts), self._part() + 1):
            if part in self._parts:
                total, number = self._parts[part]
                last = total / number
            values.append(last)
        return values

    def _part(self) -> int:
        return int(self._clock() // self.PART)
