"""SFTP against a real OpenSSH server: both directions, content compared, and a peer that falls silent."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.methods.sftp_support import Stage, connection, over_key, receive, send
from tests.servers.debian import find_program
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods import sftp, ssh_digest
from tui.methods.after_action import ChangedMeanwhile, LeftAside
from tui.methods.base import Each, Entry, Proof, Staged
from tui.methods.sftp import SftpSession
from tui.methods.sftp_client import SftpClient
from tui.methods.sftp_places import SftpPlaces
from tui.methods.ssh_digest import RemoteDigests

_BLOCK = 261120
"""What OpenSSH takes in one request."""
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
SIZES = [0, 1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 3 * _BLOCK, 20_000_000]
NAMES = [
    "plain.csv",
    "a[red].csv",
    "with spaces  .csv",
    "bücher-東京-📦.csv",
    "-rf",
    "~",
    "*.csv",
    "q'uo\"te`$(x).csv",
    "x" * 243,
]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: OpenSsh) -> Stage:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(server.known_hosts_line)
    return Stage(known_hosts, secret=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
async def session(server: OpenSsh, stage: Stage, folder: Path) -> AsyncIterator[SftpSession]:
    session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
    await session.open()
    yield session
    await session.close()


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


def sessions(server: OpenSsh) -> int:
    """How many channels were opened until now."""
    return sum("Starting session" in line for line in server.log)


class TestDigestByTheServer:
    async def test_of_a_large_file_is_there_when_it_has_been_read(self, session: SftpSession, folder: Path) -> None:
        content = os.urandom(20_000_000)
        (folder / "a.csv").write_bytes(content)
        [entry] = await session.list_files()
        async with session.read(entry) as blocks:
            # Whatever comes to lie there later, it is asked for the file that is read.
            received = b"".join([block async for block in blocks])
            proof = await session.source_proof(entry)
        assert received == content
        assert proof is not None
        assert proof.sha256 == hashlib.sha256(content).hexdigest()

    async def test_of_a_large_file_is_asked_for_once(
        self, session: SftpSession, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        ask = RemoteDigests.sha256_each

        async def noted(self: RemoteDigests, files: Sequence[tuple[str, int]]) -> list[str | None]:
            asked.extend(path for path, _ in files)
            return await ask(self, files)

        monkeypatch.setattr(RemoteDigests, "sha256_each", noted)
        content = os.urandom(20_000_000)
        digest = hashlib.sha256(content).hexdigest()
        sent = await send(session, "a.csv", content)
        # While the server puts the file on its disk.
        assert asked == [str(folder / "a.csv.wharf-part")]
        proofs = await session.staged_proof_each([sent], reread=False)
        await session.publish([Staged(sent, len(content), digest)])
        [listed] = await session.list_files()
        await receive(session, listed)
        proofs += await session.source_proof_each([listed])
        assert [proof.sha256 for proof in proofs if isinstance(proof, Proof)] == [digest, digest]
        assert asked == [str(folder / "a.csv.wharf-part"), str(folder / "a.csv")]

    async def test_goes_on_after_a_large_file_that_was_not_read_to_its_end(
        self, session: SftpSession, folder: Path
    ) -> None:
        (folder / "a.csv").write_bytes(bytes(20_000_000))
        (folder / "b.csv").write_bytes(b"content")
        first, second = await session.list_files()
        for _ in range(2):
            with pytest.raises(InterruptedError):
                async with session.read(first) as blocks:
                    await anext(blocks)
                    raise InterruptedError
        proof = await session.source_proof(second)
        assert proof is not None
        assert proof.sha256 == hashlib.sha256(b"content").hexdigest()

    @pytest.mark.parametrize("name", NAMES)
    async def test_of_both_sides(self, session: SftpSession, folder: Path, name: str) -> None:
        entry = await send(session, name, b"content")
        digest = hashlib.sha256(b"content").hexdigest()
        proof = await session.staged_proof(entry, reread=False)
        assert proof is not None
        assert (proof.sha256, "computed by the server" in proof.how) == (digest, True)
        await session.publish([Staged(entry, 7, digest)])
        [listed] = await session.list_files()
        proof = await session.source_proof(listed)
        assert proof is not None
        assert proof.sha256 == digest

    async def test_one_command_serves_the_whole_session(self, session: SftpSession, server: OpenSsh) -> None:
        for number in range(5):
            entry = await send(session, f"{number}.csv", bytes(number))
            proof = await session.staged_proof(entry, reread=False)
            assert proof is not None
            assert proof.sha256 == hashlib.sha256(bytes(number)).hexdigest()
        assert sum("Starting session: command" in line for line in server.log) == 1

    async def test_of_a_file_that_is_not_there(self, session: SftpSession) -> None:
        assert await session.staged_proof(Entry.named("a.csv", 1, None, "a.csv"), reread=False) is None

    async def test_of_another_content(self, session: SftpSession, folder: Path) -> None:
        entry = await send(session, "a.csv", b"content")
        (folder / "a.csv.wharf-part").write_bytes(b"changed")
        proof = await session.staged_proof(entry, reread=False)
        assert proof is not None
        assert proof.sha256 == hashlib.sha256(b"changed").hexdigest()

    @pytest.mark.parametrize("programs", [{"openssl"}, {"sha256sum"}, {"openssl", "sha256sum"}, set()])
    async def test_with_what_the_server_has(
        self, stage: Stage, folder: Path, tmp_path: Path, programs: set[str]
    ) -> None:
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in {"sh", *programs}:
            (tools / name).symlink_to(find_program(name, package=name if name == "openssl" else "coreutils"))
        async with run_openssh(tmp_path / "sparse", options=[f"SetEnv PATH={tools}"]) as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
            await session.open()
            entries = [await send(session, name, name.encode()) for name in ("a.csv", "b c.csv")]
            proofs = await asyncio.gather(*(session.staged_proof(entry, reread=False) for entry in entries))
            await session.close()
        found = [proof and proof.sha256 for proof in proofs]
        assert found == [hashlib.sha256(entry.name.encode()).hexdigest() if programs else None for entry in entries]

    async def test_of_more_files_than_one_command_is_asked_for(
        self, session: SftpSession, server: OpenSsh, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ssh_digest, "_TOGETHER", 7)
        monkeypatch.setattr(ssh_digest, "_TOGETHER_BYTES", len(os.fsencode(session._folder)) + 30)
        entries = [await send(session, f"{number}.csv" * (1 + number % 5), bytes(number)) for number in range(30)]
        proofs = await asyncio.gather(*(session.staged_proof(entry, reread=False) for entry in entries))
        expected = [hashlib.sha256(bytes(number)).hexdigest() for number in range(30)]
        assert [proof and proof.sha256 for proof in proofs] == expected
        assert sessions(server) == 2

    async def test_of_several_files_of_which_one_is_gone(self, session: SftpSession, folder: Path) -> None:
        entries = [await send(session, name, name.encode()) for name in ("a.csv", "gone.csv", "z.csv")]
        (folder / "gone.csv.wharf-part").unlink()
        proofs = await asyncio.gather(*(session.staged_proof(entry, reread=False) for entry in entries))
        digests = [hashlib.sha256(entry.name.encode()).hexdigest() for entry in entries]
        assert [proof and proof.sha256 for proof in proofs] == [digests[0], None, digests[2]]

    @pytest.mark.parametrize(
        "command",
        [
            "internal-sftp",
            "/bin/false",
            "echo hello",
            "head -c 300000 /dev/zero",
            "sha256sum /dev/null",
            "sh -c 'sleep 9'",
        ],
    )
    async def test_a_server_that_gives_none_is_asked_once(
        self, stage: Stage, folder: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ssh_digest, "_PATIENCE", 0.5)
        # The command takes the place of every other one, but not of SFTP.
        forced = f'ForceCommand case "$SSH_ORIGINAL_COMMAND" in *sha256sum*) {command};; *) {SFTP_SERVER};; esac'
        if command == "internal-sftp":
            forced = "ForceCommand internal-sftp"
        async with run_openssh(tmp_path / "forced", options=[forced], sftp=SFTP_SERVER) as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
            await session.open()
            entry = await send(session, "a.csv", b"content")
            assert await session.staged_proof(entry, reread=False) is None
            began = sessions(server)
            assert await session.staged_proof(entry, reread=False) is None
            assert await session.source_proof(entry) is None
            assert sessions(server) == began
            assert await session.staged_size(entry) == 7
            await session.close()


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


async def test_the_steps_are_narrated(session: SftpSession, server: OpenSsh, stage: Stage, folder: Path) -> None:
    assert [event.step for event in stage.events] == ["resolve", "connect", "identity", "login", "folder"]
    assert all(event.ok and event.ms is not None for event in stage.events)
    assert stage.told("resolve").detail == "127.0.0.1"
    assert "connected to 127.0.0.1" in stage.told("connect").detail
    assert "SSH-2.0-OpenSSH" in stage.told("identity").detail
    assert server.host_key.get_fingerprint() in stage.told("identity").detail
    assert str(stage.known_hosts) in stage.told("identity").detail
    assert str(server.key) in stage.told("login").detail
    assert stage.told("folder").detail == str(folder)


async def test_a_missing_folder_is_named(server: OpenSsh, stage: Stage, tmp_path: Path) -> None:
    endpoint = over_key(server, tmp_path) | {"directory": str(tmp_path / "missing")}
    session = SftpSession(connection(**endpoint), stage.surroundings)
    with pytest.raises(TransferFailed, match="missing") as caught:
        await session.open()
    assert caught.value.failure.failure_class is FailureClass.NOT_FOUND
    assert not stage.told("folder").ok
    await session.close()


async def test_a_folder_below_the_home(server: OpenSsh, stage: Stage) -> None:
    session = SftpSession(connection(**(over_key(server, Path("/tmp")) | {"directory": "~"})), stage.surroundings)
    await session.open()
    assert stage.told("folder").detail == str(Path(f"~{server.user}").expanduser())
    await session.close()


async def test_a_server_that_takes_no_files(stage: Stage, folder: Path, tmp_path: Path) -> None:
    async with run_openssh(tmp_path / "read-only", sftp="internal-sftp -R") as server:
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
        await session.open()
        with pytest.raises(TransferFailed, match=r"a\.csv\.wharf-part") as caught:
            await send(session, "a.csv", b"content")
        await session.close()
    assert caught.value.failure.failure_class is FailureClass.PERMISSION


async def test_a_server_without_sftp(stage: Stage, folder: Path, tmp_path: Path) -> None:
    async with run_openssh(tmp_path / "no-sftp", sftp="/bin/false") as server:
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
        with pytest.raises(TransferFailed, match="Starting SFTP"):
            await session.open()
        await session.close()


async def test_a_server_that_talks_something_else(stage: Stage, folder: Path, tmp_path: Path) -> None:
    greeting = tmp_path / "greeting"
    greeting.write_text(f"#!/bin/sh\necho Welcome to Acme\nexec {SFTP_SERVER}\n")
    greeting.chmod(0o755)
    async with run_openssh(tmp_path / "talks", sftp=str(greeting)) as server:
        stage.known_hosts.write_text(server.known_hosts_line)
        session = SftpSession(connection(**over_key(server, folder)), stage.surroundings)
        with pytest.raises(TransferFailed, match="is not SFTP") as caught:
            await session.open()
        await session.close()
    assert caught.value.failure.failure_class is FailureClass.REJECTED
    assert "greeting" in caught.value.failure.remedy


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


class TestAfterwards:
    async def settle(self, server: OpenSsh, stage: Stage, folder: Path, **change: str) -> None:
        session = SftpSession(connection(**over_key(server, folder), change=change), stage.surroundings)
        await session.open()
        [entry] = await session.list_files()
        await session.settle(entry)
        await session.close()

    async def test_keep(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        folder.mkdir()
        (folder / "a.csv").touch()
        await self.settle(server, stage, folder, after="keep")
        assert (folder / "a.csv").exists()

    async def test_delete(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        folder.mkdir()
        (folder / "a.csv").touch()
        await self.settle(server, stage, folder, after="delete")
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("absolute", [False, True])
    async def test_move_makes_the_folder(self, server: OpenSsh, stage: Stage, folder: Path, absolute: bool) -> None:
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"content")
        done = folder.parent / "done" if absolute else folder / "done"
        await self.settle(server, stage, folder, after="move", move_to=str(done) if absolute else "done")
        assert not (folder / "a.csv").exists()
        assert (done / "a.csv").read_bytes() == b"content"

    async def test_move_overwrites_nothing(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        (folder / "done").mkdir(parents=True)
        (folder / "done" / "a.csv").write_bytes(b"first")
        (folder / "done" / "a-2.csv").symlink_to("nowhere")
        (folder / "a.csv").write_bytes(b"third")
        await self.settle(server, stage, folder, after="move", move_to="done")
        assert (folder / "done" / "a.csv").read_bytes() == b"first"
        assert (folder / "done" / "a-3.csv").read_bytes() == b"third"

    async def test_move_to_a_folder_that_another_session_makes_meanwhile(
        self, server: OpenSsh, stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"content")
        make = SftpClient.mkdir

        async def make_late(client: SftpClient, path: str) -> None:
            (folder / "done").mkdir()
            await make(client, path)

        monkeypatch.setattr(SftpClient, "mkdir", make_late)
        await self.settle(server, stage, folder, after="move", move_to="done")
        assert (folder / "done" / "a.csv").read_bytes() == b"content"

    @pytest.mark.parametrize("change", [{"after": "delete"}, {"after": "move", "move_to": "done"}], ids=str)
    @pytest.mark.parametrize("name_is_taken", [False, True])
    async def test_what_has_changed_since_the_last_look_is_put_back(
        self,
        server: OpenSsh,
        stage: Stage,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        change: dict[str, str],
        name_is_taken: bool,
    ) -> None:
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"delivered")
        session = SftpSession(connection(**over_key(server, folder), change=change), stage.surroundings)
        await session.open()
        [entry] = await session.list_files()
        (folder / "a.csv").write_bytes(b"changed, of another size")
        if name_is_taken:
            look_each = SftpPlaces.look_each

            async def look_late(places: SftpPlaces, entries: Sequence[Entry]) -> Each[Entry | None]:
                (folder / "a.csv").write_bytes(b"the next one")
                return await look_each(places, entries)

            monkeypatch.setattr(SftpPlaces, "look_each", look_late)
        with pytest.raises(LeftAside if name_is_taken else ChangedMeanwhile):
            await session.settle(entry)
        await session.close()
        changed = {"a.csv.wharf-gone": b"changed, of another size", "a.csv": b"the next one"}
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert found == (changed if name_is_taken else {"a.csv": b"changed, of another size"})


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
        done, _ = await asyncio.wait({task}, timeout=0.3)
        assert not done
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        session.abort()
        await session.close()
        assert time.monotonic() - began < 2

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
