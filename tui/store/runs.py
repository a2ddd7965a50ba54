"""Statements on runs: the claim on a connection, its heartbeat, its end, and the history.

Every function runs inside a transaction of its caller, in the store's thread. A run is claimed by the process that
began it. Nobody takes a run over: others can only end it, and from then on the claim is void.
"""

from datetime import UTC, datetime, timedelta

import apsw

from tui.domain.failure import AlreadyRunning, FailureClass, TransferFailed, UsageProblem
from tui.domain.run import FileStatus, Outcome, Owner, Progress, Run, Status, Trigger
from tui.store.base import Pulse
from tui.store.connections import connection_id
from tui.store.process import is_gone
from tui.store.rows import (
    RUN_COLUMNS,
    Row,
    failure_values,
    outcome_values,
    progress_values,
    to_micros,
    to_moment,
    to_run,
)

LONGEST_SILENCE = timedelta(seconds=60)
"""After so long without a heartbeat, a process that cannot be seen from here counts as gone."""

_RUNS = f"SELECT {RUN_COLUMNS} FROM runs LEFT JOIN connections USING (connection_id)"  # noqa: S608 - only constants
_HOLDERS = "SELECT run_id, started, heartbeat, owner_pid, owner_host, owner_started FROM runs"
_IN_PROGRESS = Status.IN_PROGRESS.value

_PUT_PROGRESS = """
    UPDATE runs
    SET files_done = ?, files_total = ?, bytes_done = ?, bytes_total = ?, current = ?,
        heartbeat = ?, attempts = coalesce(?, attempts)
    WHERE run_id = ? AND status = 'In Progress' AND owner_pid = ? AND owner_host = ? AND owner_started = ?
    RETURNING cancel_requested
"""


def begin(database: apsw.Connection, name: str, trigger: Trigger, owner: Owner) -> Run:
    number = connection_id(database, name)
    end_orphan_of(database, number, name)
    now = to_micros(datetime.now(UTC))
    run_id = database.execute(
        "INSERT INTO runs (connection_id, connection_name, trigger, status, started, heartbeat, "
        "owner_pid, owner_host, owner_started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING run_id",
        (number, name, trigger.value, _IN_PROGRESS, now, now, owner.pid, owner.host, owner.started),
    ).get
    database.execute("UPDATE connections SET latest_run_id = ? WHERE connection_id = ?", (run_id, number))
    return one(database, run_id)


def pulse(database: apsw.Connection, run_id: int, progress: Progress, attempts: int, owner: Owner) -> Pulse:
    cancel_requested = _put_progress(database, run_id, progress, owner, attempts)
    return Pulse(ours=cancel_requested is not None, cancel_requested=bool(cancel_requested))


def end(database: apsw.Connection, run_id: int, outcome: Outcome, progress: Progress, owner: Owner) -> Run:
    if _put_progress(database, run_id, progress, owner) is not None:
        _put_outcome(database, run_id, outcome)
    return one(database, run_id)


def request_cancel(database: apsw.Connection, run_id: int) -> None:
    one(database, run_id)
    database.execute("UPDATE runs SET cancel_requested = 1 WHERE run_id = ? AND status = ?", (run_id, _IN_PROGRESS))


def orphans(database: apsw.Connection) -> list[int]:
    """The runs in progress whose process is gone."""
    holders: list[Row] = database.execute(f"{_HOLDERS} WHERE status = 'In Progress'").fetchall()
    return [holder[0] for holder in holders if _is_orphan(holder)]


def end_orphans(database: apsw.Connection) -> list[Run]:
    return [_end_orphan(database, run_id) for run_id in orphans(database)]


def end_orphan_of(database: apsw.Connection, number: int, name: str) -> None:
    """See to it that the connection has no run in progress. Raises AlreadyRunning when it has one that lives."""
    holder = database.execute(f"{_HOLDERS} WHERE connection_id = ? AND status = 'In Progress'", (number,)).fetchone()
    if holder is None:
        return
    if not _is_orphan(holder):
        _, since, _, pid, host, _ = holder
        raise AlreadyRunning(name, to_moment(since), pid, host)
    _end_orphan(database, holder[0])


def one(database: apsw.Connection, run_id: int) -> Run:
    """Raises UsageProblem when there is no such run."""
    row = database.execute(f"{_RUNS} WHERE runs.run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise UsageProblem(f"There is no run {run_id}; `wharf history` shows which there are.")
    return to_run(row)


def next_revision(database: apsw.Connection, run_id: int) -> int:
    """Of the files of a run, for those that are written now: see `FileChanges`."""
    newest: int | None = database.execute("SELECT max(revision) FROM files WHERE run_id = ?", (run_id,)).get
    return 1 if newest is None else newest + 1


def page(
    database: apsw.Connection, name: str | None, *, before: int | None, limit: int, status: Status | None
) -> list[Run]:
    number = None if name is None else connection_id(database, name)
    query, values = page_query(number, before=before, limit=limit, status=status)
    return [to_run(row) for row in database.execute(query, values)]


def page_query(number: int | None, *, before: int | None, limit: int, status: Status | None) -> tuple[str, Row]:
    """One page of the history: only the conditions that are asked for, so that each form has its index."""
    conditions = {
        "runs.connection_id = ?": number,
        "runs.status = ?": None if status is None else status.value,
        "runs.run_id < ?": before,
    }
    used = {text: value for text, value in conditions.items() if value is not None}
    where = f"WHERE {' AND '.join(used)}" if used else ""
    return f"{_RUNS} {where} ORDER BY runs.run_id DESC LIMIT ?", (*used.values(), limit)


def _put_progress(
    database: apsw.Connection, run_id: int, progress: Progress, owner: Owner, attempts: int | None = None
) -> bool | None:
    """Only while the claim holds. Returns whether a cancel is requested, None when the claim is void."""
    now = to_micros(datetime.now(UTC))
    values = (*progress_values(progress), now, attempts, run_id, owner.pid, owner.host, owner.started)
    cancel_requested = database.execute(_PUT_PROGRESS, values).get
    return None if cancel_requested is None else bool(cancel_requested)


def _is_orphan(holder: Row) -> bool:
    _, _, heartbeat, pid, host, started = holder
    gone = is_gone(Owner(pid, host, started))
    return datetime.now(UTC) - to_moment(heartbeat) > LONGEST_SILENCE if gone is None else gone


def _end_orphan(database: apsw.Connection, run_id: int) -> Run:
    heartbeat, pid, host = database.execute(
        "SELECT heartbeat, owner_pid, owner_host FROM runs WHERE run_id = ?", (run_id,)
    ).get
    failure = TransferFailed(
        FailureClass.INTERRUPTED,
        f"The process of this run (pid {pid} on host {host}) is gone; "
        f"its last sign of life was {to_moment(heartbeat):%Y-%m-%d %H:%M:%S} UTC.",
    ).failure
    _put_outcome(database, run_id, Outcome(Status.FAILED, failure))
    return one(database, run_id)


def _put_outcome(database: apsw.Connection, run_id: int, outcome: Outcome) -> None:
    database.execute(
        "UPDATE runs SET status = ?, ended = ?, failure_class = ?, failure_message = ?, failure_remedy = ?, "
        "message = ?, current = NULL WHERE run_id = ?",
        (
            outcome.status.value,
            to_micros(datetime.now(UTC)),
            *outcome_values(outcome.failure, outcome.message),
            run_id,
        ),
    )
    database.execute(
        "UPDATE files SET status = ?, failure_class = ?, failure_message = ?, failure_remedy = ?, revision = ? "
        "WHERE run_id = ? AND status IN (?, ?)",
        (
            FileStatus.FAILED.value,
            *failure_values(outcome.failure),
            next_revision(database, run_id),
            run_id,
            FileStatus.WAITING.value,
            FileStatus.IN_PROGRESS.value,
        ),
    )
