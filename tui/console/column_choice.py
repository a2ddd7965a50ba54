"""Which of its columns a table shows, and in which order. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tui.console.livetable import Column

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ColumnChoice(Generic[Item]):
    """All columns that a table can show. Fixed ones are always shown."""

    usual: tuple[Column[Item], ...]
    """Shown unless the user chooses."""
    others: tuple[Column[Item], ...] = ()

    def shown(self, keys: Sequence[str] | None) -> tuple[Column[Item], ...]:
        """The columns with these keys, in this order; the usual ones for None.

        Keys that are not known, or named before, are passed over, and fixed columns that are not named come first.
        """
        if keys is None:
            return self.usual
        known = {column.key: column for column in (*self.usual, *self.others)}
        named = [known[key] for key in dict.fromkeys(keys) if key in known]
        return (*(column for column in known.values() if column.fixed and column not in named), *named)

    def listed(self, keys: Sequence[str] | None) -> tuple[Column[Item], ...]:
        """All columns: those shown in their order, each other one behind that which it follows as a rule."""
        listed = list(self.shown(keys))
        before: Column[Item] | None = None
        for column in (*self.usual, *self.others):
            if column not in listed:
                listed.insert(0 if before is None else listed.index(before) + 1, column)
            before = column
        return tuple(listed)

    def remembered(self, keys: Iterable[str]) -> tuple[str, ...] | None:
        """The choice as it is to be remembered: None where it is the usual one, so that it follows Wharf's."""
        chosen = tuple(keys)
        return None if chosen == tuple(column.key for column in self.usual) else chosen
