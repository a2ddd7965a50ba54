"""The connections as the home screen knows them: filtered and sorted. Pure; the screen draws what this says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tui.console.screens.connection_rows import SORTABLE, facts_of, sort_value, with_live
from tui.domain.connection import Connection
from tui.domain.filter import Filter, Vocabulary, parse_filter
from tui.domain.filter_facts import connection_vocabulary
from tui.domain.run import Status
from tui.engine.live import LiveRun
from tui.store.base import ConnectionState, Unreadable

FACETS = ("type", "direction", "method", "status")
"""The columns with a menu of their values, by the key that asks for them in a filter."""


class ConnectionList:
    """What was read from the store and the engine, and what the user chose to see of it."""

    def __init__(self) -> None:
        self.states: list[ConnectionState] = []
        self.unreadable: list[Unreadable] = []
        self.live: Mapping[str, LiveRun] = {}
        self.sorted_by = "name"
        self.backwards = False
        self.filter = Filter()
        self._stored: Sequence[ConnectionState] = ()

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
        """Sort by a column; by the one that it is sorted by already, the other way round. Times: latest first."""
        if column in SORTABLE:
            self.backwards = not self.backwards if column == self.sorted_by else column == "last_active"
            self.sorted_by = column

    def sort_by_next(self) -> None:
        """Sort by the column to the right of the present one."""
        self.sort_by(SORTABLE[(SORTABLE.index(self.sorted_by) + 1) % len(SORTABLE)])

    @property
    def vocabulary(self) -> Vocabulary:
        """What a filter can ask for."""
        return connection_vocabulary(state.connection.type for state in self.states)

    @property
    def facets(self) -> dict[str, Mapping[str, str]]:
        """The values to choose from, per column that has a menu."""
        choices = self.vocabulary.choices
        return {facet: choices[facet] for facet in FACETS}

    def facet_counts(self) -> Counter[tuple[str, str]]:
        """How many connections have each value of each facet."""
        every = [facts_of(state).values for state in self.states]
        return Counter((facet, values[facet][0]) for values in every for facet in FACETS)

    def shown(self) -> list[ConnectionState]:
        """What the filter accepts, in order. Equal ones are in the order of their names, in either direction."""
        found = [state for state in self.states if self.filter.accepts(facts_of(state))]
        found.sort(key=lambda state: state.connection.name.lower())

        def value(state: ConnectionState) -> Any:
            return sort_value(self.sorted_by, state)

        return sorted(found, key=value, reverse=self.backwards)

    @property
    def names(self) -> set[str]:
        return {state.connection.name for state in self.states}

    def state(self, name: str | None) -> ConnectionState | None:
        return next((state for state in self.states if state.connection.name == name), None)

    def connection(self, name: str | None) -> Connection | None:
        state = self.state(name)
        return state.connection if state else None

    def count(self, status: Status) -> int:
        return sum(state.status is status for state in self.states)

    def _combine(self) -> None:
        self.states = [with_live(state, self.live) for state in self._stored]
