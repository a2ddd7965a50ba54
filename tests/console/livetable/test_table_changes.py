"""The widget: after any changes, in any order, it shows what it should, as if it were drawn anew."""

import random
from collections.abc import Sequence
from itertools import zip_longest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.console.conftest import lines_of
from tests.console.livetable.app import LETTERS, WIDE, TableApp, Thing, larger, things
from tui.console.livetable.columns import Placed, arrange, furthest

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
