"""The command line from end to end: real processes, a real OpenSSH server."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Wharf, as_toml
from tests.servers.openssh import OpenSsh, run_openssh

FINGERPRINT = r"SHA256:[A-Za-z0-9+/]{43}"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "ssh") as server:
        yield server


@pytest.fixture
def outgoing(tmp_path: Path) -> Path:
    folder = tmp_path / "outgoing"
    folder.mkdir()
    (folder / "one.csv").write_text("1,2\n")
    return folder


@pytest.fixture
def connection(server: OpenSsh, outgoing: Path, acme: dict[str, Any]) -> dict[str, Any]:
    sftp = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.user,
        "key": str(server.key),
        "directory": str(outgoing),
    }
    return acme | {"sftp": sftp}


async def test_import_trust_test_run_history(
    wharf_process: Wharf, connection: dict[str, Any], local: Path, server: OpenSsh
) -> None:
    def whole_way() -> None:
        assert wharf_process("import", "-", stdin=as_toml(connection)).code == 0
        stranger = wharf_process("run", "acme")
        assert stranger.code == 1
        found = re.search(FINGERPRINT, stranger.out)
        assert found is not None
        assert wharf_process("trust", "acme", "--fingerprint", found[0]).code == 0
        tested = wharf_process("test", "acme")
        assert tested.code == 0, tested.out
        assert [line.split()[1] for line in tested.out.splitlines()][-4:] == ["list", "space", "clock", "offers"]
        completed = wharf_process("run", "acme", "--json")
        assert completed.code == 0, completed.out
        assert [file["name"] for file in completed.json[0]["files"]] == ["one.csv"]
        assert [run["status"] for run in wharf_process("history", "--json").json] == ["Completed", "Failed"]

    await asyncio.to_thread(whole_way)
    assert (local / "one.csv").read_text() == "1,2\n"


async def test_a_connection_runs_once_at_a_time_across_processes(
    wharf_process: Wharf, connection: dict[str, Any], server: OpenSsh
) -> None:
    pinned = connection | {"sftp": connection["sftp"] | {"host_key": server.host_key.get_fingerprint()}}
    assert (await asyncio.to_thread(wharf_process, "import", "-", stdin=as_toml(pinned))).code == 0
    server.process.send_signal(signal.SIGSTOP)
    first = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "run", "acme"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert first.stderr is not None
        async with asyncio.timeout(30):
            assert await first.stderr.readline() == b"acme: run 1 started\n"
        second = await asyncio.to_thread(wharf_process, "run", "acme", "--json")
        assert second.code == 3
        assert second.json[0]["failure"]["class"] == "busy"
        assert f"pid {first.pid}" in second.json[0]["failure"]["message"]
        deleted = await asyncio.to_thread(wharf_process, "delete", "acme", "--yes")
        assert deleted.code == 3
        server.process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(30):
            out, _ = await first.communicate()
        assert first.returncode == 0, out
    finally:
        server.process.send_signal(signal.SIGCONT)
        if first.returncode is None:
            first.kill()
            await first.wait()
