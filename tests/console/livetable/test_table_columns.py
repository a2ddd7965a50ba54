"""The widget: columns, their headings, and those that are out of sight."""

from dataclasses import replace

from textual import events

from tests.console.conftest import lines_of, place_of
from tests.console.livetable.app import COLUMNS, LETTERS, WIDE, TableApp, Thing, things
from tui.console.livetable import LiveTable


async def test_long_cells_are_cut_and_columns_take_what_there_is() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.show([Thing("a", "123456789", "n" * 100)])
        await pilot.pause()
        assert lines_of(app)[1].startswith("n" * 18 + "… 1234567… Open Drop")
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert lines_of(app)[1].startswith("n" * 38 + "… 1234567… Open Drop")


async def test_columns_that_matter_less_are_left_out_where_there_is_no_room() -> None:
    app = TableApp([COLUMNS[0], replace(COLUMNS[1], drop=1), replace(COLUMNS[2], drop=2)])
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.show(things("ab"))
        await pilot.pause()
        assert lines_of(app)[0].split() == ["Name", "Size", "Do"]
        assert not app.table.hides_columns
        await pilot.resize_terminal(24, 6)
        await pilot.pause()
        assert lines_of(app)[0].split() == ["Name", "Size›"]
        assert app.table.hides_columns
        await pilot.resize_terminal(12, 6)
        await pilot.pause()
        assert [line.split() for line in lines_of(app)[:3]] == [["Name", "›"], ["a"], ["b"]]
        app.table.show_columns([COLUMNS[1]])
        await pilot.pause()
        assert [line.split() for line in lines_of(app)[:2]] == [["Size"], ["1", "B"]]


async def test_columns_go_sideways_beside_the_fixed_one() -> None:
    app = TableApp(WIDE)
    async with app.run_test(size=(30, 6)) as pilot:
        app.table.show(things("ab"))
        app.table.focus()
        headings = []
        for key in ("left", "right", "right", "right", "left"):
            await pilot.press(key)
            await pilot.pause()
            headings.append(lines_of(app)[0].split())
        assert headings == [
            ["Name", "Size", "Do", "›"],
            ["Name", "‹", "Do", "More"],
            ["Name", "‹", "Do", "More"],
            ["Name", "‹", "Do", "More"],
            ["Name", "Size", "Do", "›"],
        ]
        await pilot.press("right")
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert lines_of(app)[0].split() == ["Name", "Size", "Do", "More"]


async def test_a_heading_gives_a_letter_to_the_sign_beside_it() -> None:
    app = TableApp([WIDE[0], replace(WIDE[1], label="12345678"), *WIDE[2:]])
    async with app.run_test(size=(18, 6)) as pilot:
        app.table.show(things("ab"))
        await pilot.pause()
        assert lines_of(app)[0].split() == ["Name", "1234567›"]


async def test_a_step_sideways_that_moves_nothing_sends_nothing() -> None:
    app = TableApp(WIDE)
    async with app.run_test(size=(30, 12)) as pilot:
        app.table.show([Thing("n" * 8 + letter) for letter in LETTERS])
        app.table.focus()
        await pilot.pause()
        app.sent = 0
        await pilot.press("left")
        await pilot.pause()
        assert app.sent == 0
        await pilot.press("right")
        await pilot.pause()
        assert app.picture.cells == app.drawn_anew().cells


async def test_the_mouse_goes_sideways_by_the_signs_and_by_the_wheel() -> None:
    app = TableApp(WIDE)
    async with app.run_test(size=(30, 6)) as pilot:
        app.table.show(things("ab"))
        await pilot.pause()

        async def now() -> list[str]:
            await pilot.pause()
            return lines_of(app)[0].split()

        await pilot.click(offset=place_of(app, "›"))
        assert await now() == ["Name", "‹", "Do", "More"]
        await pilot.click(offset=place_of(app, "‹"))
        assert await now() == ["Name", "Size", "Do", "›"]
        for wheel, shift, expected in (
            (events.MouseScrollDown, True, "More"),
            (events.MouseScrollUp, True, "›"),
            (events.MouseScrollRight, False, "More"),
            (events.MouseScrollLeft, False, "›"),
            (events.MouseScrollDown, False, "›"),
        ):
            await pilot._post_mouse_events([wheel], offset=(2, 2), button=0, shift=shift)
            assert (await now())[-1] == expected
    assert app.times_heard(LiveTable.HeaderClicked) == 0


async def test_sort_mark_stands_in_the_heading() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.show(things("ab"))
        app.table.move_to("b")
        app.table.sort_mark("size", reverse=True)
        await pilot.pause()
        assert "Size▼" in lines_of(app)[0]
        app.table.sort_mark("name")
        await pilot.pause()
        assert "Name▲" in lines_of(app)[0]
        assert "▼" not in lines_of(app)[0]
        app.table.sort_mark(None)
        await pilot.pause()
        assert "▲" not in lines_of(app)[0]
        assert app.table.cursor_key == "b"
