"""Many small files over one SFTP session: what is asked of each is asked of all at once.

A task for each request would cost more than the request. Here the futures of the client are waited for together, and
only what takes several steps one after the other has a task.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from tui.domain.failure import TransferFailed
from tui.methods.after_action import SettingAside
from tui.methods.base import Each, Entry, Proof, Staged, Target
from tui.methods.sftp_client import ABSENT, RemoteFile, SftpClient
from tui.methods.sftp_copy import BlockWriter
from tui.methods.sftp_team import Team
from tui.methods.sftp_wire import Access, Attributes, Refused, Status
from tui.methods.ssh_digest import RemoteDigests
from tui.methods.ssh_failures import REQUEST_ERRORS, request_failure

BY_SERVER = "SHA-256 computed by the server"
"""How a proof was found that the server has given."""
_BREATH = 1.0
"""Seconds between two looks for signs of life while the server hashes files."""
_FILES_AT_ONCE = 64
"""Files open at the same time at a server that does not say how many it keeps open: most keep a hundred."""
_MOST_FILES_AT_ONCE = 256
"""The same at a server that says so: beyond that there is nothing to gain."""

_Answer = TypeVar("_Answer")


class ManySmallFiles(SettingAside, Target):
    """The part of a session that is about several files at the same time."""

    _where: str
    _digests: RemoteDigests | None
    _proofs: dict[str, asyncio.Task[str | None]]
    """Hashes that the server computes while there is something else to wait for, by path."""
    _team: Team
    """There once the session is open."""

    @property
    @abstractmethod
    def _sftp(self) -> SftpClient: ...

    @property
    @abstractmethod
    def _read_size(self) -> int:
        """Bytes that the server gives in one answer."""

    @property
    @abstractmethod
    def _write_size(self) -> int:
        """Bytes that the server takes in one request."""

    @abstractmethod
    async def _why_not_written(self, error: Exception, path: str, missing: int) -> TransferFailed: ...

    @property
    @abstractmethod
    def _wanted_digests(self) -> RemoteDigests | None:
        """Who is asked for digests, if the connection wants them."""

    @abstractmethod
    async def _keep_room_for_digests(self, doing: str) -> None: ...

    @abstractmethod
    async def _give_final_name(self, staged: str, final: str) -> None: ...

    @abstractmethod
    def _entry(self, name: str, attributes: Attributes) -> Entry: ...

    @abstractmethod
    async def _proof_of(self, path: str, size: int) -> Proof | None: ...

    @abstractmethod
    def _path(self, name: str) -> str: ...

    @abstractmethod
    def _staged_path(self, entry: Entry) -> str: ...

    @property
    def side_by_side(self) -> int:
        told = self._sftp.limits.files
        # Others of this connection may have files open too, and none of us should be refused.
        return min(told // 4, _MOST_FILES_AT_ONCE) or _FILES_AT_ONCE

    async def stat_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        found = await self._look_each([entry.key for entry in entries])
        return [
            self._entry(entry.name, look).called(entry.target_name) if isinstance(look, Attributes) else look
            for entry, look in zip(entries, found, strict=True)
        ]

    async def read_each(self, entries: Sequence[Entry]) -> Each[bytes]:
        if self._wanted_digests is not None:
            # The server hashes the files while it gives them out.
            self._wanted_digests.expect([(entry.key, entry.size) for entry in entries])
        return await super().read_each(entries)

    async def _read_whole(self, entry: Entry) -> bytes:
        try:
            return await _read_small(self._sftp, entry.key, entry.size, self._read_size)
        except REQUEST_ERRORS as error:
            raise request_failure(error, self._where, f"Reading {entry.key}") from error

    async def stage_each(self, files: Sequence[tuple[Entry, bytes]]) -> Each[None]:
        doing = f"Preparing to write {len(files)} files"
        try:
            await self._team.get_ready(len(files), lambda: self._keep_room_for_digests(doing))
        except TransferFailed as failure:
            return [failure] * len(files)
        outcomes = await self._each(self._stage_over, self._team.share(files))
        if self._wanted_digests is not None:
            # The server hashes what is there while it gets the others.
            there = [entry for (entry, _), failure in zip(files, outcomes, strict=True) if failure is None]
            self._wanted_digests.expect([(self._staged_path(entry), entry.size) for entry in there])
        return outcomes

    async def _stage_over(self, way: tuple[SftpClient, tuple[Entry, bytes]]) -> None:
        client, (entry, content) = way
        path = self._staged_path(entry)
        try:
            await _write_small(client, path, content, self._write_size)
        except REQUEST_ERRORS as error:
            raise await self._why_not_written(error, path, max(len(content), 1)) from error

    async def source_proof_each(self, entries: Sequence[Entry]) -> Each[Proof | None]:
        return await self._proof_each([(entry.key, entry.size) for entry in entries])

    async def staged_size_each(self, entries: Sequence[Entry]) -> Each[int | None]:
        found = await self._look_each([self._staged_path(entry) for entry in entries])
        return [look.size if isinstance(look, Attributes) else look for look in found]

    async def staged_proof_each(self, entries: Sequence[Entry], *, reread: bool) -> Each[Proof | None]:
        if reread:
            return await super().staged_proof_each(entries, reread=True)
        return await self._proof_each([(self._staged_path(entry), entry.size) for entry in entries])

    async def publish(self, batch: Sequence[Staged]) -> None:
        for staged in batch:
            await self._give_final_name(self._staged_path(staged.entry), self._path(staged.entry.target_name))

    async def publish_each(self, group: Sequence[Staged]) -> Each[None]:
        names = [(self._staged_path(staged.entry), self._path(staged.entry.target_name)) for staged in group]
        renaming = [self._sftp.replace(staged, final) for staged, final in names]
        outcomes: list[BaseException | None] = await asyncio.gather(*renaming, return_exceptions=True)
        if any(isinstance(one, Refused) and one.status == Status.OP_UNSUPPORTED for one in outcomes):
            # Of what it cannot do it has done nothing.
            return await super().publish_each(group)
        return [
            self._judged(outcome, f"Renaming the finished file to {final}")
            for (_, final), outcome in zip(names, outcomes, strict=True)
        ]

    async def _proof_each(self, files: Sequence[tuple[str, int]]) -> Each[Proof | None]:
        if self._digests is None:
            return [None] * len(files)
        if any(path in self._proofs for path, _ in files):
            return await self._each(lambda file: self._proof_of(*file), files)
        hashing = asyncio.create_task(self._digests.sha256_each(files))
        try:
            digests = await self._hashed(hashing)
        except REQUEST_ERRORS as error:
            return [request_failure(error, self._where, f"Asking for the SHA-256 of {len(files)} files")] * len(files)
        return [None if digest is None else Proof(digest, BY_SERVER) for digest in digests]

    async def _hashed(self, hashing: "asyncio.Task[_Answer]") -> _Answer:
        """Wait for the server, which says nothing while it hashes: whether it is still there shows when it is asked for
        something else. How long hashing may take is known where it is asked for."""
        try:
            while not (await asyncio.wait({hashing}, timeout=_BREATH))[0]:
                await self._sftp.realpath(".")
            return await hashing
        finally:
            hashing.cancel()

    async def _look_each(self, paths: Sequence[str]) -> Each[Attributes | None]:
        """What there is under these names; None where there is nothing."""
        requests = [self._sftp.stat(path) for path in paths]
        answers: list[Attributes | BaseException] = await asyncio.gather(*requests, return_exceptions=True)
        found: Each[Attributes | None] = []
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, Refused) and answer.status in ABSENT:
                found.append(None)
            else:
                found.append(self._judged(answer, f"Looking at {path}"))
        return found

    def _judged(self, answer: _Answer | BaseException, doing: str) -> _Answer | TransferFailed:
        if isinstance(answer, REQUEST_ERRORS):
            return request_failure(answer, self._where, doing)
        if isinstance(answer, BaseException):
            raise answer
        return answer


async def _read_small(client: SftpClient, path: str, count: int, block: int) -> bytes:
    """The first `count` bytes of a file; fewer where it ends before."""
    file = await client.open(path, Access.READ)
    try:
        found = b""
        while len(found) < count:
            piece = await _read(file, len(found), min(block, count - len(found)))
            if not piece:
                break
            found += piece
        return found
    finally:
        file.close()


async def _write_small(client: SftpClient, path: str, content: bytes, block: int) -> None:
    """Write a file, have it put on the disk where the server offers that, and close it, all asked for in one go: the
    server does one after the other."""
    file = await client.open(path, Access.WRITE | Access.CREATE | Access.TRUNCATE)
    blocks = BlockWriter(file, block, ahead=len(content) + 1)
    try:
        await blocks.write(content)
        syncing, closing = file.sync(), file.close()
        await blocks.flush()
        if syncing is not None:
            await syncing
        await closing
    except BaseException:
        blocks.drop()
        file.close()
        raise


def _read(file: RemoteFile, offset: int, count: int) -> "asyncio.Future[bytes]":
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answered(pieces: list[memoryview], _: int, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(b"".join(pieces))
        else:
            future.set_exception(error)

    file.read(offset, count, answered)
    return future
