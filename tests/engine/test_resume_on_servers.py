"""A file that was cut goes on where it was, over real servers, and not from its start."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import open_test_engine
from tests.servers.certificates import Certificates
from tests.servers.ftp import PASSWORD, proftpd, vsftpd
from tests.servers.openssh import run_openssh
from tui.domain.connection import Connection
from tui.domain.run import Status
from tui.domain.terms import FtpTls
from tui.engine import Engine
from tui.paths import Paths

CONTENT = os.urandom(60_000_000)


@pytest.fixture
async def engine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    # So that a file of a test's size has a mark at all.
    monkeypatch.setattr("tui.methods.disk_writing._SYNC_INTERVAL", 0.0)
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


async def cut_and_continued(engine: Engine, endpoint: dict[str, Any], direction: str, remote: Path, local: Path) -> str:
    """Cancel a run in the middle of its file and run again; returns what was told of the earlier attempt."""
    source, target = (remote, local) if direction == "inbound" else (local, remote)
    (source / "big.bin").write_bytes(CONTENT)
    connection = {"name": "acme", "direction": direction, "local_dir": str(local), **endpoint}
    await engine.store.save(Connection.model_validate(connection))
    first = await engine.start("acme")
    while (live := engine.snapshot().live.get("acme")) and live.progress.bytes_done < len(CONTENT) // 4:
        await engine.store.version()
    assert live is not None, await engine.store.run(first.run_id)
    await engine.cancel(first.run_id)
    assert (await engine.wait(first.run_id)).status is Status.FAILED
    assert not (target / "big.bin").exists()

    second = await engine.wait((await engine.start("acme")).run_id)

    assert second.status is Status.COMPLETED, second.failure
    assert (target / "big.bin").read_bytes() == CONTENT
    assert [path.name for path in target.iterdir()] == ["big.bin"]
    details = [event.detail for event in await engine.store.events(second.run_id) if event.step == "resume"]
    return details[-1]


def check_continued(detail: str) -> None:
    """Only the rest was moved."""
    kept = re.fullmatch(r"big\.bin: continued after (\d+) bytes of an earlier attempt", detail)
    assert kept is not None, detail
    assert int(kept[1]) > 1_000_000


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_over_openssh(engine: Engine, paths: Paths, tmp_path: Path, direction: str) -> None:
    remote, local = tmp_path / "remote", tmp_path / "local"
    remote.mkdir()
    local.mkdir()
    async with run_openssh(tmp_path / "sshd") as server:
        paths.known_hosts.write_text(server.known_hosts_line)
        sftp = {"host": "127.0.0.1", "port": server.port, "username": server.user, "key": str(server.key)}
        endpoint = {"method": "sftp", "sftp": sftp | {"directory": str(remote)}}
        check_continued(await cut_and_continued(engine, endpoint, direction, remote, local))


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize("program", [vsftpd, proftpd], ids=["vsftpd", "proftpd"])
async def test_over_ftps(
    engine: Engine,
    tmp_path: Path,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    program: Any,
    direction: str,
) -> None:
    monkeypatch.setenv("FTP_PASSWORD", PASSWORD)
    local = tmp_path / "local"
    local.mkdir()
    with program(FtpTls.EXPLICIT, certificates.good) as server:
        ftp = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": server.username,
            "secret": "env:FTP_PASSWORD",
            "ca_file": str(certificates.ca_file),
        }
        if program is vsftpd:
            ftp["directory"] = "/in"
        detail = await cut_and_continued(engine, {"method": "ftp", "ftp": ftp}, direction, server.files, local)
        if (program, direction) == (proftpd, "outbound"):
            # Its default is not to take an upload from the middle.
            assert "Append/Restart not permitted" in detail
            assert "begun anew" in detail
        else:
            check_continued(detail)
