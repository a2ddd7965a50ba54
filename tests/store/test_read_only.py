"""A store that only looks: every way to change it is refused, whoever adds another one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.store.samples import connection, dead_process
from tui.domain.failure import ReadOnly
from tui.domain.run import Outcome, Progress, Status, Trigger
from tui.paths import Paths
from tui.store.base import Store
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore
from tui.trust.vault import Vault

CHANGES: dict[str, Callable[[Store], Awaitable[object]]] = {
    "save": lambda store: store.save(connection("new")),
    "save_all": lambda store: store.save_all([connection("new")], replace=True),
    "delete": lambda store: store.delete("acme"),
    "record_certificate": lambda store: store.record_certificate("acme", "ftps://x", datetime.now(UTC)),
    "begin_run": lambda store: store.begin_run("acme", Trigger.MANUAL, this_process()),
    "pulse": lambda store: store.pulse(1, Progress(), 1),
    "record_files": lambda store: store.record_files(1, {}),
    "record_events": lambda store: store.record_events(1, []),
    "record_partials": lambda store: store.record_partials(1, []),
    "forget_partials": lambda store: store.forget_partials(1, []),
    "record_delivery": lambda store: store.record_delivery(1, {}, []),
    "end_run": lambda store: store.end_run(1, Outcome(Status.COMPLETED), Progress()),
    "request_cancel": lambda store: store.request_cancel(1),
}

LOOKS = {
    "version",
    "overview",
    "unshown",
    "statuses",
    "connections",
    "unreadable",
    "connection",
    "partials",
    "runs",
    "run",
    "files",
    "changed_files",
    "search",
    "events",
    "deliveries",
    "deliveries_by_alias",
    "delivery_of",
    "statistics",
}


@pytest.fixture
async def looking(store: SqliteStore, paths: Paths) -> AsyncIterator[SqliteStore]:
    """A second store on the same file, which only looks; there is one connection with a run in progress."""
    await store.save(connection())
    await store.begin_run("acme", Trigger.MANUAL, this_process())
    looking = SqliteStore(paths.database, read_only=True)
    await looking.open()
    yield looking
    await looking.close()


def test_every_method_is_known_to_change_or_to_look() -> None:
    assert CHANGES.keys() | LOOKS | {"open", "close", "end_orphans"} == Store.__abstractmethods__


@pytest.mark.parametrize("change", CHANGES)
async def test_changes_are_refused(looking: SqliteStore, store: SqliteStore, change: str) -> None:
    before = await store.version()
    with pytest.raises(ReadOnly, match="read-only here"):
        await CHANGES[change](looking)
    assert await store.version() == before
    assert [found.name for found in await looking.connections()] == ["acme"]


async def test_a_run_whose_process_is_gone_is_ended_all_the_same(looking: SqliteStore, store: SqliteStore) -> None:
    await store.save(connection("gone"))
    await store.begin_run("gone", Trigger.MANUAL, dead_process())
    assert [run.connection for run in await looking.end_orphans()] == ["gone"]


def test_the_vault_gives_and_takes_nothing(tmp_path: Path) -> None:
    places = (tmp_path / "vault", tmp_path / "key")
    Vault(*places).set("acme", "hunter2")
    looking = Vault(*places, read_only=True)
    with pytest.raises(ReadOnly):
        looking.set("acme", "other")
    with pytest.raises(ReadOnly):
        looking.delete("acme")
    assert looking.get("acme") == "hunter2"
