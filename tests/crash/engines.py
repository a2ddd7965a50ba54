"""An engine in the loop of the test, and waiting for how far its runs are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.crash.exchange import Exchange
from tui.domain.connection import Connection
from tui.engine import Engine
from tui.engine.retry import Backoff
from tui.paths import Paths
from tui.store.sqlite import SqliteStore

_LOOK = 0.002
"""Seconds between two looks at a run."""


@asynccontextmanager
async def engine_with(exchange: Exchange, paths: Paths, **options: Any) -> AsyncIterator[Engine]:
    """An engine that knows the connection. It waits 0.2 s, 0.4 s and so on before its retries."""
    store = SqliteStore(paths.database)
    await store.open()
    await store.save(Connection.model_validate(exchange.fields(**options)))
    backoff = Backoff(first=0.2, fraction=lambda: 1.0)
    engine = Engine(store, paths, backoff=backoff)
    try:
        await engine.start_up()
        yield engine
    finally:
        await engine.close()


async def until_moved(engine: Engine, name: str, count: int) -> None:
    """Wait until the run has moved so many bytes. An engine tells nobody when: it is looked at, as a screen does."""
    while True:
        live = engine.snapshot().live.get(name)
        if live is None:
            [ended] = await engine.store.runs(name, limit=1)
            pytest.fail(f"the run has ended before it had moved {count} bytes: {ended}")
        if live.progress.bytes_done >= count:
            return
        await asyncio.sleep(_LOOK)
