"""Asks an SSH server for the SHA-256 of its files, where it allows commands and has `openssl` or `sha256sum`."""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile

import asyncssh

_COLLECT = """set --; while [ "$left" -gt 0 ] && IFS= read -r path; do set -- "$@" "$path"; left=$((left - 1)); done"""
_HASH = """if found=$(openssl dgst -sha256 -r "$@"); then printf "%s\\n" "$found"; else sha256sum -b -- "$@"; fi"""
_COMMAND = f"exec sh -c 'while read left; do {_COLLECT}; {_HASH}; echo; done'"
"""One command for all files of a session, and one that hashes for all files that are asked for at the same time:
starting either costs more than hashing a small file. It reads how many paths follow and then one path per line, so
that no path is ever part of a command, and answers with a line for each file that can be read, and an empty one.

`openssl` has the instructions that processors have for this, which makes it several times as fast as most versions of
`sha256sum`; where it is missing or does not like a file, `sha256sum` has the word.
"""
_TOGETHER = 512
_TOGETHER_BYTES = 64 * 1024
"""Files that are hashed together, and bytes of their paths, which have to fit into the arguments of a program."""
_PATIENCE = 10.0
"""Seconds for the server to answer, besides the time for reading the files, unless less silence is allowed anyway."""
_SLOWEST_DISK = 20_000_000
"""Bytes per second that reading the files is expected to reach."""


@dataclass(slots=True, eq=False)
class _Question:
    path: bytes
    size: int
    is_answered: bool = False
    digest: str | None = None


class RemoteDigests:
    """Many servers offer nothing but SFTP: they refuse the command, run something else in its place or never answer.
    None of that is an error. A server that has not answered well once is not asked again.

    Any number of tasks may ask; what they ask while the server works on something is asked together afterwards.
    """

    def __init__(self, link: asyncssh.SSHClientConnection, stall_timeout: float) -> None:
        self._link = link
        self._patience = min(_PATIENCE, stall_timeout)
        self._process: asyncssh.SSHClientProcess[bytes] | None = None
        self._questions: deque[_Question] = deque()
        self._expected: dict[str, tuple[asyncio.Task[list[str | None]], int]] = {}
        """What was asked for early, and the place of each path in the answer."""
        self._turn = asyncio.Lock()
        self._given_up = False

    async def sha256(self, path: str, size: int) -> str | None:
        """The digest of a file in hexadecimal; None when the server gives anything else than exactly that. `path` has
        no line break. Raises what asyncssh raises when the connection breaks.
        """
        (digest,) = await self.sha256_each([(path, size)])
        return digest

    def expect(self, files: Sequence[tuple[str, int]]) -> None:
        """These files will be asked for soon, as they are now: begin with it."""
        asking = asyncio.create_task(self._sha256_each(files))
        # Perhaps nobody will ask any more.
        asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._expected |= {path: (asking, place) for place, (path, _) in enumerate(files)}

    async def sha256_each(self, files: Sequence[tuple[str, int]]) -> list[str | None]:
        """`sha256` of each of several files, given as paths and sizes."""
        expected = [self._expected.pop(path, None) for path, _ in files]
        others = [file for file, early in zip(files, expected, strict=True) if early is None]
        answers = iter(await self._sha256_each(others))
        # Shielded: the answer is also for files that somebody else asks for.
        return [next(answers) if early is None else (await asyncio.shield(early[0]))[early[1]] for early in expected]

    async def _sha256_each(self, files: Sequence[tuple[str, int]]) -> list[str | None]:
        questions = [_Question(path.encode(errors="surrogateescape"), size) for path, size in files]
        # Others might be taken for options.
        asked = [question for question in questions if question.path.startswith(b"/")]
        self._questions += asked
        async with self._turn:
            # Whoever is first in turn asks for the others too.
            while not all(question.is_answered for question in asked) and not self._given_up:
                await self._ask(self._next())
        return [question.digest for question in questions]

    def _next(self) -> list[_Question]:
        """Those that are asked together next: always one."""
        lengths = accumulate(len(question.path) + 1 for question in self._questions)
        fitting = takewhile(lambda length: length <= _TOGETHER_BYTES, islice(lengths, _TOGETHER))
        return list(islice(self._questions, max(1, len(list(fitting)))))

    async def begin(self) -> None:
        """Start the command before there is anything to ask, where others are about to take what the server allows."""
        async with self._turn:
            if not self._given_up:
                try:
                    await self._running()
                except asyncssh.ChannelOpenError:
                    self._given_up = True

    def close(self) -> None:
        """End the command, if it runs; it is started again when there is something to ask."""
        if self._process is not None:
            self._process.close()
            self._process = None

    async def _ask(self, questions: Sequence[_Question]) -> None:
        is_well = False
        try:
            process = await self._running()
            lines = [b"%d" % len(questions), *(question.path for question in questions)]
            process.stdin.write(b"".join(line + b"\n" for line in lines))
            size = sum(question.size for question in questions)
            is_well = await self._hear(process, questions, self._patience + size / _SLOWEST_DISK)
            self._given_up = not is_well
        except (asyncssh.ChannelOpenError, TimeoutError, BrokenPipeError):
            self._given_up = True
        finally:
            if not is_well:
                # Also when nobody waits any more: the next answer of this command would be to an older question.
                self.close()

    async def _running(self) -> asyncssh.SSHClientProcess[bytes]:
        if self._process is None:
            self._process = await self._link.create_process(_COMMAND, stderr=asyncssh.DEVNULL, encoding=None)
        return self._process

    async def _hear(
        self, process: asyncssh.SSHClientProcess[bytes], questions: Sequence[_Question], limit: float
    ) -> bool:
        """Take the answers; returns whether they were what was expected."""
        waiting = deque(questions)
        async with asyncio.timeout(limit):
            while (line := await process.stdout.readline()) != b"\n":
                found = re.fullmatch(rb"([0-9a-f]{64}) \*(.*)\n", line)
                # In the order of the questions; files that cannot be read are left out.
                while waiting and (found is None or waiting[0].path != found[2]):
                    waiting.popleft()
                if found is None or not waiting:
                    return False
                waiting.popleft().digest = found[1].decode()
        for question in questions:
            question.is_answered = True
            self._questions.remove(question)
        return True
