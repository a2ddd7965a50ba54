"""The connection form when something goes wrong, and what it must never do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from tests.console.conftest import lines_of
from tests.console.form_support import SECRET, fill, form, make, problems, row, save, type_secret, until
from tui.console.app import WharfApp
from tui.console.dialogs.connection_form import ConnectionForm
from tui.console.dialogs.testing import TestDialog
from tui.console.forms.saving import save_connection
from tui.console.widgets.form_choice import Choice
from tui.domain.connection import Connection
from tui.domain.failure import StoreProblem
from tui.engine import Engine
from tui.engine.inspection import TestReport, Watcher
from tui.paths import Paths

WIDE = (140, 45)

Save = Callable[..., Awaitable[None]]


async def new_form(app: WharfApp, pilot: Pilot[Any]) -> None:
    await app.push_screen(ConnectionForm(app.engine, None))
    await pilot.pause()


def told_above(app: WharfApp) -> str:
    """What is told at the top of the form."""
    return str(form(app).query_one("#form-problems", Static).render())


def secret_of(connection: Connection) -> str | None:
    return connection.endpoint.secret


# Secrets


async def test_a_typed_secret_never_takes_the_place_of_one_that_another_connection_uses(real_engine: Engine) -> None:
    real_engine.vault.set("acme-sftp", "of the other")
    other = make("other", sftp={"host": "h", "username": "u", "secret": "vault:acme-sftp"})
    await real_engine.store.save(other)
    saved = await save_connection(real_engine, make("acme"), None, SECRET)
    assert secret_of(saved) == "vault:acme-sftp-2"
    assert await real_engine.store.connection("acme") == saved
    assert {name: real_engine.vault.get(name) for name in real_engine.vault.names()} == {
        "acme-sftp": "of the other",
        "acme-sftp-2": SECRET,
    }


async def test_a_new_secret_takes_the_place_of_its_own_old_one_even_when_renamed(real_engine: Engine) -> None:
    first = await save_connection(real_engine, make("acme"), None, "old")
    second = await save_connection(real_engine, make("apex"), first, SECRET)
    assert secret_of(second) == secret_of(first) == "vault:acme-sftp"
    assert real_engine.vault.names() == ["acme-sftp"]
    assert real_engine.vault.get("acme-sftp") == SECRET


async def test_a_copy_with_a_secret_of_its_own_leaves_the_original_its_secret(real_engine: Engine) -> None:
    first = await save_connection(real_engine, make("acme"), None, "old")
    await real_engine.store.save(first.model_copy(update={"name": "copy"}))
    await save_connection(real_engine, make("copy"), await real_engine.store.connection("copy"), SECRET)
    assert real_engine.vault.get("acme-sftp") == "old"
    assert secret_of(await real_engine.store.connection("copy")) == "vault:copy-sftp"


async def broken(*args: object, **options: object) -> None:
    raise StoreProblem("The disk is full.")


async def test_when_the_store_fails_the_vault_is_as_before_and_the_form_says_why(
    form_app: WharfApp, real_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save_connection(real_engine, make("acme"), None, "old")
    monkeypatch.setattr(real_engine.store, "save", broken)
    async with form_app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        await type_secret(pilot, "sftp.secret")
        await fill(pilot, name="apex")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: told_above(form_app) != "")
        assert "The connection was not saved: The disk is full." in "\n".join(lines_of(form_app))
        assert row(form_app, "name").value == "apex"
        secret = row(form_app, "sftp.secret").secret
        assert secret is not None
        assert secret.typed == SECRET
    assert real_engine.vault.names() == ["acme-sftp"]
    assert real_engine.vault.get("acme-sftp") == "old"


async def test_when_the_vault_cannot_be_used_nothing_is_saved_and_the_remedy_is_shown(
    form_app: WharfApp, real_engine: Engine, paths: Paths
) -> None:
    real_engine.vault.set("x", "y")
    paths.vault_key.chmod(0o644)
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        await fill(pilot, name="acme", local_dir="~/in", sftp__host="h", sftp__username="u")
        await type_secret(pilot, "sftp.secret")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: told_above(form_app) != "")
        shown = told_above(form_app)
        assert "others have rights on it" in shown
        assert "chmod 600" in shown
        assert SECRET not in shown
    assert await real_engine.store.connections() == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_save_that_is_cancelled_stores_both_or_neither(
    real_engine: Engine, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    save: Save = real_engine.store.save
    reached, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection, **place: Any) -> None:
        reached.set()
        await go_on.wait()
        try:
            await (broken() if fails else save(connection, **place))
        finally:
            done.set()

    monkeypatch.setattr(real_engine.store, "save", slow)
    saving = asyncio.create_task(save_connection(real_engine, make("acme"), None, SECRET))
    await reached.wait()
    others = asyncio.all_tasks() - {saving, asyncio.current_task()}
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    go_on.set()
    await done.wait()
    await asyncio.gather(*(task for task in others if "_save_both" in repr(task)), return_exceptions=True)
    assert real_engine.vault.names() == ([] if fails else ["acme-sftp"])
    assert [each.name for each in await real_engine.store.connections()] == ([] if fails else ["acme"])


# Testing


async def test_a_test_uses_what_is_typed_and_leaves_it_typed(
    form_app: WharfApp, real_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[tuple[Connection, str | None]] = []
    ended = asyncio.Event()

    async def test(
        connection: Connection, watcher: Watcher, *, typed_secret: str | None = None, write: bool = True
    ) -> TestReport:
        tested.append((connection, typed_secret))
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    monkeypatch.setattr(real_engine, "test", test)
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert "name" in problems(form_app)
        await fill(pilot, name="acme", local_dir="~/in", sftp__host="h", sftp__username="u")
        await type_secret(pilot, "sftp.secret")
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert isinstance(form_app.screen, TestDialog)
        assert SECRET not in "".join(str(worker) + worker.description for worker in form_app.workers)
        await pilot.press("escape")
        async with asyncio.timeout(5):
            await ended.wait()
        await pilot.pause()
        assert row(form_app, "name").value == "acme"
        ((connection, typed),) = tested
        assert (connection.name, typed) == ("acme", SECRET)
        assert real_engine.vault.names() == []
        assert await real_engine.store.connections() == []


# Marks


async def test_after_a_refused_save_the_marks_follow_what_is_typed(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("acme"))
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        await fill(pilot, name="acme", local_dir="in", sftp__host="h", sftp__username="u")
        assert problems(form_app) == {}
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert set(problems(form_app)) == {"local_dir", "sftp.secret"}
        await fill(pilot, sftp__agent=True)
        assert set(problems(form_app)) == {"local_dir"}
        await fill(pilot, local_dir="/in")
        assert problems(form_app) == {}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: problems(form_app) != {})
        assert problems(form_app) == {"name": "✗ Name is taken: another connection has it."}
        await fill(pilot, name="apex")
        assert problems(form_app) == {}
        await fill(pilot, name="acme")
        assert set(problems(form_app)) == {"name"}


async def test_of_several_recipients_the_wrong_one_is_named(form_app: WharfApp) -> None:
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        await fill(pilot, method="email", direction="outbound")
        await fill(pilot, email__recipients="a@b.example, nobody")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert problems(form_app)["email.recipients"].startswith("✗ Recipients no. 2 must be one plain mail address")


async def test_the_first_wrong_field_is_in_sight(form_app: WharfApp) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        await new_form(form_app, pilot)
        await fill(pilot, name="acme", local_dir="~/in", sftp__host="h", sftp__username="u", sftp__secret="env:X")
        await fill(pilot, stall_timeout="0")
        form(form_app).query_one("#form-fields").scroll_home(animate=False)
        await pilot.press("ctrl+s")
        await pilot.pause()
        await pilot.pause()
        assert "✗ Stall timeout must be 1 or more." in "\n".join(lines_of(form_app))
        assert "Save ^s" in "\n".join(lines_of(form_app))


# Keys


async def test_saving_twice_at_once_saves_once(form_app: WharfApp, real_engine: Engine) -> None:
    async with form_app.run_test(size=WIDE) as pilot:
        await pilot.press("n")
        await pilot.pause()
        await fill(pilot, name="acme", local_dir="~/in", sftp__host="h", sftp__username="u", sftp__secret="env:X")
        await pilot.press("ctrl+s", "ctrl+s", "f2")
        await until(pilot, lambda: not isinstance(form_app.screen, ConnectionForm))
        assert len(form_app.screen_stack) == 1
    assert [each.name for each in await real_engine.store.connections()] == ["acme"]


async def test_escape_closes_an_open_list_and_only_that(form_app: WharfApp) -> None:
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        choice = row(form_app, "type").query_one(Select)
        await pilot.press("down", "down", "up")
        assert choice.has_focus
        assert not choice.expanded
        await pilot.press("enter")
        assert choice.expanded
        await pilot.press("escape")
        await pilot.pause()
        assert not choice.expanded
        assert isinstance(form_app.screen, ConnectionForm)


async def test_editing_selects_nothing_and_copying_selects_the_name(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("acme"))
    async with form_app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        for key, typed in (("e", "acmex"), ("c", "x")):
            await pilot.press(key)
            await pilot.pause()
            await pilot.press("x")
            assert row(form_app, "name").value == typed
            await pilot.press("escape", "y")
            await pilot.pause()


async def test_a_type_of_ones_own_can_be_given_and_is_shown(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("acme"))
    async with form_app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        row(form_app, "type").query_one(Select).value = ""
        await pilot.pause()
        row(form_app, "type").query_one(Input).value = "invoices"
        await save(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert row(form_app, "type").value == "invoices"
    assert (await real_engine.store.connection("acme")).type == "invoices"


async def test_a_choice_is_made_with_arrows_space_and_mouse(form_app: WharfApp) -> None:
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        choice = row(form_app, "method").query_one(Choice)
        choice.focus()
        seen = []
        for key in ("right", "l", "space", "left", "h"):
            await pilot.press(key)
            seen.append(choice.value)
        assert seen == ["ftp", "email", "sftp", "email", "ftp"]
        shown = str(choice.render())
        await pilot.click(choice, offset=(shown.index("Email"), 0))
        assert choice.value == "email"
        await pilot.click(choice, offset=(len(shown) + 5, 0))
        assert choice.value == "email"
        assert row(form_app, "email.host").display


# Texts from outside


async def test_texts_that_cannot_be_shown_are_shown_escaped_and_kept_as_they_are(
    form_app: WharfApp, real_engine: Engine
) -> None:
    mail = {"host": "h", "sender": "a@b.example", "recipients": ["c@d.example"], "subject": "\x1b]0;{file}\x07"}
    connection = Connection.model_validate(
        {
            "name": "a[bold]b[red",
            "direction": "outbound",
            "method": "email",
            "local_dir": "/in",
            "pattern": ["a,b\x1b[2J", "[red]*"],
            "email": mail,
        }
    )
    await real_engine.store.save(connection)
    async with form_app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        shown = "\n".join(lines_of(form_app))
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "\\x1b]0;{file}\\x07" in shown
        assert "a[bold]b[red" in shown
        await fill(pilot, retries="1")
        await save(pilot)
    assert await real_engine.store.connection(connection.name) == connection.model_copy(update={"retries": 1})


async def test_what_is_pasted_starts_no_escape(form_app: WharfApp) -> None:
    async with form_app.run_test(size=WIDE) as pilot:
        await new_form(form_app, pilot)
        row(form_app, "name").query_one(Input).insert_text_at_cursor("a\x1b[2Jb")
        await pilot.pause()
        assert row(form_app, "name").value == "a\\x1b[2Jb"
