"""Several files at the same time over real servers."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import open_test_engine
from tests.servers.certificates import Certificates
from tests.servers.ftp import PASSWORD, proftpd
from tests.servers.openssh import run_openssh
from tui.domain.connection import Connection
from tui.domain.run import Status
from tui.domain.terms import FtpTls
from tui.engine import Engine
from tui.paths import Paths

BATCH = {f"{number:02}.csv": os.urandom(1000 * number * number) for number in range(24)}


@pytest.fixture
async def engine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


async def both_ways(engine: Engine, endpoint: dict[str, Any], remote: Path, local: Path) -> list[str]:
    """Send the batch and fetch it again, four files at a time; returns the steps of the first run."""
    steps: list[str] = []
    for direction in ("outbound", "inbound"):
        folder = local / direction
        folder.mkdir()
        if direction == "outbound":
            for name, content in BATCH.items():
                (folder / name).write_bytes(content)
        await engine.store.save(
            Connection.model_validate(
                {"name": direction, "direction": direction, "local_dir": str(folder), "parallel": 4, **endpoint}
            )
        )
        ended = await engine.wait((await engine.start(direction)).run_id)
        assert ended.status is Status.COMPLETED, ended.failure
        there = remote if direction == "outbound" else folder
        assert {path.name: path.read_bytes() for path in there.iterdir()} == BATCH
        steps += [event.step for event in await engine.store.events(ended.run_id)]
    return steps


async def test_sftp_lanes_share_one_link(engine: Engine, paths: Paths, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    async with run_openssh(tmp_path / "sshd") as server:
        paths.known_hosts.write_text(server.known_hosts_line)
        sftp = {"host": "127.0.0.1", "port": server.port, "username": server.user, "key": str(server.key)}
        endpoint = {"method": "sftp", "sftp": sftp | {"directory": str(remote)}}
        steps = await both_ways(engine, endpoint, remote, tmp_path)
    assert steps.count("login") == 2, "one login for each run"
    assert steps.count("folder") == 8, "four channels in each"


async def test_ftps_lanes_have_control_connections_of_their_own(
    engine: Engine, tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FTP_PASSWORD", PASSWORD)
    with proftpd(FtpTls.EXPLICIT, certificates.good) as server:
        ftp = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": server.username,
            "secret": "env:FTP_PASSWORD",
            "ca_file": str(certificates.ca_file),
        }
        steps = await both_ways(engine, {"method": "ftp", "ftp": ftp}, server.files, tmp_path)
    assert steps.count("login") == 8
