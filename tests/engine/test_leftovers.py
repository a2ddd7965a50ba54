"""Files that a run has set aside for their after-action and has left there: killed, or cut off from its partner."""

import os
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner, PartnerSession
from tests.engine.test_runs import run
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.run import Run, Status
from tui.engine import Engine
from tui.engine.leftovers import _is_what_was_delivered
from tui.methods.base import Each, Entry
from tui.methods.local_places import LocalPlaces
from tui.store.base import Delivery

Rerun = Callable[[], Awaitable[Run]]
"""The next run, and what it has told of its after-actions."""


@pytest.fixture(params=["delete", "move"])
def after(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"after": request.param, "move_to": "done" if request.param == "move" else None}


@pytest.fixture
def aside(folder: Path) -> Path:
    return folder / "a.csv.wharf-gone"


@pytest.fixture
async def rerun(
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    folder: Path,
    aside: Path,
    after: dict[str, Any],
) -> Rerun:
    """Runs again what has delivered a.csv once, which is set aside."""
    (folder / "a.csv").write_bytes(b"delivered")
    os.utime(folder / "a.csv", (1, 1))
    await engine.store.save(make_connection(direction="outbound"))
    assert (await run(engine)).status is Status.COMPLETED
    (folder / "a.csv").rename(aside)
    partner.files.clear()
    await engine.store.save(make_connection(direction="outbound", **after), replacing="acme")
    return lambda: run(engine)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def gone(after: dict[str, Any], content: bytes = b"delivered") -> dict[str, bytes]:
    return {} if after["after"] == "delete" else {"done/a.csv": content}


async def told(engine: Engine, ended: Run) -> list[str]:
    return [event.detail for event in await engine.store.events(ended.run_id) if event.step == "after"]


async def test_what_was_delivered_goes_on_its_way(
    rerun: Rerun, engine: Engine, partner: Partner, folder: Path, after: dict[str, Any]
) -> None:
    ended = await rerun()
    assert ended.status is Status.COMPLETED
    assert (partner.files, contents(folder)) == ({}, gone(after))
    assert await told(engine, ended) == ["a.csv: finished with it, which an earlier run had begun"]


async def test_a_new_time_alone_does_not_make_it_another_file(
    rerun: Rerun, partner: Partner, folder: Path, aside: Path, after: dict[str, Any]
) -> None:
    os.utime(aside, (2, 2))
    assert (await rerun()).status is Status.COMPLETED
    assert (partner.files, contents(folder)) == ({}, gone(after))


@pytest.mark.parametrize("content", [b"delivered", b"DELIVERED"])
async def test_where_no_times_are_told_only_the_content_tells(
    partner: Partner, make_connection: MakeConnection, content: bytes
) -> None:
    partner.tells_times = False
    partner.files = {"a.csv.wharf-gone": content}
    delivery = Delivery("/out/a.csv", len(content), None, sha256(b"delivered").hexdigest(), run_id=1)
    entry = Entry.named("a.csv", len(content), None, "/out/a.csv")
    source, signs = PartnerSession(partner, make_connection()), list[str]()
    found = await _is_what_was_delivered(source, entry, delivery, lambda: signs.append("alive"))
    assert found == (content == b"delivered")
    assert signs


@pytest.mark.parametrize("content", [b"delivered and changed", b"DELIVERED"])
async def test_what_has_changed_is_put_back_and_delivered(
    rerun: Rerun,
    engine: Engine,
    partner: Partner,
    folder: Path,
    aside: Path,
    after: dict[str, Any],
    content: bytes,
) -> None:
    aside.write_bytes(content)
    os.utime(aside, (2, 2))
    ended = await rerun()
    assert ended.status is Status.COMPLETED
    assert (partner.files, contents(folder)) == ({"a.csv": content}, gone(after, content))
    assert await told(engine, ended) == ["a.csv had been set aside and is another file by now; it is back"]


async def test_what_cannot_be_put_back_is_told_and_overwritten_by_nothing(
    rerun: Rerun, engine: Engine, partner: Partner, folder: Path, aside: Path, after: dict[str, Any]
) -> None:
    aside.write_bytes(b"undelivered")
    (folder / "a.csv").write_bytes(b"the next one")
    os.utime(folder / "a.csv", (3, 3))
    for _ in range(2):
        ended = await rerun()
        assert ended.status is Status.FAILED
        assert ended.failure is not None
        assert ended.failure.failure_class is FailureClass.REJECTED
        assert str(aside) in ended.failure.message
        # Delivered once, and then left where it is: its place is taken.
        assert partner.files == {"a.csv": b"the next one"}
        assert contents(folder) == {"a.csv": b"the next one", aside.name: b"undelivered"}
        assert "A file of its name has come meanwhile." in "".join(await told(engine, ended))

    aside.rename(folder / "b.csv")
    assert (await rerun()).status is Status.COMPLETED
    assert partner.files == {"a.csv": b"the next one", "b.csv": b"undelivered"}
    assert (folder / "a.csv").exists() is False


async def test_what_another_connection_has_set_aside_is_left_to_it(
    rerun: Rerun, engine: Engine, partner: Partner, folder: Path, aside: Path
) -> None:
    aside.rename(folder / "b.csv.wharf-gone")
    ended = await rerun()
    assert ended.status is Status.COMPLETED
    assert (partner.files, contents(folder)) == ({}, {"b.csv.wharf-gone": b"delivered"})
    assert await told(engine, ended) == ["b.csv.wharf-gone was set aside by another connection"]


async def test_where_files_are_kept_nothing_is_done_with_it(
    rerun: Rerun, engine: Engine, make_connection: MakeConnection, partner: Partner, folder: Path, aside: Path
) -> None:
    await engine.store.save(make_connection(direction="outbound", pattern="*"), replacing="acme")
    assert (await rerun()).status is Status.COMPLETED
    assert (partner.files, contents(folder)) == ({}, {aside.name: b"delivered"})


@pytest.mark.parametrize("step", ["look_each", "delete_each"])
async def test_what_a_broken_connection_has_left_aside_goes_with_the_retry(
    engine: Engine,
    partner: Partner,
    make_connection: MakeConnection,
    folder: Path,
    aside: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    take_step = getattr(LocalPlaces, step)
    left: list[bool] = []

    async def break_once(places: LocalPlaces, entries: Sequence[Entry]) -> Each[Any]:
        monkeypatch.setattr(LocalPlaces, step, take_step)
        left.append(aside.exists())
        return [TransferFailed(FailureClass.NETWORK, "The connection broke.")] * len(entries)

    monkeypatch.setattr(LocalPlaces, step, break_once)
    (folder / "a.csv").write_bytes(b"1")
    await engine.store.save(make_connection(direction="outbound", after="delete", retries=1))
    ended = await run(engine)
    assert (ended.status, ended.failure, ended.attempts) == (Status.COMPLETED, None, 2)
    assert (left, partner.files, contents(folder)) == ([True], {"a.csv": b"1"}, {})
