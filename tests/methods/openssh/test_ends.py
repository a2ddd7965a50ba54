"""Transfers that end early: a peer that falls silent or dies, and whoever stops waiting."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from tests.methods.leaving import assert_left_in_time
from tests.methods.sftp_support import Stage, connection, over_key, receive, send
from tests.servers.openssh import OpenSsh
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.sftp import SftpSession


class TestSilence:
    """The processes behind the connection are stopped: it stays open, and nothing comes any more."""

    async def test_reading_is_cancelled_and_the_session_ended_within_two_seconds(
        self, session: SftpSession, server: OpenSsh, folder: Path
    ) -> None:
        (folder / "a.csv").write_bytes(bytes(20_000_000))
        [entry] = await session.list_files()
        reading = asyncio.Event()

        async def read() -> None:
            async with session.read(entry) as blocks:
                async for _ in blocks:
                    server.freeze()
                    reading.set()

        await self.cancelled_in_time(asyncio.create_task(read()), reading, session)

    async def test_writing_is_cancelled_and_the_session_ended_within_two_seconds(
        self, session: SftpSession, server: OpenSsh
    ) -> None:
        writing = asyncio.Event()

        def progress(start: int) -> None:
            if start > 5_000_000 and not writing.is_set():
                server.freeze()
                writing.set()

        task = asyncio.create_task(send(session, "a.csv", bytes(50_000_000), progress))
        await self.cancelled_in_time(task, writing, session)

    async def test_listing_is_cancelled_and_the_session_ended_within_two_seconds(
        self, session: SftpSession, server: OpenSsh
    ) -> None:
        server.freeze()
        task = asyncio.create_task(session.list_files())
        asked = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, asked.set)
        await self.cancelled_in_time(task, asked, session)

    async def cancelled_in_time(
        self, task: "asyncio.Task[object]", under_way: asyncio.Event, session: SftpSession
    ) -> None:
        async with asyncio.timeout(10):
            await under_way.wait()
        # The task gets the time to run into the silence.
        await assert_left_in_time(task, session)

    async def test_abort_wakes_whoever_waits(self, session: SftpSession, server: OpenSsh, folder: Path) -> None:
        (folder / "a.csv").write_bytes(bytes(20_000_000))
        [entry] = await session.list_files()
        server.freeze()
        task = asyncio.create_task(receive(session, entry))
        done, _ = await asyncio.wait({task}, timeout=0.2)
        assert not done
        began = time.monotonic()
        session.abort()
        with pytest.raises(TransferFailed) as caught:
            await task
        assert caught.value.failure.failure_class is FailureClass.NETWORK
        assert time.monotonic() - began < 1

    async def test_abort_ends_an_opening(self, server: OpenSsh, stage: Stage, tmp_path: Path) -> None:
        # The kernel takes the connection, and nobody ever looks at it.
        silent = socket.create_server(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        session = SftpSession(connection(**over_key(server, tmp_path, port=port)), stage.surroundings)
        task = asyncio.create_task(session.open())
        done, _ = await asyncio.wait({task}, timeout=0.2)
        assert not done
        session.abort()
        with pytest.raises(TransferFailed, match="dropped"):
            await task
        await session.close()
        silent.close()


async def test_a_server_that_dies_is_a_broken_network(session: SftpSession, server: OpenSsh, folder: Path) -> None:
    (folder / "a.csv").write_bytes(bytes(20_000_000))
    [entry] = await session.list_files()
    with pytest.raises(TransferFailed) as caught:
        async with session.read(entry) as blocks:
            async for _ in blocks:
                server.kill_sessions()
    assert caught.value.failure.failure_class is FailureClass.NETWORK
    assert caught.value.failure.retryable


async def test_the_session_goes_on_after_a_file_that_failed(session: SftpSession, folder: Path) -> None:
    class DiskFull(Exception):
        pass

    (folder / "a.csv").write_bytes(bytes(20_000_000))
    (folder / "b.csv").write_bytes(b"content")
    first, second = await session.list_files()
    with pytest.raises(DiskFull):
        async with session.read(first) as blocks:
            async for _ in blocks:
                raise DiskFull
    assert await receive(session, second) == b"content"


async def test_no_task_is_left_behind(session: SftpSession, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "a.csv").write_bytes(bytes(20_000_000))
    [entry] = await session.list_files()
    before = asyncio.all_tasks()
    reading = asyncio.create_task(receive(session, entry))
    done, _ = await asyncio.wait({reading}, timeout=0.02)
    assert not done
    reading.cancel()
    await asyncio.wait({reading})
    assert asyncio.all_tasks() == before
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
