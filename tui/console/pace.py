"""How often the screens follow the engine: four times a second, or once where the line does not take more."""

from collections.abc import Callable
from time import monotonic
from typing import Literal

INTERVAL = 0.25
"""Seconds between two looks: faster costs transfers their speed and shows nobody more."""

SLOW_INTERVAL = 1.0
"""Seconds between two looks over a slow line."""

RECOVERY = 10.0
"""Seconds without congestion after which a line counts as fast again."""

_TOLERANCE = 0.05
"""Seconds by which a timer may strike early."""


class Pace:
    """Asked at every look. With the setting `auto` a line is slow from the moment at which it is congested."""

    def __init__(self, setting: bool | Literal["auto"], clock: Callable[[], float] = monotonic) -> None:
        self._setting = setting
        self._clock = clock
        self._congested_at: float | None = None
        self._looked_at: float | None = None

    @property
    def slow(self) -> bool:
        """Whether the screens follow only once a second."""
        if self._setting != "auto":
            return self._setting
        return self._congested_at is not None and self._clock() - self._congested_at < RECOVERY

    def is_due(self, *, congested: bool) -> bool:
        """Whether it is time for another look; if so, it counts as taken."""
        now = self._clock()
        if congested:
            self._congested_at = now
        if self.slow and self._looked_at is not None and now - self._looked_at < SLOW_INTERVAL - _TOLERANCE:
            return False
        self._looked_at = now
        return True
