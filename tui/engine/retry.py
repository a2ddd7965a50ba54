"""When a failed attempt is made again."""

import random
from collections.abc import Callable
from dataclasses import dataclass

_FIRST = 2.0
_CEILING = 120.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: before retry n a random time between 0 and min(ceiling, first * 2^(n-1)).

    The jitter keeps many connections that failed together from coming back together. (Marc Brooker, "Exponential
    Backoff And Jitter", AWS Architecture Blog, 2015.)
    """

    first: float = _FIRST
    ceiling: float = _CEILING
    fraction: Callable[[], float] = random.random

    def before(self, retry: int) -> float:
        """Seconds to wait before retry number `retry`, counted from 1."""
        return self.fraction() * min(self.ceiling, self.first * 2.0 ** (retry - 1))
