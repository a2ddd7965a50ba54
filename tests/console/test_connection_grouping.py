"""The home screen: connections in groups that fold."""

import re
from collections.abc import Callable
from html import unescape
from typing import cast

import pytest

from tests.console.conftest import Opened, lines_of, place_of, settle
from tests.console.connection_support import REFUSED, screen_text, shown, table, told
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.palette import ActionCommands
from tui.console.widgets.group_text import GroupKey
from tui.domain.run import Status
from tui.engine import Engine
from tui.settings import Settings


@pytest.fixture
async def four(engine: FakeEngine) -> FakeEngine:
    """One has failed, one has completed, two never ran."""
    await engine.add("a", "b", method="ftp")
    await engine.add("c", type="catalog")
    await engine.add("d", type="own", method="email")
    await engine.ran("b", Status.FAILED, failure=REFUSED)
    await engine.ran("c")
    return engine


BY_TYPE = ["▾ Conversion data  2  1 failed", "a", "b", "▾ own  1", "d", "▾ Product catalog  1", "c"]


async def test_a_key_groups_by_the_next_thing_and_the_cursor_stays(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j")
        found = []
        for _ in range(4):
            await pilot.press("z")
            assert table(app).cursor_key == "b"
            found.append((shown(app), lines_of(app)[0].split()[3:6]))
        assert found == [
            (BY_TYPE, ["connections", "by", "type"]),
            (["▾ Email  1", "d", "▾ FTP  2  1 failed", "a", "b", "▾ SFTP  1", "c"], ["connections", "by", "method"]),
            (
                ["▾ ✗ Failed  1", "b", "▾ ✓ Completed  1", "c", "▾ · None  2", "a", "d"],
                ["connections", "by", "status"],
            ),
            (["a", "b", "c", "d"], ["connections", "1", "failed"]),
        ]


async def test_enter_folds_a_group_and_opens_a_connection(
    app: WharfApp, four: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await pilot.press("z", "g")
        await settle(pilot)
        assert "Fold/unfold" in lines_of(app)[-1]
        await pilot.press("enter")
        assert shown(app) == ["▸ Conversion data  2  1 failed", *BY_TYPE[3:]]
        assert "4 of 4 shown" in screen_text(app), "what is folded still counts"
        assert "4 connections by type" in lines_of(app)[0]
        await pilot.press("enter")
        assert shown(app) == BY_TYPE
        await pilot.press("j")
        await settle(pilot)
        assert "History" in lines_of(app)[-1]
        assert "Fold/unfold" not in lines_of(app)[-1]
        await pilot.press("enter")
        await pilot.pause()
        assert viewed == [("a",)]


async def test_a_group_is_folded_from_within_and_the_cursor_goes_to_its_line(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "j", "minus")
        assert table(app).cursor_key == GroupKey("type", "conversions")
        assert table(app).cursor == 0
        await pilot.press("minus", "j", "Z")
        assert [line[0] for line in shown(app)] == ["▸"] * 3
        assert table(app).cursor_key == GroupKey("type", "conversions")
        await pilot.press("Z")
        assert shown(app) == BY_TYPE
        await pilot.press("Z", "z", "z", "z", "z")
        assert [line[0] for line in shown(app)] == ["▸"] * 3, "each grouping remembers what is folded"


async def test_another_grouping_leaves_the_line_of_a_group_for_a_connection_of_it(
    app: WharfApp, four: FakeEngine
) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "G", "k", "enter", "z")
        assert table(app).cursor_key == "c"
        await pilot.press("minus", "z", "z", "z", "minus", "z")
        assert table(app).cursor_key == GroupKey("method", "sftp"), "what hides the connection stands for it"


async def test_clicks_on_the_sign_and_double_clicks_fold(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await pilot.press("z")
        await pilot.click(offset=place_of(app, "▾", line="Product catalog"))
        await pilot.pause()
        assert shown(app)[-1] == "▸ Product catalog  1"
        await pilot.click(offset=place_of(app, "Conversion", line="Conversion data  2"), times=2)
        await pilot.pause()
        assert shown(app)[0] == "▸ Conversion data  2  1 failed"
        assert len(app.screen_stack) == 1


async def test_space_marks_the_whole_group_and_only_that(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await pilot.press("z", "g", "enter", "space")
        assert table(app).marks == {"a", "b"}
        assert table(app).cursor == 0
        assert shown(app)[0] == "▸ Conversion data  2  1 failed  ● 2 marked"
        await pilot.press("r")
        await settle(pilot)
        assert four.started == ["a", "b"]
        assert shown(app)[0] == "▸ Conversion data  2  2 running  ● 2 marked"
        await pilot.press("space")
        assert table(app).marks == frozenset()


async def test_space_marks_of_a_group_what_the_filter_lets_through(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "slash", *"failed", "enter")
        assert shown(app) == ["▾ Conversion data  1  1 failed", "b"], "a group without connections is none"
        assert "1 of 4 shown" in screen_text(app)
        await pilot.press("g", "space", "escape")
        assert table(app).marks == {"b"}
        assert shown(app)[0] == "▾ Conversion data  2  1 failed  ● 1 marked"
        await pilot.press("g", "space")
        assert table(app).marks == {"a", "b"}, "a group that is marked in part is marked as a whole"


async def test_rows_are_sorted_within_groups_and_groups_by_what_they_have_in_common(
    app: WharfApp, four: FakeEngine
) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "S")
        assert shown(app) == [*BY_TYPE[:1], "b", "a", *BY_TYPE[3:]]
        await pilot.press("s", "S")
        assert shown(app) == [*BY_TYPE[5:], *BY_TYPE[3:5], *BY_TYPE[:3]]


async def test_a_connection_whose_status_changes_takes_the_cursor_along(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "z", "z", "g", "j", "r")
        await settle(pilot)
        assert shown(app) == ["▾ ▶ In Progress  1", "b", "▾ ✓ Completed  1", "c", "▾ · None  2", "a", "d"]
        assert table(app).cursor_key == "b"
        table(app).move_to(GroupKey("status", "Completed"))
        await pilot.press("enter")
        table(app).move_to("b")
        await four.end("b")
        await settle(pilot)
        assert shown(app) == ["▸ ✓ Completed  2", "▾ · None  2", "a", "d"]
        assert table(app).cursor_key == GroupKey("status", "Completed"), "not on a neighbour that nobody chose"
        await four.store.delete("b")
        await four.store.delete("c")
        await settle(pilot)
        assert shown(app) == ["▾ · None  2", "a", "d"]


@pytest.mark.parametrize("key", ["e", "r", "x", "p", "t", "c", "y", "w", "l", "o", "d"])
async def test_on_the_line_of_a_group_an_action_on_a_connection_says_why_not(
    app: WharfApp, four: FakeEngine, key: str
) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "g", key)
        await pilot.pause()
        assert [text for text in told(app) if text.startswith("This is a group; ")]
        assert len(app.screen_stack) == 1
        assert four.started == []
        assert len(four.store.all) == 4


async def test_folding_says_when_there_are_no_groups(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        for key in ("minus", "Z"):
            await pilot.press(key)
            assert told(app)[-1] == "There are no groups; z makes some."


async def test_a_new_connection_is_seen_also_in_a_group_that_is_folded(
    app: WharfApp, four: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "Z", "n")
        await four.add("e")
        app.screen.dismiss(four.store.all["e"])
        await pilot.pause()
        assert table(app).cursor_key == "e"
        assert shown(app)[:4] == ["▾ Conversion data  3  1 failed", "a", "b", "e"]


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_what_a_group_holds_is_told_below(app: WharfApp, four: FakeEngine, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("z", "g")
        await settle(pilot)
        assert "enter folds it, space marks all of it" in screen_text(app)
        if size[0] > 100:
            assert "✗ Failed 1  · None 1" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert "enter unfolds it, space marks all of it" in screen_text(app)


async def test_signs_have_a_likeness_in_ascii(four: FakeEngine) -> None:
    app = WharfApp(cast("Engine", four), Settings(ascii=True))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "g", "enter")
        await settle(pilot)
        words = unescape(re.sub(r"<[^>]*>", " ", app.export_screenshot())).split()
        assert [words[words.index(title) - 1] for title in ("Conversion", "Product")] == [">", "v"]


async def test_the_palette_offers_what_the_key_does_now(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        commands = {command.title: command.reason for command in ActionCommands(app.screen).commands()}
        assert commands["Connections: Group by type/method/status"] is None
        assert commands["Connections: Fold/unfold all groups"] == "There are no groups; z makes some."
        assert "Connections: Fold/unfold" not in commands
        await pilot.press("z", "g")
        titles = {command.title for command in ActionCommands(app.screen).commands()}
        assert "Connections: Fold/unfold" in titles
        assert "Connections: History" not in titles


async def test_groups_and_what_is_folded_are_there_the_next_time(app: WharfApp, four: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "minus", "z", "Z", "z", "z", "z")
        await app.workers.wait_for_complete()
        before = shown(app)
    again = WharfApp(cast("Engine", four))
    async with again.run_test() as pilot:
        await settle(pilot)
        assert shown(again) == before == ["▸ Conversion data  2  1 failed", *BY_TYPE[3:]]
        await pilot.press("z")
        assert [line[0] for line in shown(again)] == ["▸"] * 3
