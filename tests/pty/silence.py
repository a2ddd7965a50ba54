"""A run that is under way for as long as a test wants: its server never says a word."""

import socket
from pathlib import Path

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.run import Run, Status
from tui.paths import Paths
from tui.store.sqlite import SqliteStore


async def save_silent_connection(paths: Paths, server: socket.socket, local: Path) -> None:
    endpoint = {
        "host": "127.0.0.1",
        "port": server.getsockname()[1],
        "username": "wharf",
        "secret": "env:SILENT",
    }
    store = SqliteStore(paths.database)
    await store.open()
    await store.save(
        Connection.model_validate(
            {"name": "silent", "direction": "inbound", "method": "ftp", "local_dir": str(local), "ftp": endpoint}
        )
    )
    await store.close()


async def the_run(paths: Paths) -> Run:
    """As it stands in the store; nobody has looked there since, who would have ended it as an orphan."""
    store = SqliteStore(paths.database)
    await store.open()
    (run,) = await store.runs()
    await store.close()
    return run


def assert_interrupted(run: Run) -> None:
    assert run.status is Status.FAILED
    assert run.ended is not None
    assert run.failure is not None
    assert run.failure.failure_class is FailureClass.INTERRUPTED
