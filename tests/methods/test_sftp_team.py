"""Many small files over several channels: what goes where, and what a server allows."""

import asyncio
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.methods.sftp_support import channels, opened
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import Conflict
from tui.methods.base import Entry, Staged

_FILES = [(Entry.named(f"{number:02}.csv", 5000, None, ""), os.urandom(5000)) for number in range(40)]


def staged(folder: Path) -> dict[str, bytes]:
    return {path.name.removesuffix(".wharf-part"): path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("allowed", "expected"), [(10, 6), (4, 3), (2, 1), (1, 1)])
async def test_many_files_go_over_as_many_channels_as_the_server_allows(
    tmp_path: Path, allowed: int, expected: int
) -> None:
    async with opened(tmp_path, f"MaxSessions {allowed}") as (session, server):
        for _ in range(2):
            assert await session.stage_each(_FILES) == [None] * len(_FILES)
        assert staged(tmp_path / "remote") == {entry.name: content for entry, content in _FILES}
        # Those of the first group serve the second one.
        assert channels(server) == expected
        assert len({client for client, _ in session._team.share(_FILES)}) == expected
        proofs = await session.staged_proof_each([entry for entry, _ in _FILES], reread=False)
        # The channel for the proofs is none of those that are left over.
        assert all((proof is not None) == (allowed > 1) for proof in proofs)


async def test_groups_that_begin_at_the_same_time_share_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, server):
        halves = (_FILES[:35], _FILES[5:])
        outcomes = await asyncio.gather(*map(session.stage_each, halves))
        assert outcomes == [[None] * 35] * 2
        assert channels(server) == 6
        assert len({client for client, _ in session._team.share(_FILES)}) == 6


async def test_a_few_files_go_over_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, server):
        assert await session.stage_each(_FILES[:10]) == [None] * 10
        assert channels(server) == 1


async def test_sessions_that_share_a_link_have_one_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, server):
        sibling = session.sibling(session._surroundings)
        await sibling.open()
        for one in (session, sibling):
            assert await one.stage_each(_FILES) == [None] * len(_FILES)
        assert channels(server) == 2


async def test_a_link_that_breaks_fails_every_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, server):
        assert await session.stage_each(_FILES) == [None] * len(_FILES)
        server.kill_sessions()
        outcomes = await session.stage_each(_FILES)
        for outcome in outcomes:
            assert isinstance(outcome, TransferFailed)
            assert outcome.failure.failure_class is FailureClass.NETWORK


@pytest.mark.parametrize("conflict", [Conflict.FAIL, Conflict.KEEP_BOTH, Conflict.OVERWRITE])
async def test_a_file_that_has_come_meanwhile_is_replaced_only_on_request(tmp_path: Path, conflict: Conflict) -> None:
    async with opened(tmp_path) as (session, _):
        session._connection = session._connection.model_copy(update={"conflict": conflict})
        entry, content = _FILES[0]
        assert await session.stage_each([(entry, content)]) == [None]
        there = tmp_path / "remote" / entry.name
        there.write_bytes(b"precious")
        publishing = nullcontext() if conflict is Conflict.OVERWRITE else pytest.raises(TransferFailed)
        with publishing:
            await session.publish([Staged(entry, len(content), "")])
        assert there.read_bytes() == (content if conflict is Conflict.OVERWRITE else b"precious")
