"""The command line in this process, with a partner in memory, and as a process of its own."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.engine.peer import Partner
from tui.cli import main
from tui.engine.retry import Backoff


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Wharf = Callable[..., Result]


@pytest.fixture
def wharf(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Wharf:
    """Calls `main`. `stdin` is what it can read there; by default there is nothing and no terminal."""

    def call(*argv: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        code = main(list(argv))
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def wharf_process() -> Wharf:
    """The command as a process of its own, with the environment of the test and without a terminal."""

    def call(*argv: str, stdin: bytes = b"", **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *argv],
            input=stdin,
            capture_output=True,
            env={**os.environ, **environment},
            timeout=60,
            check=False,
            start_new_session=True,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


class Terminal(io.StringIO):
    """A stdin at which somebody sits and answers."""

    def isatty(self) -> bool:
        return True


class OnTerminal:
    """The command as a process on a terminal of its own, 80 columns wide. `seen` is what it has written there."""

    def __init__(self, *argv: str, term: str = "xterm-256color") -> None:
        self.seen = b""
        self._terminal, its_end = pty.openpty()
        termios.tcsetwinsize(its_end, (24, 80))
        self._process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", "tui", *argv],
            stdin=its_end,
            stdout=its_end,
            stderr=its_end,
            env={**os.environ, "TERM": term},
        )
        os.close(its_end)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_for(self, text: bytes) -> None:
        """Until the text is seen. A command that ends before it raises OSError."""
        while text not in self.seen:
            self.seen += os.read(self._terminal, 100_000)

    def answer(self, prompt: bytes, text: bytes) -> None:
        self.wait_for(prompt)
        os.write(self._terminal, text)

    def end(self) -> int:
        """Wait for its end; the exit code."""
        try:
            while data := os.read(self._terminal, 100_000):
                self.seen += data
        except OSError:
            pass  # Linux: the last process on the terminal has gone
        os.close(self._terminal)
        return self._process.wait(timeout=30)


@pytest.fixture
def partner(monkeypatch: pytest.MonkeyPatch) -> Partner:
    """Every connection leads to this partner."""
    partner = Partner()
    monkeypatch.setattr("tui.engine.sides.make_sides", partner.sides)
    monkeypatch.setattr("tui.engine.retry.Backoff", lambda: Backoff(fraction=lambda: 0.0))
    return partner


@pytest.fixture
def local(tmp_path: Path) -> Path:
    local = tmp_path / "local"
    local.mkdir()
    return local


@pytest.fixture
def acme(local: Path) -> dict[str, Any]:
    """A connection as it stands in a file."""
    return {
        "name": "acme",
        "type": "conversions",
        "direction": "inbound",
        "method": "sftp",
        "local_dir": str(local),
        "pattern": "*.csv",
        "sftp": {"host": "sftp.acme.example", "username": "wharf", "secret": "env:ACME"},
    }


def as_toml(*connections: Mapping[str, Any]) -> bytes:
    return tomli_w.dumps({"connection": list(connections)}).encode()
