"""A server, a folder of it, and a session that is open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.methods.sftp_support import Stage, connection, over_key
from tests.servers.openssh import OpenSsh, run_openssh
from tui.methods.sftp import SftpSession


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: OpenSsh) -> Stage:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(server.known_hosts_line)
    return Stage(known_hosts, secret=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
async def session(server: OpenSsh, stage: Stage, folder: Path) -> AsyncIterator[SftpSession]:
    session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
    await session.open()
    yield session
    await session.close()
