"""No secret on the screen, in its pictures, in what it stores and logs, while it is typed, tested, used and refused."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.canary import parrots
from tests.canary.parrots import Memory
from tests.canary.search import CANARIES, leaks, leaks_in_files
from tests.console.conftest import lines_of, settle
from tests.console.form_support import fill, row, save, until
from tests.methods.mail_support import scripted_server
from tui.commands.opening import open_logged_engine
from tui.console.app import WharfApp
from tui.console.dialogs.connection_export import ConnectionExport
from tui.console.dialogs.testing import TestDialog
from tui.console.export import Format
from tui.console.screens.history import HistoryScreen
from tui.console.screens.history_export import write_history
from tui.console.screens.run import RunScreen
from tui.console.widgets.form_choice import Choice
from tui.console.widgets.form_input import HiddenInput
from tui.console.widgets.form_secret import SecretInput
from tui.domain.filter import Filter
from tui.domain.scrubbing import Scrubber
from tui.engine import Engine
from tui.paths import Paths

TYPED = CANARIES["typed"]


class Seen:
    """Everything that the screen has shown at the moments that were looked at."""

    def __init__(self) -> None:
        self.pictures: list[str] = []

    def look(self, app: WharfApp) -> None:
        self.pictures += ["\n".join(lines_of(app)), app.export_screenshot()]

    def leaks(self) -> list[str]:
        return [leak for picture in self.pictures for leak in leaks("a picture", picture.encode())]


@pytest.fixture(autouse=True)
def _loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    for name in (None, "aioftp", "aioftp.client", "asyncssh", "tui"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)


@asynccontextmanager
async def screen(paths: Paths) -> AsyncIterator[tuple[Engine, WharfApp, Pilot[Any]]]:
    async with open_logged_engine(paths) as engine:
        app = WharfApp(engine)
        async with app.run_test(size=(140, 45)) as pilot:
            yield engine, app, pilot


async def type_it(pilot: Pilot[Any], app: WharfApp) -> None:
    secret = row(app, "ftp.secret").query_one(SecretInput)
    secret.query_one(Choice).value = "typed"
    await pilot.pause()
    secret.query_one(HiddenInput).value = TYPED
    await pilot.pause()


@pytest.mark.parametrize("lets_in", [False, True])
async def test_typed_tested_saved_run_and_looked_at(paths: Paths, tmp_path: Path, lets_in: bool) -> None:
    memory, seen = Memory(lets_in=lets_in), Seen()
    async with scripted_server(parrots.ftp(memory)) as port, screen(paths) as (engine, app, pilot):
        await pilot.press("n")
        await pilot.pause()
        await fill(pilot, method="ftp", direction="inbound")
        await fill(pilot, name="acme", local_dir=str(tmp_path), ftp__host="127.0.0.1", ftp__port=str(port))
        await fill(pilot, ftp__username="wharf", ftp__tls="none")
        await type_it(pilot, app)
        seen.look(app)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, TestDialog) and bool(memory.heard))
        await until(pilot, lambda: any("refused" in line or "550" in line for line in lines_of(app)))
        seen.look(app)
        await pilot.press("escape")
        await save(pilot)
        seen.look(app)
        run = await engine.wait((await engine.start("acme")).run_id)
        assert run.failure is not None
        await settle(pilot)
        seen.look(app)
        for opened in (HistoryScreen, RunScreen):
            await pilot.press("enter")
            await until(pilot, lambda opened=opened: isinstance(app.screen, opened))  # type: ignore[misc]  # bound now
            await until(pilot, lambda: any("acme" in line for line in lines_of(app)))
            await settle(pilot)
            seen.look(app)
        for form in Format:
            exported = tmp_path / f"exported.{form.name}"
            assert await write_history(engine.store, "acme", Filter(), exported, form, replace=False) == 1
            assert b"acme" in exported.read_bytes()
        exported = tmp_path / "exported.toml"
        await ConnectionExport(engine.store, ["acme"]).write(exported, replace=False)
        assert b"acme" in exported.read_bytes()
        connection = await engine.store.connection("acme")
        assert leaks("representations", repr((engine, engine.vault, connection, run, app)).encode()) == []
        assert leaks("tasks", repr(asyncio.all_tasks()).encode()) == []
    assert TYPED in memory.heard
    assert any("[secret]" in picture for picture in seen.pictures)
    assert seen.leaks() + leaks_in_files(tmp_path) == []


class Fault(Exception):
    """Nothing that anybody expects."""


async def test_a_crash_while_it_is_typed(paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def crash_with(typed: Input) -> None:
        held = typed.value
        raise Fault(len(held))

    with pytest.raises(Fault):
        async with screen(paths) as (_, app, pilot):
            await pilot.press("n")
            await pilot.pause()
            await fill(pilot, method="ftp", direction="inbound")
            await type_it(pilot, app)
            app.call_later(crash_with, row(app, "ftp.secret").query_one(HiddenInput))
            await pilot.pause()
    app._print_error_renderables()
    printed = capsys.readouterr()
    assert "Wharf has a fault" in printed.out + printed.err
    assert "Fault" in paths.log.read_text()
    assert leaks("the terminal", (printed.out + printed.err).encode()) + leaks_in_files(tmp_path) == []


async def test_the_log_is_scrubbed_of_what_any_work_knows(paths: Paths) -> None:
    """Libraries log what they send, and exceptions quote what they could not read."""
    scrubber = Scrubber()
    scrubber.learn(CANARIES["other"])
    async with open_logged_engine(paths):
        log = logging.getLogger("aioftp")
        log.debug("PASS %s", CANARIES["other"])
        log.error("it did not work", exc_info=Fault(CANARIES["other"]))
    written = paths.log.read_bytes()
    assert b"PASS [secret]" in written
    assert b"Fault: [secret]" in written
    assert leaks("the log", written) == []
