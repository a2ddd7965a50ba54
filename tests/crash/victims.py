"""Processes that run a connection and can be killed at any moment."""

import asyncio
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic

import tomli_w

from tests.crash.deaths import Point
from tests.crash.exchange import Exchange, opened
from tui.domain.connection import Connection
from tui.paths import Paths

_PATIENCE = 60.0
"""Seconds for a run that nobody disturbs."""


class Victims(ABC):
    """Starts runs in processes of their own, one at a time."""

    @abstractmethod
    async def keep(self, exchange: Exchange, paths: Paths) -> None:
        """Put the connection into the store."""

    async def run(self, name: str) -> float:
        """To the end; seconds that it took."""
        began = monotonic()
        assert not await self.killed_after(_PATIENCE, name), "the run takes too long"
        return monotonic() - began

    async def killed_after(self, seconds: float, name: str) -> bool:
        """Start the run and kill -9 its process group after that time. False if it had come to its end by then."""
        pid, end = await self._start(name)
        try:
            await asyncio.wait({end}, timeout=seconds)
        finally:
            if not end.done():
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
        code = await end
        assert code in (0, -signal.SIGKILL), f"the run of {name} ended with {code}"
        return code == -signal.SIGKILL

    @abstractmethod
    async def _start(self, name: str) -> tuple[int, asyncio.Task[int]]:
        """The process, and its exit code as soon as it has one."""


class CommandLine(Victims):
    """`wharf import` and `wharf run NAME`, as anybody calls them."""

    async def keep(self, exchange: Exchange, paths: Paths) -> None:
        file = paths.config / f"{exchange.name}.toml"
        file.write_text(tomli_w.dumps({"connection": [exchange.fields(retries=0)]}))
        process = await asyncio.create_subprocess_exec(*_wharf("import", str(file)))
        assert await process.wait() == 0

    async def _start(self, name: str) -> tuple[int, asyncio.Task[int]]:
        process = await asyncio.create_subprocess_exec(
            *_wharf("run", name),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        return process.pid, asyncio.create_task(process.wait())


@dataclass
class Driver(Victims):
    """Forks of a process that has everything imported: see driver.py."""

    _process: asyncio.subprocess.Process

    async def keep(self, exchange: Exchange, paths: Paths) -> None:
        async with opened(paths) as store:
            await store.save(Connection.model_validate(exchange.fields(retries=0)))

    async def killed_at(self, point: Point, exchange: Exchange) -> None:
        """Run the exchange in a process that kills itself there."""
        await self._killed(f"{exchange.name}\t{point.name}\t{exchange.source}", f"been {point}")

    async def killed_when_stored(self, least: int, exchange: Exchange) -> None:
        """The same for the moment at which so many bytes of a file are on record as safe."""
        await self._killed(f"{exchange.name}\t{least}", f"stored {least} bytes of a file and not all")

    async def _killed(self, line: str, death: str) -> None:
        _, end = await self._start(line)
        async with asyncio.timeout(_PATIENCE):
            assert await end == -signal.SIGKILL, f"the run has never {death}"

    async def _start(self, name: str) -> tuple[int, asyncio.Task[int]]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name}\n".encode())
        return await self._answer(), asyncio.create_task(self._answer())

    async def _answer(self) -> int:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the driver has ended"
        return int(line)


@asynccontextmanager
async def open_driver() -> AsyncIterator[Driver]:
    """The driver with the environment of the test."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.driver"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Driver(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _wharf(*argv: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tui", *argv)
