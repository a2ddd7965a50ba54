from datetime import UTC, datetime, timedelta

import pytest

from tests.store.samples import alter, connection, dead_process
from tui.domain.failure import (
    AlreadyRunning,
    ChangedElsewhere,
    NameTaken,
    StoreProblem,
    UnknownConnection,
    UsageProblem,
)
from tui.domain.run import Outcome, Progress, Status, Trigger
from tui.paths import Paths
from tui.store import runs
from tui.store.base import ConnectionState, Delivery
from tui.store.connections import add
from tui.store.database import open_database
from tui.store.overview import OF_RUNS, OVERVIEW, Overview
from tui.store.process import this_process
from tui.store.reading import open_for_reading
from tui.store.sqlite import SqliteStore


async def test_a_connection_comes_back_equal(store: SqliteStore) -> None:
    saved = connection(pattern=["a*", "b?"], retries=7, enabled=False)
    await store.save(saved)
    assert await store.connection("acme") == saved
    assert await store.connections() == [saved]


async def test_what_is_saved_outlives_the_process(store: SqliteStore, paths: Paths) -> None:
    await store.save(connection())
    await store.close()
    again = SqliteStore(paths.database)
    await again.open()
    assert await again.connections() == [connection()]
    await again.close()


async def test_connections_come_by_name(store: SqliteStore) -> None:
    for name in ("zeta", "alpha", "mid"):
        await store.save(connection(name))
    assert [found.name for found in await store.connections()] == ["alpha", "mid", "zeta"]
    assert [state.connection.name for state in await store.overview()] == ["alpha", "mid", "zeta"]


async def test_the_overview_of_a_connection_that_never_ran(store: SqliteStore) -> None:
    await store.save(connection())
    assert await store.overview() == [ConnectionState(connection().summary, Status.NONE, None, None)]


async def test_the_overview_follows_the_latest_run(store: SqliteStore) -> None:
    await store.save(connection())
    first = await store.begin_run("acme", Trigger.MANUAL, this_process())
    assert await store.overview() == [ConnectionState(connection().summary, Status.IN_PROGRESS, first.started, first)]
    ended = await store.end_run(first.run_id, Outcome(Status.FAILED), Progress())
    assert await store.overview() == [ConnectionState(connection().summary, Status.FAILED, ended.ended, ended)]
    second = await store.begin_run("acme", Trigger.MANUAL, this_process())
    assert (await store.overview())[0].latest == second


async def test_an_unknown_name_gets_the_nearest_ones(store: SqliteStore) -> None:
    await store.save_all([connection("acme-in"), connection("acme-out"), connection("zeta")], replace=False)
    with pytest.raises(UnknownConnection) as caught:
        await store.connection("acme-on")
    assert set(caught.value.nearest) == {"acme-in", "acme-out"}


@pytest.mark.parametrize("name", ["\udcff", "a\0b", "'; DROP TABLE runs; --", "x" * 100_000])
async def test_any_text_may_be_asked_for(store: SqliteStore, name: str) -> None:
    await store.save(connection())
    for asked in (store.connection(name), store.runs(name), store.deliveries(name, ["k"]), store.delete(name)):
        with pytest.raises(UnknownConnection):
            await asked
    with pytest.raises(UnknownConnection):
        await store.begin_run(name, Trigger.MANUAL, this_process())


async def test_a_name_is_taken_once(store: SqliteStore) -> None:
    await store.save(connection())
    with pytest.raises(NameTaken):
        await store.save(connection(retries=9))
    assert await store.connections() == [connection()]


async def test_replacing(store: SqliteStore) -> None:
    await store.save_all([connection("a"), connection("b")], replace=False)
    await store.save(connection("a", retries=9), replacing="a")
    assert (await store.connection("a")).retries == 9
    with pytest.raises(NameTaken):
        await store.save(connection("b"), replacing="a")
    with pytest.raises(UnknownConnection):
        await store.save(connection("c"), replacing="nobody")
    assert [found.name for found in await store.connections()] == ["a", "b"]


async def test_a_rename_keeps_history_and_ledger(store: SqliteStore) -> None:
    await store.save(connection("old"))
    run = await store.begin_run("old", Trigger.MANUAL, this_process())
    line = Delivery("k", 1, None, "00", run.run_id)
    await store.record_delivery(run.run_id, {}, [line])
    await store.end_run(run.run_id, Outcome(Status.COMPLETED), Progress())
    await store.save(connection("new"), replacing="old")
    assert [(found.run_id, found.connection) for found in await store.runs("new")] == [(run.run_id, "new")]
    assert (await store.run(run.run_id)).connection == "new"
    assert await store.deliveries("new", ["k"]) == {"k": line}
    assert (await store.overview())[0].status is Status.COMPLETED
    with pytest.raises(UnknownConnection):
        await store.runs("old")


async def test_save_all_is_all_or_nothing(store: SqliteStore) -> None:
    await store.save(connection("b"))
    with pytest.raises(NameTaken):
        await store.save_all([connection("a"), connection("b", retries=9), connection("c")], replace=False)
    assert await store.connections() == [connection("b")]
    await store.save_all([connection("a"), connection("b", retries=9)], replace=True)
    assert [(found.name, found.retries) for found in await store.connections()] == [("a", 3), ("b", 9)]


async def test_replacing_by_name_keeps_the_history(store: SqliteStore) -> None:
    await store.save(connection())
    run = await store.begin_run("acme", Trigger.MANUAL, this_process())
    await store.save_all([connection(retries=9)], replace=True)
    assert await store.runs("acme") == [run]


async def test_deleting_keeps_the_runs_and_forgets_the_ledger(store: SqliteStore) -> None:
    await store.save(connection("first"))
    run = await store.begin_run("first", Trigger.MANUAL, this_process())
    await store.record_delivery(run.run_id, {}, [Delivery("k", 1, None, "00", run.run_id)])
    ended = await store.end_run(run.run_id, Outcome(Status.COMPLETED), Progress())
    await store.save(connection("renamed"), replacing="first")
    await store.delete("renamed")
    assert await store.connections() == []
    assert [(found.run_id, found.connection) for found in await store.runs()] == [(ended.run_id, "renamed")]

    # A later connection of the same name is another one.
    await store.save(connection("renamed"))
    assert await store.runs("renamed") == []
    assert await store.deliveries("renamed", ["k"]) == {}
    assert (await store.overview())[0].status is Status.NONE


async def test_a_running_connection_is_not_deleted(store: SqliteStore) -> None:
    await store.save(connection())
    await store.begin_run("acme", Trigger.MANUAL, this_process())
    with pytest.raises(AlreadyRunning):
        await store.delete("acme")
    assert await store.connections() == [connection()]


async def test_a_connection_whose_process_is_gone_can_be_deleted(store: SqliteStore) -> None:
    await store.save(connection())
    run = await store.begin_run("acme", Trigger.MANUAL, dead_process())
    await store.delete("acme")
    assert (await store.run(run.run_id)).status is Status.FAILED


def body_of(name: str) -> str:
    return connection(name).model_dump_json(exclude_none=True, by_alias=True)


async def test_a_connection_that_breaks_a_rule_is_shown_and_refused_when_it_is_used(
    store: SqliteStore, paths: Paths
) -> None:
    await store.save_all([connection("broken"), connection("sound")], replace=False)
    run = await store.begin_run("broken", Trigger.MANUAL, this_process())
    await store.end_run(run.run_id, Outcome(Status.COMPLETED), Progress())
    body = body_of("broken").replace('"retries":3', '"retries":-3')
    alter(paths.database, "UPDATE connections SET body = ? WHERE name = 'broken'", body)

    assert await store.connections() == [connection("sound")]
    assert [state.connection.name for state in await store.overview()] == ["broken", "sound"]
    assert await store.unshown() == []
    (found,) = await store.unreadable()
    assert found.name == "broken"
    assert found.reasons == "retries must be 0 or more"
    with pytest.raises(StoreProblem, match="“broken” cannot be read by this Wharf: retries must be 0 or more"):
        await store.connection("broken")
    assert len(await store.runs("broken")) == 1

    await store.save(connection("broken"), replacing="broken")
    assert await store.unreadable() == []
    assert len(await store.connections()) == 2


@pytest.mark.parametrize(
    ("said", "instead", "reason"),
    [
        ('"method":"email"', '"method":"carrier-pigeon"', "method must be sftp, ftp or email"),
        ('"name":"odd"', '"name":"od\\u001bd"', "name must not contain control characters"),
        ('"email":{', '"email":[],"x":{', "email must be a table"),
        ("}", "", ""),
    ],
)
async def test_what_cannot_be_made_out_is_told_and_hides_nothing_else(
    store: SqliteStore, paths: Paths, said: str, instead: str, reason: str
) -> None:
    await store.save_all([connection("odd"), connection("sound")], replace=False)
    assert said in body_of("odd")
    body = body_of("odd").replace(said, instead)
    alter(paths.database, "UPDATE connections SET body = ? WHERE name = 'odd'", body)
    assert [state.connection.name for state in await store.overview()] == ["sound"]
    (unshown,) = await store.unshown()
    assert unshown.name == "odd"
    assert reason in unshown.reasons
    assert await store.unreadable() == [unshown]


async def test_what_an_overview_leaves_out_is_of_the_same_moment(store: SqliteStore, paths: Paths) -> None:
    await store.save_all([connection("odd"), connection("sound")], replace=False)
    assert await store.unshown() == []
    assert len(await store.overview()) == 2
    alter(paths.database, "UPDATE connections SET body = ? WHERE name = 'odd'", "")
    assert await store.unshown() == []
    assert len(await store.overview()) == 1
    assert [unshown.name for unshown in await store.unshown()] == ["odd"]


def test_after_writes_of_runs_only_their_connections_are_read_again(paths: Paths) -> None:
    paths.prepare()
    database = open_database(paths.database, 1)
    for name in ("a", "b", "c"):
        add(database, connection(name))
    run = runs.begin(database, "b", Trigger.MANUAL, this_process())
    overview = Overview()
    before = overview.states(database)
    runs.pulse(database, run.run_id, Progress(bytes_done=7), 2, this_process())
    statements: list[str] = []

    def trace(_cursor: object, statement: str, _values: object) -> bool:
        statements.append(statement)
        return True

    database.set_exec_trace(trace)
    after = overview.states(database)
    assert OF_RUNS in statements
    assert OVERVIEW not in statements
    assert after[1].latest == runs.one(database, run.run_id)
    assert after[1] != before[1]
    assert after[0] is before[0]
    assert after[2] is before[2]
    database.close()


async def test_an_overview_tells_what_changed_besides_runs(store: SqliteStore, neighbour: SqliteStore) -> None:
    """The writes of runs before each change must not make anybody overlook it."""
    await store.save_all([connection("a"), connection("b")], replace=False)
    run = await store.begin_run("a", Trigger.MANUAL, this_process())
    await store.overview()
    for writer, name in ((store, "c"), (neighbour, "d")):
        await store.pulse(run.run_id, Progress(bytes_done=len(name)), 1)
        await writer.save(connection(name))
        assert name in [state.connection.name for state in await store.overview()]
    await store.pulse(run.run_id, Progress(bytes_done=9), 1)
    await store.save(connection("z"), replacing="b")
    assert [state.connection.name for state in await store.overview()] == ["a", "c", "d", "z"]
    await neighbour.request_cancel(run.run_id)
    await neighbour.pulse(run.run_id, Progress(bytes_done=11), 1)
    state = (await store.overview())[0]
    assert state.latest == await store.run(run.run_id)


async def test_a_damaged_document_does_not_keep_the_others_from_being_read(store: SqliteStore, paths: Paths) -> None:
    await store.save_all([connection("odd"), connection("sound")], replace=False)
    alter(paths.database, "UPDATE connections SET body = '{' WHERE name = 'odd'")
    with open_for_reading(paths.database) as reading:
        shown = {state.connection.name for state in reading.overview()}
        assert list(reading.documents(shown)) == ["sound"]


async def test_what_an_older_wharf_did_not_write_is_as_usual(store: SqliteStore, paths: Paths) -> None:
    await store.save(connection())
    body = body_of("acme").replace('"after":"keep",', "").replace('"enabled":true,', "")
    alter(paths.database, "UPDATE connections SET body = ?", body)
    assert [state.connection for state in await store.overview()] == [connection().summary]


async def test_an_unreadable_connection_can_be_deleted(store: SqliteStore, paths: Paths) -> None:
    await store.save(connection())
    alter(paths.database, "UPDATE connections SET body = '{'")
    assert [found.name for found in await store.unreadable()] == ["acme"]
    await store.delete("acme")
    assert await store.unreadable() == []


async def test_no_such_run(store: SqliteStore) -> None:
    for asked in (store.run(7), store.request_cancel(7), store.record_files(7, {}), store.record_events(7, [])):
        with pytest.raises(UsageProblem, match="no run 7"):
            await asked


ENDS = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)


async def test_when_a_certificate_ends_is_known_of_the_address_where_it_was_seen(store: SqliteStore) -> None:
    await store.save(connection())
    await store.save(connection("other"))
    await store.record_certificate("acme", connection().address, ENDS)
    await store.record_certificate("nobody", connection().address, ENDS)
    assert [state.certificate_ends for state in await store.overview()] == [ENDS, None]
    later = ENDS + timedelta(days=90)
    await store.record_certificate("acme", connection().address, later)
    assert [state.certificate_ends for state in await store.overview()] == [later, None]
    email = {"host": "elsewhere.example", "username": "u", "secret": "env:S"}
    await store.save(connection("renamed", email=email), replacing="acme")
    assert [state.certificate_ends for state in await store.overview()] == [None, None]
    await store.save(connection("renamed"), replacing="renamed")
    assert [state.certificate_ends for state in await store.overview()] == [None, later]
    await store.delete("renamed")
    await store.save(connection("renamed"))
    assert [state.certificate_ends for state in await store.overview()] == [None, None]


async def test_a_certificate_that_is_known_already_is_no_change(store: SqliteStore) -> None:
    await store.save(connection())
    await store.record_certificate("acme", connection().address, ENDS)
    before = await store.version()
    await store.record_certificate("acme", connection().address, ENDS)
    assert await store.version() == before


async def test_the_number_of_connections_in_each_status(store: SqliteStore) -> None:
    assert await store.statuses() == {}
    for name in ("a", "b", "c", "d"):
        await store.save(connection(name))
    await store.begin_run("a", Trigger.MANUAL, this_process())
    for name, status in (("b", Status.COMPLETED), ("b", Status.FAILED)):
        run = await store.begin_run(name, Trigger.MANUAL, this_process())
        await store.end_run(run.run_id, Outcome(status), Progress())
    assert await store.statuses() == {Status.IN_PROGRESS: 1, Status.FAILED: 1, Status.NONE: 2}


async def test_what_was_not_seen_is_not_overwritten(store: SqliteStore, neighbour: SqliteStore) -> None:
    await store.save(connection())
    seen = await store.connection("acme")
    changed = seen.model_copy(update={"retries": 9})
    await neighbour.save(changed, replacing="acme", seen=seen)
    with pytest.raises(ChangedElsewhere, match="“acme” has been changed by somebody else"):
        await store.save(seen.model_copy(update={"retries": 1}), replacing="acme", seen=seen)
    assert await store.connections() == [changed]


async def test_of_what_has_become_unreadable_nothing_was_seen(store: SqliteStore, paths: Paths) -> None:
    await store.save(connection())
    seen = await store.connection("acme")
    alter(paths.database, "UPDATE connections SET body = '{'")
    with pytest.raises(ChangedElsewhere):
        await store.save(seen, replacing="acme", seen=seen)
