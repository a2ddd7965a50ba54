"""The local folder as source and as target."""

import asyncio
import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import unused_name
from tui.domain.run import Event
from tui.methods.after_action import ChangedMeanwhile
from tui.methods.base import Entry, Staged, Surroundings
from tui.methods.folder import LocalFolder
from tui.methods.narration import Narrator


async def no_secret() -> str | None:
    return None


def make_folder(path: Path, **changes: object) -> LocalFolder:
    connection = Connection.model_validate(
        {
            "name": "acme",
            "direction": "outbound",
            "method": "sftp",
            "local_dir": str(path),
            "sftp": {"host": "h", "username": "u", "secret": "env:X"},
        }
        | changes
    )
    events: list[Event] = []
    return LocalFolder(connection, Surroundings(Narrator(events.append), no_secret, path / "known_hosts"))


async def read_all(folder: LocalFolder, entry: Entry) -> bytes:
    async with folder.read(entry) as blocks:
        return b"".join([block async for block in blocks])


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 17])
async def test_what_is_written_is_what_is_read(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "in").mkdir()
    source, target = make_folder(tmp_path), make_folder(tmp_path / "in", direction="inbound")
    [entry] = await source.list_files()
    assert await read_all(source, entry) == content

    async with target.stage(entry) as writer:
        for start in range(0, size, 100_000):
            await writer.write(content[start : start + 100_000])
    assert await target.staged_size(entry) == size
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.csv.wharf-part"]
    proof = await target.staged_proof(entry, reread=True)
    assert proof is not None
    assert proof.sha256 == hashlib.sha256(content).hexdigest()
    await target.publish([Staged(entry, size, proof.sha256)])
    assert {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()} == {"a.csv": content}


async def test_only_files_are_listed_and_unsafe_names_say_so(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a[red].csv").touch()
    (tmp_path / "x\r\nSTOR y.csv").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    listing = {entry.name: entry.problem for entry in await make_folder(tmp_path).list_files()}
    assert listing == {"a[red].csv": None, "x\r\nSTOR y.csv": "the name contains control characters"}


async def test_a_staged_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "a.csv.wharf-part").symlink_to(victim)
    folder = make_folder(inbox, direction="inbound")
    with pytest.raises(TransferFailed):
        async with folder.stage(Entry.named("a.csv", 1, None, "a.csv")) as writer:
            await writer.write(b"!")
    assert victim.read_text() == "untouched"


async def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tui.methods.disk_writing.os.write", full)
    folder = make_folder(tmp_path, direction="inbound")
    with pytest.raises(TransferFailed, match="No space left") as caught:
        async with folder.stage(Entry.named("a.csv", 1, None, "a.csv")) as writer:
            await writer.write(b"!")
    assert caught.value.failure.failure_class is FailureClass.SPACE


async def test_the_disk_catches_up_beside_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as stored was written before the disk was asked, and only once the disk has answered."""
    asked, answered, fdatasync = threading.Event(), threading.Event(), os.fdatasync

    def slow(file: int) -> None:
        asked.set()
        assert answered.wait(10)
        fdatasync(file)

    monkeypatch.setattr("tui.methods.disk_writing._SYNC_INTERVAL", 0)
    monkeypatch.setattr("tui.methods.disk_writing.os.fdatasync", slow)
    folder = make_folder(tmp_path, direction="inbound")
    async with folder.stage(Entry.named("a.csv", 5000, None, "a.csv")) as writer:
        await writer.write(b"x" * 1000)
        await writer.write(b"x" * 1000)
        assert await asyncio.to_thread(asked.wait, 10)
        await writer.write(b"x" * 1000)
        await writer.write(b"x" * 1000)
        assert writer.stored == 0
        answered.set()
        while not writer.stored:
            await writer.write(b"x")
    assert writer.stored == (tmp_path / "a.csv.wharf-part").stat().st_size


async def test_a_disk_that_fails_beside_the_writing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("tui.methods.disk_writing._SYNC_INTERVAL", 0)
    monkeypatch.setattr("tui.methods.disk_writing.os.fdatasync", broken)
    folder = make_folder(tmp_path, direction="inbound")
    with pytest.raises(TransferFailed, match="Input/output error"):
        async with folder.stage(Entry.named("a.csv", 1, None, "a.csv")) as writer:
            await writer.write(b"!")
    assert writer.stored == 0


async def test_a_file_that_went_away_has_no_stat(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1")
    folder = make_folder(tmp_path)
    [entry] = await folder.list_files()
    assert await folder.stat(entry) == entry
    (tmp_path / "a.csv").unlink()
    assert await folder.stat(entry) is None
    with pytest.raises(TransferFailed) as caught:
        await read_all(folder, entry)
    assert caught.value.failure.failure_class is FailureClass.NOT_FOUND


@pytest.mark.parametrize("change", [{"after": "delete"}, {"after": "move", "move_to": "done"}], ids=str)
async def test_what_has_changed_since_the_last_look_is_put_back(tmp_path: Path, change: dict[str, str]) -> None:
    (tmp_path / "a.csv").write_text("delivered")
    folder = make_folder(tmp_path, **change)
    [entry] = await folder.list_files()
    (tmp_path / "a.csv").write_text("changed !")
    os.utime(tmp_path / "a.csv", (1, 1))
    with pytest.raises(ChangedMeanwhile):
        await folder.settle(entry)
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"a.csv": "changed !"}


async def test_moving_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "a.csv").write_text("yesterday")
    (tmp_path / "a.csv").write_text("today")
    folder = make_folder(tmp_path, after="move", move_to="done")
    [entry] = await folder.list_files()
    await folder.settle(entry)
    assert {path.name: path.read_text() for path in (tmp_path / "done").iterdir()} == {
        "a.csv": "yesterday",
        "a-2.csv": "today",
    }


async def test_discarding_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    await make_folder(tmp_path, direction="inbound").discard(Entry.named("a.csv", 1, None, "a.csv"))


def test_unused_names() -> None:
    taken = {"a.csv", "a-2.csv", "noext", ".hidden"}
    assert unused_name("b.csv", taken.__contains__) == "b.csv"
    assert unused_name("a.csv", taken.__contains__) == "a-3.csv"
    assert unused_name("noext", taken.__contains__) == "noext-2"
    assert unused_name(".hidden", taken.__contains__) == ".hidden-2"


@pytest.mark.parametrize("knows_how", [True, False])
@pytest.mark.parametrize("conflict", ["fail", "keep-both", "overwrite"])
async def test_a_file_that_has_come_meanwhile_is_replaced_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, conflict: str, knows_how: bool
) -> None:
    if not knows_how:
        monkeypatch.setattr("tui.methods.fresh_name._renamed_in_one_step", lambda *_: False)
    target = make_folder(tmp_path, direction="inbound", conflict=conflict)
    entry = Entry.named("a.csv", 3, None, "/out/a.csv")
    async with target.stage(entry) as writer:
        await writer.write(b"new")
    (tmp_path / "a.csv").write_bytes(b"precious")

    (outcome,) = await target.publish_each([Staged(entry, 3, "")])

    if conflict == "overwrite":
        assert outcome is None
        assert (tmp_path / "a.csv").read_bytes() == b"new"
    else:
        assert isinstance(outcome, TransferFailed)
        assert "exists at the target now" in str(outcome)
        assert (tmp_path / "a.csv").read_bytes() == b"precious"
        (tmp_path / "a.csv").unlink()
        assert await target.publish_each([Staged(entry, 3, "")]) == [None]
        assert (tmp_path / "a.csv").read_bytes() == b"new"
        assert not (tmp_path / "a.csv.wharf-part").exists()
