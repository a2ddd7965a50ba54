"""Opens what the commands work on, with a sentence instead of a traceback where that cannot be done."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from tui.domain.failure import UsageProblem
from tui.paths import Paths

if TYPE_CHECKING:
    from tui.engine import Engine
    from tui.store.base import Store
    from tui.store.reading import Reading
    from tui.trust.unlocking import Ask


@contextmanager
def open_reading(paths: Paths) -> Iterator["Reading"]:
    """The user's store, only to be looked at."""
    from tui.store.reading import open_for_reading

    prepare(paths)
    with open_for_reading(paths.database) as reading:
        yield reading


@asynccontextmanager
async def open_store(paths: Paths) -> AsyncIterator["Store"]:
    """The user's store, in which no run counts as in progress whose process is gone."""
    from tui.store.sqlite import SqliteStore

    prepare(paths)
    store = SqliteStore(paths.database, read_only=paths.read_only)
    await store.open()
    try:
        await store.end_orphans()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_logged_engine(paths: Paths, ask: "Ask | None" = None) -> AsyncIterator["Engine"]:
    """The engine, with the faults of Wharf itself and the warnings of libraries going to the log file. `ask` is asked
    for the passphrase of the vault."""
    from tui.commands.logs import log_file
    from tui.engine import open_engine

    prepare(paths)
    with log_file(paths):
        async with open_engine(paths, ask) as engine:
            yield engine


def prepare(paths: Paths) -> None:
    """Create the folders. Raises UsageProblem."""
    try:
        paths.prepare()
    except OSError as error:
        raise UsageProblem(
            f"Wharf cannot use the folder {error.filename}: {error.strerror}. Set WHARF_HOME to a folder of your own."
        ) from error
