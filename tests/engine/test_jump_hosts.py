"""Tests and runs over real jump hosts: the way is told, a frozen hop is noticed in time, nothing is left behind."""

import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.conftest import open_test_engine
from tests.methods.sftp_support import connection, over_key
from tests.outside import seen_meanwhile
from tests.servers.jumps import Jumps, run_jumps
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.run import Event, Status, Trigger
from tui.engine import Engine
from tui.engine.inspection import Watcher
from tui.paths import Paths


@pytest.fixture
async def engine(paths: Paths) -> AsyncIterator[Engine]:
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


@pytest.fixture
async def jumps(tmp_path: Path) -> AsyncIterator[Jumps]:
    async with run_jumps(tmp_path / "jumps") as jumps:
        yield jumps


@pytest.fixture
async def target(tmp_path: Path, jumps: Jumps, paths: Paths) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "target") as target:
        paths.known_hosts.write_text(jumps.known_hosts + target.known_hosts_line)
        yield target


@pytest.fixture
def routed(tmp_path: Path, jumps: Jumps, target: OpenSsh) -> Connection:
    (tmp_path / "local").mkdir()
    endpoint = over_key(target, tmp_path / "remote", **jumps.route)
    change = {"local_dir": str(tmp_path / "local"), "stall_timeout": 1, "retries": 0}
    return connection("outbound", change=change, **endpoint)


async def test_a_run_over_both_keeps_the_way_in_its_events(engine: Engine, routed: Connection, tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    (tmp_path / "local" / "a.csv").write_bytes(content)
    await engine.store.save(routed.model_copy(update={"stall_timeout": 20}))
    run = await engine.wait((await engine.start(routed.name, Trigger.MANUAL)).run_id)
    assert run.status is Status.COMPLETED
    assert (tmp_path / "remote" / "a.csv").read_bytes() == content
    steps = [event.step for event in await engine.store.events(run.run_id)]
    for step in ("jump 1/2 identity", "jump 1/2 login", "jump 2/2 connect", "jump 2/2 login", "connect", "login"):
        assert step in steps


@pytest.mark.parametrize("number", [0, 1])
async def test_a_hop_that_says_nothing_from_the_start_is_given_up_in_time(
    engine: Engine, routed: Connection, jumps: Jumps, number: int
) -> None:
    # The kernel takes the connection for it, and nobody says a word.
    os.kill(jumps.hops[number].process.pid, signal.SIGSTOP)
    began = time.monotonic()
    report = await engine.test(routed)
    assert report.failure is not None
    assert report.failure.failure_class is FailureClass.TIMEOUT
    assert time.monotonic() - began < 4
    last = [event.step for event in report.steps if event.step.startswith("jump")][-1]
    assert last == f"jump {number + 1}/2 identity"


@pytest.mark.parametrize("number", [0, 1])
async def test_a_hop_that_freezes_later_is_noticed_within_the_stall_timeout(
    engine: Engine, routed: Connection, jumps: Jumps, number: int
) -> None:
    frozen_at = 0.0

    def freeze(event: Event) -> None:
        nonlocal frozen_at
        if event.step == "login":
            jumps.hops[number].freeze()
            frozen_at = time.monotonic()

    report = await engine.test(routed, Watcher(ended=freeze))
    assert frozen_at
    assert report.failure is not None
    assert report.failure.failure_class is FailureClass.TIMEOUT
    assert time.monotonic() - frozen_at < 4


async def test_nothing_of_it_runs_on_afterwards(engine: Engine, routed: Connection, jumps: Jumps) -> None:
    assert (await engine.test(routed)).ok
    ports = {f":{hop.port:04X}" for hop in jumps.hops}

    def is_over() -> bool:
        # Local address, remote address and state of each connection (proc(5)); 01 is established.
        rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()]
        return not any(state == "01" and remote[-5:] in ports for _, _, remote, state, *_ in rows)

    await seen_meanwhile(is_over, "the servers to end what leads from one to the other, once they have heard of it")
