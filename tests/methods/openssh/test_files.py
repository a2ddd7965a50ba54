"""Files and their names, in both directions; content compared."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from tests.methods.sftp_support import NAMES, receive, send
from tui.domain.failure import TransferFailed
from tui.methods import sftp
from tui.methods.base import Entry, Staged
from tui.methods.sftp import SftpSession

_BLOCK = 261120
"""What OpenSSH takes in one request."""
SIZES = [0, 1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 3 * _BLOCK, 20_000_000]


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_arrives_whole_in_both_directions(session: SftpSession, folder: Path, size: int) -> None:
    content = os.urandom(size)
    entry = await send(session, "batch.csv", content)
    assert (folder / "batch.csv.wharf-part").read_bytes() == content
    assert not (folder / "batch.csv").exists()
    assert await session.staged_size(entry) == size
    digest = hashlib.sha256(content).hexdigest()
    proof = await session.staged_proof(entry, reread=True)
    assert proof is not None
    assert proof.sha256 == digest
    await session.publish([Staged(entry, size, digest)])
    assert [path.name for path in folder.iterdir()] == ["batch.csv"]
    [listed] = await session.list_files()
    assert (listed.name, listed.size) == ("batch.csv", size)
    assert await session.stat(listed) == listed
    assert await receive(session, listed) == content


@pytest.mark.parametrize("name", NAMES)
async def test_names_are_taken_as_they_are(session: SftpSession, folder: Path, name: str) -> None:
    entry = await send(session, name, b"content")
    await session.publish([Staged(entry, 7, "")])
    assert (folder / name).read_bytes() == b"content"
    [listed] = await session.list_files()
    assert (listed.name, listed.problem) == (name, None)
    assert await receive(session, listed) == b"content"


async def test_names_that_must_not_be_used_are_listed_with_the_reason(session: SftpSession, folder: Path) -> None:
    raw = os.fsencode(folder)
    for name in (b"line\nbreak.csv", b"esc\x1b]0;x.csv", b"latin-\xe9.csv", b"back\\slash.csv"):
        (Path(os.fsdecode(raw + b"/" + name))).touch()
    (folder / "good.csv").touch()
    listed = {entry.name: entry.problem for entry in await session.list_files()}
    assert len(listed) == 5
    assert listed.pop("good.csv") is None
    assert all(listed.values())
    assert "latin-\\xe9.csv" in listed
    for entry in await session.list_files():
        (entry.name + entry.key + entry.target_name).encode()


async def test_only_regular_files_and_links_to_them_are_listed(session: SftpSession, folder: Path) -> None:
    (folder / "file.csv").write_bytes(b"12345")
    (folder / "link.csv").symlink_to("file.csv")
    (folder / "dangling.csv").symlink_to("nowhere")
    (folder / "folder").mkdir()
    (folder / "folder-link").symlink_to("folder")
    os.mkfifo(folder / "pipe")
    assert [(entry.name, entry.size) for entry in await session.list_files()] == [("file.csv", 5), ("link.csv", 5)]


async def test_publishing_replaces_what_is_there(session: SftpSession, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"old")
    entry = await send(session, "a.csv", b"new")
    await session.publish([Staged(entry, 3, "")])
    assert (folder / "a.csv").read_bytes() == b"new"


async def test_discarding(session: SftpSession, folder: Path) -> None:
    entry = await send(session, "a.csv", b"content")
    await session.discard(entry)
    await session.discard(entry)
    assert list(folder.iterdir()) == []
    assert await session.staged_size(entry) is None


async def test_staging_again_begins_from_zero(session: SftpSession, folder: Path) -> None:
    await send(session, "a.csv", b"a long first attempt")
    entry = await send(session, "a.csv", b"short")
    assert await session.staged_size(entry) == 5


async def test_a_file_that_has_grown_or_shrunk_is_read_to_its_true_end(session: SftpSession, folder: Path) -> None:
    content = os.urandom(2 * _BLOCK)
    (folder / "a.csv").write_bytes(content)
    planned = [Entry.named("a.csv", size, None, str(folder / "a.csv")) for size in (10, 5 * _BLOCK)]
    for entry in planned:
        assert await receive(session, entry) == content


async def test_a_changed_and_a_vanished_file_show_in_a_fresh_look(session: SftpSession, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"one")
    [entry] = await session.list_files()
    (folder / "a.csv").write_bytes(b"more")
    fresh = await session.stat(entry)
    assert fresh is not None
    assert fresh.size == 4
    (folder / "a.csv").unlink()
    assert await session.stat(entry) is None


async def test_a_folder_of_more_files_than_fit(
    session: SftpSession, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "_LONGEST_LISTING", 300)
    for number in range(298):
        (folder / f"{number}.csv").touch()
    # The folder itself and the one above it are listed too.
    assert len(await session.list_files()) == 298
    (folder / "one.csv").touch()
    with pytest.raises(TransferFailed, match="more than 300 entries"):
        await session.list_files()
    assert await session.exists("one.csv")


async def test_many_files_at_once_over_one_session(session: SftpSession, folder: Path) -> None:
    assert session.side_by_side > 100
    contents = {f"{number}.csv": os.urandom(number * 1000) for number in range(session.side_by_side)}
    await asyncio.gather(*(send_and_publish(session, name, content) for name, content in contents.items()))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    entries = await session.list_files()
    assert await asyncio.gather(*(receive(session, entry) for entry in entries)) == [
        contents[entry.name] for entry in entries
    ]
    assert await asyncio.gather(*map(session.stat, entries)) == entries


async def send_and_publish(session: SftpSession, name: str, content: bytes) -> None:
    entry = await send(session, name, content)
    digest = hashlib.sha256(content).hexdigest()
    assert await session.staged_size(entry) == len(content)
    proof = await session.staged_proof(entry, reread=False)
    assert proof is not None
    assert proof.sha256 == digest
    await session.publish([Staged(entry, len(content), digest)])
