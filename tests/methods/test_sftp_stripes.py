"""One file over several channels: what goes where, and what a server allows."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from tests.methods.sftp_support import channels, opened, send
from tui.methods import sftp, sftp_copy, sftp_stripes
from tui.methods.base import Entry, Staged
from tui.methods.sftp_stripes import Channels, Helpers

_FAR = 16 * 1024 * 1024
"""Bytes under way where the server is far away."""


@pytest.fixture(autouse=True)
def _far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "in_flight", lambda _: _FAR)
    monkeypatch.setattr(sftp_stripes, "_WORTH_WHILE", 1_000_000)


@pytest.mark.parametrize(("allowed", "used"), [(10, 6), (7, 6), (4, 3), (2, 1), (1, 1)])
async def test_a_large_file_goes_over_as_many_channels_as_the_server_allows(
    tmp_path: Path, allowed: int, used: int
) -> None:
    content = os.urandom(30_000_001)
    async with opened(tmp_path, f"MaxSessions {allowed}") as (session, server):
        for name in ("a.csv", "b.csv"):
            entry = await send(session, name, content)
            proof = await session.staged_proof(entry, reread=False)
            # The channel for the proof is none of those that are left over.
            assert (proof is not None) == (allowed > 1)
            await session.publish([Staged(entry, len(content), "")])
            assert (tmp_path / "remote" / name).read_bytes() == content
        # Those of the first file are gone when the second one needs them.
        assert channels(server) == 1 + 2 * (used - 1)


async def test_a_small_file_goes_over_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, server):
        await send(session, "a.csv", bytes(900_000))
        assert channels(server) == 1


async def test_a_server_that_is_near_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "in_flight", sftp_copy.in_flight)
    async with opened(tmp_path) as (session, server):
        await send(session, "a.csv", bytes(5_000_000))
        assert channels(server) == 1


async def test_what_was_kept_stays(tmp_path: Path) -> None:
    content = os.urandom(8_000_000)
    async with opened(tmp_path) as (session, server):
        part = tmp_path / "remote" / "a.csv.wharf-part"
        part.write_bytes(content[:1_000_000] + bytes(3_000_000))
        entry = Entry.named("a.csv", len(content), None, "a.csv")
        async with session.stage(entry, keep=1_000_000) as writer:
            await writer.write(content[1_000_000:])
        assert writer.stored == len(content)
        assert hashlib.sha256(part.read_bytes()).digest() == hashlib.sha256(content).digest()
        assert channels(server) == 6


async def test_a_frozen_server_is_left_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, server):
        entry = Entry.named("a.csv", 50_000_000, None, "a.csv")

        async def write() -> None:
            async with session.stage(entry) as writer:
                server.freeze()
                await writer.write(bytes(50_000_000))

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait({writing}, timeout=1)
        assert not done
        writing.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(writing, return_exceptions=True)
        assert writing.cancelled()
        session.abort()


async def test_all_sessions_of_a_link_share_what_it_allows(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, _):
        link = session._the_link
        shared = Channels()
        first, second = (Helpers(link, shared, lambda: None) for _ in range(2))
        # Two are taken by what every link has.
        assert (first.reserve(_FAR, _FAR), second.reserve(_FAR, _FAR)) == (5, 1)
        assert Helpers(link, shared, lambda: None).reserve(_FAR, _FAR) == 0
        first.close()
        assert Helpers(link, shared, lambda: None).reserve(_FAR, _FAR) == 5
