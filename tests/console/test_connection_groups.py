"""Groups of connections: the rows they make, and what stays true through any sequence of changes."""

import random
from collections.abc import Callable, Sequence
from typing import Any, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.console.conftest import settle
from tests.console.connection_support import REFUSED, table
from tests.console.fakes import NOW, FakeEngine, connection
from tui.console.app import WharfApp
from tui.console.remembered import Remembered
from tui.console.screens.connection_groups import Groups, Row, row_key
from tui.console.screens.connections import ConnectionsScreen
from tui.console.widgets.filter_bar import FilterBar
from tui.console.widgets.group_text import By, Group, GroupKey
from tui.domain.run import Status
from tui.domain.summary import summary_of
from tui.engine import Engine
from tui.store.base import ConnectionState

GROUPINGS: tuple[By | None, ...] = (None, "type", "method", "status")

VALUE: dict[str, Callable[[ConnectionState], str]] = {
    "type": lambda state: state.connection.type,
    "method": lambda state: state.connection.method.value,
    "status": lambda state: state.status.value,
}


@st.composite
def states(draw: st.DrawFn) -> list[ConnectionState]:
    kinds = st.tuples(
        st.sampled_from(["conversions", "catalog", "own"]),
        st.sampled_from(["sftp", "ftp"]),
        st.sampled_from(list(Status)),
    )
    return [
        ConnectionState(summary_of(connection(f"c{place}", type=kind, method=method).document), status, NOW, None, None)
        for place, (kind, method, status) in enumerate(draw(st.lists(kinds, max_size=12)))
    ]


@given(states(), st.sampled_from(GROUPINGS), st.randoms(use_true_random=False), st.booleans())
def test_every_connection_is_under_its_group_or_counted_by_it(
    shown: list[ConnectionState], by: By | None, choose: random.Random, backwards: bool
) -> None:
    groups = Groups()
    groups.by = by
    every = {key for state in shown if (key := groups.key_of(state)) is not None}
    groups.folded = frozenset(key for key in every if choose.random() < 0.5)
    marks = {state.connection.name for state in shown if choose.random() < 0.5}
    rows = groups.rows(shown, marks, backwards=backwards)
    if by is None:
        assert list(rows) == shown
        return
    lines = [row for row in rows if isinstance(row, Group)]
    assert len({line.key for line in lines}) == len(lines)
    assert {line.key for line in lines} == every
    turned = [row.key for row in groups.rows(shown, marks, backwards=not backwards) if isinstance(row, Group)]
    assert [line.key for line in lines] == turned[::-1]
    rest = list(rows)
    for line in lines:
        assert rest.pop(0) == line
        members = [state for state in shown if VALUE[by](state) == line.key.value]
        assert line.size == len(members) == sum(number for _, number in line.numbers)
        assert line.marked == sum(state.connection.name in marks for state in members)
        assert dict(line.numbers) == {
            status: number for status in Status if (number := sum(state.status is status for state in members))
        }
        assert line.folded == (line.key in groups.folded)
        if not line.folded:
            assert rest[: len(members)] == members
            del rest[: len(members)]
    assert rest == []


def test_what_another_version_groups_by_is_passed_over() -> None:
    groups = Groups()
    groups.restore("colour", {"colour": ["red"], "type": ["own"]})
    assert groups.by is None
    assert groups.folded_values() == {"type": ("own",)}


def test_all_are_folded_unless_all_are() -> None:
    groups = Groups()
    one, two = GroupKey("type", "catalog"), GroupKey("type", "own")
    groups.toggle(one)
    groups.toggle_all({one, two})
    assert groups.folded == {one, two}
    groups.toggle_all({one, two})
    assert groups.folded == frozenset()


STEPS = (
    "insert",
    "remove",
    "run",
    "end",
    "group",
    "fold",
    "fold",
    "fold_all",
    "sort",
    "back",
    "filter",
    "mark",
    "move",
)


class Modelled:
    """The screen, and in the plainest way what must be seen on it."""

    def __init__(self, engine: FakeEngine, app: WharfApp, pilot: Pilot[int], choose: random.Random) -> None:
        self.engine = engine
        self.pilot = pilot
        self.choose = choose
        self.screen = cast("ConnectionsScreen", app.screen)
        self.table = table(app)
        self.bar = app.screen.query_one(FilterBar)
        self.by: By | None = None
        self.folded: set[GroupKey] = set()
        self.sort, self.backwards = "name", False
        self.word = ""
        self.marks: set[str] = set()
        self.cursor: object = None
        self.number = 0

    async def add(self) -> None:
        self.number += 1
        kind = self.choose.choice(["conversions", "catalog", "own"])
        name = f"{self.choose.choice('abc')}{self.number}-{self.choose.choice(['odd', 'even'])}"
        await self.engine.add(name, type=kind, method=self.choose.choice(["sftp", "ftp"]))

    async def take(self, step: str) -> None:
        names = list(self.engine.store.all)
        match step:
            case "insert":
                await self.add()
            case "remove" if idle := [name for name in names if name not in self.engine.live]:
                await self.engine.store.delete(self.choose.choice(idle))
            case "run" if idle := [name for name in names if name not in self.engine.live]:
                await self.engine.start(self.choose.choice(idle))
            case "end" if self.engine.live:
                failed = self.choose.random() < 0.5
                status = Status.FAILED if failed else Status.COMPLETED
                await self.engine.end(self.choose.choice(list(self.engine.live)), status, REFUSED if failed else None)
            case _:
                self._press(step)
        await settle(self.pilot)
        self.marks &= self.engine.store.all.keys()

    def _press(self, step: str) -> None:
        match step:
            case "sort":
                self.sort = self.choose.choice(["name", "status", "method"])
                self.backwards = False
                while self.screen._list.sorted_by != self.sort or self.screen._list.backwards:
                    self.screen._list.sort_by(self.sort)
                self.screen._show_order()
            case "back":
                self.backwards = not self.backwards
                self.screen.action_sort_back()
            case "filter":
                self.word = self.choose.choice(["", "odd", "even", "nothing"])
                self.bar.text = self.word
            case _ if rows := self.table.items:
                self._press_on(rows, step)

    def _press_on(self, rows: Sequence[Row], step: str) -> None:
        match step:
            case "move":
                self.cursor = row_key(self.choose.choice(rows))
                self.table.move_to(self.cursor)
            case "mark":
                self._mark()
            case "group":
                self._group()
            case "fold" if self.by is not None:
                self._toggle(self._around(self.cursor))
                self.screen.action_fold()
            case "fold_all" if self.by is not None:
                keys = {row.key for row in rows if isinstance(row, Group)}
                for key in keys if keys <= self.folded else keys - self.folded:
                    self._toggle(key)
                self.screen.action_fold_all()

    def _mark(self) -> None:
        names = {self.cursor} if isinstance(self.cursor, str) else set(self._members(self.cursor))
        self.marks = self.marks - names if names <= self.marks else self.marks | names
        row = self.table.cursor
        self.screen.action_mark()
        if isinstance(self.cursor, str):
            self.cursor = row_key(self.table.items[min(row + 1, len(self.table.items) - 1)])

    def _group(self) -> None:
        kept = self.cursor if isinstance(self.cursor, str) else self._members(self.cursor)[0]
        self.by = GROUPINGS[(GROUPINGS.index(self.by) + 1) % len(GROUPINGS)]
        self.cursor = kept if self._around(kept) not in self.folded else self._around(kept)
        self.screen.action_group()

    def _toggle(self, key: GroupKey | None) -> None:
        assert key is not None
        self.folded ^= {key}

    # What must be seen

    def _kind(self, name: str) -> dict[str, Any]:
        each, latest = self.engine.store.all[name], self.engine.store._latest(name)
        status = latest.status if latest else Status.NONE
        return {"name": name, "type": each.type, "method": each.method.value, "status": status.value}

    def _around(self, key: object) -> GroupKey | None:
        if not isinstance(key, str):
            return cast("GroupKey", key)
        return None if self.by is None else GroupKey(self.by, self._kind(key)[self.by])

    def _order(self, column: str) -> Callable[[str], Any]:
        titles = {"catalog": "product", "conversions": "conversion"}
        urgency = ["Failed", "In Progress", "Completed", "None"]
        match column:
            case "status":
                return lambda name: urgency.index(self._kind(name)["status"])
            case "type":
                return lambda name: titles.get(self._kind(name)["type"], self._kind(name)["type"])
        return lambda name: self._kind(name)[column]

    def _shown(self) -> list[str]:
        names = sorted(name for name in self.engine.store.all if self.word in name)
        return sorted(names, key=self._order(self.sort), reverse=self.backwards)

    def _members(self, key: object) -> list[str]:
        return [name for name in self._shown() if self._around(name) == key]

    def expected(self) -> list[object]:
        if self.by is None:
            return list(self._shown())
        shown = self._shown()
        firsts: dict[GroupKey | None, str] = {}
        for name in shown:
            firsts.setdefault(self._around(name), name)
        turned = self.backwards and self.sort == self.by
        rows: list[object] = []
        for key in sorted(firsts, key=lambda key: self._order(str(self.by))(firsts[key]), reverse=turned):
            rows += [key, *(self._members(key) if key not in self.folded else [])]
        return rows

    def check(self, before: Sequence[object]) -> None:
        rows = self.expected()
        assert [row_key(row) for row in self.table.items] == rows
        assert self.table.marks == self.marks
        if self.cursor not in rows:
            self.cursor = self._after_loss(before, rows)
        assert self.table.cursor_key == self.cursor

    def _after_loss(self, before: Sequence[object], rows: list[object]) -> object:
        """What hides the connection, or else the next row that is left, or the one before."""
        known = isinstance(self.cursor, str) and self.cursor in self.engine.store.all
        if known and (key := self._around(self.cursor)) in self.folded and key in rows:
            return key
        if self.cursor not in before:
            return rows[0] if rows else None
        place = before.index(self.cursor)
        left = (key for key in (*before[place:], *reversed(before[:place])) if key in rows)
        return next(left, rows[0] if rows else None)


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=30), seed=st.integers(0, 2**32))
async def test_cursor_marks_and_order_stay_right_through_any_changes(steps: list[str], seed: int) -> None:
    engine = FakeEngine()
    app = WharfApp(cast("Engine", engine))
    # One example must not begin as another has ended.
    app.remembered = Remembered(engine.paths.view, read_only=True)
    async with app.run_test(size=(80, 16)) as pilot:
        modelled = Modelled(engine, app, pilot, random.Random(seed))
        for _ in range(6):
            await modelled.add()
        await settle(pilot)
        modelled.cursor = modelled.expected()[0]
        modelled.check([])
        for step in steps:
            before = [row_key(row) for row in modelled.table.items]
            await modelled.take(step)
            modelled.check(before)
