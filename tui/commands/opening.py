"""Opens what the commands work on, with a sentence instead of a traceback where that cannot be done."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from tui.domain.failure import UsageProblem
from tui.domain.scrubbing import scrubbed_of_all
from tui.paths import Paths
from tui.store.base import Store

if TYPE_CHECKING:
    from tui.engine import Engine
    from tui.trust.unlocking import Ask

_LOG_SIZE = 1_000_000
_LOG_FILES = 3


@asynccontextmanager
async def open_store(paths: Paths) -> AsyncIterator[Store]:
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
    from tui.engine import open_engine

    prepare(paths)
    with _log_file(paths):
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


class _Scrubbed(logging.Formatter):
    """Libraries log what they send, and exceptions quote what they could not read: both may hold a secret."""

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed_of_all(super().format(record))


class _LogFile(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: a log on a full disk must not draw tracebacks over the screen; the runs tell of the disk."""


@contextmanager
def _log_file(paths: Paths) -> Iterator[None]:
    handler = _LogFile(paths.log, maxBytes=_LOG_SIZE, backupCount=_LOG_FILES, delay=True)
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
