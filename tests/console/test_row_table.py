"""The table with keyed rows: the cursor, the scroll position and the cells under every kind of change."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual.app import App, ComposeResult
from textual.message import Message

from tests.console.conftest import lines_of, place_of
from tui.console.widgets.row_table import Column, Row, RowTable, clickable

COLUMNS = (Column("name", "Name"), Column("size", "Size", 8, "right"), Column("do", "Do", 10))


def row(key: str, size: str = "1 B") -> Row:
    return Row(key, (key, size, Text.assemble(clickable("Open", "open"), " ", clickable("Drop", "drop"))))


def rows(keys: str) -> list[Row]:
    return [row(key) for key in keys]


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield RowTable(COLUMNS, id="table")

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        self.heard.append(event)

    def on_row_table_header_clicked(self, event: RowTable.HeaderClicked) -> None:
        self.heard.append(event)

    def on_row_table_cell_clicked(self, event: RowTable.CellClicked) -> None:
        self.heard.append(event)

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        self.heard.append(event)

    def names(self) -> list[str]:
        """The first cell of each line under the heading."""
        return [line.split()[0] for line in lines_of(self)[1:] if line.strip()]


async def test_cursor_follows_its_key_through_sort_insert_and_remove() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abcde"))
        app.table.focus()
        await pilot.press("j", "j")
        assert app.table.cursor_key == "c"
        for keys in ("edcba", "xyedcba", "yca", "abcdefgh"):
            app.table.show(rows(keys))
            await pilot.pause()
            assert app.table.cursor_key == "c"
            assert app.names() == list(keys)


async def test_cursor_stays_on_its_line_when_its_row_is_gone() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abcde"))
        app.table.move_to("c")
        app.table.show(rows("abde"))
        await pilot.pause()
        assert app.table.cursor_key == "d"
        app.table.show(rows("ab"))
        assert app.table.cursor_key == "b"
        app.table.show([])
        assert app.table.cursor_key is None


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=6))
async def test_shows_exactly_the_rows_in_order_after_any_changes(steps: list[list[str]]) -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abc"))
        app.table.move_to("b")
        for keys in steps:
            before = app.table.cursor_key
            app.table.show([row(key) for key in keys])
            await pilot.pause()
            assert app.names() == keys
            if before in keys:
                assert app.table.cursor_key == before


async def test_changed_cells_are_drawn_and_hostile_ones_are_text() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show([row("a")])
        app.table.show([Row("a", ("a[/red].csv", "9 MB", "[@click=app.quit]x[/]"))])
        await pilot.pause()
        assert lines_of(app)[1].split() == ["a[/red].csv", "9", "MB", "[@click=a…"]


async def test_a_change_of_colour_alone_is_drawn() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show([Row("a", (Text("a"), "", ""))])
        app.table.show([Row("a", (Text("a", style="bold #ff0000"), "", ""))])
        await pilot.pause()
        assert "#ff0000" in app.export_screenshot()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["down"], "b"),
        (["j", "j", "k"], "b"),
        (["G"], "z"),
        (["end", "g"], "a"),
        (["end", "home"], "a"),
        (["ctrl+f"], "k"),
        (["pagedown", "ctrl+b"], "a"),
        (["up"], "a"),
    ],
)
async def test_moving_by_keys(keys: list[str], expected: str) -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abcdefghijklmnopqrstuvwxyz"))
        app.table.focus()
        await pilot.pause()
        await pilot.press(*keys)
        assert app.table.cursor_key == expected


async def test_a_double_click_opens() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abc"))
        await pilot.pause()
        await pilot.click(offset=(0, 2))
        await pilot.click(offset=(0, 3), times=2)
        assert [event.key for event in app.heard if isinstance(event, RowTable.Opened)] == ["c"]


async def test_clicks_tell_cell_word_and_heading() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abc"))
        await pilot.pause()
        await pilot.click(offset=place_of(app, "Drop", line="b "))
        await pilot.click(offset=(0, 1))
        await pilot.click(offset=place_of(app, "Size"))
        cells = [event for event in app.heard if isinstance(event, RowTable.CellClicked)]
        assert [(event.key, event.column_key, event.word) for event in cells] == [
            ("b", "do", "drop"),
            ("a", "name", None),
        ]
        assert [event.column_key for event in app.heard if isinstance(event, RowTable.HeaderClicked)] == ["size"]


async def test_highlighted_is_posted_once_per_row_under_the_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(rows("abc"))
        app.table.show(rows("cab"))
        app.table.focus()
        await pilot.press("j", "k")
        await pilot.pause()
        assert [event.key for event in app.heard if isinstance(event, RowTable.Highlighted)] == ["a", "b", "a"]


async def test_scroll_position_survives_updates() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        keys = [f"row{number:02}" for number in range(50)]
        app.table.show([row(key) for key in keys])
        # How far to scroll depends on the height, which must be known first.
        await pilot.pause()
        app.table.move_to("row40")
        await pilot.pause()
        before = [line.split()[0] for line in lines_of(app)]
        assert "row40" in before
        app.table.show([row(key) for key in keys[:45]])
        await pilot.pause()
        assert [line.split()[0] for line in lines_of(app)] == before


async def test_columns_share_the_width_and_long_cells_are_cut() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.show([Row("a", ("n" * 100, "123456789", ""))])
        await pilot.pause()
        narrow = lines_of(app)[1]
        assert narrow.startswith("n" * 16 + "… 1234567…")
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert lines_of(app)[1].startswith("n" * 36 + "… 1234567…")


async def test_sort_mark_stands_in_the_heading() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.show(rows("ab"))
        app.table.move_to("b")
        app.table.sort_mark("size", reverse=True)
        await pilot.pause()
        assert "Size▼" in lines_of(app)[0]
        app.table.sort_mark("name")
        await pilot.pause()
        heading: Any = lines_of(app)[0]
        assert "Name▲" in heading
        assert "▼" not in heading
        assert app.table.cursor_key == "b"
