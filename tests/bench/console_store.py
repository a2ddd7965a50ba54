"""Stores with many connections and runs, made in seconds."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from tests.crash.exchange import opened
from tui.domain.connection import Connection
from tui.domain.run import Status
from tui.paths import Paths
from tui.store.process import this_process
from tui.store.rows import to_micros

NEWEST = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""When the latest run began. One began each minute before it."""

FAILED_OF = 50
"""One run of so many has failed."""

_OWNER = this_process()

_PUT_RUN = """
    INSERT INTO runs (connection_id, connection_name, trigger, status, started, ended, owner_pid, owner_host,
        owner_started, heartbeat, files_done, files_total, bytes_done, bytes_total,
        failure_class, failure_message, failure_remedy)
    VALUES (?, ?, 'schedule', ?, ?, ?, ?, ?, ?, ?, ?, 3, ?, ?, ?, ?, ?)
"""


def name_of(number: int) -> str:
    return f"conn-{number:05}"


def paths_of(home: Path) -> Paths:
    return Paths(home / "config", home / "data", home / "state")


def fill(home: Path, connections: int, runs: int) -> None:
    """A store with so many of both. Every second run is one of the first connection, the others have equal shares."""
    paths = paths_of(home)
    paths.prepare()
    asyncio.run(_save(paths, connections))
    database = apsw.Connection(str(paths.database))
    database.execute("PRAGMA synchronous = OFF")
    with database:
        database.executemany(_PUT_RUN, _runs(connections, runs))
        database.execute(
            "UPDATE connections SET latest_run_id = "
            "(SELECT max(run_id) FROM runs WHERE runs.connection_id = connections.connection_id)"
        )
    database.close()


def _runs(connections: int, runs: int) -> Iterator[tuple[object, ...]]:
    for place in range(runs):
        number = (place // 2) % connections if place % 2 else 0
        began = to_micros(NEWEST - timedelta(minutes=runs - 1 - place))
        ended = began + 20_000_000
        failed = place // 2 % FAILED_OF == 0
        status = Status.FAILED if failed else Status.COMPLETED
        failure = ("network", "The connection was reset by the other side.", "Try again.") if failed else (None,) * 3
        owner = (_OWNER.pid, _OWNER.host, _OWNER.started)
        moved = 1_000_000 + place % 1000 * 7919
        done = 1 if failed else 3
        yield number + 1, name_of(number), status.value, began, ended, *owner, ended, done, moved, moved, *failure


async def _save(paths: Paths, connections: int) -> None:
    async with opened(paths) as store:
        await store.save_all([_connection(number) for number in range(connections)], replace=False)


def _connection(number: int) -> Connection:
    return Connection.model_validate(
        {
            "name": name_of(number),
            "type": ("conversions", "modifications", "reversals", "catalog", "performance")[number % 5],
            "direction": "inbound",
            "method": "sftp",
            "local_dir": f"/batches/{number}",
            "pattern": ["*.csv"],
            "sftp": {
                "host": f"sftp{number % 97}.partner.example",
                "username": "wharf",
                "agent": True,
                "directory": "/outgoing",
            },
        }
    )
