"""What a connection decides: which files are ready, what is a repetition, what becomes of existing files."""

from collections.abc import Sequence
from pathlib import Path
from time import time

import pytest

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner, PartnerSession
from tests.engine.test_runs import failed, run
from tui.domain.failure import FailureClass
from tui.domain.run import FileStatus, Run, Status, Trigger
from tui.engine import Engine
from tui.methods.after_action import ChangedMeanwhile
from tui.methods.base import Each, Entry


async def names(engine: Engine, ended: Run) -> list[tuple[str, FileStatus]]:
    return [(record.name, record.status) for record in await engine.store.files(ended.run_id)]


async def test_names_of_unfinished_files_are_skipped(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = dict.fromkeys(("a.csv", "b.csv.filepart", "c.tmp", ".d.csv", "e.part", "f.partial"), b"1")
    await engine.store.save(make_connection(pattern="*"))
    assert (await run(engine)).status is Status.COMPLETED
    assert [path.name for path in folder.iterdir()] == ["a.csv"]


async def test_what_to_skip_is_the_connections_decision(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1", "c.tmp": b"1", "receipt_a.csv": b"1"}
    await engine.store.save(make_connection(pattern="*", skip=["receipt_*"]))
    await run(engine)
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "c.tmp"]


async def test_a_file_that_grows_between_two_looks_waits_for_the_next_run(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1"}
    partner.mtime = time()
    partner.on_look = lambda name: partner.files.update({name: b"22"})
    await engine.store.save(make_connection())
    first = await run(engine)
    assert (first.status, list(folder.iterdir())) == (Status.COMPLETED, [])
    told = [event.detail for event in await engine.store.events(first.run_id)]
    assert "a.csv is left alone: it is still being written" in told
    partner.on_look = None
    await run(engine)
    assert (folder / "a.csv").read_bytes() == b"22"


async def test_the_second_look_is_at_all_files_together(
    engine: Engine, partner: Partner, make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, a thousand fresh files far away would take a thousand round trips."""
    looks: list[list[str]] = []
    stat_each = PartnerSession.stat_each

    async def watched(session: PartnerSession, entries: Sequence[Entry]) -> Each[Entry | None]:
        looks.append([entry.name for entry in entries])
        return await stat_each(session, entries)

    monkeypatch.setattr(PartnerSession, "stat_each", watched)
    partner.files = {f"{number}.csv": b"1" for number in range(5)}
    partner.mtime = time()
    await engine.store.save(make_connection())
    assert (await run(engine)).status is Status.COMPLETED
    assert looks[0] == list(partner.files)


@pytest.mark.parametrize("after", ["delete", "move"])
async def test_a_file_that_changes_as_it_is_moved_away_is_left_for_the_next_run(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, after: str
) -> None:
    partner.files = {"a.csv": b"1", "b.csv": b"1"}
    partner.fail_settling = [ChangedMeanwhile(Entry.named("a.csv", 1, partner.mtime, "/out/a.csv"))]
    await engine.store.save(make_connection(after=after, move_to="done" if after == "move" else None))
    first = await run(engine)
    assert first.status is Status.COMPLETED
    told = [event.detail for event in await engine.store.events(first.run_id)]
    assert "a.csv is another file by now; it is left for the next run." in told
    partner.files["a.csv"] = b"22"
    await run(engine)
    assert ((folder / "a.csv").read_bytes(), partner.files) == (b"22", {})


async def test_a_file_at_rest_needs_no_second_look(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.files = {"a.csv": b"1"}
    looks: list[str] = []
    partner.on_look = looks.append
    await engine.store.save(make_connection())
    await run(engine)
    assert looks == ["a.csv"], "only the look after the copy"


async def test_a_done_file_says_when_a_file_is_complete(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1", "a.csv.done": b"", "b.csv": b"2"}
    await engine.store.save(make_connection(pattern="*", done_file=".done"))
    await run(engine)
    assert [path.name for path in folder.iterdir()] == ["a.csv"]
    partner.files["b.csv.done"] = b""
    await run(engine)
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv"]


async def test_a_file_younger_than_the_minimum_age_waits(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1"}
    partner.mtime = time() - 100
    await engine.store.save(make_connection(min_age=600))
    await run(engine)
    assert list(folder.iterdir()) == []
    partner.mtime -= 600
    await run(engine)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize("repeat", ["skip", "send"])
async def test_the_same_content_under_a_new_name(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str, repeat: str
) -> None:
    await engine.store.save(make_connection(direction=direction, repeat=repeat))

    def offer(name: str, content: bytes) -> None:
        if direction == "inbound":
            partner.files[name] = content
        else:
            (folder / name).write_bytes(content)

    offer("a.csv", b"content")
    first = await run(engine)
    offer("again.csv", b"content")
    second, third = await run(engine), await run(engine)

    there = partner.files if direction == "outbound" else {path.name for path in folder.iterdir()}
    assert ("again.csv" in there) == (repeat == "send")
    assert not any(name.endswith(".wharf-part") for name in there)
    [record] = await engine.store.files(second.run_id)
    if repeat == "skip":
        assert (second.status, record.status) == (Status.COMPLETED, FileStatus.SKIPPED)
        assert record.proof == f"skipped: run {first.run_id} delivered the same content (a.csv)"
    assert third.progress.files_total == 0, "and it is known from then on"


@pytest.mark.parametrize("repeat", ["skip", "send"])
async def test_new_content_under_a_known_name(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, repeat: str
) -> None:
    await engine.store.save(make_connection(repeat=repeat))
    partner.files = {"a.csv": b"old"}
    await run(engine)
    partner.files = {"a.csv": b"newer"}
    second = await run(engine)
    assert (folder / "a.csv").read_bytes() == (b"old" if repeat == "skip" else b"newer")
    [(_, status)] = await names(engine, second)
    assert status is (FileStatus.SKIPPED if repeat == "skip" else FileStatus.COMPLETED)


async def test_empty_files_are_not_repetitions_of_each_other(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    await engine.store.save(make_connection(repeat="skip"))
    partner.files = {"a.csv": b"", "b.csv": b""}
    await run(engine)
    assert len(list(folder.iterdir())) == 2


async def test_force_moves_what_was_delivered_before(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1", "b.csv": b"2"}
    await engine.store.save(make_connection(repeat="skip", conflict="fail", retries=1))
    await run(engine)
    partner.fail_reading = {"b.csv": [failed(FailureClass.NETWORK, "Cut.")]}
    started = await engine.start("acme", force=True)
    ended = await engine.wait(started.run_id)
    assert ended.status is Status.COMPLETED, ended
    assert await names(engine, ended) == [("a.csv", FileStatus.COMPLETED), ("b.csv", FileStatus.COMPLETED)]
    moved = [event.detail for event in await engine.store.events(ended.run_id) if event.step == "transfer" and event.ok]
    assert len(moved) == 2, "what the forced run itself has moved is not moved again by its retry"


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize("conflict", ["overwrite", "keep-both", "fail"])
async def test_a_file_of_that_name_at_the_target(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str, conflict: str
) -> None:
    if direction == "inbound":
        partner.files = {"a.csv": b"new"}
        (folder / "a.csv").write_bytes(b"old")
    else:
        (folder / "a.csv").write_bytes(b"new")
        partner.files = {"a.csv": b"old"}
    await engine.store.save(make_connection(direction=direction, conflict=conflict))
    ended = await run(engine)
    there = partner.files if direction == "outbound" else {path.name: path.read_bytes() for path in folder.iterdir()}
    expected = {
        "overwrite": {"a.csv": b"new"},
        "keep-both": {"a.csv": b"old", "a-2.csv": b"new"},
        "fail": {"a.csv": b"old"},
    }
    assert there == expected[conflict]
    if conflict == "fail":
        assert ended.failure is not None
        assert (ended.failure.failure_class, ended.attempts) == (FailureClass.REJECTED, 1)
    else:
        assert ended.status is Status.COMPLETED


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_room_is_checked_before_a_byte_is_sent(
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    folder: Path,
    direction: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(_: object) -> int:
        return 5

    if direction == "inbound":
        partner.files = {"a.csv": b"123456", "b.csv": b"1"}
        monkeypatch.setattr("tui.methods.folder.LocalFolder.free_space", full)
    else:
        (folder / "a.csv").write_bytes(b"123456")
        (folder / "b.csv").write_bytes(b"1")
        partner.free = 5
    await engine.store.save(make_connection(direction=direction))
    ended = await run(engine)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.SPACE
    assert ended.failure.message == "1 of 2 files delivered. a.csv needs 6 B, but the target has 5 B free."


async def test_seven_of_nine_and_then_exactly_the_two(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {f"{number}.csv": bytes([number]) * 10 for number in range(9)}
    partner.fail_reading = {name: [failed(FailureClass.PERMISSION, f"{name}: no.")] for name in ("3.csv", "6.csv")}
    await engine.store.save(make_connection())
    first = await run(engine)
    assert first.failure is not None
    assert "7 of 9 files" in first.failure.message
    assert "3.csv: no." in first.failure.message
    assert "6.csv" in first.failure.message
    second = await run(engine)
    assert await names(engine, second) == [("3.csv", FileStatus.COMPLETED), ("6.csv", FileStatus.COMPLETED)]
    assert len(list(folder.iterdir())) == 9


async def test_a_run_of_some_files_leaves_the_others_and_what_is_begun_of_them_alone(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": b"1" * 100_000, "b.csv": b"2" * 100_000}
    partner.fail_reading = {name: [failed(FailureClass.BUSY)] for name in partner.files}
    await engine.store.save(make_connection(retries=0))
    first = await engine.wait((await engine.start("acme")).run_id)
    assert first.status is Status.FAILED
    assert {partial.key for partial in await engine.store.partials("acme")} == {"/out/a.csv", "/out/b.csv"}
    partner.files["c.csv"] = b"3"

    again = await engine.start("acme", Trigger.RETRY, only={"a.csv"})
    ended = await engine.wait(again.run_id)

    assert (ended.status, ended.message) == (Status.COMPLETED, "1 file delivered; 2 files left alone.")
    assert [path.name for path in folder.iterdir() if not path.name.endswith(".wharf-part")] == ["a.csv"]
    assert {partial.key for partial in await engine.store.partials("acme")} == {"/out/b.csv"}


async def test_a_name_that_is_refused_keeps_back_what_goes_together_with_it(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    for name in ("a.csv", "b\x1b[2J.csv"):
        (folder / name).write_bytes(b"1")
    partner.in_one = True
    await engine.store.save(make_connection(direction="outbound", retries=3))

    ended = await run(engine)

    assert (ended.status, ended.attempts, partner.files) == (Status.FAILED, 1, {})
    [kept_back] = [file for file in await engine.store.files(ended.run_id) if file.name == "a.csv"]
    assert kept_back.failure is not None
    assert kept_back.failure.message.startswith("a.csv was not sent: all files go together, and b")
    assert "was left where it is" in kept_back.failure.message


@pytest.mark.parametrize("comes_back", [True, False])
async def test_what_goes_together_goes_whole_or_not_at_all(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, comes_back: bool
) -> None:
    for name in "abc":
        (folder / f"{name}.csv").write_bytes(name.encode())
    partner.in_one = True
    partner.on_staged = lambda _: (folder / "b.csv").unlink(missing_ok=True)
    await engine.store.save(make_connection(direction="outbound", retries=3))

    ended = await run(engine)
    assert (ended.status, ended.attempts, partner.files) == (Status.FAILED, 1, {})
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.NOT_FOUND
    assert "a.csv was not sent: all files go together, and b.csv could not. Reading" in ended.failure.message

    partner.on_staged = None
    if comes_back:
        (folder / "b.csv").write_bytes(b"b")
    assert (await run(engine)).status is Status.COMPLETED
    assert partner.files == {f"{name}.csv": name.encode() for name in ("abc" if comes_back else "ac")}


async def test_what_goes_together_is_tried_again_together(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    for name in "abc":
        (folder / f"{name}.csv").write_bytes(name.encode())

    def change_b(_: str) -> None:
        partner.on_staged = None
        (folder / "b.csv").write_bytes(b"changed")

    partner.in_one = True
    partner.on_staged = change_b
    await engine.store.save(make_connection(direction="outbound", retries=3))
    ended = await run(engine)
    assert (ended.status, ended.attempts) == (Status.COMPLETED, 2)
    assert partner.files == {"a.csv": b"a", "b.csv": b"changed", "c.csv": b"c"}
