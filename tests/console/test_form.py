"""The connection form, over a real engine and store."""

import pytest
from textual.widgets import Input

from tests.console.conftest import lines_of
from tests.console.form_support import SECRET, fill, make, problems, row, save, type_secret, until
from tui.console.app import WharfApp
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.connection_form import ConnectionForm
from tui.domain.run import Trigger
from tui.engine import Engine
from tui.paths import Paths
from tui.store.process import this_process

ENDPOINTS: dict[str, dict[str, str]] = {
    "sftp": {"sftp__host": "h", "sftp__username": "u", "sftp__secret": "env:X"},
    "ftp": {"ftp__host": "h", "ftp__username": "u", "ftp__secret": "env:X", "ftp__tls": "implicit"},
    "email-inbound": {
        "email__host": "h",
        "email__username": "u",
        "email__secret": "env:X",
        "email__folder": "Batch",
        "email__from": "*@p.example",
    },
    "email-outbound": {
        "email__host": "h",
        "email__sender": "a@us.example",
        "email__recipients": "b@p.example, c@p.example",
        "email__subject": "{file}",
    },
}


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize("method", ["sftp", "ftp", "email"])
async def test_every_method_and_direction_can_be_created(
    form_app: WharfApp, real_engine: Engine, method: str, direction: str
) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        endpoint = ENDPOINTS.get(method) or ENDPOINTS[f"{method}-{direction}"]
        await fill(pilot, method=method, direction=direction)
        await fill(pilot, name="acme", type="reversals", local_dir="~/in", pattern="a*.csv, b.csv", **endpoint)
        await fill(pilot, after="move")
        await fill(pilot, move_to="done", retries="5", enabled=False)
        await save(pilot)
    saved = await real_engine.store.connection("acme")
    assert (saved.method, saved.direction, saved.type) == (method, direction, "reversals")
    assert (saved.pattern, saved.move_to, saved.retries, saved.enabled) == (("a*.csv", "b.csv"), "done", 5, False)
    given = saved.endpoint.model_dump(mode="json", by_alias=True)
    expected = {key.split("__")[1]: value for key, value in endpoint.items()}
    if "recipients" in expected:
        assert given.pop("recipients") == ["b@p.example", "c@p.example"]
        expected.pop("recipients")
    assert expected.items() <= given.items()


async def test_it_can_be_typed_with_the_keyboard_alone(form_app: WharfApp, real_engine: Engine) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        await pilot.press(*"acme", "enter", "tab", "right", "enter", "right", "left", "enter")
        await pilot.press(*"h.example", "enter", "enter", *"wharf", "down", "right", "enter", *"env:X", "enter")
        folder = row(form_app, "local_dir").query_one(Input)
        while not folder.has_focus:
            await pilot.press("tab")
        await pilot.press(*"~/in")
        await save(pilot)
    saved = await real_engine.store.connection("acme")
    assert saved.sftp is not None
    assert (saved.sftp.host, saved.sftp.username, saved.sftp.secret) == ("h.example", "wharf", "env:X")
    assert (saved.direction, saved.local_dir) == ("outbound", "~/in")


async def test_every_wrong_field_is_marked_at_once_and_nothing_is_lost(form_app: WharfApp) -> None:
    async with form_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        await fill(pilot, name="acme", local_dir="relative", sftp__port="many", sftp__secret=SECRET, retries="99")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert set(problems(form_app)) == {
            "sftp.host",
            "sftp.port",
            "sftp.username",
            "sftp.secret",
            "local_dir",
            "retries",
        }
        assert SECRET not in str(problems(form_app))
        focused = form_app.focused
        assert focused is not None
        assert row(form_app, "sftp.host") in focused.ancestors
        assert row(form_app, "local_dir").value == "relative"
        await fill(pilot, retries="2")
        assert "retries" not in problems(form_app)


async def test_what_was_typed_for_another_method_is_still_there(form_app: WharfApp) -> None:
    async with form_app.run_test(size=(140, 45)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        await fill(pilot, sftp__host="sftp.acme.example")
        await fill(pilot, method="ftp")
        assert not row(form_app, "sftp.host").display
        assert row(form_app, "ftp.tls").display
        await fill(pilot, method="email", direction="outbound")
        assert row(form_app, "email.recipients").display
        assert not row(form_app, "email.folder").display
        await fill(pilot, method="sftp")
        assert row(form_app, "sftp.host").value == "sftp.acme.example"


async def test_unsaved_changes_are_asked_about(form_app: WharfApp) -> None:
    async with form_app.run_test() as pilot:
        await pilot.press("n")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(form_app.screen, ConnectionForm)
        await pilot.press("n")
        await pilot.pause()
        await pilot.press("a", "escape")
        await pilot.pause()
        assert isinstance(form_app.screen, ConfirmDialog)
        await pilot.press("enter")
        await pilot.pause()
        assert row(form_app, "name").value == "a"
        await pilot.press("escape", "y")
        await pilot.pause()
        assert not isinstance(form_app.screen, ConnectionForm)


async def test_a_typed_secret_goes_to_the_vault_and_nowhere_else(
    form_app: WharfApp, real_engine: Engine, paths: Paths
) -> None:
    messages: list[str] = []
    async with form_app.run_test(size=(140, 45), message_hook=lambda message: messages.append(repr(message))) as pilot:
        await pilot.press("n")
        await pilot.pause()
        await fill(pilot, name="acme", local_dir="~/in", sftp__host="h", sftp__username="u")
        await type_secret(pilot, "sftp.secret")
        assert SECRET not in form_app.export_screenshot()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(form_app.screen, ConnectionForm))
        assert any("HiddenInput" in message for message in messages)
        assert not [message for message in messages if SECRET[:4] in message]
        saved = await real_engine.store.connection("acme")
        assert saved.sftp is not None
        assert saved.sftp.secret == "vault:acme-sftp"
        assert real_engine.vault.get("acme-sftp") == SECRET
        assert form_app.is_running
        await pilot.press("e")
        await pilot.pause()
        assert "in the vault" in "\n".join(lines_of(form_app))
        assert SECRET not in form_app.export_screenshot()
        await fill(pilot, local_dir="~/elsewhere")
        await save(pilot)
    again = await real_engine.store.connection("acme")
    assert again.sftp == saved.sftp
    for path in (path for folder in (paths.config, paths.data, paths.state) for path in folder.rglob("*")):
        assert SECRET.encode() not in path.read_bytes()
    assert SECRET not in repr(form_app.screen_stack)


async def test_a_secret_is_not_left_behind_when_the_name_is_taken(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("acme"))
    async with form_app.run_test(size=(140, 45)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        await fill(pilot, name="acme", local_dir="~/in", sftp__host="h", sftp__username="u")
        await type_secret(pilot, "sftp.secret")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "name" in problems(form_app))
        assert "taken" in problems(form_app)["name"]
        assert real_engine.vault.names() == []


async def test_renaming_keeps_the_history(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("acme"))
    await real_engine.store.begin_run("acme", Trigger.MANUAL, this_process())
    async with form_app.run_test(size=(140, 45)) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        await fill(pilot, name="apex")
        await save(pilot)
    assert [run.connection for run in await real_engine.store.runs("apex")] == ["apex"]
    assert [connection.name for connection in await real_engine.store.connections()] == ["apex"]


async def test_a_copy_gets_a_name_of_its_own(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("acme", pattern=["a,b*.csv"]))
    async with form_app.run_test(size=(140, 45)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await pilot.pause()
        assert row(form_app, "name").value == "acme-copy"
        await save(pilot)
    copy = await real_engine.store.connection("acme-copy")
    assert copy == make("acme-copy", pattern=["a,b*.csv"])


async def test_markup_in_a_connection_is_shown_as_it_is(form_app: WharfApp, real_engine: Engine) -> None:
    await real_engine.store.save(make("a[red]b[bold", local_dir="~/[/]"))
    async with form_app.run_test(size=(140, 45)) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        screen = "\n".join(lines_of(form_app))
        assert "Edit a[red]b[bold" in screen
        assert "~/[/]" in screen
