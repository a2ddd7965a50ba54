"""A vault with a passphrase on the screen: asked for once, where it is needed first, while everything else goes on."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console.conftest import lines_of
from tui.console.app import WharfApp
from tui.console.dialogs.passphrase import PassphraseDialog
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.run import Run
from tui.engine import Engine
from tui.trust import vault_key
from tui.trust.vault import Vault

PASSPHRASE = "opensesame"


def connection(name: str, folder: Path, secret: str) -> Connection:
    """To a port at which nobody listens: a run gets as far as connecting."""
    return Connection.model_validate(
        {
            "name": name,
            "direction": "inbound",
            "method": "ftp",
            "local_dir": str(folder),
            "retries": 0,
            "ftp": {"host": "127.0.0.1", "port": 1, "username": "wharf", "secret": secret},
        }
    )


@pytest.fixture
async def locked(real_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(vault_key, "_COST", 2)
    monkeypatch.delenv("WHARF_PASSPHRASE_FILE", raising=False)
    for name, secret in (("one", "vault:acme"), ("two", "vault:acme"), ("free", "env:HOME")):
        await real_engine.store.save(connection(name, tmp_path, secret))
    vault = Vault(real_engine.vault.path, real_engine.vault.key_path)
    vault.set("acme", "hunter2")
    vault.set_passphrase(PASSPHRASE)
    return real_engine


async def dialog_of(pilot: Pilot[Any]) -> PassphraseDialog:
    """Wait for the question."""
    while not isinstance(pilot.app.screen, PassphraseDialog):
        await pilot.pause(0.01)
    await pilot.pause()
    return pilot.app.screen


def failure_class(run: Run) -> FailureClass:
    assert run.failure is not None
    return run.failure.failure_class


async def test_it_is_asked_for_once_and_others_go_on_meanwhile(locked: Engine, form_app: WharfApp) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        one, two = await locked.start("one"), await locked.start("two")
        await dialog_of(pilot)
        free = await locked.wait((await locked.start("free")).run_id)
        assert failure_class(free) is FailureClass.REFUSED
        await pilot.press(*"wrong", "enter")
        while "not the passphrase" not in " ".join(lines_of(form_app)):
            await pilot.pause(0.01)
        await pilot.press(*PASSPHRASE)
        shown = "\n".join(lines_of(form_app))
        assert PASSPHRASE not in shown + form_app.export_screenshot()
        assert "•" * len(PASSPHRASE) in shown
        await pilot.press("enter")
        for run in (one, two):
            # It went on to connect, which cannot succeed here.
            assert failure_class(await locked.wait(run.run_id)) is FailureClass.REFUSED
        assert not isinstance(form_app.screen, PassphraseDialog)
        again = await locked.wait((await locked.start("one")).run_id)
        assert failure_class(again) is FailureClass.REFUSED


async def test_declining_fails_the_runs_that_need_it(locked: Engine, form_app: WharfApp) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        one, two = await locked.start("one"), await locked.start("two")
        await dialog_of(pilot)
        await pilot.press("escape")
        for run in (one, two):
            ended = await locked.wait(run.run_id)
            assert failure_class(ended) is FailureClass.CONFIG
            assert "stays locked" in str(ended.failure)
        assert not isinstance(form_app.screen, PassphraseDialog)


async def test_a_run_that_waits_for_it_can_be_cancelled(locked: Engine, form_app: WharfApp) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        one = await locked.start("one")
        await dialog_of(pilot)
        await locked.cancel(one.run_id)
        assert failure_class(await locked.wait(one.run_id)) is FailureClass.CANCELLED


async def test_leaving_while_it_is_asked_ends_in_order(locked: Engine, form_app: WharfApp) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        await locked.start("one")
        await dialog_of(pilot)
    # The fixture closes the engine, which must not wait for an answer that nobody can give any more.
