"""Signals end a command in good order, whatever it is waiting for."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import OnTerminal, Wharf, as_toml
from tui.commands.interruption import Interrupted, interruptible, run_async

PATIENCE = 30.0
"""Seconds after which a test gives up."""


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


@pytest.fixture(autouse=True)
def _silent(
    wharf: Wharf, silent_server: socket.socket, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENT", "hunter2")
    silent: dict[str, Any] = {
        "name": "silent",
        "direction": "inbound",
        "method": "ftp",
        "local_dir": str(local),
        "ftp": {
            "host": "127.0.0.1",
            "port": silent_server.getsockname()[1],
            "username": "wharf",
            "secret": "env:SILENT",
        },
    }
    assert wharf("import", "-", stdin=as_toml(silent)).code == 0


class Waiting:
    """A command that has reached the silent server and waits for it."""

    def __init__(self, server: socket.socket, *argv: str, under: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*under, sys.executable, "-m", "tui", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            self._peer, _ = server.accept()
        except TimeoutError:
            self._process.kill()
            raise AssertionError(self._process.communicate()) from None

    def end_by(self, *numbers: signal.Signals) -> tuple[int, str, str]:
        with self._peer:
            try:
                for number in numbers:
                    self._process.send_signal(number)
                out, err = self._process.communicate(timeout=PATIENCE)
            finally:
                self._process.kill()
        return self._process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=str,
)
def test_a_run_is_put_on_record_before_the_command_ends(
    silent_server: socket.socket, wharf: Wharf, number: signal.Signals, code: int
) -> None:
    returned, out, err = Waiting(silent_server, "run", "silent", "--json").end_by(number)
    assert (returned, out) == (code, "")
    assert f"stopped by {number.name}" in err
    assert "Traceback" not in err
    (run,) = wharf("history", "--json").json
    assert (run["status"], run["failure"]["class"]) == ("Failed", "interrupted")
    assert run["ended"] is not None
    # By the process itself, not by the one that reads the history and finds it gone.
    assert "closed" in run["failure"]["message"]


def test_a_run_whose_process_was_killed_is_not_in_progress_for_anybody_who_looks(
    silent_server: socket.socket, wharf: Wharf
) -> None:
    assert Waiting(silent_server, "run", "silent").end_by(signal.SIGKILL)[0] == -signal.SIGKILL
    assert "✗ Failed" in wharf("list").out
    (run,) = wharf("history", "--json").json
    assert (run["status"], run["failure"]["class"]) == ("Failed", "interrupted")


def test_of_several_signals_the_first_counts_and_none_cuts_the_end_short(
    silent_server: socket.socket, wharf: Wharf
) -> None:
    waiting = Waiting(silent_server, "run", "silent")
    returned, _, err = waiting.end_by(signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    # Signals that arrive together are delivered in the order of their numbers.
    assert returned in {129, 130, 143}
    assert err.count("stopped by") == 1
    (run,) = wharf("history", "--json").json
    assert "closed" in run["failure"]["message"]


def test_under_nohup_a_lost_terminal_is_ignored(silent_server: socket.socket) -> None:
    waiting = Waiting(silent_server, "run", "silent", under=["nohup"])
    returned, _, err = waiting.end_by(signal.SIGHUP, signal.SIGTERM)
    assert returned == 143
    assert "SIGHUP" not in err


@pytest.mark.parametrize("argv", [("test", "silent"), ("run", "silent", "--dry-run"), ("trust", "silent")])
def test_other_commands_that_wait_end_as_well(silent_server: socket.socket, argv: tuple[str, ...]) -> None:
    returned, _, err = Waiting(silent_server, *argv).end_by(signal.SIGTERM)
    assert returned == 143
    assert "Traceback" not in err


def test_on_a_terminal_the_progress_line_is_gone_before_anything_else_is_said(silent_server: socket.socket) -> None:
    run = OnTerminal("run", "silent")
    run.wait_for(b"silent  connecting")
    peer, _ = silent_server.accept()
    with peer:
        run.send(signal.SIGTERM)
        assert run.end() == 143
    assert run.seen.endswith(b"\r\x1b[Kwharf: stopped by SIGTERM.\r\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_outside_of_the_loop_raises_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as interrupted, interruptible():
        os.kill(os.getpid(), number)
    assert interrupted.value.exit_code == 128 + number
    assert signal.getsignal(number) is before


def test_a_signal_within_the_loop_lets_the_work_clean_up() -> None:
    cleaned = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    with interruptible():
        within = signal.getsignal(signal.SIGTERM)
        with pytest.raises(Interrupted):
            run_async(work())
        assert signal.getsignal(signal.SIGTERM) is within
    assert cleaned == [True]


def test_work_that_shrugs_a_signal_off_is_interrupted_all_the_same() -> None:
    async def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 0
        return 1

    with interruptible(), pytest.raises(Interrupted):
        run_async(work())
