"""Columns, how they share the width of a table, and which are seen of those that have no place in it together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

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
    fixed: bool = False
    """Whether it stays in sight while others are moved out of it: the one that tells whose row it is."""
    justify: Justify = "left"
    space: int = 1
    """Blank cells between it and the next one."""


class Placed(NamedTuple):
    """A column where it is drawn, from the cell `x` on."""

    column: Column[Any]
    x: int
    width: int


def arrange(columns: Sequence[Column[Any]], room: int, shift: int = 0) -> tuple[Placed, ...]:
    """The columns that have their place in `room` cells, at the widths that they get.

    Without a shift, what matters less is left out where there is no room for all. With one, columns are moved out of
    sight on the left, and as many of the others follow each other as there is room for: whatever its `drop`, each
    column is seen at some shift up to `furthest`.
    """
    kept = _in_turn(_without(columns, _gone(columns, room, shift)), room) if shift else _by_rank(columns, room)
    widths = _widths(kept, room)
    placed, x = [], 0
    for column in kept:
        placed.append(Placed(column, x, widths[column.key]))
        x += widths[column.key] + column.space
    return tuple(placed)


def furthest(columns: Sequence[Column[Any]], room: int) -> int:
    """The first shift at which all that is not moved out of sight is seen; 0 where there is room for all."""
    most = len(_movable(columns)) - 1
    if most < 0 or _total(columns) <= room:
        return 0
    shift = 1
    while (gone := _gone(columns, room, shift)) < most and _total(_without(columns, gone)) > room:
        shift += 1
    return shift if gone <= most else 0


def _gone(columns: Sequence[Column[Any]], room: int, shift: int) -> int:
    """How many columns a shift moves out of sight: the first step none, if the very first one was not seen before."""
    first = next(iter(_movable(columns)), None)
    return shift if first in _by_rank(columns, room) else shift - 1


def _movable(columns: Sequence[Column[Any]]) -> list[Column[Any]]:
    return [column for column in columns if not column.fixed]


def _without(columns: Sequence[Column[Any]], gone: int) -> list[Column[Any]]:
    out_of_sight = _movable(columns)[:gone]
    return [column for column in columns if column not in out_of_sight]


def _in_turn(columns: Sequence[Column[Any]], room: int) -> list[Column[Any]]:
    """The first ones that there is room for, the fixed ones among them, and one that is not fixed in any case."""
    kept = list(columns)
    while _total(kept) > room and sum(not column.fixed for column in kept) > 1:
        kept.remove(next(column for column in reversed(kept) if not column.fixed))
    return kept


def _by_rank(columns: Sequence[Column[Any]], room: int) -> list[Column[Any]]:
    kept = list(columns)
    while _total(kept) > room:
        last = max(reversed(kept), key=lambda column: column.drop, default=None)
        if last is None or last.drop == 0:
            break
        kept.remove(last)
    return kept


def _widths(kept: Sequence[Column[Any]], room: int) -> dict[str, int]:
    """What each gets: its least width, then up to its width by rank, and of what is left those that grow."""
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
    return widths


def _least(column: Column[Any]) -> int:
    return column.width if column.least is None else min(column.least, column.width)


def _total(columns: Sequence[Column[Any]]) -> int:
    """What the columns take at least."""
    return sum(_least(column) for column in columns) + sum(column.space for column in columns[:-1])
