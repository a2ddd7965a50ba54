"""Read-only is kept by the engine, whatever a screen lets through."""

from dataclasses import replace

import pytest

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner
from tui.domain.failure import ReadOnly
from tui.domain.run import Trigger
from tui.engine import Engine, open_engine
from tui.paths import Paths
from tui.store.process import this_process


async def test_nothing_is_run_cancelled_saved_or_deleted(
    engine: Engine, paths: Paths, partner: Partner, make_connection: MakeConnection
) -> None:
    await engine.store.save(make_connection())
    run = await engine.store.begin_run("acme", Trigger.MANUAL, this_process())
    async with open_engine(replace(paths, read_only=True)) as looking:
        assert looking.read_only
        for change in (
            looking.start("acme"),
            looking.cancel(run.run_id),
            looking.store.save(make_connection(name="other")),
            looking.store.delete("acme"),
        ):
            with pytest.raises(ReadOnly):
                await change
        assert [state.connection.name for state in await looking.store.overview()] == ["acme"]
    assert not (await engine.store.pulse(run.run_id, run.progress, 1)).cancel_requested
