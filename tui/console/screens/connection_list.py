"""The connections as the home screen knows them: filtered, sorted, grouped. Pure; the screen draws what this says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date

from tui.console.screens.connection_groups import Groups, Row
from tui.console.screens.connection_rows import LARGEST_FIRST, ORDERS, facts_of, with_live
from tui.console.widgets.group_text import GroupKey
from tui.domain.filter import Facts, Filter, Vocabulary, parse_filter
from tui.domain.filter_facts import connection_vocabulary
from tui.domain.run import Status
from tui.domain.summary import Summary
from tui.engine.live import LiveRun
from tui.store.base import ConnectionState, Unreadable

FACETS = ("type", "direction", "method", "status")
"""The columns with a menu of their values, by the key that asks for them in a filter."""


class ConnectionList:
    """What was read from the store and the engine, and what the user chose to see of it."""

    def __init__(self) -> None:
        self.states: Sequence[ConnectionState] = ()
        self.unreadable: list[Unreadable] = []
        self.live: Mapping[str, LiveRun] = {}
        self.sorted_by = "name"
        self.backwards = False
        self.filter = Filter()
        self.groups = Groups()
        self._stored: Sequence[ConnectionState] = ()
        self._named: dict[str, ConnectionState] = {}
        self._numbers: Counter[Status] = Counter()
        self._by_name: Sequence[ConnectionState] | None = None
        self._ordered: Sequence[ConnectionState] | None = None
        self._vocabulary: Vocabulary | None = None
        self._facts = _KnownFacts()

    def read(self, stored: Sequence[ConnectionState], unreadable: Sequence[Unreadable]) -> None:
        """Take over what the store says now."""
        self._stored = stored
        self.unreadable = list(unreadable)
        self._combine()

    def observe(self, live: Mapping[str, LiveRun]) -> bool:
        """Take over the runs in progress; tells whether one began or ended."""
        began_or_ended = {name: run.run_id for name, run in live.items()} != {
            name: run.run_id for name, run in self.live.items()
        }
        self.live = live
        if began_or_ended:
            self._combine()
        return began_or_ended

    def narrow(self, text: str) -> None:
        """Show only what this filter line accepts."""
        self.filter = parse_filter(text, self.vocabulary)

    def sort_by(self, column: str) -> None:
        """Sort by a column; by the one that it is sorted by already, the other way round. Times and amounts begin with
        the latest and the largest.
        """
        if column in ORDERS:
            self.backwards = not self.backwards if column == self.sorted_by else column in LARGEST_FIRST
            self.sorted_by = column
            self._ordered = None

    def order(self, column: str | None, *, backwards: bool) -> None:
        """Sort by a column in this direction, if rows can be sorted by it."""
        if column is not None and column in ORDERS:
            self.sorted_by, self.backwards = column, backwards
            self._ordered = None

    def sort_by_next(self, columns: Sequence[str]) -> None:
        """Sort by the next one of these columns to the right of the present one that rows can be sorted by."""
        sortable = [column for column in columns if column in ORDERS]
        place = sortable.index(self.sorted_by) + 1 if self.sorted_by in sortable else 0
        if sortable:
            self.sort_by(sortable[place % len(sortable)])

    @property
    def vocabulary(self) -> Vocabulary:
        """What a filter can ask for."""
        if self._vocabulary is None:
            self._vocabulary = connection_vocabulary(state.connection.type for state in self.states)
        return self._vocabulary

    @property
    def facets(self) -> dict[str, Mapping[str, str]]:
        """The values to choose from, per column that has a menu."""
        choices = self.vocabulary.choices
        return {facet: choices[facet] for facet in FACETS}

    def facet_counts(self) -> Counter[tuple[str, str]]:
        """How many connections have each value of each facet."""
        every = [facts_of(state).values for state in self.states]
        return Counter((facet, values[facet][0]) for values in every for facet in FACETS)

    def shown(self) -> Sequence[ConnectionState]:
        """What the filter accepts, in order. Equal ones are in the order of their names, in either direction."""
        ordered = self._in_order()
        if not self.filter:
            return ordered
        # What is compared changes with the time.
        facts_for = facts_of if self.filter.comparisons else self._facts.of
        return [state for state in ordered if self.filter.accepts(facts_for(state))]

    def rows(self, shown: Sequence[ConnectionState], marks: Set[str]) -> Sequence[Row]:
        """What is shown, in groups if they are asked for; with rows sorted by what groups them, groups turn as well."""
        groups = self.groups
        return groups.rows(shown, marks, backwards=self.backwards and self.sorted_by == groups.by)

    def members(self, key: GroupKey) -> list[str]:
        """The names of the connections that are shown in a group, or hidden by it while it is folded; in order."""
        return [state.connection.name for state in self.shown() if self.groups.key_of(state) == key]

    def folded_into(self, name: object) -> GroupKey | None:
        """The folded group that hides a connection; None when it is not hidden, or not a connection's name."""
        state = self.state(name) if isinstance(name, str) else None
        key = self.groups.key_of(state) if state else None
        return key if key in self.groups.folded else None

    def _in_order(self) -> Sequence[ConnectionState]:
        if self._by_name is None:
            self._by_name = sorted(self.states, key=ORDERS["name"])
        if self.sorted_by == "name" and not self.backwards:
            return self._by_name
        if self._ordered is None:
            self._ordered = sorted(self._by_name, key=ORDERS[self.sorted_by], reverse=self.backwards)
        return self._ordered

    def prepare(self, states: Iterable[ConnectionState]) -> None:
        """Work out, ahead of the first word that is typed, what words are looked for in."""
        for state in states:
            self._facts.of(state)

    @property
    def names(self) -> Set[str]:
        return self._named.keys()

    def state(self, name: str | None) -> ConnectionState | None:
        return None if name is None else self._named.get(name)

    def connection(self, name: str | None) -> Summary | None:
        state = self.state(name)
        return state.connection if state else None

    def count(self, status: Status) -> int:
        return self._numbers[status]

    def _combine(self) -> None:
        live = self.live
        self.states = [with_live(state, live) for state in self._stored] if live else self._stored
        self._named = {state.connection.name: state for state in self.states}
        self._numbers = Counter(state.status for state in self.states)
        self._by_name = self._ordered = self._vocabulary = None
        self._facts.begin(len(self.states))


class _KnownFacts:
    """What a filter looks at, worked out once for each day and state of a connection."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[ConnectionState, Facts]] = {}
        self._day: date | None = None

    def begin(self, number: int) -> None:
        """There are so many connections now; what is kept of others, or was true yesterday, is forgotten."""
        today = date.today()  # noqa: DTZ011 - the user's own day is meant
        if today != self._day or len(self._known) > 2 * number:
            self._known, self._day = {}, today

    def of(self, state: ConnectionState) -> Facts:
        known = self._known.get(state.connection.name)
        if known is None or (known[0] is not state and known[0] != state):
            facts = facts_of(state)
            texts = ("\n".join(facts.texts()),)
            known = self._known[state.connection.name] = state, replace(facts, texts=lambda: texts)
        return known[1]
