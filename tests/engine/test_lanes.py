"""Several files of a run at the same time."""

import asyncio
from pathlib import Path

import pytest

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner
from tests.engine.test_runs import failed, run
from tui.domain.failure import FailureClass
from tui.domain.run import Status
from tui.engine import Engine
from tui.engine.hosts import HostSlots

NINE = {f"{number}.csv": bytes([number]) * 1000 for number in range(9)}


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_as_many_files_as_asked_for_are_under_way_together(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, direction: str
) -> None:
    if direction == "inbound":
        partner.files = dict(NINE)
    else:
        for name, content in NINE.items():
            (folder / name).write_bytes(content)
    # Nine files, three at a time: with fewer under way the barrier would never open.
    partner.meeting = asyncio.Barrier(3)
    await engine.store.save(make_connection(direction=direction, parallel=3))

    async with asyncio.timeout(20):
        ended = await run(engine)

    assert ended.status is Status.COMPLETED, ended
    there = partner.files if direction == "outbound" else {path.name: path.read_bytes() for path in folder.iterdir()}
    assert there == NINE
    assert partner.log.count("open") == 3
    assert partner.log.count("close") == 3


async def test_a_lane_that_breaks_ends_the_attempt_and_the_retry_does_the_rest(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = dict(NINE)
    partner.fail_reading = {"4.csv": [failed(FailureClass.NETWORK, "Cut.")]}
    await engine.store.save(make_connection(parallel=4, retries=1))
    ended = await run(engine)
    assert (ended.status, ended.attempts) == (Status.COMPLETED, 2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == NINE


async def test_a_lane_that_falls_silent_is_noticed_while_another_one_is_busy(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.files = {"a.csv": b"12", "b.csv": bytes(1000)}
    partner.silent_over, partner.trickling = "a.csv", {"b.csv": 0.1}
    await engine.store.save(make_connection(parallel=2, stall_timeout=1, retries=0))
    async with asyncio.timeout(10):
        ended = await run(engine)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.TIMEOUT
    assert "silent for 1 s" in ended.failure.message


@pytest.mark.parametrize("slow", ["a.csv", "b.csv"])
async def test_a_lane_that_has_nothing_left_to_do_is_not_taken_for_silent(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, slow: str
) -> None:
    partner.files = {"a.csv": bytes(30), "b.csv": bytes(30)}
    partner.trickling = {slow: 0.05}
    await engine.store.save(make_connection(parallel=2, stall_timeout=1, retries=0))
    ended = await run(engine)
    assert ended.status is Status.COMPLETED, ended.failure
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == partner.files


async def test_a_further_session_that_is_not_answered_leaves_the_work_to_the_others(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    partner.files = {"a.csv": bytes(30), "b.csv": bytes(30)}
    partner.trickling = {"a.csv": 0.05}
    partner.silent_doors = 1
    await engine.store.save(make_connection(parallel=2, stall_timeout=1, retries=0))
    ended = await run(engine)
    assert ended.status is Status.COMPLETED, ended.failure
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == partner.files
    told = [event.detail for event in await engine.store.events(ended.run_id) if event.step == "parallel"]
    assert [detail for detail in told if "silent for 1 s" in detail] == told != []


async def test_a_host_has_so_many_places_and_no_more() -> None:
    slots = HostSlots(limit=3)
    async with slots.wait("h"):
        with slots.take_free("h", 5) as further:
            assert further == 2
            with slots.take_free("other", 5) as elsewhere:
                assert elsewhere == 3
            waiting = asyncio.create_task(_enter(slots))
            await asyncio.sleep(0)
            assert not waiting.done()
    await waiting


async def _enter(slots: HostSlots) -> None:
    async with slots.wait("h"):
        return
