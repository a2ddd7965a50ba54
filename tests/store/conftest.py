"""A store of the test's own, and the ways in which a process can own a run."""

from collections.abc import AsyncIterator

import pytest

from tui.paths import Paths
from tui.store.sqlite import SqliteStore


@pytest.fixture
async def store(paths: Paths) -> AsyncIterator[SqliteStore]:
    """An open, empty store."""
    store = SqliteStore(paths.database)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def neighbour(store: SqliteStore, paths: Paths) -> AsyncIterator[SqliteStore]:
    """A second store on the same file, as another process has it."""
    neighbour = SqliteStore(paths.database)
    await neighbour.open()
    yield neighbour
    await neighbour.close()
