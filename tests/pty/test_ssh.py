"""Wharf at the other end of a real ssh session: a login to a jump host, where a shell starts it."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pty.modes import assert_as_it_was
from tests.pty.silence import assert_interrupted, save_silent_connection, the_run
from tests.pty.terminal import PATIENCE, Terminal, on_terminal
from tests.servers.debian import find_program
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.run import Run, Status
from tui.paths import Paths

FIRST_FRAME = b"No connections yet"
PROMPT = b"jump-host$ "


@pytest.fixture
async def jump_host(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "sshd") as server:
        yield server


@contextmanager
def login(server: OpenSsh, folder: Path) -> Iterator[Terminal]:
    """A shell with job control there, as one who logs in has it."""
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(server.known_hosts_line)
    ssh = find_program("ssh", "openssh-client")
    options = ("-F", "none", "-tt", "-p", str(server.port), "-i", str(server.key), "-o", "IdentitiesOnly=yes")
    shell = f"PS1='{PROMPT.decode()}' exec bash --noprofile --norc -i"
    with on_terminal(
        str(ssh), *options, "-o", f"UserKnownHostsFile={known_hosts}", f"{server.user}@127.0.0.1", shell
    ) as terminal:
        terminal.wait_for(PROMPT)
        yield terminal


def start_wharf(terminal: Terminal, **environment: str) -> None:
    told = {"WHARF_HOME": os.environ["WHARF_HOME"], "TEXTUAL_ANIMATIONS": "none", **environment}
    words = [f"{name}={shlex.quote(value)}" for name, value in told.items()]
    checkout = shlex.quote(str(Path(__file__).parents[2]))
    terminal.type(f"cd {checkout} && {' '.join(words)} {shlex.quote(sys.executable)} -m tui\n".encode())


async def test_a_session_resized_suspended_and_left(jump_host: OpenSsh, tmp_path: Path) -> None:
    with login(jump_host, tmp_path) as terminal:
        start_wharf(terminal)
        place = terminal.wait_for(b"Quit", since=terminal.wait_for(FIRST_FRAME))
        terminal.resize(140, 45)
        place = terminal.wait_for(b"\x1b[45;1H", since=place)
        terminal.type(b"\x1a")
        place = terminal.wait_for(PROMPT, since=terminal.wait_for(b"\x1b[?1049l", since=place))
        assert_as_it_was(terminal.seen)
        terminal.type(b"fg\n")
        place = terminal.wait_for(FIRST_FRAME, since=terminal.wait_for(b"\x1b[?1049h", since=place))
        terminal.type(b"q")
        terminal.wait_for(PROMPT, since=terminal.wait_for(b"\x1b[?1049l", since=place))
        assert_as_it_was(terminal.seen)
        terminal.type(b"exit\n")
        assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL], ids=str)
async def test_a_session_that_breaks_puts_its_run_on_record(
    jump_host: OpenSsh,
    silent_server: socket.socket,
    paths: Paths,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    await save_silent_connection(paths, silent_server, tmp_path)
    with login(jump_host, tmp_path) as terminal:
        start_wharf(terminal, SILENT="hunter2")
        terminal.wait_for(b"silent", since=terminal.wait_for(b"\x1b[?1049h"))
        terminal.type(b"r")
        peer, _ = silent_server.accept()
        with peer:
            terminal.send(number)
            assert_interrupted(await ended_run(paths))


async def ended_run(paths: Paths) -> Run:
    async with asyncio.timeout(PATIENCE):
        while (run := await the_run(paths)).status is Status.IN_PROGRESS:  # noqa: ASYNC110 - the other end tells nobody
            await asyncio.sleep(0.1)
    return run
