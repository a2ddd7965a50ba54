"""A run that is under way for as long as a test wants: its server never says a word."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.pty.terminal import Terminal, wharf_on_terminal
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


@asynccontextmanager
async def wharf_with_a_run(server: socket.socket, paths: Paths, local: Path) -> AsyncIterator[Terminal]:
    """The program with a run under way, which is on record as interrupted afterwards."""
    await save_silent_connection(paths, server, local)
    with wharf_on_terminal(SILENT="hunter2") as terminal:
        terminal.wait_for(b"silent")
        terminal.type(b"r")
        peer, _ = server.accept()
        with peer:
            yield terminal
    assert_interrupted(await the_run(paths))


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
