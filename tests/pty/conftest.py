"""Servers for programs on a terminal."""

import socket
from collections.abc import Iterator

import pytest

from tests.pty.terminal import PATIENCE


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server
