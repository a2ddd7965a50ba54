"""Questions on the terminal."""

import asyncio
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tui.domain.failure import UsageProblem
from tui.domain.text import printable

if TYPE_CHECKING:
    from tui.trust.unlocking import Ask

_TERMINAL = "/dev/tty"
_LONGEST_LINE = 4096
"""Bytes: what a terminal gives in one line."""


def confirmed(question: str, *, otherwise: str) -> bool:
    """Ask a question that only the whole word `yes` affirms. `otherwise` says what to do where nobody can be asked.
    Raises UsageProblem there.
    """
    if not sys.stdin.isatty():
        raise UsageProblem(f"There is no terminal to ask on; {otherwise}.")
    sys.stderr.write(f"{question} Type yes to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def passphrase_asker() -> "Ask | None":
    """How to ask for the vault's passphrase on the terminal of this command; None where there is none, or where it
    belongs to somebody else at the moment: reading from it would stop the process."""
    try:
        terminal = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        ours = os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return None
    finally:
        os.close(terminal)
    return _ask_passphrase if ours else None


async def _ask_passphrase(complaint: str) -> str | None:
    """Ask without an echo, past stdin and stdout, which may be a pipe. The loop goes on meanwhile, and whoever stops
    waiting leaves the terminal as it was."""
    terminal = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    try:
        with _without_echo(terminal):
            os.write(terminal, f"{printable(complaint)}\n".encode() if complaint else b"")
            os.write(terminal, b"Passphrase of the vault: ")
            loop.add_reader(terminal, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(terminal)
            line = os.read(terminal, _LONGEST_LINE)
            os.write(terminal, b"\n")
    finally:
        os.close(terminal)
    # The end of input instead of a line declines.
    return line.removesuffix(b"\n").decode(errors="surrogateescape") if line else None


@contextmanager
def _without_echo(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    silent = list(before)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
