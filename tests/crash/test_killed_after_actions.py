"""kill -9 between the steps by which a delivered file leaves its source."""

import os
from pathlib import Path

import pytest

from tests.crash.deaths import Point
from tests.crash.exchange import DONE, OLD, Exchange, opened
from tests.crash.partners import Partner
from tests.crash.victims import open_driver
from tui.domain.failure import FailureClass
from tui.domain.naming import is_aside, name_before_aside
from tui.domain.run import FileStatus, Status
from tui.domain.terms import After
from tui.paths import Paths

FILES = {"a.csv": b"first", "b.csv": b"", "c.csv": b"third"}


@pytest.mark.parametrize("point", list(Point), ids=lambda point: point.name.lower())
@pytest.mark.parametrize("after", [After.DELETE, After.MOVE], ids=str)
async def test_the_next_run_ends_what_a_killed_one_has_begun(
    partner: Partner, after: After, point: Point, paths: Paths
) -> None:
    exchange = partner.folders(after)
    for name, content in FILES.items():
        (exchange.source / name).write_bytes(content)
        os.utime(exchange.source / name, (OLD, OLD))
    async with open_driver() as driver:
        await driver.keep(exchange, paths)
        await driver.killed_at(point, exchange)
        left = {name: content for name, content in _contents(exchange.source).items() if is_aside(name)}
        assert left
        assert _contents(exchange.target) == FILES
        now = FILES | {name_before_aside(name): content for name, content in left.items()}
        assert (now == FILES) == (point is not Point.BACK)
        await driver.run(exchange.name)

    assert _contents(exchange.target) == now
    assert _contents(exchange.source) == {}
    assert _contents(exchange.source / DONE) == (now if after is After.MOVE else {})
    changed = [name for name in now if now[name] != FILES[name]]
    await _check_record(exchange, paths, sorted([*FILES, *changed]))


async def _check_record(exchange: Exchange, paths: Paths, delivered: list[str]) -> None:
    async with opened(paths) as store:
        last, killed = await store.runs(exchange.name)
        assert (last.status, last.failure) == (Status.COMPLETED, None)
        assert killed.failure is not None
        assert killed.failure.failure_class is FailureClass.INTERRUPTED
        files = [file for run in (killed, last) for file in await store.files(run.run_id)]
        assert sorted(file.name for file in files if file.status is FileStatus.COMPLETED) == delivered


def _contents(folder: Path) -> dict[str, bytes]:
    files = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path.read_bytes() for path in files if path.is_file()}
