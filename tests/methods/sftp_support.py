"""What the tests of SFTP share: connections, surroundings that listen, and ways to move a file by hand."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.openssh import OpenSsh, run_openssh
from tests.servers.sftp_server import SftpServer
from tui.domain.connection import Connection
from tui.domain.run import Event
from tui.methods.base import BLOCK_SIZE, Entry, Surroundings
from tui.methods.narration import Narrator
from tui.methods.sftp import SftpSession

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
NAMES = [
    "plain.csv",
    "a[red].csv",
    "with spaces  .csv",
    "bücher-東京-📦.csv",
    "-rf",
    "~",
    "*.csv",
    "q'uo\"te`$(x).csv",
    "x" * 243,
]
"""Odd ones that are taken as they are."""


@dataclass(slots=True)
class Stage:
    """Surroundings that keep what they hear: the events told and how often the secret was asked for."""

    known_hosts: Path
    secret: str | None = "open sesame"
    events: list[Event] = field(default_factory=list)
    secret_asked: int = 0
    other_secrets: dict[str, str] = field(default_factory=dict)
    """By their references."""

    async def _secret(self) -> str | None:
        self.secret_asked += 1
        return self.secret

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(
            Narrator(self.events.append), self._secret, self.known_hosts, other_secret=self._other_secret
        )

    async def _other_secret(self, reference: str) -> str:
        return self.other_secrets[reference]

    def told(self, step: str) -> Event:
        """The one event of this step."""
        [event] = [event for event in self.events if event.step == step]
        return event


def connection(direction: str = "inbound", *, change: Mapping[str, Any] | None = None, **sftp: Any) -> Connection:
    """A connection with this endpoint; `change` goes into the connection itself."""
    fields: dict[str, Any] = {
        "name": "acme files",
        "direction": direction,
        "method": "sftp",
        "local_dir": "/tmp",
        "sftp": {"host": "127.0.0.1", **sftp},
    }
    return Connection.model_validate(fields | dict(change or {}))


def over_password(server: SftpServer, **more: Any) -> dict[str, Any]:
    """The endpoint of the server in the loop."""
    return {"port": server.port, "username": "wharf", "secret": "env:X", "directory": "/"} | more


def over_key(server: OpenSsh, folder: Path, **more: Any) -> dict[str, Any]:
    """The endpoint of a real server."""
    folder.mkdir(parents=True, exist_ok=True)
    return {"port": server.port, "username": server.user, "key": str(server.key), "directory": str(folder)} | more


async def send(
    session: SftpSession, name: str, content: bytes, progress: Callable[[int], None] = lambda _: None
) -> Entry:
    """Stage a file the way a run does, in blocks."""
    entry = Entry.named(name, len(content), None, name)
    async with session.stage(entry) as writer:
        for start in range(0, len(content), BLOCK_SIZE):
            await writer.write(content[start : start + BLOCK_SIZE])
            progress(start)
    return entry


async def receive(session: SftpSession, entry: Entry) -> bytes:
    async with session.read(entry) as blocks:
        return b"".join([block async for block in blocks])


@asynccontextmanager
async def opened(tmp_path: Path, *options: str) -> AsyncIterator[tuple[SftpSession, OpenSsh]]:
    """A session on a server of its own, which has these options and serves `remote`."""
    async with run_openssh(tmp_path / "sshd", options=options) as server:
        stage = Stage(tmp_path / "known_hosts", secret=None)
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, tmp_path / "remote")), stage.surroundings)
        await session.open()
        try:
            yield session, server
        finally:
            await session.close()


def channels(server: OpenSsh) -> int:
    """How many have been opened for files until now."""
    return sum("Starting session: subsystem 'sftp'" in line for line in server.log)
