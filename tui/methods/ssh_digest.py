"""Asks an SSH server for the SHA-256 of its files, where it allows commands and has `sha256sum`."""

import asyncio
import re
from collections.abc import Callable

import asyncssh

_COMMAND = """exec sh -c 'while IFS= read -r path; do sha256sum -b -- "$path" || echo; done'"""
"""One command for all files of a session: starting a shell costs more than hashing a small file. It reads one path per
line, so that no path is ever part of a command, and answers with one line for each."""
_PATIENCE = 10.0
"""Seconds for the server to answer, besides the time for reading the file."""
_SLOWEST_DISK = 20_000_000
"""Bytes per second that reading the file is expected to reach."""
_BREATH = 1.0
"""Seconds between signs of life while the server reads."""


class RemoteDigests:
    """Many servers offer nothing but SFTP: they refuse the command, run something else in its place or never answer.
    None of that is an error. A server that has not answered well once is not asked again.
    """

    def __init__(self, link: asyncssh.SSHClientConnection, alive: Callable[[], None]) -> None:
        self._link = link
        self._alive = alive
        self._process: asyncssh.SSHClientProcess[bytes] | None = None
        self._given_up = False

    async def sha256(self, path: str, size: int) -> str | None:
        """The digest of a file in hexadecimal; None when the server gives anything else than exactly that. `path` has
        no line break. Raises what asyncssh raises when the connection breaks.
        """
        if self._given_up:
            return None
        # Until the answer is there and right: whatever happens meanwhile, a later answer might be to an older question.
        self._given_up = True
        try:
            self._process = self._process or await self._start()
            self._process.stdin.write(_encoded(path) + b"\n")
            answer = await self._answer(self._process, _PATIENCE + size / _SLOWEST_DISK)
            digest = _digest_in(answer, path)
            self._given_up = digest is None
        except (asyncssh.ChannelOpenError, TimeoutError, BrokenPipeError):
            return None
        finally:
            if self._given_up and self._process is not None:
                self._process.close()
        return digest

    async def _start(self) -> asyncssh.SSHClientProcess[bytes]:
        return await self._link.create_process(_COMMAND, stderr=asyncssh.DEVNULL, encoding=None)

    async def _answer(self, process: asyncssh.SSHClientProcess[bytes], limit: float) -> bytes:
        reading = asyncio.create_task(process.stdout.readline())
        try:
            async with asyncio.timeout(limit):
                while not reading.done():
                    await asyncio.wait({reading}, timeout=_BREATH)
                    self._alive()
            return await reading
        finally:
            reading.cancel()


def _encoded(path: str) -> bytes:
    return path.encode(errors="surrogateescape")


def _digest_in(answer: bytes, path: str) -> str | None:
    found = re.fullmatch(rb"([0-9a-f]{64}) \*(.*)\n", answer)
    return found[1].decode() if found is not None and found[2] == _encoded(path) else None
