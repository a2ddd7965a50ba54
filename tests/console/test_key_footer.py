"""The line of keys says what the keys do now, and is not built again to say the same."""

from textual.widgets._footer import FooterKey

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.screens.history import HistoryScreen


async def test_it_is_built_again_only_to_say_something_else(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(HistoryScreen(app.engine, "acme"))
        await settle(pilot)
        keys = list(app.screen.query(FooterKey))
        said = lines_of(app)[-1]
        assert "Retry" in said
        app.screen.refresh_bindings()
        await settle(pilot)
        assert list(app.screen.query(FooterKey)) == keys
        await pilot.press("slash")
        await settle(pilot)
        assert "Retry" not in lines_of(app)[-1]
        assert "Clear" in lines_of(app)[-1]
        await pilot.press("escape")
        await settle(pilot)
        assert lines_of(app)[-1] == said
