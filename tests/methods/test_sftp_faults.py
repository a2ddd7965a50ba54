"""SFTP against servers that fall short of a good one."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.methods.sftp_support import Stage, connection, over_password, receive, send
from tests.servers.sftp_server import Behaviour, run_sftp_server
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.methods.base import Staged
from tui.methods.sftp import SftpSession
from tui.methods.sftp_wire import Limits


@asynccontextmanager
async def session_with(behaviour: Behaviour, folder: Path) -> AsyncIterator[SftpSession]:
    async with run_sftp_server(folder, behaviour) as server:
        stage = Stage(folder.with_name("known_hosts"))
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_password(server)), stage.surroundings)
        await session.open()
        try:
            yield session
        finally:
            await session.close()


async def failing_to_send(behaviour: Behaviour, folder: Path, content: bytes) -> Failure:
    async with session_with(behaviour, folder) as session:
        with pytest.raises(TransferFailed) as caught:
            await send(session, "a.csv", content)
        # The link has not suffered: the next request is answered.
        assert await session.staged_size(await send(session, "b.csv", b"")) == 0
    assert not (folder / "a.csv").exists()
    return caught.value.failure


@pytest.mark.parametrize("longest_answer", [1000, 32_768, 100_000])
async def test_short_answers_lose_nothing(tmp_path: Path, longest_answer: int) -> None:
    content = os.urandom(1_000_003)
    async with session_with(Behaviour(longest_answer=longest_answer), tmp_path / "served") as session:
        (tmp_path / "served" / "a.csv").write_bytes(content)
        [entry] = await session.list_files()
        assert await receive(session, entry) == content


@pytest.mark.parametrize(("told", "used"), [(0, 64), (100, 25), (1019, 254), (100_000, 256)])
async def test_as_many_files_at_once_as_the_server_keeps_open(tmp_path: Path, told: int, used: int) -> None:
    async with session_with(Behaviour(), tmp_path / "served") as session:
        session._sftp.limits = Limits(files=told)
        assert session.side_by_side == used


@pytest.mark.parametrize("full_after", [0, 300_000, 900_000])
async def test_a_full_disk_is_said_to_be_full(tmp_path: Path, full_after: int) -> None:
    behaviour = Behaviour(full_after=full_after, free_bytes=4096)
    failure = await failing_to_send(behaviour, tmp_path / "served", os.urandom(1_000_000))
    assert failure.failure_class is FailureClass.SPACE
    assert "4096 bytes free" in failure.message
    assert not failure.retryable


async def test_a_refusal_without_a_reason_is_passed_on(tmp_path: Path) -> None:
    failure = await failing_to_send(Behaviour(full_after=300_000), tmp_path / "served", os.urandom(1_000_000))
    assert failure.failure_class is FailureClass.REJECTED
    assert "/a.csv.wharf-part" in failure.message


async def test_bytes_that_cannot_be_made_durable_are_a_failure(tmp_path: Path) -> None:
    async with session_with(Behaviour(fsync_fails=True), tmp_path / "served") as session:
        with pytest.raises(TransferFailed) as caught:
            await send(session, "a.csv", b"content")
    assert caught.value.failure.failure_class is FailureClass.REJECTED


class TestWithoutReplacingRename:
    async def publish(self, folder: Path, names: Sequence[str]) -> None:
        async with session_with(Behaviour(posix_rename=False), folder) as session:
            staged = [Staged(await send(session, name, b"new"), 3, "") for name in names]
            await session.publish(staged)

    async def test_a_new_name_is_given(self, tmp_path: Path) -> None:
        await self.publish(tmp_path / "served", ["a.csv"])
        assert (tmp_path / "served" / "a.csv").read_bytes() == b"new"

    async def test_an_existing_file_stays(self, tmp_path: Path) -> None:
        folder = tmp_path / "served"
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"old")
        with pytest.raises(TransferFailed, match="exists already") as caught:
            await self.publish(folder, ["a.csv"])
        assert caught.value.failure.failure_class is FailureClass.REJECTED
        assert (folder / "a.csv").read_bytes() == b"old"
