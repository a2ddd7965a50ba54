"""The way of a new connection, by keyboard alone: form, a run over a real server, history, files, events."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from tests.console.conftest import lines_of, settle
from tests.engine.conftest import open_test_engine
from tests.servers.openssh import OpenSsh, run_openssh
from tui.console.app import WharfApp
from tui.console.widgets.form_field import FormField
from tui.domain.run import Status
from tui.engine import Engine
from tui.paths import Paths

PATIENCE = 20.0
"""Seconds that a text may take to appear."""

CONTENT = b"order,amount\n1,9.90\n" * 1000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "ssh") as server:
        yield server


@pytest.fixture
async def engine(paths: Paths) -> AsyncIterator[Engine]:
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


async def paste_into(pilot: Pilot[Any], path: str, text: str) -> None:
    """Go to a field with tab, and paste over what stands in it, as a terminal does."""
    for _ in range(100):
        focused = pilot.app.focused
        assert focused is not None
        if any(isinstance(row, FormField) and row.field.path == path for row in focused.ancestors):
            break
        await pilot.press("tab")
    else:
        raise AssertionError(f"tab never comes to {path}")
    await pilot.press("end", "ctrl+u")
    focused.post_message(events.Paste(text))
    await pilot.pause()


async def shows(pilot: Pilot[Any], text: str) -> None:
    """Until the text is on the screen: the engine looks for news in the store in intervals of its own."""
    async with asyncio.timeout(PATIENCE):
        while text not in screen(pilot):
            await settle(pilot)


def screen(pilot: Pilot[Any]) -> str:
    return "\n".join(lines_of(pilot.app))


async def test_a_connection_is_made_in_the_form_run_and_read_in_the_history(
    server: OpenSsh, engine: Engine, tmp_path: Path
) -> None:
    outgoing, local = tmp_path / "outgoing", tmp_path / "local"
    for folder in (outgoing, local):
        folder.mkdir()
    (outgoing / "Conversions_1.csv").write_bytes(CONTENT)
    (outgoing / "unasked.txt").write_bytes(b"not for us")
    fields = {
        "sftp.host": "127.0.0.1",
        "sftp.port": str(server.port),
        "sftp.username": server.user,
        "sftp.key": str(server.key),
        "sftp.directory": str(outgoing),
        "sftp.host_key": server.host_key.get_fingerprint(),
        "local_dir": str(local),
        "pattern": "Conversions_*.csv",
    }
    app = WharfApp(engine)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "No connections yet" in screen(pilot)
        await pilot.press("n")
        await pilot.pause()
        await pilot.press(*"acme")
        for path, value in fields.items():
            await paste_into(pilot, path, value)
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "· None" in screen(pilot)

        await pilot.press("r")
        await settle(pilot)
        (run,) = await engine.store.runs("acme")
        ended = await engine.wait(run.run_id)
        assert (ended.status, ended.failure) == (Status.COMPLETED, None)
        await shows(pilot, "✓ Completed")
        assert (local / "Conversions_1.csv").read_bytes() == CONTENT

        await pilot.press("enter")
        await settle(pilot)
        assert "Connections › acme" in screen(pilot)
        assert "1 file delivered." in screen(pilot)

        await pilot.press("enter")
        await settle(pilot)
        files = screen(pilot)
        assert "acme › run 1" in files
        assert "Conversions_1.csv" in files
        assert "20 kB" in files
        assert hashlib.sha256(CONTENT).hexdigest() in files
        assert "unasked.txt" not in files

        await pilot.press("tab")
        await settle(pilot)
        log = screen(pilot)
        for step in ("resolve", "connect", "identity", "login", "list", "plan", "transfer", "verify", "publish", "end"):
            assert f" {step} " in log
        assert server.host_key.get_fingerprint() in log
