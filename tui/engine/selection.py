"""Picks from a listing the files that a connection is about and that are ready to be moved.

A file that its sender still writes must not be taken. Where the sender does not tell (by a temporary name or a
done-file), two looks do: a file whose size or time changes between them is left for the next run. Files that have not
been touched for a minute need no second look.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from time import time

from tui.domain.connection import Connection
from tui.domain.failure import TransferFailed
from tui.domain.figures import count
from tui.domain.naming import is_aside, is_partial, matches, name_before_aside
from tui.methods.base import Entry, Source
from tui.methods.narration import Narrator

SECOND_LOOK_AFTER = 1.0
"""Seconds between the two looks at a file that was touched lately."""

_AT_REST = 60
"""Seconds without a change after which a file needs no second look."""

_SAMPLE = 3
"""Names told of the files that match."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The files to consider, and those that match but are left alone, with the reason."""

    ready: list[Entry]
    left_alone: list[tuple[Entry, str]] = field(default_factory=list)
    set_aside: list[Entry] = field(default_factory=list)
    """Files that were delivered and whose after-action has not come to its end, as they are called now."""


async def select(
    source: Source,
    connection: Connection,
    narrator: Narrator,
    *,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time,
) -> Selection:
    """List the source, narrated as the step `list`, and pick. When files were touched lately, `wait` is asked to let a
    second pass."""
    with narrator.step("list") as note:
        listing = await source.list_files()
        matching = [entry for entry in listing if _is_asked_for(entry, connection.pattern)]
        note.detail = _summary(len(listing), matching, connection.pattern)
    selection = _sort(matching, listing, connection, clock())
    if source.can_grow:
        selection = await _without_growing(source, selection, wait, clock())
    for entry, why in selection.left_alone[:_SAMPLE]:
        narrator.tell("plan", f"{entry.name} is left alone: {why}")
    if len(selection.left_alone) > _SAMPLE:
        narrator.tell("plan", f"{len(selection.left_alone)} files are left alone")
    return replace(selection, set_aside=[entry for entry in listing if _is_set_aside(entry, connection.pattern)])


def _is_asked_for(entry: Entry, patterns: Sequence[str]) -> bool:
    return matches(entry.name, patterns) and not is_partial(entry.name) and not is_aside(entry.name)


def _is_set_aside(entry: Entry, patterns: Sequence[str]) -> bool:
    return is_aside(entry.name) and entry.problem is None and matches(name_before_aside(entry.name), patterns)


def _sort(matching: list[Entry], listing: list[Entry], connection: Connection, now: float) -> Selection:
    # What is asked of the others' names is asked only where there are done-files.
    names = {entry.name for entry in listing} if connection.done_file is not None else set()
    selection = Selection([])
    for entry in matching:
        why = _why_not_ready(entry, names, connection, now)
        if why is None:
            selection.ready.append(entry)
        else:
            selection.left_alone.append((entry, why))
    return selection


def _why_not_ready(entry: Entry, names: set[str], connection: Connection, now: float) -> str | None:
    if entry.problem is None and matches(entry.name, connection.skip):
        return "its name is one of those to skip"
    done = connection.done_file
    if done is not None and entry.name.endswith(done) and entry.name.removesuffix(done) in names:
        return "it says that another file is complete"
    if done is not None and f"{entry.name}{done}" not in names:
        return f"{entry.name}{done}, which says that it is complete, is not there yet"
    if connection.min_age and (entry.mtime is None or now - entry.mtime < connection.min_age):
        return f"it was changed less than {connection.min_age} s ago"
    return None


async def _without_growing(
    source: Source, selection: Selection, wait: Callable[[float], Awaitable[None]], now: float
) -> Selection:
    young = [entry for entry in selection.ready if entry.problem is None and _is_young(entry, now)]
    if not young:
        return selection
    await wait(SECOND_LOOK_AFTER)
    growing: dict[str, str] = {}
    for entry, fresh in zip(young, await source.stat_each(young), strict=True):
        if isinstance(fresh, TransferFailed):
            raise fresh
        if fresh is None:
            growing[entry.key] = "it has vanished"
        elif (fresh.size, fresh.mtime) != (entry.size, entry.mtime):
            growing[entry.key] = "it is still being written"
    return Selection(
        [entry for entry in selection.ready if entry.key not in growing],
        selection.left_alone + [(entry, growing[entry.key]) for entry in young if entry.key in growing],
    )


def _is_young(entry: Entry, now: float) -> bool:
    return entry.mtime is None or now - entry.mtime < _AT_REST


def _summary(listed: int, matching: list[Entry], patterns: Sequence[str]) -> str:
    detail = f"{count(listed, 'file')}, {len(matching)} match {', '.join(patterns)}"
    if matching:
        names = [entry.name for entry in matching[:_SAMPLE]]
        detail += f": {', '.join(names)}{', …' if len(matching) > _SAMPLE else ''}"
    return detail
