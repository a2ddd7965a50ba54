"""Connections by email, sessions over them, and what they narrate."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.mail import PASSWORD, USERNAME
from tui.domain.connection import Connection
from tui.domain.run import Event
from tui.methods.base import Entry, Staged, Surroundings
from tui.methods.narration import Narrator
from tui.methods.smtp import SmtpSession


@dataclass
class Witness:
    """Surroundings that remember: the events told, how often the secret was fetched, and the signs of life."""

    secret: str = field(default=PASSWORD, repr=False)
    events: list[Event] = field(default_factory=list)
    asked: int = 0
    lives: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _life: asyncio.Event = field(default_factory=asyncio.Event)

    def surroundings(self) -> Surroundings:
        return Surroundings(Narrator(self._hear), self._secret, Path("/nowhere"), alive=self._alive)

    async def hears(self, step: str) -> None:
        """Wait until the step has been told."""
        while step not in self.steps:
            self._news.clear()
            await self._news.wait()

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def _secret(self) -> str:
        self.asked += 1
        return self.secret

    async def lives_on(self) -> None:
        """Wait for the next sign of life."""
        self._life.clear()
        await self._life.wait()

    def _alive(self) -> None:
        self.lives += 1
        self._life.set()

    def told(self, step: str) -> Event:
        """The last event of that step."""
        return [event for event in self.events if event.step == step][-1]

    @property
    def steps(self) -> list[str]:
        return [event.step for event in self.events]


def smtp_connection(port: int, *, stall_timeout: int = 5, **email: Any) -> Connection:
    table = {
        "host": "localhost",
        "port": port,
        "username": USERNAME,
        "secret": "env:UNUSED",
        "sender": "batches@us.example",
        "recipients": ["in@acme.example"],
        **email,
    }
    return Connection.model_validate(
        {
            "name": "acme-mail",
            "direction": "outbound",
            "method": "email",
            "local_dir": "/nowhere",
            "stall_timeout": stall_timeout,
            "email": {key: value for key, value in table.items() if value is not None},
        }
    )


@asynccontextmanager
async def open_smtp(connection: Connection, witness: Witness | None = None) -> AsyncIterator[SmtpSession]:
    session = SmtpSession(connection, (witness or Witness()).surroundings())
    try:
        await session.open()
        yield session
    finally:
        await session.close()


def entry_of(name: str, content: bytes) -> Entry:
    return Entry.named(name, len(content), 1_700_000_000.0, f"/source/{name}")


async def stage(session: SmtpSession, entry: Entry, content: bytes) -> Staged:
    async with session.stage(entry) as writer:
        for start in range(0, len(content), 10_000):
            await writer.write(content[start : start + 10_000])
    assert await session.staged_size(entry) == len(content)
    return Staged(entry, len(content), hashlib.sha256(content).hexdigest())


async def send(session: SmtpSession, files: dict[str, bytes]) -> None:
    """Stage and publish as the engine does."""
    for batch in session.batches([entry_of(name, content) for name, content in files.items()]):
        await session.publish([await stage(session, entry, files[entry.name]) for entry in batch])


@asynccontextmanager
async def scripted_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[int]:
    """A server on loopback that does what the test says. Yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client hung up, as it may, or the test is over
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and says nothing."""
    del reader, writer
    await asyncio.Event().wait()
