"""What a session finds out, and tells, before the first file."""

from pathlib import Path

import pytest

from tests.methods.sftp_support import SFTP_SERVER, Stage, connection, over_key, send
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.sftp import SftpSession


async def test_the_steps_are_narrated(session: SftpSession, server: OpenSsh, stage: Stage, folder: Path) -> None:
    assert [event.step for event in stage.events] == ["resolve", "connect", "identity", "login", "folder"]
    assert all(event.ok and event.ms is not None for event in stage.events)
    assert stage.told("resolve").detail == "127.0.0.1"
    assert "connected to 127.0.0.1" in stage.told("connect").detail
    assert "SSH-2.0-OpenSSH" in stage.told("identity").detail
    assert server.host_key.get_fingerprint() in stage.told("identity").detail
    assert str(stage.known_hosts) in stage.told("identity").detail
    assert str(server.key) in stage.told("login").detail
    assert stage.told("folder").detail == str(folder)


async def test_a_missing_folder_is_named(server: OpenSsh, stage: Stage, tmp_path: Path) -> None:
    endpoint = over_key(server, tmp_path) | {"directory": str(tmp_path / "missing")}
    session = SftpSession(connection(**endpoint), stage.surroundings)
    with pytest.raises(TransferFailed, match="missing") as caught:
        await session.open()
    assert caught.value.failure.failure_class is FailureClass.NOT_FOUND
    assert not stage.told("folder").ok
    await session.close()


async def test_a_folder_below_the_home(server: OpenSsh, stage: Stage) -> None:
    session = SftpSession(connection(**(over_key(server, Path("/tmp")) | {"directory": "~"})), stage.surroundings)
    await session.open()
    assert stage.told("folder").detail == str(Path(f"~{server.user}").expanduser())
    await session.close()


async def test_a_server_that_takes_no_files(stage: Stage, folder: Path, tmp_path: Path) -> None:
    async with run_openssh(tmp_path / "read-only", sftp="internal-sftp -R") as server:
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
        await session.open()
        with pytest.raises(TransferFailed, match=r"a\.csv\.wharf-part") as caught:
            await send(session, "a.csv", b"content")
        await session.close()
    assert caught.value.failure.failure_class is FailureClass.PERMISSION


async def test_a_server_without_sftp(stage: Stage, folder: Path, tmp_path: Path) -> None:
    async with run_openssh(tmp_path / "no-sftp", sftp="/bin/false") as server:
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
        with pytest.raises(TransferFailed, match="Starting SFTP"):
            await session.open()
        await session.close()


async def test_a_server_that_talks_something_else(stage: Stage, folder: Path, tmp_path: Path) -> None:
    greeting = tmp_path / "greeting"
    greeting.write_text(f"#!/bin/sh\necho Welcome to Acme\nexec {SFTP_SERVER}\n")
    greeting.chmod(0o755)
    async with run_openssh(tmp_path / "talks", sftp=str(greeting)) as server:
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
        with pytest.raises(TransferFailed, match="is not SFTP") as caught:
            await session.open()
        await session.close()
    assert caught.value.failure.failure_class is FailureClass.REJECTED
    assert "greeting" in caught.value.failure.remedy
