"""The engine's small parts: stall watch, meter, backoff, plan."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import Repeat
from tui.engine.meter import Meter, time_left
from tui.engine.plan import make_plan
from tui.engine.retry import Backoff
from tui.engine.stall import StallWatch
from tui.methods.base import Entry
from tui.store.base import Delivery


async def test_silence_drops_the_connection_and_ends_the_body() -> None:
    lost = asyncio.Event()
    with pytest.raises(TransferFailed, match="silent") as caught:
        async with StallWatch(0.05, lost.set):
            await lost.wait()
            raise TransferFailed(FailureClass.NETWORK, "The connection was lost.")
    assert caught.value.failure.failure_class is FailureClass.TIMEOUT


async def test_code_that_does_not_wake_is_cancelled() -> None:
    with pytest.raises(TransferFailed, match="silent"):
        async with StallWatch(0.05, lambda: None):
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_body_that_takes_the_drop_for_an_end_is_not_believed() -> None:
    lost = asyncio.Event()
    with pytest.raises(TransferFailed, match="silent"):
        async with StallWatch(0.05, lost.set):
            await lost.wait()


async def test_signs_of_life_keep_it_going(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    dropped = asyncio.Event()
    with pytest.raises(TransferFailed, match="silent"):
        async with StallWatch(30, dropped.set) as watch:
            for _ in range(10):
                now += 29
                watch.poke()
                await _timers_that_are_due()
                assert not dropped.is_set()
            now += 30
            await _timers_that_are_due()
            assert dropped.is_set()


async def _timers_that_are_due() -> None:
    """The first turn of the loop finds them, behind this task; they have run when it comes to the second."""
    for _ in range(2):
        await asyncio.sleep(0)


async def test_a_cancel_from_outside_stays_a_cancel() -> None:
    began = asyncio.Event()

    async def body() -> None:
        async with StallWatch(30, lambda: None):
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_meter_tells_the_speed_of_the_last_seconds() -> None:
    now = 0.0
    meter = Meter(lambda: now)
    assert meter.speed() == 0.0
    for second in range(1, 21):
        now = float(second)
        meter.update(second * 100)
    assert meter.speed() == pytest.approx(100)
    for second in range(21, 31):
        now = float(second)
        meter.update(2000)
    assert meter.speed() == pytest.approx(0)


def test_a_file_begun_again_does_not_make_the_speed_negative() -> None:
    now = 0.0
    meter = Meter(lambda: now)
    now = 1.0
    meter.update(1000)
    now = 2.0
    meter.update(10)
    assert meter.speed() >= 0


def test_time_left() -> None:
    assert time_left(100, 50) == 2
    assert time_left(100, 0) is None


@given(st.integers(1, 30), st.floats(0, 1))
def test_the_backoff_stays_under_its_ceiling(retry: int, fraction: float) -> None:
    backoff = Backoff(first=2, ceiling=120, fraction=lambda: fraction)
    assert 0 <= backoff.before(retry) <= min(120, 2 * 2 ** (retry - 1))


def entry(name: str, size: int = 1, mtime: float | None = 5.0) -> Entry:
    return Entry.named(name, size, mtime, f"/out/{name}")


@pytest.mark.parametrize(
    ("size", "mtime", "is_new"), [(1, 5.0, False), (2, 5.0, True), (1, 6.0, True), (1, None, True)]
)
def test_a_file_is_delivered_only_if_it_is_unchanged(size: int, mtime: float | None, is_new: bool) -> None:
    ledger = {"/out/a.csv": Delivery("/out/a.csv", 1, 5.0, "00", 7)}
    plan = make_plan([entry("a.csv", size, mtime)], ledger, Repeat.SEND)
    assert bool(plan.move) is is_new
    assert bool(plan.delivered) is not is_new


@given(st.lists(st.text(max_size=8), unique=True))
def test_every_candidate_is_in_exactly_one_place(names: list[str]) -> None:
    candidates = [entry(name) for name in names]
    plan = make_plan(candidates, {}, Repeat.SEND)
    assert sorted(e.name for e in plan.move + plan.delivered + plan.unsafe) == sorted(names)
    assert all("/" not in e.target_name and e.target_name not in {"", ".", ".."} for e in plan.move)
