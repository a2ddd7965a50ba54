"""A connection that is changed elsewhere while it is edited: nothing is overwritten without a word."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console.conftest import lines_of
from tests.console.form_support import SECRET, fill, form, make, row, save, type_secret, until
from tui.console.app import WharfApp
from tui.console.dialogs.conflict import ConflictDialog
from tui.console.dialogs.connection_form import ConnectionForm
from tui.domain.connection import Connection
from tui.engine import Engine
from tui.paths import Paths
from tui.store.sqlite import SqliteStore

THEIRS = make("acme", retries=7, pattern=["a[red].csv", "\u202eb"])


@pytest.fixture
async def elsewhere(real_engine: Engine, paths: Paths) -> AsyncIterator[SqliteStore]:
    """The store as another process has it, with one connection."""
    store = SqliteStore(paths.database)
    await store.open()
    await store.save(make("acme"))
    yield store
    await store.close()


async def open_form(pilot: Pilot[Any]) -> None:
    await pilot.pause()
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConnectionForm))


async def save_into_conflict(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConflictDialog))
    await pilot.pause()


async def stored(store: SqliteStore) -> list[Connection]:
    return await store.connections()


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_what_differs_is_shown_and_enter_alone_keeps_both(
    form_app: WharfApp, elsewhere: SqliteStore, size: tuple[int, int]
) -> None:
    async with form_app.run_test(size=size) as pilot:
        await open_form(pilot)
        await fill(pilot, stall_timeout="90")
        await elsewhere.save(THEIRS, replacing="acme")
        await save_into_conflict(pilot)
        shown = "\n".join(lines_of(form_app))
        for text in ("acme was changed elsewhere", "Stall timeout", "90", "Retries", "7", "a[red].csv, \\u202eb"):
            assert text in shown
        assert "Local folder" not in shown.partition("Yours")[2].partition("Cancel")[0]
        await pilot.press("enter")
        await pilot.pause()
        assert row(form_app, "stall_timeout").value == "90"
        assert await stored(elsewhere) == [THEIRS]


async def test_keeping_yours_overwrites_theirs(form_app: WharfApp, elsewhere: SqliteStore) -> None:
    async with form_app.run_test() as pilot:
        await open_form(pilot)
        await fill(pilot, stall_timeout="90")
        await elsewhere.save(THEIRS, replacing="acme")
        await save_into_conflict(pilot)
        await pilot.press("y")
        await until(pilot, lambda: not isinstance(form_app.screen, ConflictDialog | ConnectionForm))
    assert await stored(elsewhere) == [make("acme", stall_timeout=90)]


async def test_another_change_while_the_question_is_open_is_asked_about_again(
    form_app: WharfApp, elsewhere: SqliteStore
) -> None:
    async with form_app.run_test() as pilot:
        await open_form(pilot)
        await fill(pilot, stall_timeout="90")
        await elsewhere.save(THEIRS, replacing="acme")
        await save_into_conflict(pilot)
        first = form_app.screen
        await elsewhere.save(make("acme", retries=8), replacing="acme")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(form_app.screen, ConflictDialog) and form_app.screen is not first)
        assert await stored(elsewhere) == [make("acme", retries=8)]


async def test_theirs_can_be_shown_and_edited(form_app: WharfApp, elsewhere: SqliteStore) -> None:
    async with form_app.run_test() as pilot:
        await open_form(pilot)
        await fill(pilot, stall_timeout="90")
        await elsewhere.save(THEIRS, replacing="acme")
        await save_into_conflict(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(form_app.screen, ConnectionForm))
        await until(pilot, lambda: row(form_app, "retries").value == "7")
        assert row(form_app, "stall_timeout").value == "30"
        assert form(form_app).focused is not None
        await fill(pilot, retries="9")
        await save(pilot)
    assert await stored(elsewhere) == [THEIRS.model_copy(update={"retries": 9})]


async def test_a_typed_secret_is_not_stored_while_it_is_asked(
    form_app: WharfApp, real_engine: Engine, elsewhere: SqliteStore
) -> None:
    async with form_app.run_test(size=(140, 45)) as pilot:
        await open_form(pilot)
        await type_secret(pilot, "sftp.secret")
        await elsewhere.save(THEIRS, replacing="acme")
        await save_into_conflict(pilot)
        shown = "\n".join(lines_of(form_app))
        assert "typed here" in shown
        assert SECRET not in shown
        assert real_engine.vault.names() == []
        await pilot.press("y")
        await until(pilot, lambda: not isinstance(form_app.screen, ConflictDialog | ConnectionForm))
    assert real_engine.vault.get("acme-sftp") == SECRET
    ((saved,)) = await stored(elsewhere)
    assert saved.endpoint.secret == "vault:acme-sftp"


async def test_a_connection_that_is_gone_can_be_saved_as_a_new_one(form_app: WharfApp, elsewhere: SqliteStore) -> None:
    async with form_app.run_test() as pilot:
        await open_form(pilot)
        await fill(pilot, stall_timeout="90")
        await elsewhere.delete("acme")
        await save_into_conflict(pilot)
        shown = "\n".join(lines_of(form_app))
        assert "acme was deleted or renamed elsewhere" in shown
        assert "Show theirs" not in shown
        await pilot.press("t")
        assert isinstance(form_app.screen, ConflictDialog)
        await pilot.press("y")
        await until(pilot, lambda: not isinstance(form_app.screen, ConflictDialog | ConnectionForm))
    assert await stored(elsewhere) == [make("acme", stall_timeout=90)]


async def test_the_same_change_on_both_sides_is_no_conflict(form_app: WharfApp, elsewhere: SqliteStore) -> None:
    async with form_app.run_test() as pilot:
        await open_form(pilot)
        await fill(pilot, retries="7")
        await elsewhere.save(make("acme", retries=7), replacing="acme")
        await save(pilot)
    assert await stored(elsewhere) == [make("acme", retries=7)]
