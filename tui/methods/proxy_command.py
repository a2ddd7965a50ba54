"""ProxyCommand of ssh_config(5): a program whose input and output are the connection."""

import asyncio
import os
import signal
import socket
from contextlib import suppress

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.dial import Peer, Way
from tui.methods.narration import Narrator

_MOST_WORDS = 2000
"""Bytes of what the program says on its error output that are kept: the last ones."""

_END_WAIT = 1.0
"""Seconds that a program has to end by itself."""


class ProxyCommand(Way):
    """From behind a program that is run by the user's shell, as ssh does, once for each connection."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._running: list[asyncio.subprocess.Process] = []
        self._listening: set[asyncio.Task[None]] = set()
        self._words = bytearray()

    async def connect(self, peer: Peer, narrator: Narrator) -> socket.socket:
        with narrator.step("connect") as note:
            near, far = socket.socketpair()
            try:
                await self._run(far)
            except OSError as error:
                near.close()
                raise TransferFailed(
                    FailureClass.CONFIG, f"The proxy command to {peer} cannot be run: {error.strerror or error}."
                ) from error
            except BaseException:
                near.close()
                raise
            finally:
                far.close()
            near.setblocking(False)
            note.detail = f"{peer} through the proxy command {self._command}"
        return near

    async def _run(self, end: socket.socket) -> None:
        # A session of its own: the program cannot ask at the terminal that the screen is on, and it can be ended
        # together with what it starts.
        process = await asyncio.create_subprocess_exec(
            os.environ.get("SHELL") or "/bin/sh",
            "-c",
            f"exec {self._command}",
            stdin=end.fileno(),
            stdout=end.fileno(),
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._running.append(process)
        listening = asyncio.create_task(self._listen(process))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - a pipe was asked for
        while words := await process.stderr.read(_MOST_WORDS):
            self._words = (self._words + words)[-_MOST_WORDS:]

    async def last_words(self) -> str:
        """What the programs have said on their error output, and how the last one that has ended did."""
        if self._running:
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_WAIT):
                    await self._running[-1].wait()
                    await asyncio.gather(*self._listening)
        status = self._running[-1].returncode if self._running else None
        ended = "" if status is None else f"the proxy command has ended with status {status}"
        words = " ".join(self._words.decode(errors="replace").split())
        return ": ".join(part for part in (ended, words) if part)

    def abort(self) -> None:
        for process in self._running:
            _signal(process, signal.SIGKILL)

    async def close(self) -> None:
        running, self._running = self._running, []
        for process in running:
            _signal(process, signal.SIGHUP)
        try:
            async with asyncio.timeout(_END_WAIT):
                for process in running:
                    await process.wait()
        except TimeoutError:
            for process in running:
                _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the program and whatever it has started: it leads a group of processes."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
