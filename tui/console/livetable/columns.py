"""Columns, and how they share the width of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from tui.console.livetable.cells import Cell

Item = TypeVar("Item")

Justify = Literal["left", "right"]


@dataclass(frozen=True)
class Column(Generic[Item]):
    """All widths are in cells of the terminal."""

    key: str
    label: str
    cell: Callable[[Item, int], Cell]
    """What the column says of an item, where it has so much width."""
    width: int
    """Enough for its longest value."""
    least: int | None = None
    """What it can do with where there is little room; without it, nothing less than `width`."""
    grows: bool = False
    """Whether it takes what the others leave."""
    drop: int = 0
    """Where there is no room for all, the columns with the highest number are left out first; those with 0 stay."""
    justify: Justify = "left"
    space: int = 1
    """Blank cells between it and the next one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A column where it is drawn, from the cell `x` on."""

    column: Column[Any]
    x: int
    width: int


def arrange(columns: Sequence[Column[Any]], room: int) -> tuple[Placed, ...]:
    """The columns that have their place in `room` cells, at the widths that they get."""
    kept = _kept(columns, room)
    spare = max(room - _total(kept), 0)
    widths = {column.key: _least(column) for column in kept}
    for column in sorted(kept, key=lambda column: column.drop):
        more = min(spare, column.width - widths[column.key])
        widths[column.key] += more
        spare -= more
    growing = [column for column in kept if column.grows]
    for place, column in enumerate(growing):
        share = spare // (len(growing) - place)
        widths[column.key] += share
        spare -= share
    placed, x = [], 0
    for column in kept:
        placed.append(Placed(column, x, widths[column.key]))
        x += widths[column.key] + column.space
    return tuple(placed)


def _least(column: Column[Any]) -> int:
    return column.width if column.least is None else min(column.least, column.width)


def _total(columns: Sequence[Column[Any]]) -> int:
    """What the columns take at least."""
    return sum(_least(column) for column in columns) + sum(column.space for column in columns[:-1])


def _kept(columns: Sequence[Column[Any]], room: int) -> list[Column[Any]]:
    kept = list(columns)
    while _total(kept) > room:
        last = max(reversed(kept), key=lambda column: column.drop, default=None)
        if last is None or last.drop == 0:
            break
        kept.remove(last)
    return kept
