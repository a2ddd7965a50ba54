"""kill -9 on the other side: of the processes that serve a connection, and of a whole server that comes back."""

import random
from contextlib import ExitStack

import pytest

from tests.crash.engines import engine_with, until_moved
from tests.crash.exchange import batch, watched
from tests.crash.partners import Partner
from tui.domain.run import Status
from tui.paths import Paths

KILLS = 3


@pytest.mark.parametrize("victim", ["sessions", "server"])
async def test_a_run_goes_on_when_the_server_was_killed(partner: Partner, victim: str, paths: Paths) -> None:
    exchange = partner.exchange()
    chance = random.Random(f"{partner.way} {victim}")
    total = sum(map(len, batch().values()))
    with ExitStack() as servers, watched(exchange):
        async with engine_with(exchange, paths, retries=KILLS) as engine:
            run = await engine.start(exchange.name)
            for part in range(KILLS):
                await until_moved(engine, exchange.name, int(total * (part + chance.random()) / (KILLS + 1)))
                await partner.until_serving()
                if victim == "sessions":
                    partner.kill_sessions()
                else:
                    servers.enter_context(partner.restarted())
                exchange.check_anytime()
            ended = await engine.wait(run.run_id)
            assert (ended.status, ended.failure) == (Status.COMPLETED, None)
            # A kill that comes while the run waits for its next attempt costs it none.
            assert 1 < ended.attempts <= KILLS + 1
    await exchange.check_delivered(paths)
