"""What a run builds on that an earlier one has left, and what it does not."""

import hashlib
from pathlib import Path
from time import sleep

import pytest

from tests.engine.conftest import MakeConnection, open_test_engine
from tests.engine.peer import Partner
from tests.engine.test_runs import failed, run
from tui.domain.failure import FailureClass
from tui.domain.naming import part_name
from tui.domain.run import Status
from tui.engine import Engine
from tui.methods import local_digest
from tui.methods.base import OutcomeUnknown
from tui.paths import Paths
from tui.store.base import Partial

CONTENT = bytes(range(256)) * 2000
HALF = len(CONTENT) // 2


@pytest.fixture(params=["inbound", "outbound"])
async def broken_off(
    request: pytest.FixtureRequest,
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    folder: Path,
) -> str:
    """A run that was cut in the middle of its only file; returns the direction."""
    direction = str(request.param)
    if direction == "inbound":
        partner.files = {"a.csv": CONTENT}
        partner.fail_reading = {"a.csv": [failed(FailureClass.NETWORK, "Cut.")]}
    else:
        (folder / "a.csv").write_bytes(CONTENT)
        partner.fail_writing_after = HALF
    await engine.store.save(make_connection(direction=direction, retries=0))
    assert (await run(engine)).status is Status.FAILED
    partner.fail_writing_after = None
    partner.log.clear()
    return direction


def arrived(direction: str, partner: Partner, folder: Path) -> dict[str, bytes]:
    if direction == "outbound":
        return partner.files
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def offsets(partner: Partner) -> list[str]:
    return [line for line in partner.log if line.startswith(("read", "write"))]


async def test_the_next_run_goes_on_where_the_first_was_cut(
    engine: Engine, partner: Partner, folder: Path, broken_off: str
) -> None:
    ended = await run(engine)
    assert ended.status is Status.COMPLETED, ended
    assert arrived(broken_off, partner, folder) == {"a.csv": CONTENT}
    begun_at = [int(line.rpartition(" ")[2]) for line in offsets(partner)]
    assert begun_at
    assert all(0 < place <= HALF for place in begun_at)
    details = [event.detail for event in await engine.store.events(ended.run_id) if event.step == "resume"]
    assert len(details) == 1
    assert "continued after" in details[0]
    assert await engine.store.partials("acme") == []


async def test_a_prefix_that_takes_long_to_hash_is_nobodys_silence(
    engine: Engine, partner: Partner, make_connection: MakeConnection, broken_off: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_piece = local_digest._hash_piece

    def hash_slowly(sha256: "hashlib._Hash", path: Path, start: int, count: int) -> int:
        sleep(0.4)
        return hash_piece(sha256, path, start, count)

    monkeypatch.setattr(local_digest, "_PIECE", HALF // 4)
    monkeypatch.setattr(local_digest, "_hash_piece", hash_slowly)
    impatient = make_connection(direction=broken_off, retries=0, stall_timeout=1)
    await engine.store.save(impatient, replacing="acme")
    ended = await run(engine)
    assert ended.status is Status.COMPLETED, ended
    assert "resume" in {event.step for event in await engine.store.events(ended.run_id)}


async def test_a_source_that_changed_is_begun_anew(
    engine: Engine, partner: Partner, folder: Path, broken_off: str
) -> None:
    changed = CONTENT[::-1]
    if broken_off == "inbound":
        partner.files["a.csv"] = changed
        partner.mtime += 1
    else:
        (folder / "a.csv").write_bytes(changed)
    assert (await run(engine)).status is Status.COMPLETED
    assert arrived(broken_off, partner, folder) == {"a.csv": changed}
    assert all(line.endswith(" 0") for line in offsets(partner))


async def test_an_end_that_differs_is_begun_anew(
    engine: Engine, partner: Partner, folder: Path, broken_off: str
) -> None:
    staged = part_name("a.csv")
    if broken_off == "inbound":
        path = folder / staged
        path.write_bytes(bytes(len(path.read_bytes())))
    else:
        partner.files[staged] = bytes(len(partner.files[staged]))
    ended = await run(engine)
    assert ended.status is Status.COMPLETED
    assert arrived(broken_off, partner, folder) == {"a.csv": CONTENT}
    [detail] = [event.detail for event in await engine.store.events(ended.run_id) if event.step == "resume"]
    assert "begun anew" in detail


async def test_a_staged_file_that_went_away_is_begun_anew(
    engine: Engine, partner: Partner, folder: Path, broken_off: str
) -> None:
    (folder / part_name("a.csv")).unlink(missing_ok=True)
    partner.files.pop(part_name("a.csv"), None)
    assert (await run(engine)).status is Status.COMPLETED
    assert arrived(broken_off, partner, folder) == {"a.csv": CONTENT}


async def test_a_staged_file_whose_source_is_gone_is_removed(
    engine: Engine, partner: Partner, folder: Path, broken_off: str
) -> None:
    if broken_off == "inbound":
        del partner.files["a.csv"]
    else:
        (folder / "a.csv").unlink()
    assert (await run(engine)).status is Status.COMPLETED
    assert arrived(broken_off, partner, folder) == {}
    assert await engine.store.partials("acme") == []


async def test_what_may_not_be_removed_keeps_no_file_from_being_moved(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    """Some partners let us write and rename, but not delete."""
    (folder / "gone.csv").write_bytes(CONTENT)
    partner.fail_writing_after = HALF
    await engine.store.save(make_connection(direction="outbound", retries=0))
    assert (await run(engine)).status is Status.FAILED
    partner.fail_writing_after = None
    (folder / "gone.csv").unlink()
    (folder / "new.csv").write_bytes(b"1")

    partner.fail_discarding = [failed(FailureClass.PERMISSION, "Deleting is not allowed.")]
    ended = await run(engine)
    assert ended.status is Status.COMPLETED, ended
    assert partner.files["new.csv"] == b"1"
    told = [event.detail for event in await engine.store.events(ended.run_id) if not event.ok]
    assert told == ["an unfinished file of an earlier run stays: Deleting is not allowed."]
    assert [partial.key for partial in await engine.store.partials("acme")] == [str(folder / "gone.csv")]

    assert (await run(engine)).status is Status.COMPLETED
    assert partner.files == {"new.csv": b"1"}
    assert await engine.store.partials("acme") == []


@pytest.mark.parametrize("arrived_already", [True, False])
async def test_a_run_killed_at_its_rename_is_settled_by_looking(
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    folder: Path,
    arrived_already: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The intent is on record; whether the rename happened, only a look can tell."""
    (folder / "a.csv").write_bytes(CONTENT)
    await engine.store.save(make_connection(direction="outbound", retries=0))
    partner.lose_answer_to_publish = True
    partner.publish_before_losing = arrived_already
    first = await run(engine)
    assert first.status is Status.FAILED
    partner.lose_answer_to_publish = False

    second = await run(engine)

    assert second.status is Status.COMPLETED
    assert partner.files == {"a.csv": CONTENT}
    assert partner.log.count("publish a.csv") == (1 if arrived_already else 2)
    [record] = await engine.store.files(second.run_id)
    assert record.proof is not None
    assert ("found complete" in record.proof) == arrived_already


async def test_an_older_file_of_the_same_size_is_not_taken_for_the_delivery(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    """Many servers tell nothing of a file but its size."""
    partner.tells_content = False
    partner.files = {"a.csv": CONTENT[::-1]}
    (folder / "a.csv").write_bytes(CONTENT)
    await engine.store.save(make_connection(direction="outbound", retries=0))
    partner.lose_answer_to_publish = True
    assert (await run(engine)).status is Status.FAILED
    partner.lose_answer_to_publish = False

    assert (await run(engine)).status is Status.COMPLETED
    assert partner.files == {"a.csv": CONTENT}


async def test_what_nobody_can_know_is_not_done_again(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    (folder / "a.csv").write_bytes(CONTENT)
    partner.blind = True
    partner.fail_publishing = [OutcomeUnknown("Taken but not confirmed.")]
    await engine.store.save(make_connection(direction="outbound", retries=3))

    first, second = await run(engine), await run(engine)

    assert first.failure is not None
    assert first.attempts == 1
    assert "not confirmed" in first.failure.message
    assert "--force" in first.failure.remedy
    assert second.failure is not None
    assert "did not see whether" in second.failure.message
    assert partner.log.count("publish a.csv") == 1


async def test_partials_outlive_the_process(
    paths: Paths, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    engine = await open_test_engine(paths)
    partner.files = {"a.csv": CONTENT}
    partner.freeze = True
    await engine.store.save(make_connection())
    await engine.start("acme")
    await partner.frozen.wait()
    await engine.close()
    partner.freeze = False

    again = await open_test_engine(paths)
    [partial] = await again.store.partials("acme")
    assert partial == Partial("/out/a.csv", "a.csv", len(CONTENT), partner.mtime, partial.stored)
    partner.log.clear()
    assert (await run(again)).status is Status.COMPLETED
    await again.close()
    assert arrived("inbound", partner, folder) == {"a.csv": CONTENT}
