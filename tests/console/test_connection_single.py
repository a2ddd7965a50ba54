"""The home screen: what is opened for one connection, by key and by mouse."""

from collections.abc import Callable
from datetime import UTC, datetime

from tests.console.conftest import Opened, lines_of, place_of, settle
from tests.console.connection_support import REFUSED, screen_text, table
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.testing import TestDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.domain.run import Event


async def test_words_in_actions_answer_to_clicks(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    edited = stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    await engine.add("a-one", "b-two")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.click(offset=place_of(app, "Edit", line="b-two"))
        await pilot.pause()
        assert edited == [(engine.store.all["b-two"], False)]
        await app.pop_screen()
        await pilot.pause()
        await pilot.click(offset=place_of(app, "History", line="a-one"))
        await pilot.pause()
        assert viewed == [("a-one",)]


async def test_keys_open_form_and_history(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    edited = stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j")
        for key in ("e", "c", "n", "enter", "h"):
            await pilot.press(key)
            await pilot.pause()
            assert len(app.screen_stack) == 2
            await app.pop_screen()
        acme = engine.store.all["b"]
        assert edited == [(acme, False), (acme, True), (None, False)]
        assert viewed == [("b",), (None,)]


async def test_a_double_click_views_the_history(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    await engine.add("a-one", "b-two")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.click(offset=place_of(app, "b-two"), times=2)
        await pilot.pause()
        assert viewed == [("b-two",)]
        assert len(app.screen_stack) == 2


async def test_a_saved_connection_gets_the_cursor(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("n")
        await engine.add("zulu")
        app.screen.dismiss(engine.store.all["zulu"])
        await pilot.pause()
        assert table(app).cursor_key == "zulu"


async def test_the_test_shows_its_steps_while_they_happen(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    engine.test_steps = [
        Event(datetime.now(UTC), "resolve", "one[/] address", ms=3.0),
        Event(datetime.now(UTC), "login", "refused", ok=False),
    ]
    engine.test_failure = REFUSED
    engine.test_goes_on.clear()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("t")
        await pilot.pause()
        assert isinstance(app.screen, TestDialog)
        assert [line.strip("│ ").split() for line in lines_of(app) if "✓ resolve" in line] == [
            ["✓", "resolve", "one[/]", "address", "3", "ms"]
        ]
        assert "✗ login" in screen_text(app)
        assert REFUSED.remedy not in screen_text(app)
        engine.test_goes_on.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert f"✗ Failed at login ({REFUSED.failure_class.value})." in screen_text(app)
        assert REFUSED.remedy in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, ConnectionsScreen)
