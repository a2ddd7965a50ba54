"""One run after another over a partner in memory: what is moved, what is recorded, what is never done."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.engine.conftest import MakeConnection, open_test_engine
from tests.engine.peer import Partner
from tui.domain.failure import AlreadyRunning, FailureClass, TransferFailed, UnknownConnection, UsageProblem
from tui.domain.run import FileStatus, Run, Status, Trigger
from tui.engine import Engine
from tui.methods.base import PartlyDelivered
from tui.paths import Paths


async def run(engine: Engine, name: str = "acme") -> Run:
    return await engine.wait((await engine.start(name)).run_id)


def failed(failure_class: FailureClass, message: str = "No.") -> TransferFailed:
    return TransferFailed(failure_class, message)


async def test_inbound_files_arrive_whole_and_are_on_record(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"one,two\n" * 1000, "b.csv": b"", "notes.txt": b"not asked for"}
    await engine.store.save(make_connection())

    ended = await run(engine)

    assert ended.status is Status.COMPLETED, ended
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a.csv": partner.files["a.csv"],
        "b.csv": b"",
    }
    files = {record.name: record for record in await engine.store.files(ended.run_id)}
    assert files["a.csv"].sha256 == hashlib.sha256(partner.files["a.csv"]).hexdigest()
    assert files["a.csv"].proof == "sizes equal on both sides"
    assert (ended.progress.files_done, ended.progress.bytes_done) == (2, 8000)
    steps = [event.step for event in await engine.store.events(ended.run_id)]
    assert steps.index("list") < steps.index("transfer") < steps.index("verify") < steps.index("publish")


async def test_outbound_files_arrive_whole(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    (folder / "a.csv").write_bytes(b"x" * 3_000_000)
    await engine.store.save(make_connection(direction="outbound"))

    assert (await run(engine)).status is Status.COMPLETED
    assert partner.files == {"a.csv": b"x" * 3_000_000}


async def test_a_second_run_moves_nothing_again(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1"}
    await engine.store.save(make_connection())
    await run(engine)
    (folder / "a.csv").unlink()

    again = await run(engine)

    assert (again.status, again.message) == (
        Status.COMPLETED,
        "Nothing new: 1 matching file was delivered before.",
    )
    assert list(folder.iterdir()) == []


async def test_a_file_that_changed_is_new(engine: Engine, partner: Partner, make_connection: MakeConnection) -> None:
    partner.files = {"a.csv": b"1"}
    await engine.store.save(make_connection())
    await run(engine)
    partner.files["a.csv"] = b"22"

    assert (await run(engine)).progress.files_done == 1


async def test_nothing_that_matches_is_told(engine: Engine, partner: Partner, make_connection: MakeConnection) -> None:
    partner.files = {"a.txt": b"1"}
    await engine.store.save(make_connection(pattern=["*.csv", "*.xml"]))
    ended = await run(engine)
    assert (ended.status, ended.message) == (Status.COMPLETED, "0 files: nothing matches *.csv, *.xml.")


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_the_source_goes_only_after_the_delivery_is_on_record(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str
) -> None:
    side = partner.files if direction == "inbound" else None
    if side is None:
        (folder / "a.csv").write_bytes(b"1")
    else:
        side["a.csv"] = b"1"
    await engine.store.save(make_connection(direction=direction, after="delete"))

    assert (await run(engine)).status is Status.COMPLETED
    kept = folder / "a.csv" if direction == "inbound" else None
    assert ("a.csv" in partner.files) == (direction == "outbound")
    assert (folder / "a.csv").exists() == (kept is not None)


async def test_a_source_that_could_not_be_deleted_is_deleted_by_the_next_run(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.files = {"a.csv": b"1"}
    partner.fail_settling = [failed(FailureClass.PERMISSION, "Deleting a.csv is not allowed.")]
    await engine.store.save(make_connection(after="delete"))

    first = await run(engine)
    assert first.failure is not None
    assert first.failure.failure_class is FailureClass.PERMISSION
    [record] = await engine.store.files(first.run_id)
    assert record.status is FileStatus.COMPLETED

    second = await run(engine)
    assert second.status is Status.COMPLETED
    assert partner.files == {}
    assert partner.log.count("publish a.csv") == 0  # the local folder published, once; nothing was moved again
    assert second.progress.files_total == 0


async def test_a_source_of_an_earlier_delivery_that_goes_with_the_retry_leaves_no_failure(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.files = {"a.csv": b"1"}
    await engine.store.save(make_connection())
    await run(engine)
    partner.fail_settling = [failed(FailureClass.NETWORK, "The connection broke.")]
    await engine.store.save(make_connection(after="delete", retries=1), replacing="acme")
    ended = await run(engine)
    assert (ended.status, ended.failure, partner.files) == (Status.COMPLETED, None, {})
    [record] = await engine.store.files(ended.run_id)
    assert (record.status, record.proof) == (FileStatus.SKIPPED, "delivered by an earlier run")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("short", "could be read"),
        ("vanish", "vanished"),
        ("change", "changed"),
    ],
)
async def test_an_inbound_file_that_is_not_whole_never_gets_its_name(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, fault: str, words: str
) -> None:
    partner.files = {"a.csv": b"0123456789"}
    if fault == "short":
        partner.short_by = 3
    elif fault == "vanish":
        partner.on_block = partner.files.__delitem__
    else:
        partner.on_block = lambda name: setattr(partner, "mtime", partner.mtime + 1)
    await engine.store.save(make_connection(retries=0))

    ended = await run(engine)

    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.INTEGRITY
    assert words in ended.failure.message
    assert list(folder.iterdir()) == []


async def test_an_outbound_file_that_arrives_short_never_gets_its_name(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    (folder / "a.csv").write_bytes(b"0123456789")
    partner.lost_on_arrival = 1
    await engine.store.save(make_connection(direction="outbound", retries=0))

    ended = await run(engine)

    assert ended.failure is not None
    assert "9 bytes" in ended.failure.message
    assert partner.files == {}


async def test_other_content_at_the_target_is_noticed_when_it_tells_its_hash(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    (folder / "a.csv").write_bytes(b"0123456789")
    partner.proof = lambda content: hashlib.sha256(content[::-1]).hexdigest()
    await engine.store.save(make_connection(direction="outbound", retries=0))

    ended = await run(engine)

    assert ended.failure is not None
    assert "other content" in ended.failure.message
    assert partner.files == {}


@pytest.mark.parametrize(("verify", "proof"), [("reread", "read back"), ("auto", ""), ("size", "")])
async def test_the_history_says_how_a_file_was_proved(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, verify: str, proof: str
) -> None:
    (folder / "a.csv").write_bytes(b"0123456789")
    await engine.store.save(make_connection(direction="outbound", verify=verify))
    [record] = await engine.store.files((await run(engine)).run_id)
    assert record.proof == "sizes equal on both sides" + ("; " + proof if proof else "")


async def test_an_unsafe_name_is_refused_and_the_others_go_on(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"../../up.csv": b"evil", "a[red].csv": b"fine", "x\x1b]0;t\x07.csv": b"evil"}
    await engine.store.save(make_connection())

    ended = await run(engine)

    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.UNSAFE_NAME
    assert ended.failure.message.startswith("1 of 3 files delivered.")
    assert "\x1b" not in ended.failure.message
    assert [path.name for path in folder.iterdir()] == ["a[red].csv"]


async def test_one_file_that_fails_does_not_stop_the_others(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"11", "b.csv": b"22", "c.csv": b"33"}
    partner.fail_reading = {"b.csv": [failed(FailureClass.PERMISSION, "b.csv may not be read.")]}
    await engine.store.save(make_connection())

    ended = await run(engine)

    assert ended.failure is not None
    assert ended.failure.message == "2 of 3 files delivered. b.csv may not be read."
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "c.csv"]
    assert ended.attempts == 1


async def test_what_a_retry_can_help_is_retried_and_only_that(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"11", "b.csv": b"22"}
    partner.fail_reading = {"b.csv": [failed(FailureClass.NETWORK, "Cut.")] * 2}
    await engine.store.save(make_connection(retries=2))

    ended = await run(engine)

    assert (ended.status, ended.attempts) == (Status.COMPLETED, 3)
    events = [
        event.detail for event in await engine.store.events(ended.run_id) if event.step == "transfer" and event.ok
    ]
    assert len(events) == 2, "a.csv is moved once only"


async def test_a_refused_login_is_tried_once(engine: Engine, partner: Partner, make_connection: MakeConnection) -> None:
    partner.open_failures = [failed(FailureClass.AUTH, "Permission denied.")] * 5
    await engine.store.save(make_connection(retries=5))

    ended = await run(engine)

    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.AUTH
    assert partner.log.count("open") == 1


async def test_retries_end_after_their_number(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.open_failures = [failed(FailureClass.NETWORK, "Gone.")] * 9
    await engine.store.save(make_connection(retries=2))
    ended = await run(engine)
    assert (ended.status, ended.attempts, partner.log.count("open")) == (Status.FAILED, 3, 3)


async def test_a_delivery_that_some_refused_is_never_made_again(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    (folder / "a.csv").write_bytes(b"1")
    partner.fail_publishing = [PartlyDelivered(FailureClass.REJECTED, "Delivered to A, refused for B.")]
    await engine.store.save(make_connection(direction="outbound"))

    first, second = await run(engine), await run(engine)

    assert first.failure is not None
    assert "refused for B" in first.failure.message
    assert second.status is Status.COMPLETED
    assert partner.log.count("publish a.csv") == 1


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_a_cancel_ends_even_when_the_peer_is_frozen(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str
) -> None:
    partner.freeze = True
    partner.files = {"a.csv": b"12"} if direction == "inbound" else {}
    if direction == "outbound":
        (folder / "a.csv").write_bytes(b"12")
    await engine.store.save(make_connection(direction=direction))
    started = await engine.start("acme")
    await partner.frozen.wait()

    async with asyncio.timeout(2.0):
        await engine.cancel(started.run_id)
        ended = await engine.wait(started.run_id)

    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.CANCELLED
    [record] = await engine.store.files(ended.run_id)
    assert record.status is FileStatus.FAILED
    assert "a.csv" not in (partner.files if direction == "outbound" else [p.name for p in folder.iterdir()])


async def test_a_silent_peer_is_noticed_within_the_stall_timeout(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.freeze = True
    partner.files = {"a.csv": b"12"}
    await engine.store.save(make_connection(stall_timeout=1, retries=0))

    async with asyncio.timeout(5):
        ended = await run(engine)

    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.TIMEOUT
    assert "silent for 1 s" in ended.failure.message


async def test_closing_the_engine_leaves_nothing_in_progress(
    paths: Paths, partner: Partner, make_connection: MakeConnection
) -> None:
    engine = await open_test_engine(paths)
    partner.freeze = True
    partner.files = {"a.csv": b"12"}
    await engine.store.save(make_connection())
    await engine.start("acme")
    await partner.frozen.wait()
    await engine.close()

    reopened = await open_test_engine(paths)
    [ended] = await reopened.store.runs()
    await reopened.close()
    assert ended.failure is not None
    assert (ended.status, ended.failure.failure_class) == (Status.FAILED, FailureClass.INTERRUPTED)


async def test_a_connection_runs_at_most_once_at_a_time_across_processes(
    engine: Engine, paths: Paths, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.freeze = True
    partner.files = {"a.csv": b"12"}
    await engine.store.save(make_connection())
    started = await engine.start("acme", Trigger.COMMAND_LINE)
    await partner.frozen.wait()
    other = await open_test_engine(paths)
    try:
        with pytest.raises(AlreadyRunning, match="already running since"):
            await other.start("acme")
        shown = other.snapshot().live["acme"]
        assert (shown.run_id, shown.here) == (started.run_id, False)
        await other.cancel(started.run_id)
        ended = await engine.wait(started.run_id)
    finally:
        await other.close()
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.CANCELLED


async def test_a_snapshot_changes_only_when_something_did(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    idle = engine.snapshot()
    assert engine.snapshot() is idle
    partner.freeze = True
    partner.files = {"a.csv": b"12"}
    await engine.store.save(make_connection())
    started = await engine.start("acme")
    await partner.frozen.wait()

    busy = engine.snapshot()

    assert busy.revision > idle.revision
    assert busy.live["acme"].progress.current == "a.csv"
    assert busy.live["acme"].progress.bytes_done == 1
    await engine.cancel(started.run_id)
    await engine.wait(started.run_id)
    assert engine.snapshot().live == {}


async def test_a_disabled_connection_and_an_unknown_one_do_not_run(
    engine: Engine, make_connection: MakeConnection
) -> None:
    await engine.store.save(make_connection(enabled=False))
    with pytest.raises(UsageProblem, match="disabled"):
        await engine.start("acme")
    with pytest.raises(UnknownConnection, match="acme"):
        await engine.start("acne")


@pytest.mark.parametrize("local_dir", ["{}/nowhere", "{}/file", "~there-is-no-such-user/batches"])
async def test_a_local_folder_that_is_no_use_is_told_before_the_partner_is_troubled(
    engine: Engine, partner: Partner, make_connection: MakeConnection, tmp_path: Path, local_dir: str
) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    await engine.store.save(make_connection(local_dir=local_dir.format(tmp_path)))
    ended = await run(engine)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.NOT_FOUND
    assert "open" not in partner.log


async def test_a_preview_moves_nothing(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1", "../b.csv": b"2"}
    await engine.store.save(make_connection())
    preview = await engine.preview("acme")
    assert [entry.name for entry in preview.files] == ["a.csv"]
    assert [(entry.name, why) for entry, why in preview.skipped] == [("../b.csv", "the name contains a path separator")]
    assert list(folder.iterdir()) == []
    assert await engine.store.runs() == []


async def test_a_test_tells_its_steps_and_where_it_failed(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.files = {"a.csv": b"1", "b.txt": b"2"}
    report = await engine.test(make_connection())
    assert report.ok
    assert [event.step for event in report.steps] == ["local folder", "list", "space", "clock", "offers"]
    assert report.steps[1].detail == "2 files, 1 match *.csv: a.csv"

    partner.open_failures = [failed(FailureClass.AUTH, "Permission denied.")]
    report = await engine.test(make_connection())
    assert not report.ok
    assert report.failure is not None
    assert (report.steps[-1].ok, report.steps[-1].detail) == (False, "Permission denied.")


async def test_the_wait_for_a_second_look_is_not_the_partners_silence(
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 1.2)
    (folder / "fresh.csv").write_bytes(b"1")
    await engine.store.save(make_connection(direction="outbound", stall_timeout=1, retries=0))
    assert (await run(engine)).status is Status.COMPLETED
