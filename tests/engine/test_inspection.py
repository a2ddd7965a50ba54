"""The test of a connection with a partner in memory: what is tried, in which order, and what stays behind."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner, PartnerSession
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import is_partial
from tui.engine import Engine
from tui.engine.inspection import Watcher
from tui.engine.probe import Clock
from tui.methods.base import Entry, Source, Staged, Surroundings, Target

PERMISSION = TransferFailed(FailureClass.PERMISSION, "Not allowed.")


def named_in(partner: Partner) -> str:
    """The name under which the test file was published."""
    return next(line.removeprefix("publish ") for line in partner.log if line.startswith("publish "))


async def test_an_outbound_connection_is_tried_by_a_file_that_is_gone_afterwards(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path
) -> None:
    (folder / "a.csv").write_text("1")
    (folder / "b.txt").write_text("2")
    report = await engine.test(make_connection(direction="outbound"))
    assert report.ok
    assert [event.step for event in report.steps] == ["local folder", "list", "write", "space", "clock", "offers"]
    assert report.steps[1].detail == "2 files, 1 match *.csv: a.csv"
    name = named_in(partner)
    assert name.startswith("wharf-test-")
    assert is_partial(name)
    assert report.steps[2].detail == f"{name} was written, renamed and removed"
    assert partner.files == {}


async def test_no_two_tests_use_the_same_name(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    await asyncio.gather(*(engine.test(make_connection(direction="outbound")) for _ in range(3)))
    assert len({line for line in partner.log if line.startswith("publish ")}) == 3


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_without_writing_nothing_is_written(
    engine: Engine, partner: Partner, make_connection: MakeConnection, direction: str
) -> None:
    report = await engine.test(make_connection(direction=direction), write=False)
    assert report.ok
    assert "write" not in [event.step for event in report.steps]
    assert not any(line.startswith(("write", "publish")) for line in partner.log)


async def test_nothing_is_written_where_wharf_only_looks(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    engine.read_only = True
    assert (await engine.test(make_connection(direction="outbound"))).ok
    assert not any(line.startswith("write") for line in partner.log)


async def test_inbound_nothing_is_written(engine: Engine, partner: Partner, make_connection: MakeConnection) -> None:
    await engine.test(make_connection())
    assert not any(line.startswith("write") for line in partner.log)


async def test_a_refused_rename_leaves_nothing_behind(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.fail_publishing = [PERMISSION]
    report = await engine.test(make_connection(direction="outbound"))
    assert report.failure == PERMISSION.failure
    assert (report.steps[-1].step, report.steps[-1].ok) == ("write", False)
    assert partner.files == {}


async def test_a_cut_while_writing_leaves_nothing_behind(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.fail_writing_after = 10
    report = await engine.test(make_connection(direction="outbound"))
    assert not report.ok
    assert partner.files == {}


async def test_fewer_bytes_than_written_fail_the_test(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    partner.lost_on_arrival = 3
    report = await engine.test(make_connection(direction="outbound"))
    assert report.failure is not None
    assert report.failure.failure_class is FailureClass.INTEGRITY
    assert partner.files == {}


async def test_a_folder_in_which_nothing_may_be_removed_is_told(
    engine: Engine, partner: Partner, make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def discard(self: PartnerSession, entry: Entry) -> None:
        raise PERMISSION

    monkeypatch.setattr(PartnerSession, "discard", discard)
    report = await engine.test(make_connection(direction="outbound"))
    assert report.ok
    name = named_in(partner)
    assert set(partner.files) == {name}
    assert "may not be removed: Not allowed." in report.steps[2].detail
    assert any(name in warning for warning in report.warnings)


async def test_a_cancel_while_publishing_leaves_nothing_behind(
    engine: Engine, partner: Partner, make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = asyncio.Event()
    publish = PartnerSession.publish

    async def hang(self: PartnerSession, batch: Sequence[Staged]) -> None:
        await publish(self, batch)
        published.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(PartnerSession, "publish", hang)
    test = asyncio.create_task(engine.test(make_connection(direction="outbound")))
    await published.wait()
    assert len(partner.files) == 1
    test.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await test
    assert partner.files == {}


async def test_steps_are_heard_of_as_they_begin_and_end(
    engine: Engine, partner: Partner, make_connection: MakeConnection
) -> None:
    heard: list[str] = []
    watcher = Watcher(lambda step: heard.append(f"{step} begins"), lambda event: heard.append(f"{event.step} ends"))
    await engine.test(make_connection(), watcher)
    steps = ("local folder", "list", "space", "clock", "offers")
    assert heard == [line for step in steps for line in (f"{step} begins", f"{step} ends")]


async def test_clocks_far_apart_are_warned_of(
    engine: Engine, partner: Partner, make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clock(self: PartnerSession, fresh: str | None) -> float:
        assert fresh is None or fresh in partner.files
        return 1_000_000.0

    monkeypatch.setattr(PartnerSession, "clock", clock)
    for direction in ("inbound", "outbound"):
        report = await engine.test(make_connection(direction=direction))
        assert report.ok
        told = next(event.detail for event in report.steps if event.step == "clock")
        assert told.endswith("behind ours")
        assert any("behind ours" in warning for warning in report.warnings)


@given(
    began=st.floats(1e9, 2e9),
    took=st.floats(0, 10),
    at=st.floats(0, 1),
    ahead=st.one_of(st.just(0.0), st.floats(-1e5, 1e5)),
)
def test_a_difference_of_clocks_is_never_told_where_there_may_be_none(
    began: float, took: float, at: float, ahead: float
) -> None:
    """The other side writes down its time, cut to the second, somewhen during the probe."""
    theirs = float(int(began + at * took + ahead))
    clock = Clock.compared(theirs, began, began + took)
    if ahead == 0:
        assert clock.ahead == 0
    elif abs(ahead) > took + 1:
        assert abs(clock.ahead - ahead) <= took + 1.001
    assert abs(clock.ahead) <= abs(ahead) + 0.001


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0.0, "the other side's clock agrees with ours to the second"),
        (312.0, "the other side's clock is 5 m 12 s ahead of ours"),
        (-3.0, "the other side's clock is 3.0 s behind ours"),
    ],
)
def test_a_difference_in_words(ahead: float, words: str) -> None:
    assert str(Clock(ahead)) == words


@pytest.mark.parametrize(("days", "warned"), [(10, True), (31, False)])
async def test_a_certificate_that_ends_soon_is_warned_of_and_remembered(
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    warned: bool,
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)

    def sides(connection: Connection, surroundings: Surroundings) -> tuple[Source, Target]:
        surroundings.certificate_seen(ends)
        return partner.sides(connection, surroundings)

    monkeypatch.setattr("tui.engine.sides.make_sides", sides)
    report = await engine.test(make_connection())
    assert any(f"ends in {days} days" in warning for warning in report.warnings) == warned
    for name in ("acme", "runs"):
        await engine.store.save(make_connection(name=name))
    # Not yet: what was tested was not saved.
    assert [state.certificate_ends for state in await engine.store.overview()] == [None, None]
    await engine.test(make_connection())
    run = await engine.start("runs")
    await engine.wait(run.run_id)
    assert [state.certificate_ends for state in await engine.store.overview()] == [ends, ends]
