"""Files so large that they are written past the cache of the disk: what is safe of them when a run or a server dies is
built on, and nothing else is."""

import re
from collections.abc import Sequence

import pytest

from tests.crash.engines import engine_with, until_moved
from tests.crash.exchange import Exchange, Way, large, opened, watched
from tests.crash.partners import Partner
from tests.crash.victims import open_driver
from tui.domain.failure import FailureClass
from tui.domain.run import Status
from tui.methods.blocks import PAGE
from tui.methods.disk_writing import _LARGE
from tui.paths import Paths

MEGABYTE = 1024 * 1024
inbound = pytest.mark.parametrize("way", [Way.SFTP_IN, Way.FTPS_IN], indirect=True)


async def test_a_killed_run_is_continued(partner: Partner, paths: Paths) -> None:
    exchange = partner.exchange(files=large())
    stored: list[int] = []
    async with open_driver() as driver:
        await driver.keep(exchange, paths)
        with watched(exchange):
            for _ in range(2):
                # Beyond what the run before has left: the next one is to have gone on when it dies.
                await driver.killed_when_stored(max(stored, default=0) + MEGABYTE, exchange)
                exchange.check_anytime()
                stored.append(await _stored(exchange, paths))
            await driver.run(exchange.name)
    await exchange.check_delivered(paths, failed=[FailureClass.INTERRUPTED] * len(stored))
    kept = await _kept(exchange, paths)
    if partner.way.direction == "inbound":
        assert kept == stored
        size = len(exchange.files["large.dat"])
        assert all(after % PAGE == 0 and size - after >= _LARGE for after in kept), "it went through the cache"
    else:
        # Of what was sent when a run died, a server may have had less.
        assert kept


@inbound
@pytest.mark.parametrize("harm", ["dies", "freezes"])
async def test_a_retry_goes_on_where_the_server_has_failed(partner: Partner, harm: str, paths: Paths) -> None:
    exchange = partner.exchange(files=large())
    async with engine_with(exchange, paths, retries=3, stall_timeout=2) as engine:
        with watched(exchange):
            run = await engine.start(exchange.name)
            await until_moved(engine, exchange.name, 20 * MEGABYTE)
            if harm == "dies":
                partner.kill_sessions()
            else:
                partner.freeze()
                partner.thaw_listener()
            ended = await engine.wait(run.run_id)
            assert (ended.status, ended.failure, ended.attempts) == (Status.COMPLETED, None, 2)
    await exchange.check_delivered(paths)
    [after] = await _kept(exchange, paths)
    assert after >= 16 * MEGABYTE, "what had come before the failure is not sent again"


async def _stored(exchange: Exchange, paths: Paths) -> int:
    """How many bytes of the large file are on record as safe."""
    async with opened(paths) as store:
        partials = await store.partials(exchange.name)
    return next(partial.stored for partial in partials if partial.target_name.startswith("large.dat"))


async def _kept(exchange: Exchange, paths: Paths) -> Sequence[int]:
    """After how many bytes the large file was continued, each time."""
    async with opened(paths) as store:
        runs = sorted(await store.runs(exchange.name), key=lambda run: run.run_id)
        told = [event.detail for run in runs for event in await store.events(run.run_id) if event.step == "resume"]
    return [int(kept) for kept in re.findall(r"large\.dat: continued after (\d+) bytes", "\n".join(told))]
