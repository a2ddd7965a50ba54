"""Small files that are delivered in groups, over a partner in memory: the same promises as for each alone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner
from tests.engine.test_runs import failed, run
from tui.domain.failure import FailureClass
from tui.domain.run import FileStatus, Status
from tui.engine import Engine
from tui.methods.base import PartlyDelivered
from tui.methods.folder import LocalFolder
from tui.store.sqlite import SqliteStore

MANY = {f"{number:03}.csv": b"%d\n" % number * 50 for number in range(150)}
DIRECTIONS = ("inbound", "outbound")


@pytest.fixture(params=[1, 64], ids=["one-by-one", "side-by-side"])
def partner(partner: Partner, request: pytest.FixtureRequest) -> Partner:
    partner.at_once = request.param
    return partner


@pytest.fixture
def durable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is made durable, in order: intents and deliveries in the store, files and names on the disk."""
    done: list[str] = []

    def note(owner: type, name: str) -> None:
        original = getattr(owner, name)

        async def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
            answer = await original(self, *args, **kwargs)
            done.append(name)
            return answer

        monkeypatch.setattr(owner, name, noted)

    for name in ("record_partials", "record_delivery"):
        note(SqliteStore, name)
    note(LocalFolder, "publish_each")
    return done


def fill(partner: Partner, folder: Path, direction: str) -> None:
    if direction == "inbound":
        partner.files = dict(MANY)
    else:
        for name, content in MANY.items():
            (folder / name).write_bytes(content)


def arrived(partner: Partner, folder: Path, direction: str) -> dict[str, bytes]:
    return partner.files if direction == "outbound" else {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_each_file_is_on_record_with_its_hash_and_proof(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str
) -> None:
    fill(partner, folder, direction)
    await engine.store.save(make_connection(direction=direction))

    ended = await run(engine)

    assert ended.status is Status.COMPLETED, ended
    assert arrived(partner, folder, direction) == MANY
    files = await engine.store.files(ended.run_id)
    assert {file.status for file in files} == {FileStatus.COMPLETED}
    assert {file.name: file.bytes for file in files} == {name: len(content) for name, content in MANY.items()}
    assert len({file.sha256 for file in files}) == len(MANY)
    assert (ended.progress.files_done, ended.progress.bytes_done) == (len(MANY), sum(map(len, MANY.values())))
    assert await engine.store.partials("acme") == []
    assert (await run(engine)).message == f"Nothing new: {len(MANY)} matching files were delivered before."


async def test_what_is_durable_is_written_once_for_many_and_in_the_right_order(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, durable: list[str]
) -> None:
    fill(partner, folder, "inbound")
    await engine.store.save(make_connection())
    assert (await run(engine)).status is Status.COMPLETED
    publishing = durable.index("publish_each")
    assert "record_partials" in durable[:publishing], "the intent is on record before"
    assert "record_delivery" not in durable[:publishing], "nothing is delivered before it has its name"
    assert durable.count("record_delivery") < len(MANY) / 10


async def test_the_sources_go_only_after_their_deliveries_are_on_record(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, durable: list[str]
) -> None:
    fill(partner, folder, "inbound")
    left: list[int] = []

    async def settle(self: object, entry: object) -> None:
        left.append(durable.count("record_delivery"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.engine.peer.PartnerSession.settle", settle)
        await engine.store.save(make_connection(after="delete"))
        await run(engine)
    assert len(left) == len(MANY)
    assert min(left) > 0


@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_files_that_fail_do_not_stop_the_others_and_the_retry_moves_exactly_them(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str
) -> None:
    fill(partner, folder, direction)
    if direction == "inbound":
        partner.fail_reading = {
            "007.csv": [failed(FailureClass.INTEGRITY)],
            "099.csv": [failed(FailureClass.INTEGRITY)],
        }
    else:
        partner.fail_publishing = [failed(FailureClass.INTEGRITY), failed(FailureClass.INTEGRITY)]
    await engine.store.save(make_connection(direction=direction, retries=1))

    ended = await run(engine)

    assert (ended.status, ended.attempts) == (Status.COMPLETED, 2), ended
    assert arrived(partner, folder, direction) == MANY
    if direction == "inbound":
        assert sum(line.startswith("read ") for line in partner.log) == len(MANY) + 2
    else:
        assert sum(line.startswith("publish ") for line in partner.log) == len(MANY) + 2


async def test_a_delivery_that_some_refused_is_one_among_the_others(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    fill(partner, folder, "outbound")
    partner.fail_publishing = [PartlyDelivered(FailureClass.REJECTED, "Delivered to A, refused for B.")]
    await engine.store.save(make_connection(direction="outbound"))
    first, second = await run(engine), await run(engine)
    assert first.failure is not None
    assert "refused for B" in first.failure.message
    assert first.failure.message.startswith(f"{len(MANY) - 1} of {len(MANY)} files")
    assert second.status is Status.COMPLETED
    assert sum(line.startswith("publish ") for line in partner.log) == len(MANY)


@pytest.mark.parametrize("published", [True, False])
async def test_an_answer_that_is_lost_while_publishing_is_settled_by_looking(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, published: bool
) -> None:
    fill(partner, folder, "outbound")
    partner.lose_answer_to_publish, partner.publish_before_losing = True, published
    await engine.store.save(make_connection(direction="outbound", retries=0))
    assert (await run(engine)).status is Status.FAILED
    before = sum(line.startswith("write ") for line in partner.log)
    partner.lose_answer_to_publish = False

    assert (await run(engine)).status is Status.COMPLETED

    assert partner.files == MANY
    written = sum(line.startswith("write ") for line in partner.log)
    assert written <= before + len(MANY)
    files = [file for one in await engine.store.runs() for file in await engine.store.files(one.run_id)]
    delivered = [file.name for file in files if file.status is FileStatus.COMPLETED]
    assert sorted(delivered) == sorted(MANY), "each in exactly one run"


@pytest.mark.parametrize("fault", ["short", "changed", "other"])
async def test_what_is_not_whole_never_gets_its_name(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, fault: str
) -> None:
    direction = "outbound" if fault == "other" else "inbound"
    fill(partner, folder, direction)
    if fault == "short":
        partner.short_by = 3
    elif fault == "changed":
        partner.on_block = lambda _: setattr(partner, "mtime", partner.mtime + 1)
    else:
        partner.proof = lambda _: "0" * 64
    await engine.store.save(make_connection(direction=direction, retries=0))
    ended = await run(engine)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.INTEGRITY
    assert arrived(partner, folder, direction) == {}


async def test_a_cut_in_the_middle_of_a_group_costs_nothing_that_was_delivered(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    fill(partner, folder, "inbound")
    partner.fail_reading = {"140.csv": [failed(FailureClass.NETWORK, "Cut.")]}
    await engine.store.save(make_connection(retries=1))
    ended = await run(engine)
    assert (ended.status, ended.attempts) == (Status.COMPLETED, 2)
    assert arrived(partner, folder, "inbound") == MANY
    assert len([line for line in partner.log if line == "read 000.csv from 0"]) == 1


async def test_a_cancel_leaves_nothing_that_the_next_run_does_not_know_of(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    fill(partner, folder, "inbound")
    partner.freeze = True
    await engine.store.save(make_connection())
    started = await engine.start("acme")
    await partner.frozen.wait()
    async with asyncio.timeout(2):
        await engine.cancel(started.run_id)
        ended = await engine.wait(started.run_id)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.CANCELLED
    assert [path.name for path in folder.iterdir() if path.name.endswith(".csv")] == []
    partner.freeze, partner.files = False, {}
    await run(engine)
    assert list(folder.iterdir()) == []


async def test_an_old_partial_in_the_way_is_continued_not_overlooked(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    fill(partner, folder, "outbound")
    partner.fail_writing_after = 20
    await engine.store.save(make_connection(direction="outbound", retries=0))
    assert (await run(engine)).status is Status.FAILED
    partner.fail_writing_after = None
    assert (await run(engine)).status is Status.COMPLETED
    assert partner.files == MANY


async def test_no_names_leave_the_folder(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = MANY | {"../up.csv": b"evil"}
    await engine.store.save(make_connection())
    ended = await run(engine)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.UNSAFE_NAME
    assert arrived(partner, folder, "inbound") == MANY


async def test_large_files_have_a_session_to_themselves_and_small_ones_share_it(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    large = {f"{letter}.csv": letter.encode() * 300_000 for letter in "abc"}
    partner.files = large | {f"x{number}.csv": b"1" for number in range(3)}
    partner.on_look = lambda name: partner.log.append(f"look {name}")
    await engine.store.save(make_connection())
    assert (await run(engine)).status is Status.COMPLETED
    of_large = [line for line in partner.log if line.startswith(("read ", "look ")) and line.split()[1] in large]
    assert of_large == [line for name in large for line in (f"read {name} from 0", f"look {name}")]
