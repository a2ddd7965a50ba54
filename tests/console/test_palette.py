"""The palette: every action, every connection by name, and why something is not possible."""

from inspect import isawaitable
from typing import cast

from textual.command import DiscoveryHit, Hit

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tests.console.form_support import until
from tui.console.app import WharfApp
from tui.console.dialogs.connection_form import ConnectionForm
from tui.console.dialogs.testing import TestDialog
from tui.console.palette import ActionCommands, Command, ConnectionCommands
from tui.console.screens.history import HistoryScreen
from tui.engine import Engine
from tui.settings import THEME_NAMES


def actions(app: WharfApp) -> dict[str, Command]:
    return {command.title: command for command in ActionCommands(app.screen).commands()}


async def found(app: WharfApp, query: str) -> list[Hit]:
    """What the palette finds, best first."""
    hits: list[Hit] = []
    for kind in (ActionCommands, ConnectionCommands):
        provider = kind(app.screen)
        await provider.startup()
        hits += [hit async for hit in provider.search(query) if isinstance(hit, Hit)]
    return sorted(hits, key=lambda hit: -hit.score)


async def choose(hit: Hit) -> None:
    done = hit.command()
    if isawaitable(done):
        await done


async def test_every_action_is_offered_by_group(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        titles = set(actions(app))
        assert {"Connections: New", "Connections: Run", "Connections: Filter", "Wharf: Help", "Wharf: Quit"} <= titles
        assert {"Wharf: Messages", "Wharf: Suspend"} <= titles
        assert {f"Theme: {name.replace('-', ' ')}" for name in THEME_NAMES} <= titles
        shown = [hit async for hit in ActionCommands(app.screen).discover() if isinstance(hit, DiscoveryHit)]
        assert {hit.text for hit in shown} == titles


async def test_an_action_of_the_palette_does_what_its_key_does(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("colon", *"connections run")
        await until(pilot, lambda: any("Connections: Run" in line for line in lines_of(app)[3:]))
        await pilot.press("enter")
        await until(pilot, lambda: engine.started == ["acme"])


async def test_a_connection_is_run_edited_tested_and_read_about_from_anywhere(
    app: WharfApp, engine: FakeEngine
) -> None:
    await engine.add("acme", "beta")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("h")
        await settle(pilot)
        for query, opens in (("edit beta", ConnectionForm), ("test beta", TestDialog), ("history beta", HistoryScreen)):
            hit = (await found(app, query))[0]
            await choose(hit)
            await pilot.pause()
            assert isinstance(app.screen, opens)
            await app.screen.dismiss(None)
        hit = (await found(app, "run beta"))[0]
        assert hit.text == "Run: beta"
        await choose(hit)
        assert engine.started == ["beta"]


async def test_what_is_not_possible_is_offered_with_its_reason(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.add("off", enabled=False)
    await engine.start("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        for query, reason in (("run acme", "acme is running already."), ("run off", "off is switched off.")):
            hit = (await found(app, query))[0]
            assert hit.help == reason
            await choose(hit)
            assert [message.sentence for message in app.messages][-1] == reason
    assert engine.started == ["acme"]


async def test_names_are_never_markup(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a[red]b", sftp={"host": "h", "username": "[/]", "agent": True})
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("colon", *"edit a[")
        await until(pilot, lambda: "Edit: a[red]b" in "\n".join(lines_of(app)))
        assert "sftp://[/]@h:22" in "\n".join(lines_of(app))


async def test_ten_thousand_connections_are_searched_without_standing_still(app: WharfApp, engine: FakeEngine) -> None:
    store = cast("Engine", engine).store
    await engine.add(*(f"partner-{number:05}" for number in range(10_000)))
    assert len(await store.connections()) == 10_000
    async with app.run_test() as pilot:
        await settle(pilot)
        assert (await found(app, "run partner-09999"))[0].text == "Run: partner-09999"
