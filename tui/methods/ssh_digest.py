"""Asks an SSH server for the SHA-256 of one of its files, where it allows commands and has `sha256sum`."""

import asyncio
import re
import shlex
from collections.abc import Callable

import asyncssh

_PATIENCE = 10.0
"""Seconds for the server to answer, besides the time for reading the file."""
_SLOWEST_DISK = 20_000_000
"""Bytes per second that reading the file is expected to reach."""
_BREATH = 1.0
"""Seconds between signs of life while the server reads."""
_LONGEST_ANSWER = 64 * 1024


async def remote_sha256(
    link: asyncssh.SSHClientConnection, path: str, size: int, alive: Callable[[], None]
) -> str | None:
    """The digest in hexadecimal; None when the server gives anything else than exactly that.

    Many servers offer nothing but SFTP: they refuse the command, run something else in its place or never answer.
    None of that is an error. Raises what asyncssh raises when the connection breaks.
    """
    try:
        process = await link.create_process(
            f"sha256sum -b -- {shlex.quote(path)}",
            stdin=asyncssh.DEVNULL,
            stderr=asyncssh.DEVNULL,
            encoding=None,
        )
    except asyncssh.ChannelOpenError:
        return None
    answer = asyncio.create_task(_read(process.stdout))
    try:
        async with asyncio.timeout(_PATIENCE + size / _SLOWEST_DISK):
            while not answer.done():
                await asyncio.wait({answer}, timeout=_BREATH)
                alive()
    except TimeoutError:
        return None
    else:
        return _digest_in(answer.result(), path)
    finally:
        answer.cancel()
        process.close()


async def _read(stdout: asyncssh.SSHReader[bytes]) -> bytes:
    """The output to its end, or what is enough to see that it is not an answer."""
    output = b""
    while len(output) <= _LONGEST_ANSWER and (data := await stdout.read(_LONGEST_ANSWER)):
        output += data
    return output


def _digest_in(answer: bytes, path: str) -> str | None:
    found = re.fullmatch(rb"([0-9a-f]{64}) \*(.*)\n", answer, re.DOTALL)
    if found is None or found[2] != path.encode(errors="surrogateescape"):
        return None
    return found[1].decode()
