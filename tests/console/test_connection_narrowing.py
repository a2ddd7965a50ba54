"""The home screen: filter, order, and the cursor through both."""

import pytest
from textual.widgets import Input

from tests.console.conftest import lines_of, place_of, settle
from tests.console.connection_support import REFUSED, screen_text, shown, table, typed
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.facets import FacetDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.domain.run import Status


async def test_cursor_follows_its_connection_through_sort_filter_and_updates(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b", "c", "d")
    await engine.ran("d", Status.FAILED, failure=REFUSED)
    await engine.add("e", type="catalog")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j", "j")
        assert table(app).cursor_key == "c"
        for key in ("s", "S", "s", "s", "s", "s"):
            await pilot.press(key)
            assert table(app).cursor_key == "c"
        await engine.add("aa", "bb")
        await engine.store.delete("a")
        await settle(pilot)
        assert table(app).cursor_key == "c"
        await pilot.press("slash")
        await typed(pilot, "type:conv")
        await pilot.press("enter")
        assert "e" not in shown(app)
        assert table(app).cursor_key == "c"
        await pilot.press("escape")
        assert table(app).cursor_key == "c"


async def test_sort_by_every_column_with_names_second(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("b", "a", type="reversals", method="ftp")
    await engine.add("d", "c", direction="outbound", method="email")
    await engine.ran("d", Status.FAILED, failure=REFUSED)
    await engine.ran("a")
    expected = {
        "type": ["a", "b", "c", "d"],
        "direction": ["a", "b", "c", "d"],
        "method": ["c", "d", "a", "b"],
        "status": ["d", "a", "b", "c"],
        "last_active": ["a", "d", "b", "c"],
        "name": ["a", "b", "c", "d"],
    }
    async with app.run_test() as pilot:
        await settle(pilot)
        for column, order in expected.items():
            await pilot.press("s")
            assert (column, shown(app)) == (column, order)
        await pilot.press("S")
        assert shown(app) == ["d", "c", "b", "a"]
        await pilot.click(offset=place_of(app, "Method", line="Last Active"))
        await pilot.pause()
        assert shown(app) == ["c", "d", "a", "b"]
        await pilot.click(offset=place_of(app, "Metho", line="Last Active"))
        await pilot.pause()
        assert shown(app) == ["a", "b", "c", "d"]
        assert "▼" in next(line for line in lines_of(app) if "Direction" in line and "Last" in line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("acme", ["acme-in", "acme-out"]),
        ("ACME out", ["acme-out"]),
        ("status:failed", ["borealis"]),
        ("status:f", ["borealis"]),
        ("status:none,failed", ["acme-out", "borealis"]),
        ("method:email direction:out", ["acme-out"]),
        ("type:product", ["borealis"]),
        ("type:catalog", ["borealis"]),
        ("conversion data", ["acme-in", "acme-out"]),
        ("never", ["acme-out"]),
        ("nothing like it", []),
    ],
)
async def test_filter(app: WharfApp, engine: FakeEngine, line: str, expected: list[str]) -> None:
    await engine.add("acme-in")
    await engine.add("acme-out", direction="outbound", method="email")
    await engine.add("borealis", type="catalog", method="ftp")
    await engine.ran("acme-in")
    await engine.ran("borealis", Status.FAILED, failure=REFUSED)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        app.screen.query_one(Input).value = line
        await pilot.pause()
        assert shown(app) == expected
        assert f"{len(expected)} of 3 shown" in screen_text(app)
        assert ("No connection matches" in screen_text(app)) == (not expected)
        await pilot.press("escape")
        assert len(shown(app)) == 3
        assert not isinstance(app.focused, Input)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("status:lost", "status: is none, in-progress, completed or failed"),
        ("statu:failed", "did you mean status:?"),
        ("method:", "tab: method:sftp  method:ftp  method:email"),
        ("last:soon", "last: is compared, such as <2h"),
    ],
)
async def test_a_wrong_term_is_told_in_place(app: WharfApp, engine: FakeEngine, line: str, problem: str) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        app.screen.query_one(Input).value = line
        await pilot.pause()
        assert problem in screen_text(app)


async def test_tab_completes_what_is_typed(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    await engine.ran("acme", Status.FAILED, failure=REFUSED)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await typed(pilot, "sta")
        await pilot.press("tab")
        await typed(pilot, "f")
        await pilot.press("tab", "tab")
        assert app.screen.query_one(Input).value == "status:failed"
        assert isinstance(app.focused, Input)
        assert shown(app) == ["acme"]


async def test_letters_typed_into_the_filter_do_nothing_else(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await typed(pilot, "qrdxeno")
        assert app.screen.query_one(Input).value == "qrdxeno"
        assert isinstance(app.screen, ConnectionsScreen)
        assert engine.started == []
        assert "Run" not in lines_of(app)[-1]


async def test_facets_by_key_and_by_mouse(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b")
    await engine.add("c", method="ftp")
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        line = next(y for y, line in enumerate(lines_of(app)) if "Method▾" in line)
        await pilot.click(offset=(lines_of(app)[line].index("Method▾"), line))
        assert isinstance(app.screen, FacetDialog)
        await pilot.press("j", "space")
        assert "[x] FTP" in screen_text(app)
        await pilot.press("escape")
        assert app.screen.query_one(Input).value == "method:ftp"
        assert shown(app) == ["c"]
        await pilot.press("f", "c", "escape")
        assert shown(app) == ["a", "b", "c"]
