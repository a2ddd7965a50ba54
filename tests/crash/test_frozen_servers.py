"""SIGSTOP on the other side: the sockets stay open, and nothing comes any more."""

from collections.abc import Sequence
from time import monotonic

import asyncssh
import pytest

from tests.crash.engines import engine_with, until_moved
from tests.crash.exchange import Exchange, Way, batch, watched
from tests.crash.partners import Partner
from tui.domain.failure import FailureClass
from tui.domain.run import Run, Status
from tui.engine import Engine
from tui.methods.ssh_digest import RemoteDigests
from tui.paths import Paths

STALL_TIMEOUT = 1
NOTICED_WITHIN = STALL_TIMEOUT + 3.0
CANCELLED_WITHIN = 2.0


@pytest.fixture(params=["greeting", "transfer"])
def place(request: pytest.FixtureRequest) -> str:
    """Where the server falls silent."""
    return str(request.param)


@pytest.fixture
def exchange(partner: Partner) -> Exchange:
    return partner.exchange()


async def test_a_frozen_server_is_noticed(partner: Partner, exchange: Exchange, place: str, paths: Paths) -> None:
    async with engine_with(exchange, paths, retries=0, stall_timeout=STALL_TIMEOUT) as engine:
        with watched(exchange):
            run = await _run_into_silence(engine, partner, exchange, place)
            frozen = monotonic()
            ended = await engine.wait(run.run_id)
            assert monotonic() - frozen < NOTICED_WITHIN
            assert ended.failure is not None
            assert ended.failure.failure_class is FailureClass.TIMEOUT
            await _recover(engine, partner, exchange)
    await exchange.check_delivered(paths, failed=[FailureClass.TIMEOUT])


@pytest.mark.parametrize("way", [Way.SFTP_IN, Way.SFTP_OUT], indirect=True)
async def test_a_server_that_freezes_while_it_hashes_is_noticed(
    partner: Partner, exchange: Exchange, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = RemoteDigests._hear
    frozen: list[float] = []

    async def freeze_and_hear(
        self: RemoteDigests, process: asyncssh.SSHClientProcess[bytes], questions: Sequence[object], limit: float
    ) -> bool:
        if not frozen:
            await process.stdin.drain()
            partner.freeze()
            frozen.append(monotonic())
        return await hear(self, process, questions, limit)  # type: ignore[arg-type]  # the real one is called with what the stand-in got

    async with engine_with(exchange, paths, retries=0, stall_timeout=2 * STALL_TIMEOUT) as engine:
        monkeypatch.setattr(RemoteDigests, "_hear", freeze_and_hear)
        run = await engine.start(exchange.name)
        ended = await engine.wait(run.run_id)
        # The time that the server is given for hashing comes on top where nobody looks whether it is still there.
        assert monotonic() - frozen[0] < 2 * STALL_TIMEOUT + 1.5
        assert ended.failure is not None
        assert ended.failure.failure_class is FailureClass.TIMEOUT
        await _recover(engine, partner, exchange)
    await exchange.check_delivered(paths, failed=[FailureClass.TIMEOUT])


async def test_a_run_is_cancelled_while_its_server_is_frozen(
    partner: Partner, exchange: Exchange, place: str, paths: Paths
) -> None:
    async with engine_with(exchange, paths, retries=0) as engine:
        with watched(exchange):
            run = await _run_into_silence(engine, partner, exchange, place)
            asked = monotonic()
            await engine.cancel(run.run_id)
            await engine.wait(run.run_id)
            assert monotonic() - asked < CANCELLED_WITHIN
            await _recover(engine, partner, exchange)
    await exchange.check_delivered(paths, failed=[FailureClass.CANCELLED])


async def test_a_retry_goes_on_beside_a_session_that_stays_frozen(
    partner: Partner, exchange: Exchange, paths: Paths
) -> None:
    """A session whose client the network has taken away knows nothing of that, and keeps its files open; vsftpd's keeps
    the one that is being uploaded locked as well, so that nobody can read it or write to it."""
    async with engine_with(exchange, paths, retries=3, stall_timeout=STALL_TIMEOUT) as engine:
        with watched(exchange):
            run = await _run_into_silence(engine, partner, exchange, "transfer")
            partner.thaw_listener()
            ended = await engine.wait(run.run_id)
            assert (ended.status, ended.failure) == (Status.COMPLETED, None)
    await exchange.check_delivered(paths)


async def _run_into_silence(engine: Engine, partner: Partner, exchange: Exchange, place: str) -> Run:
    if place == "greeting":
        partner.freeze()
        return await engine.start(exchange.name)
    run = await engine.start(exchange.name)
    await until_moved(engine, exchange.name, sum(map(len, batch().values())) // 2)
    partner.freeze()
    return run


async def _recover(engine: Engine, partner: Partner, exchange: Exchange) -> None:
    """The server goes on, with all that it still has in its ears, and the next run finds it so."""
    exchange.check_anytime()
    partner.thaw()
    again = await engine.start(exchange.name)
    assert (await engine.wait(again.run_id)).status is Status.COMPLETED
