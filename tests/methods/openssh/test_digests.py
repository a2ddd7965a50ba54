"""The SHA-256 that a server computes of its files where it lets us start a program."""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.methods.sftp_support import NAMES, SFTP_SERVER, Stage, connection, over_key, receive, send
from tests.servers.debian import find_program
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.failure import TransferFailed
from tui.methods import ssh_digest
from tui.methods.base import Entry, Proof, Staged
from tui.methods.sftp import SftpSession
from tui.methods.ssh_digest import RemoteDigests


def sessions(server: OpenSsh) -> int:
    """How many channels were opened until now."""
    return sum("Starting session" in line for line in server.log)


def asked_from_now(session: SftpSession, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that the server is asked for from now on."""
    digests = session._digests
    assert digests is not None
    asked: list[str] = []
    ask = digests._sha256_each

    async def noted(files: Sequence[tuple[str, int]]) -> list[str | None]:
        asked.extend(path for path, _ in files)
        return await ask(files)

    monkeypatch.setattr(digests, "_sha256_each", noted)
    return asked


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

    async def test_of_small_files_is_asked_for_when_they_are_read(
        self, session: SftpSession, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("a.csv", "b.csv", "c.csv"):
            (folder / name).write_bytes(name.encode())
        entries = await session.list_files()
        assert await session.read_each(entries[:2]) == [b"a.csv", b"b.csv"]
        asked = asked_from_now(session, monkeypatch)
        proofs = await session.source_proof_each(entries)
        assert asked == [str(folder / "c.csv")]
        digests = [hashlib.sha256(entry.name.encode()).hexdigest() for entry in entries]
        assert [proof.sha256 for proof in proofs if isinstance(proof, Proof)] == digests
        (folder / "a.csv").write_bytes(b"other")
        proof = await session.source_proof(entries[0])
        assert proof is not None
        assert proof.sha256 == hashlib.sha256(b"other").hexdigest()

    async def test_of_small_files_is_asked_for_when_they_are_written(
        self, session: SftpSession, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entries = [Entry.named(name, 5, None, name) for name in ("a.csv", "b.csv", "gone/c.csv")]
        *written, failed = await session.stage_each([(entry, entry.name[:5].encode()) for entry in entries])
        assert written == [None, None]
        assert isinstance(failed, TransferFailed)
        asked = asked_from_now(session, monkeypatch)
        proofs = await session.staged_proof_each(entries[:2], reread=False)
        assert asked == []
        digests = [hashlib.sha256(entry.name.encode()).hexdigest() for entry in entries[:2]]
        assert [proof.sha256 for proof in proofs if isinstance(proof, Proof)] == digests

    async def test_of_what_is_read_back_is_not_asked_for(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        reread = connection("outbound", change={"verify": "reread"}, **over_key(server, folder))
        session = SftpSession(reread, stage.surroundings)
        await session.open()
        entry = Entry.named("a.csv", 7, None, "a.csv")
        assert await session.stage_each([(entry, b"content")]) == [None]
        [proof] = await session.staged_proof_each([entry], reread=True)
        await session.close()
        assert isinstance(proof, Proof)
        assert proof.sha256 == hashlib.sha256(b"content").hexdigest()
        assert sessions(server) == 1

    async def test_of_small_files_is_not_asked_for_where_sizes_are_enough(
        self, server: OpenSsh, stage: Stage, folder: Path
    ) -> None:
        sizes_only = connection(change={"verify": "size"}, **over_key(server, folder))
        (folder / "a.csv").write_bytes(b"content")
        session = SftpSession(sizes_only, stage.surroundings)
        await session.open()
        assert await session.read_each(await session.list_files()) == [b"content"]
        await session.close()
        assert sessions(server) == 1

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
