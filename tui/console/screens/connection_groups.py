"""Connections in groups that fold. Pure; what a folded group hides still counts as shown."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TypeAlias, get_args

from tui.console.screens.connection_rows import ORDERS
from tui.console.widgets.group_text import By, Group, GroupKey
from tui.domain.run import Status
from tui.domain.terms import type_title
from tui.store.base import ConnectionState

Row: TypeAlias = ConnectionState | Group

_GROUPINGS: tuple[By | None, ...] = (None, *get_args(By))

_VALUES: Mapping[By, Callable[[ConnectionState], str]] = {
    "type": lambda state: state.connection.type,
    "method": lambda state: state.connection.method.value,
    "status": lambda state: state.status.value,
}

_TITLES: Mapping[By, Callable[[ConnectionState], str]] = {
    "type": lambda state: type_title(state.connection.type),
    "method": lambda state: state.connection.method.label,
    "status": lambda state: state.status.value,
}

_STATUS_ORDER = (Status.FAILED, Status.IN_PROGRESS, Status.COMPLETED, Status.NONE)


class Groups:
    """By what connections are grouped, and which groups are folded. Each grouping remembers its own."""

    def __init__(self) -> None:
        self.by: By | None = None
        self.folded: frozenset[GroupKey] = frozenset()

    def restore(self, by: str | None, folded: Mapping[str, Iterable[str]]) -> None:
        """Group and fold as it is said here. What there are no groups by is passed over; another version may."""
        known = {grouping: grouping for grouping in get_args(By)}
        self.by = known.get(by)
        self.folded = frozenset(
            GroupKey(known[each], value) for each, values in folded.items() if each in known for value in values
        )

    def folded_values(self) -> dict[str, tuple[str, ...]]:
        """The same in plain values: of each grouping those that are folded."""
        return {
            by: values
            for by in get_args(By)
            if (values := tuple(sorted(key.value for key in self.folded if key.by == by)))
        }

    def group_by_next(self) -> None:
        """Not at all, by type, by method, by status, and from the beginning."""
        self.by = _GROUPINGS[(_GROUPINGS.index(self.by) + 1) % len(_GROUPINGS)]

    def key_of(self, state: ConnectionState) -> GroupKey | None:
        """The group that a connection is in; None while there are none."""
        return None if self.by is None else GroupKey(self.by, _VALUES[self.by](state))

    def rows(
        self, shown: Sequence[ConnectionState], marks: Set[str] = frozenset(), *, backwards: bool = False
    ) -> Sequence[Row]:
        """The connections under the lines of their groups, in the order given; those of folded groups are left out.

        A group without connections is none. `backwards` turns the order of the groups, not that within them.
        """
        if self.by is None:
            return shown
        rows: list[Row] = []
        for key, members in self._members(self.by, shown, backwards=backwards):
            folded = key in self.folded
            rows.append(_group(key, members, marks, folded=folded))
            rows += [] if folded else members
        return rows

    def _members(
        self, by: By, shown: Iterable[ConnectionState], *, backwards: bool
    ) -> list[tuple[GroupKey, list[ConnectionState]]]:
        value_of, order = _VALUES[by], ORDERS[by]
        found: dict[str, list[ConnectionState]] = {}
        for state in shown:
            found.setdefault(value_of(state), []).append(state)
        ordered = sorted(found.items(), key=lambda each: order(each[1][0]), reverse=backwards)
        return [(GroupKey(by, value), members) for value, members in ordered]

    def toggle(self, key: GroupKey) -> None:
        """Fold a group, or unfold it if it is folded."""
        self.folded ^= {key}

    def toggle_all(self, keys: Set[GroupKey]) -> None:
        """Fold these groups, or unfold them if all are folded."""
        self.folded = self.folded - keys if keys <= self.folded else self.folded | keys

    def unfold(self, key: GroupKey) -> None:
        """Unfold a group if it is folded."""
        self.folded -= {key}


def row_key(row: Row) -> object:
    """What tells rows apart."""
    return row.key if isinstance(row, Group) else row.connection.name


def _group(key: GroupKey, members: Sequence[ConnectionState], marks: Set[str], *, folded: bool) -> Group:
    numbers = Counter(state.status for state in members)
    return Group(
        key,
        _TITLES[key.by](members[0]),
        len(members),
        tuple((status, numbers[status]) for status in _STATUS_ORDER if numbers[status]),
        sum(state.connection.name in marks for state in members) if marks else 0,
        folded,
    )
