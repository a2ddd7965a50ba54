"""Totals of a period, against the same sums made by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

import apsw
import pytest

from tests.store.samples import connection
from tui.domain.failure import UnknownConnection
from tui.domain.run import Run, Status
from tui.paths import Paths
from tui.store import statistics
from tui.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
async def runs(store: SqliteStore, paths: Paths) -> list[Run]:
    """Three hundred runs of two connections over thirty days, some of them failed, one in progress."""
    for name in ("acme", "borealis"):
        await store.save(connection(name))
    chance = Random(7)
    database = apsw.Connection(str(paths.database))
    started = NOW - timedelta(days=30)
    with database:
        for number in range(300):
            started += timedelta(minutes=chance.randrange(1, 280))
            in_progress = number == 299
            status = "In Progress" if in_progress else chance.choice(["Completed", "Completed", "Failed"])
            began = int(started.timestamp() * 1e6)
            database.execute(
                "INSERT INTO runs (connection_id, connection_name, trigger, status, started, ended, heartbeat, "
                "owner_pid, owner_host, owner_started, files_done, bytes_done) "
                "VALUES (?, 'an older name', 'manual', ?, ?, ?, 0, 1, 'h', 's', ?, ?)",
                (
                    chance.choice([1, 2]),
                    status,
                    began,
                    None if in_progress else began + chance.randrange(10_000_000),
                    chance.randrange(9),
                    chance.randrange(10**9),
                ),
            )
    database.close()
    return await store.runs(limit=1000)


def ended(runs: list[Run], since: datetime, name: str | None = None) -> Iterator[Run]:
    return (run for run in runs if run.started >= since and run.ended and name in (None, run.connection))


@pytest.mark.parametrize("days", [0, 1, 7, 100])
@pytest.mark.parametrize("name", [None, "acme"])
async def test_every_ended_run_of_the_period_counts_once(
    store: SqliteStore, runs: list[Run], days: int, name: str | None
) -> None:
    since = NOW - timedelta(days=days)
    found = await store.statistics(name, since)
    mine = list(ended(runs, since, name))
    assert sum(day.runs for day in found.days) == len(mine)
    for total in found.connections:
        own = list(ended(mine, since, total.connection))
        completed = [
            (run.ended - run.started).total_seconds() for run in own if run.ended and run.status is Status.COMPLETED
        ]
        assert (total.runs, total.failed) == (len(own), len(own) - len(completed))
        assert total.files == sum(run.progress.files_done for run in own)
        assert total.bytes == sum(run.progress.bytes_done for run in own)
        assert total.median_seconds == pytest.approx(median(completed) if completed else None)
        assert total.success_rate == len(completed) / len(own)


async def test_a_day_is_one_of_this_machine(store: SqliteStore, runs: list[Run]) -> None:
    found = await store.statistics(None, NOW - timedelta(days=100))
    for day in found.days:
        own = [
            run
            for run in ended(runs, NOW - timedelta(days=100), day.connection)
            if run.started.astimezone().date() == day.day
        ]
        assert (day.runs, day.bytes) == (len(own), sum(run.progress.bytes_done for run in own))
    assert [day.day for day in found.days] == sorted(day.day for day in found.days)


async def test_an_unknown_connection_is_told(store: SqliteStore) -> None:
    with pytest.raises(UnknownConnection):
        await store.statistics("nobody", NOW)


async def test_a_period_is_found_by_an_index(store: SqliteStore, paths: Paths, runs: list[Run]) -> None:
    database = apsw.Connection(str(paths.database))
    for text in (statistics._ENDED_SINCE, statistics._ENDED_SINCE + statistics._OF_ONE):
        values = (0, 1)[: text.count("?2") + 1]
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN SELECT count(*) {text}", values)]
        assert not any(step.startswith("SCAN") for step in plan), plan
    database.close()
