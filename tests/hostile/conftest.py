"""A real engine, and a watch over what an attempt costs."""

import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.engine.conftest import open_test_engine
from tui.domain.connection import Connection
from tui.engine import Engine
from tui.paths import Paths

MB = 1_000_000


@pytest.fixture
async def engine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setenv("PARTNER", "correct-horse-42")
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


@contextmanager
def bounded(*, memory: int, seconds: float) -> Iterator[None]:
    """The body takes no more: bytes at its peak, and seconds."""
    tracemalloc.start()
    began = monotonic()
    try:
        yield
        took, (_, peak) = monotonic() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < memory, f"{peak / MB:.0f} MB"
    assert took < seconds


def connection(method: str, port: int, folder: Path, *, direction: str = "inbound", **endpoint: Any) -> Connection:
    """Impatient, and in clear: the servers here are a few lines each."""
    table = {"host": "127.0.0.1", "port": port, "username": "wharf", "secret": "env:PARTNER", **endpoint}
    if method != "sftp":
        table = {"tls": "none", **table}
    if method == "email" and direction == "outbound":
        table = {"sender": "us@us.example", "recipients": ["in@acme.example"], **table}
    return Connection.model_validate(
        {
            "name": "acme",
            "direction": direction,
            "method": method,
            "local_dir": str(folder),
            "retries": 0,
            "stall_timeout": 3,
            method: table,
        }
    )
