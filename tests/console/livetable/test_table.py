"""The widget: the cursor, the scroll position, the mouse and the drawing under every kind of change."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from tests.console.conftest import lines_of, place_of
from tests.console.livetable.app import COLUMNS, Table, TableApp, Thing, key_of, larger, things
from tui.console.livetable import LiveTable
from tui.console.livetable.columns import Placed, arrange, furthest

LETTERS = "abcdefghijklmnopqrstuvwxyz"


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


WIDE = (replace(COLUMNS[0], fixed=True), *COLUMNS[1:], replace(COLUMNS[1], key="more", label="More"))


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


CHANGES = ("insert", "append", "remove", "update", "sort", "shuffle", "filter")
STEPS = (*CHANGES, "mark", "move", "move", "scroll", "resize", "columns", "sideways", "sideways")


class Watched:
    """A table and what it should show: a plain list, changed by the same steps."""

    def __init__(self, app: TableApp, pilot: Pilot[None], choose: random.Random) -> None:
        self.app = app
        self.pilot = pilot
        self.choose = choose
        self.all = things(LETTERS[:12])
        self.hidden: set[str] = set()
        self.marks: set[str] = set()
        self.cursor: str | None = None
        self.shift = 0
        self.number = 0

    @property
    def shown(self) -> list[Thing]:
        return [thing for thing in self.all if thing.key not in self.hidden]

    def show(self, *, follow: bool = False) -> None:
        """Show the list, having worked out in the plainest way where the cursor must be afterwards."""
        table = self.app.table
        before = [thing.key for thing in table.items]
        now = [thing.key for thing in self.shown]
        follows = follow and table._seen_view().watched and table.at_end
        if not before or not now:
            self.cursor = now[0] if now else None
        elif follows:
            self.cursor = now[-1]
        elif self.cursor not in now:
            place = before.index(self.cursor or "")
            self.cursor = next((key for key in (*before[place:], *reversed(before[:place])) if key in now), now[0])
        table.show(self.shown, follow=follow)

    async def take(self, step: str) -> None:
        if step in CHANGES:
            self._change(step)
            self.show(follow=self.choose.random() < 0.3)
        elif step == "resize":
            await self.pilot.resize_terminal(self.choose.choice([12, 24, 40, 60]), self.choose.randrange(3, 12))
        else:
            self._look(step)
        self.shift = min(self.shift, furthest(self.app.table.columns, self.app.size.width - 1))

    def _change(self, step: str) -> None:
        all_things, choose = self.all, self.choose
        self.number += 1
        match step:
            case "insert":
                all_things.insert(choose.randrange(len(all_things) + 1), Thing(f"n{self.number}"))
            case "append":
                all_things.append(Thing(f"n{self.number}"))
            case "remove" if all_things:
                del all_things[choose.randrange(len(all_things))]
            case "update" if all_things:
                place = choose.randrange(len(all_things))
                all_things[place] = larger(all_things[place])
            case "sort":
                all_things.sort(key=lambda thing: thing.key, reverse=choose.random() < 0.5)
            case "shuffle":
                choose.shuffle(all_things)
            case "filter":
                part = choose.choice([0.0, 0.5, 1.0])
                self.hidden = {thing.key for thing in all_things if choose.random() < part}

    def _look(self, step: str) -> None:
        table, choose = self.app.table, self.choose
        match step:
            case "mark" if self.all:
                key = choose.choice(self.all).key
                self.marks ^= {key}
                table.toggle_mark(key)
            case "move" if table.items:
                place = choose.randrange(len(table.items))
                table.go(place)
                self.cursor = table.items[place].key
            case "scroll":
                table.scroll_to(y=choose.randrange(20), animate=False)
            case "columns":
                table.show_columns(choose.sample(WIDE, choose.randrange(1, len(WIDE) + 1)))
            case "sideways":
                by = choose.choice([-2, -1, 1, 2])
                table.action_sideways(by)
                self.shift = max(self.shift + by, 0)

    def check(self) -> None:
        table = self.app.table
        assert list(table.items) == self.shown
        assert table.cursor_key == self.cursor
        assert table.marks == self.marks
        self._check_lines()
        remembered = table.render_lines(table.size.region)
        table._styles_cache.clear()
        assert remembered == table.render_lines(table.size.region)
        assert self.app.picture.cells == self.app.drawn_anew().cells

    def _check_lines(self) -> None:
        table, room = self.app.table, self.app.size.width - 1
        heading, *lines = lines_of(self.app)
        placed = [each for each in arrange(table.columns, room, self.shift) if each.x + each.width <= room]
        most = furthest(table.columns, room)
        assert ("‹" in heading, "›" in heading) == (self.shift > 0, self.shift < most)
        assert _cells(heading, placed, "‹›") == [each.column.label for each in placed]
        top = round(table.scroll_y)
        for line, thing in zip_longest(lines, self.shown[top : top + len(lines)]):
            if thing is None:
                assert not line.strip()
                continue
            marked = thing.key in self.marks
            # A mark takes its room from the first cell, which only these words fill.
            words = "Open Dr…" if marked and placed and placed[0].column.key == "do" else "Open Drop"
            says = {"name": thing.key, "size": thing.size, "more": thing.size, "do": words}
            assert line.startswith("● ") == marked
            assert _cells(line, placed, "●") == [says[each.column.key] for each in placed]


def _cells(line: str, placed: Sequence[Placed], signs: str) -> list[str]:
    return [line[each.x : each.x + each.width].strip(f"{signs} ") for each in placed]


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=25), seed=st.integers(0, 2**32))
async def test_after_any_changes_it_is_as_if_drawn_anew(steps: list[str], seed: int) -> None:
    app = TableApp()
    async with app.run_test(size=(40, 8)) as pilot:
        watched = Watched(app, pilot, random.Random(seed))
        watched.show()
        # What is drawn already is what can become stale.
        await pilot.pause()
        for step in steps:
            await watched.take(step)
            if watched.choose.random() < 0.5:
                await pilot.pause()
                watched.check()
        await pilot.pause()
        watched.check()


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
