"""Hashes of local files, which may take longer than a partner may be silent."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from tui.methods import local_digest
from tui.methods.local_digest import sha256_of

CONTENT = bytes(range(256))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is hashed in pieces of a hundred bytes."""
    monkeypatch.setattr(local_digest, "_PIECE", 100)
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("count", [None, 0, 1, 99, 100, 101, 200, 256, 1000])
async def test_it_is_that_of_as_much_as_was_asked_for(path: Path, count: int | None) -> None:
    found = await sha256_of(path, lambda: None, count)
    assert found.hexdigest() == hashlib.sha256(CONTENT if count is None else CONTENT[:count]).hexdigest()


async def test_there_is_a_sign_of_life_after_each_piece(path: Path) -> None:
    signs: list[str] = []
    await sha256_of(path, lambda: signs.append("alive"))
    assert len(signs) == 3


async def test_a_cancel_ends_it_after_the_piece_at_work(path: Path) -> None:
    signs: list[str] = []

    def alive() -> None:
        signs.append("alive")
        hashing.cancel()

    hashing = asyncio.create_task(sha256_of(path, alive))
    with pytest.raises(asyncio.CancelledError):
        await hashing
    assert len(signs) == 1
