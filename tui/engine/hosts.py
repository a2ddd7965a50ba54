"""Keeps the sessions with one host within bounds, over all runs of this process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

SESSIONS_PER_HOST = 8
"""Servers commonly take ten sessions of a user or an address (MaxSessions of OpenSSH is 10)."""


class HostSlots:
    """Places at each host. A run waits for its first one; for further ones it takes what is free."""

    def __init__(self, limit: int = SESSIONS_PER_HOST) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()
        self._given_back = asyncio.Condition()

    @asynccontextmanager
    async def wait(self, host: str) -> AsyncIterator[None]:
        """A place, as soon as there is one."""
        async with self._given_back:
            await self._given_back.wait_for(lambda: self._taken[host] < self._limit)
            self._taken[host] += 1
        try:
            yield
        finally:
            self._taken[host] -= 1
            async with self._given_back:
                self._given_back.notify_all()

    @contextmanager
    def take_free(self, host: str, wanted: int) -> Iterator[int]:
        """Up to `wanted` places that are free now; how many they are. Whoever waits learns of their return when the
        first place of the same run is given back."""
        taken = max(0, min(wanted, self._limit - self._taken[host]))
        self._taken[host] += taken
        try:
            yield taken
        finally:
            self._taken[host] -= taken
