"""Searches the history for what a filter accepts, in slices: a filter may match nothing in a million runs.

SQLite leaves out most of what cannot be meant, a hundred times faster than the filter itself could. It never leaves
out what is meant, and the filter has the last word on what remains.

Every function runs inside a transaction of its caller, in the store's thread.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import apsw

from tui.domain.filter import Comparison, Filter
from tui.domain.filter_facts import RUN_VOCABULARY, is_stored, run_facts
from tui.store.base import Found
from tui.store.connections import connection_id
from tui.store.rows import RUN_COLUMNS, Row, to_micros, to_moment, to_run, to_text

_SPAN = 10_000
"""Runs that one slice goes through at most, some 20 ms: whatever else waits for the store has its turn after it."""

_LOOKS = 500
"""Runs that are looked at with the filter itself in one slice at most, for the same reason."""

_Condition = tuple[str, Sequence[object]]
"""A piece of SQL, and the values in it."""

_COLUMNS = {"status": "runs.status", "trigger": "runs.trigger", "failure": "runs.failure_class"}
_NOW = "?"
_MEASURES = {
    "last": f"({_NOW} - runs.started) / 1e6",
    "took": f"(coalesce(runs.ended, {_NOW}) - runs.started) / 1e6",
    "bytes": "runs.bytes_done",
    "files": "runs.files_done",
    "run": "runs.run_id",
}
_TEXT = (
    "coalesce(connections.name, runs.connection_name) || char(10) || runs.trigger || char(10) || runs.status || "
    "char(10) || coalesce(runs.failure_class, '') || char(10) || coalesce(runs.failure_message, '') || char(10) || "
    "coalesce(runs.message, '')"
)
# SQLite knows upper and lower case of ASCII only, so that other texts are left to the filter.
_HAS_WORD = f"(instr(lower({_TEXT}), ?) OR length({_TEXT}) <> octet_length({_TEXT}))"


def search(database: apsw.Connection, name: str | None, wanted: Filter, *, before: int | None, limit: int) -> Found:
    scope = list(_scope(None if name is None else connection_id(database, name), wanted, before))
    last = _last_of_slice(database, scope)
    if last is not None:
        scope.append(("runs.run_id >= ?", (last[0],)))
    found = []
    query = f"SELECT {RUN_COLUMNS} FROM runs LEFT JOIN connections USING (connection_id)"  # noqa: S608 - only constants
    rows = _execute(database, query, [*scope, *_conditions(wanted)], "ORDER BY runs.run_id DESC")
    for looks, run in enumerate(map(to_run, rows), 1):
        if wanted.accepts(run_facts(run)):
            found.append(run)
        if len(found) == limit or looks == _LOOKS:
            return Found(found, run.run_id, run.started)
    return Found(found, None, None) if last is None else Found(found, last[0], to_moment(last[1]))


def _scope(number: int | None, wanted: Filter, before: int | None) -> Iterator[_Condition]:
    """What an index of the history leads to."""
    if number is not None:
        yield "runs.connection_id = ?", (number,)
    if len(statuses := _asked(wanted, "status")) == 1:
        yield "runs.status = ?", statuses
    if before is not None:
        yield "runs.run_id < ?", (before,)


def _last_of_slice(database: apsw.Connection, scope: Sequence[_Condition]) -> tuple[int, int] | None:
    """The last run that the slice goes to, and when it began; None when it goes to the very first run."""
    rows = _execute(
        database, "SELECT run_id, started FROM runs", scope, f"ORDER BY run_id DESC LIMIT 1 OFFSET {_SPAN - 1}"
    )
    return next(((run_id, started) for run_id, started in rows), None)


def _conditions(wanted: Filter) -> Iterator[_Condition]:
    """What SQLite can tell of the filter. The signs in front keep it to the index of the scope."""
    for key, column in _COLUMNS.items():
        if key in wanted.choices:
            values = _asked(wanted, key)
            yield f"+{column} IN ({', '.join('?' * len(values))})", values
    now = to_micros(datetime.now(UTC))
    for comparison in wanted.comparisons:
        yield _compared(comparison, now)
    for word in wanted.words:
        if not word.negated and is_stored(word.text):
            yield _HAS_WORD, (to_text(word.text),)


def _asked(wanted: Filter, key: str) -> list[str]:
    """The values of a column that the filter asks for, as they are stored."""
    values = RUN_VOCABULARY.choices[key]
    return [values[slug] for slug in sorted(wanted.asked(key, values))]


def _compared(comparison: Comparison, now: int) -> _Condition:
    measure = _MEASURES[comparison.key]
    text = f"{measure} {comparison.sign or '='} ?"
    values = ([now] if _NOW in measure else []) + [comparison.amount]
    return f"NOT ({text})" if comparison.negated else text, values


def _execute(database: apsw.Connection, query: str, conditions: Sequence[_Condition], end: str) -> Iterator[Row]:
    where = f"WHERE {' AND '.join(text for text, _ in conditions)}" if conditions else ""
    return database.execute(f"{query} {where} {end}", [value for _, values in conditions for value in values])
