"""The log file: faults of Wharf itself and warnings of its libraries, without secrets."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler

from tui.domain.scrubbing import scrubbed_of_all
from tui.paths import Paths

_LOG_SIZE = 1_000_000
_LOG_FILES = 3


class _Scrubbed(logging.Formatter):
    """Libraries log what they send, and exceptions quote what they could not read: both may hold a secret."""

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed_of_all(super().format(record))


class _LogFile(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: a log on a full disk must not draw tracebacks over the screen; the runs tell of the disk."""


@contextmanager
def log_file(paths: Paths) -> Iterator[None]:
    """In the body what is logged goes to the file."""
    handler = _LogFile(paths.log, maxBytes=_LOG_SIZE, backupCount=_LOG_FILES, delay=True)
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
