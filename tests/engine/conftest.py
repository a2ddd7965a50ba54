"""An engine on a store of its own, with a partner in memory."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.engine.peer import Partner
from tui.domain.connection import Connection
from tui.engine import Engine
from tui.engine.retry import Backoff
from tui.paths import Paths
from tui.store.sqlite import SqliteStore

MakeConnection = Callable[..., Connection]


@pytest.fixture
def partner(monkeypatch: pytest.MonkeyPatch) -> Partner:
    partner = Partner()
    monkeypatch.setattr("tui.engine.sides.make_sides", partner.sides)
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    return partner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    return folder


@pytest.fixture
def make_connection(folder: Path) -> MakeConnection:
    def make(**changes: object) -> Connection:
        return Connection.model_validate(
            {
                "name": "acme",
                "direction": "inbound",
                "method": "sftp",
                "local_dir": str(folder),
                "pattern": "*.csv",
                "sftp": {"host": "sftp.acme.example", "username": "wharf", "secret": "env:ACME"},
            }
            | changes
        )

    return make


async def open_test_engine(paths: Paths) -> Engine:
    store = SqliteStore(paths.database)
    await store.open()
    engine = Engine(store, paths, backoff=Backoff(fraction=lambda: 0.0))
    await engine.start_up()
    return engine


@pytest.fixture
async def engine(paths: Paths, partner: Partner) -> AsyncIterator[Engine]:
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()
