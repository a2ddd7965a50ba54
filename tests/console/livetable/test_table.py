"""The widget: the cursor, the scroll position, marks and the mouse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip

from tests.console.conftest import lines_of, place_of
from tests.console.livetable.app import COLUMNS, LETTERS, Table, TableApp, Thing, key_of, larger, things
from tui.console.livetable import LiveTable


async def test_cursor_follows_its_key_through_sort_insert_and_remove() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things("abcde"))
        app.table.focus()
        await pilot.press("j", "j")
        assert app.table.cursor_key == "c"
        for keys in ("edcba", "xyedcba", "yca", "abcdefgh"):
            app.table.show(things(keys))
            await pilot.pause()
            assert app.table.cursor_key == "c"
            assert app.names() == list(keys)


async def test_the_first_frame_of_a_screen_has_headings_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    draw = LiveTable.render_line

    def noting(table: Table, y: int) -> Strip:
        strip = draw(table, y)
        drawn.append(strip.text)
        return strip

    monkeypatch.setattr(LiveTable, "render_line", noting)

    class Opened(Screen[None]):
        def compose(self) -> ComposeResult:
            yield Table(COLUMNS, key_of)

        def on_mount(self) -> None:
            self.query_one(Table).show(things("ab"))

    app = TableApp()
    async with app.run_test(size=(40, 12)):
        drawn.clear()
        await app.push_screen(Opened())
    assert [line[:4] for line in drawn[:3]] == ["Name", "a   ", "b   "]


async def test_cursor_goes_to_the_neighbour_when_its_row_is_gone() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)):
        app.table.show(things("abcdef"))
        app.table.move_to("d")
        app.table.show(things("aef"))
        assert app.table.cursor_key == "e"
        app.table.show(things("a"))
        assert app.table.cursor_key == "a"
        app.table.show([])
        assert app.table.cursor_key is None
        assert app.table.current is None


async def test_changed_values_are_drawn_and_hostile_ones_are_text() -> None:
    app = TableApp()
    async with app.run_test(size=(44, 12)) as pilot:
        app.table.show([Thing("a")])
        app.table.show([Thing("a", "9 MB", "a[/red].csv \x1b]0;x")])
        await pilot.pause()
        assert lines_of(app)[1].startswith(r"a[/red].csv \x1b]0;x        9 MB Open")


async def test_a_change_of_colour_alone_is_drawn() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show([Thing("a", name="plain")])
        await pilot.pause()
        app.table.show([Thing("a", name=Text("plain", style="bold #ff0000"))])
        await pilot.pause()
        assert "#ff0000" in app.export_screenshot()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["down"], "b"),
        (["j", "j", "k"], "b"),
        (["G"], "z"),
        (["G", "g"], "a"),
        (["pagedown"], "k"),
        (["pagedown", "pageup"], "a"),
        (["up"], "a"),
        (["G", "down"], "z"),
    ],
)
async def test_moving_by_keys(keys: list[str], expected: str) -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things(LETTERS))
        app.table.focus()
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert app.table.cursor_key == expected
        assert expected in app.names()


async def test_a_page_begins_with_the_last_row_of_the_one_before() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things(LETTERS))
        app.table.focus()
        await pilot.press("j", "pagedown")
        await pilot.pause()
        assert app.names()[0] == "k"
        assert app.table.cursor_key == "l"
        await pilot.press("pagedown")
        await pilot.pause()
        assert app.names() == list(LETTERS[15:])
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        assert app.names()[0] == "a"


async def test_a_double_click_opens() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things("abc"))
        await pilot.pause()
        await pilot.click(offset=(0, 2))
        await pilot.click(offset=(0, 3), times=2)
        assert [event.key for event in app.heard if isinstance(event, LiveTable.Opened)] == ["c"]


async def test_clicks_tell_row_word_and_heading() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things("abc"))
        await pilot.pause()
        await pilot.click(offset=place_of(app, "Drop", line="b "))
        assert app.table.cursor_key == "b"
        await pilot.click(offset=(0, 1))
        assert app.table.cursor_key == "a"
        await pilot.click(offset=place_of(app, "Size"))
        await pilot.click(offset=(0, 9))
        words = [event for event in app.heard if isinstance(event, LiveTable.WordClicked)]
        assert [(event.key, event.word) for event in words] == [("b", "drop")]
        assert [event.column for event in app.heard if isinstance(event, LiveTable.HeaderClicked)] == ["size"]


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things(LETTERS))
        await pilot.pause()
        app.table.scroll_to(y=9, animate=False)
        await pilot.pause()
        assert app.names()[0] == "j"
        assert app.table.cursor_key == "a"
        app.table.show(things("123" + LETTERS))
        await pilot.pause()
        assert app.names()[0] == "j"
        app.table.show(things("a" + LETTERS[9:]))
        await pilot.pause()
        assert app.names()[0] == "j"


async def test_highlighted_tells_of_another_row_and_of_other_values() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        for keys in ("abc", "cab"):
            app.table.show(things(keys))
            await pilot.pause()
        assert app.times_heard(LiveTable.Highlighted) == 1
        app.table.focus()
        await pilot.press("j", "k")
        assert app.times_heard(LiveTable.Highlighted) == 3
        app.table.show([Thing("a", "2 B")])
        app.table.show([])
        await pilot.pause()
        assert app.times_heard(LiveTable.Highlighted) == 5


async def test_scroll_position_survives_updates() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        keys = [f"row{number:02}" for number in range(50)]
        app.table.show(things(keys))
        await pilot.pause()
        app.table.move_to("row40")
        await pilot.pause()
        before = app.names()
        assert "row40" in before
        app.table.show(things(keys[:45]))
        await pilot.pause()
        assert app.names() == before


async def test_a_table_filled_before_it_has_a_size_shows_its_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = Table(COLUMNS, lambda thing: thing.key)
        app.table.display = False
        await app.mount(table)
        table.show(things(LETTERS))
        table.move_to("z")
        await pilot.pause()
        assert app.names()[-1] == "z"


async def test_a_mark_stays_with_its_key_and_survives_being_filtered_out() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 8)) as pilot:
        app.table.show(things("abc"))
        app.table.toggle_mark("b")
        await pilot.pause()
        assert [line[:3] for line in lines_of(app)[1:4]] == ["a  ", "● b", "c  "]
        app.table.show(things("ca"))
        app.table.show(things("cba"))
        await pilot.pause()
        assert [line[:3] for line in lines_of(app)[1:4]] == ["c  ", "● b", "a  "]
        assert app.table.marks == {"b"}
        app.table.mark(())
        await pilot.pause()
        assert lines_of(app)[2].startswith("b ")


async def test_a_banner_has_the_whole_line() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 8)) as pilot:
        app.table.show([Thing("g", "# a group that says far more than a column could"), Thing("a")])
        await pilot.pause()
        assert lines_of(app)[1].startswith("# a group that says far more than a co…")
        assert app.names() == ["#", "a"]


async def test_more_is_asked_for_once_as_its_end_comes_near() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things(LETTERS), more=True)
        app.table.focus()
        await pilot.pause()
        assert app.times_heard(LiveTable.EndNear) == 0
        await pilot.press("pagedown", "j", "j", "G", "g", "G")
        assert app.times_heard(LiveTable.EndNear) == 1
        app.table.show(things(LETTERS), more=True)
        await pilot.pause()
        assert app.times_heard(LiveTable.EndNear) == 2
        app.table.show(things(LETTERS))
        await pilot.press("g", "G")
        assert app.times_heard(LiveTable.EndNear) == 2


async def test_more_is_asked_for_by_the_wheel_as_well() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(things(LETTERS * 2), more=True)
        await pilot.pause()
        app.table.scroll_to(y=35, animate=False)
        await pilot.pause()
        assert app.times_heard(LiveTable.EndNear) == 1


async def test_only_lines_that_look_different_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    render_line = Table.render_line

    def counted(table: Table, y: int) -> object:
        drawn.append(y)
        return render_line(table, y)

    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        many = [Thing(f"{number:06}") for number in range(100_000)]
        app.table.show(many)
        app.table.focus()
        await pilot.pause()
        monkeypatch.setattr(Table, "render_line", counted)
        many[3] = larger(many[3])
        many[50_000] = larger(many[50_000])
        app.table.show(many)
        await pilot.pause()
        assert drawn == [4]
        drawn.clear()
        app.table.show(list(many))
        await pilot.pause()
        assert drawn == []
        await pilot.press("j")
        assert sorted(drawn) == [1, 2]
        drawn.clear()
        app.table.toggle_mark("000003")
        app.table.redraw(lambda thing: thing.key == "000005")
        await pilot.pause()
        assert sorted(drawn) == [4, 6]


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["j", "k", "G", "g", "pagedown", "pageup"]),
            st.lists(st.sampled_from("abcABC"), unique=True, min_size=1).filter(
                lambda keys: any(key.islower() for key in keys)
            ),
        ),
        max_size=12,
    )
)
@settings(deadline=None, max_examples=25)
async def test_no_passive_row_ever_has_the_cursor(steps: list[str | list[str]]) -> None:
    app = TableApp()
    app.table = Table(COLUMNS, key_of, passive=lambda thing: thing.key.isupper())
    async with app.run_test(size=(40, 4)) as pilot:
        app.table.show(things("Aab"))
        app.table.focus()
        for step in steps:
            if isinstance(step, list):
                app.table.show(things(step))
            else:
                await pilot.press(step)
            assert str(app.table.cursor_key).islower()


async def test_what_stands_for_a_row_that_is_gone_gets_the_cursor_on_the_same_line() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.show(things("AabcBdefg"))
        app.table.move_to("f")
        await pilot.pause()
        line = app.table.cursor - round(app.table.scroll_y)
        app.table.show(things("AabcBg"), instead=lambda key: "B" if key == "f" else None)
        await pilot.pause()
        assert app.table.cursor_key == "B"
        assert app.table.cursor - round(app.table.scroll_y) == min(line, 4)
        app.table.show(things("Aabcg"), instead=lambda _: "nowhere")
        assert app.table.cursor_key == "g", "what is not there cannot stand for it"
