"""Filters that were saved: recalled by a key, saved and deleted in their dialog."""

import pytest
from textual.widgets import Input

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.saved_filters import SavedFiltersDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.saved_filters import SavedFilters

HOSTILE = "a[/red]"


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


@pytest.fixture
def saved(engine: FakeEngine) -> SavedFilters:
    return SavedFilters(engine.paths.filters, "connections")


async def test_a_filter_is_saved_recalled_and_deleted(app: WharfApp, engine: FakeEngine, saved: SavedFilters) -> None:
    await engine.add("acme", "borealis")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("F", "s")
        await settle(pilot)
        assert "There is no filter to save" in screen_text(app)
        await pilot.press("escape", "slash", *"acme", "enter", "F", "s", *"mine[red]", "enter")
        await settle(pilot)
        assert saved.all() == {"mine[red]": "acme"}
        assert "1 mine[red]" in screen_text(app)
        await pilot.press("escape", "escape")
        assert "2 of 2 shown" in screen_text(app)
        await pilot.press("1")
        await settle(pilot)
        assert "1 of 2 shown" in screen_text(app)
        await pilot.press("F", "d")
        await settle(pilot)
        assert saved.all() == {}
        assert "None yet" in screen_text(app)


async def test_the_dialog_recalls_by_enter_and_by_digit_and_esc_changes_nothing(
    app: WharfApp, engine: FakeEngine, saved: SavedFilters
) -> None:
    saved.save("first", "status:none")
    saved.save(HOSTILE, "acme")
    await engine.add("acme", "borealis")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        line = app.screen.query_one(Input)
        for keys, expected in ((["escape"], ""), (["j", "enter"], "acme"), (["1"], "status:none")):
            await pilot.press("F")
            await settle(pilot)
            assert HOSTILE in screen_text(app)
            await pilot.press(*keys)
            await settle(pilot)
            assert isinstance(app.screen, ConnectionsScreen)
            assert line.value == expected


async def test_a_name_that_cannot_be_is_told(app: WharfApp, engine: FakeEngine, saved: SavedFilters) -> None:
    await engine.add("acme")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"acme", "enter", "F", "s", "enter")
        await settle(pilot)
        assert isinstance(app.screen, SavedFiltersDialog)
        assert "must not be empty" in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, SavedFiltersDialog), "the first step back leaves the name"


async def test_a_place_without_a_filter_is_told(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("7")
        await settle(pilot)
        assert any("There is no saved filter 7" in message.sentence for message in app.messages)
