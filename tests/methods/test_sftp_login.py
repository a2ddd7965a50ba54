"""SFTP: who may connect to whom. The server's key comes first, then the ways to log in that the connection names."""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.methods.sftp_support import Stage, connection, over_key, over_password
from tests.servers.debian import find_program, free_port
from tests.servers.openssh import run_openssh
from tests.servers.sftp_server import Behaviour, SftpServer, run_sftp_server
from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.methods.sftp import SftpSession, identify
from tui.trust.hostkeys import known_hosts_line, remember
from tui.trust.identity import Doubt


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SftpServer]:
    async with run_sftp_server(tmp_path / "served") as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "known_hosts")


async def log_in(connection: Connection, stage: Stage) -> None:
    session = SftpSession(connection, stage.surroundings)
    try:
        await session.open()
    finally:
        await session.close()


async def refused(connection: Connection, stage: Stage) -> Failure:
    with pytest.raises(TransferFailed) as caught:
        await log_in(connection, stage)
    assert not stage.events[-1].ok
    assert stage.events[-1].detail == str(caught.value)
    return caught.value.failure


class TestHostKey:
    async def test_unknown(self, server: SftpServer, stage: Stage) -> None:
        failure = await refused(connection(**over_password(server)), stage)
        fingerprint = server.host_key.get_fingerprint()
        assert failure.failure_class is FailureClass.HOST_KEY
        assert "ssh-ed25519" in failure.message
        assert fingerprint in failure.message
        assert f"`wharf trust 'acme files' --fingerprint {fingerprint}`" in failure.remedy
        assert stage.events[-1].step == "identity"

    async def test_nothing_is_sent_to_a_server_that_is_not_trusted(self, server: SftpServer, stage: Stage) -> None:
        await refused(connection(**over_password(server)), stage)
        assert (server.behaviour.began, server.behaviour.logins, stage.secret_asked) == ([], [], 0)
        # The same server, trusted, does see the login: the lists above were not empty for want of looking.
        stage.known_hosts.write_text(server.known_hosts_line)
        await log_in(connection(**over_password(server)), stage)
        assert server.behaviour.began == ["wharf"]
        assert server.behaviour.logins == [("password", "open sesame")]
        assert stage.secret_asked == 1

    async def test_changed(self, server: SftpServer, stage: Stage) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        remember(stage.known_hosts, f"[127.0.0.1]:{server.port} {other.export_public_key().decode()}")
        failure = await refused(connection(**over_password(server)), stage)
        assert failure.failure_class is FailureClass.HOST_KEY
        assert "has changed" in failure.message
        assert other.get_fingerprint() in failure.message
        assert server.host_key.get_fingerprint() in failure.message
        assert server.host_key.get_fingerprint() not in failure.remedy
        assert server.behaviour.began == []

    async def test_changed_to_another_kind(self, server: SftpServer, stage: Stage) -> None:
        other = asyncssh.generate_private_key("ssh-rsa").convert_to_public()
        remember(stage.known_hosts, f"[127.0.0.1]:{server.port} {other.export_public_key().decode()}")
        failure = await refused(connection(**over_password(server)), stage)
        assert "has changed" in failure.message

    async def test_a_server_with_several_keys_shows_the_one_that_is_known(self, tmp_path: Path, stage: Stage) -> None:
        keys = [asyncssh.generate_private_key(kind) for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")]
        async with run_sftp_server(tmp_path / "served", host_keys=keys) as server:
            for key in keys:
                stage = Stage(tmp_path / key.get_algorithm())
                remember(stage.known_hosts, f"[127.0.0.1]:{server.port} {key.export_public_key().decode()}")
                await log_in(connection(**over_password(server)), stage)
                assert key.get_fingerprint() in stage.told("identity").detail

    async def test_the_users_known_hosts_count_too(self, server: SftpServer, stage: Stage) -> None:
        file = Path("~/.ssh/known_hosts").expanduser()
        remember(file, server.known_hosts_line)
        await log_in(connection(**over_password(server)), stage)
        assert str(file) in stage.told("identity").detail

    async def test_revoked(self, server: SftpServer, stage: Stage) -> None:
        stage.known_hosts.write_text(server.known_hosts_line + "@revoked " + server.known_hosts_line)
        failure = await refused(connection(**over_password(server)), stage)
        assert failure.failure_class is FailureClass.HOST_KEY
        assert "revoked" in failure.message
        assert server.behaviour.began == []

    async def test_a_pin_is_enough(self, server: SftpServer, stage: Stage) -> None:
        await log_in(connection(**over_password(server, host_key=server.host_key.get_fingerprint())), stage)
        assert "pinned" in stage.told("identity").detail

    async def test_a_pin_may_be_of_any_key_of_the_server(self, tmp_path: Path, stage: Stage) -> None:
        keys = [asyncssh.generate_private_key(kind) for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")]
        async with run_sftp_server(tmp_path / "served", host_keys=keys) as server:
            for key in keys:
                stage = Stage(tmp_path / "known_hosts")
                await log_in(connection(**over_password(server, host_key=key.get_fingerprint())), stage)
                assert key.get_fingerprint() in stage.told("identity").detail
            server.behaviour.began.clear()
            pin = asyncssh.generate_private_key("ssh-rsa").get_fingerprint()
            failure = await refused(connection(**over_password(server, host_key=pin)), stage)
        assert failure.failure_class is FailureClass.HOST_KEY
        assert keys[0].get_fingerprint() in failure.message
        assert server.behaviour.began == []

    async def test_a_pin_overrides_what_is_known(self, server: SftpServer, stage: Stage) -> None:
        stage.known_hosts.write_text(server.known_hosts_line)
        pin = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint()
        failure = await refused(connection(**over_password(server, host_key=pin)), stage)
        assert failure.failure_class is FailureClass.HOST_KEY
        assert pin in failure.message
        assert server.host_key.get_fingerprint() in failure.message
        assert server.behaviour.began == []

    async def test_a_certificate_of_a_known_authority(self, tmp_path: Path, stage: Stage) -> None:
        authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        certificate = authority.generate_host_certificate(key, "wharf-test", principals=["127.0.0.1"])
        await self.log_in_by_certificate(tmp_path, stage, authority, key, certificate)
        assert "signed by an authority" in stage.told("identity").detail

    async def test_a_certificate_for_another_host(self, tmp_path: Path, stage: Stage) -> None:
        authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        certificate = authority.generate_host_certificate(key, "wharf-test", principals=["elsewhere.example"])
        with pytest.raises(TransferFailed) as caught:
            await self.log_in_by_certificate(tmp_path, stage, authority, key, certificate)
        assert caught.value.failure.failure_class is FailureClass.HOST_KEY
        assert stage.secret_asked == 0

    async def log_in_by_certificate(
        self,
        tmp_path: Path,
        stage: Stage,
        authority: asyncssh.SSHKey,
        key: asyncssh.SSHKey,
        certificate: asyncssh.SSHCertificate,
    ) -> None:
        folder = tmp_path / "sshd"
        folder.mkdir()
        key.write_private_key(folder / "certified")
        (folder / "certified").chmod(0o600)
        certificate.write_certificate(folder / "certified-cert.pub")
        options = [f"HostKey {folder / 'certified'}", f"HostCertificate {folder / 'certified-cert.pub'}"]
        async with run_openssh(folder, options=options) as server:
            line = authority.export_public_key().decode()
            stage.known_hosts.write_text(f"@cert-authority [127.0.0.1]:{server.port} {line}")
            await log_in(connection(**over_key(server, tmp_path)), stage)


class TestIdentify:
    async def test_the_key_makes_the_server_known(self, server: SftpServer, stage: Stage) -> None:
        asked = connection(**over_password(server))
        found = await identify(asked, stage.surroundings)
        assert (found.kind, found.fingerprint) == ("ssh-ed25519", server.host_key.get_fingerprint())
        assert (found.doubt, found.known_hosts_line) == (Doubt.UNKNOWN, server.known_hosts_line.strip())
        assert server.behaviour.began == []
        assert found.known_hosts_line is not None
        remember(stage.known_hosts, found.known_hosts_line)
        await log_in(asked, stage)
        assert (await identify(asked, stage.surroundings)).doubt is None

    async def test_a_key_that_takes_the_place_of_another_one(self, server: SftpServer, stage: Stage) -> None:
        other = asyncssh.generate_private_key("ssh-rsa", key_size=2048).convert_to_public()
        stage.known_hosts.write_text(f"\n{known_hosts_line('127.0.0.1', server.port, other)}\n")
        found = await identify(connection(**over_password(server)), stage.surroundings)
        assert found.doubt is Doubt.CHANGED
        [old] = found.known
        assert (old.fingerprint, old.kind, old.bits) == (other.get_fingerprint(), "ssh-rsa", 2048)
        assert old.place == f"{stage.known_hosts}, line 2"

    async def test_a_pinned_key_is_found_among_others(self, tmp_path: Path, stage: Stage) -> None:
        second = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
        second.write_private_key(tmp_path / "second")
        (tmp_path / "second").chmod(0o600)
        async with run_openssh(tmp_path / "sshd", options=[f"HostKey {tmp_path / 'second'}"]) as server:
            pinned = connection(**over_key(server, tmp_path, host_key=second.get_fingerprint()))
            found = await identify(pinned, stage.surroundings)
            assert (found.doubt, found.fingerprint) == (None, second.get_fingerprint())
            wrong = connection(**over_key(server, tmp_path, host_key="SHA256:" + "a" * 43))
            found = await identify(wrong, stage.surroundings)
            assert (found.doubt, found.by_pin) == (Doubt.CHANGED, True)
            assert [old.fingerprint for old in found.known] == ["SHA256:" + "a" * 43]

    async def test_nobody_there(self, stage: Stage) -> None:
        with pytest.raises(TransferFailed) as caught:
            await identify(connection(port=free_port(), username="wharf", secret="env:X"), stage.surroundings)
        assert caught.value.failure.failure_class is FailureClass.REFUSED

    async def test_silence(self, stage: Stage) -> None:
        # The kernel takes the connection, and nobody ever looks at it.
        silent = socket.create_server(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        asked = connection(port=port, username="wharf", secret="env:X", change={"stall_timeout": 1})
        with pytest.raises(TransferFailed) as caught:
            await identify(asked, stage.surroundings)
        assert caught.value.failure.failure_class is FailureClass.TIMEOUT
        silent.close()


class TestPassword:
    @pytest.mark.parametrize("keyboard_only", [False, True])
    async def test_right(self, tmp_path: Path, stage: Stage, keyboard_only: bool) -> None:
        async with run_sftp_server(tmp_path / "served", Behaviour(keyboard_only=keyboard_only)) as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            await log_in(connection(**over_password(server)), stage)
        way = "keyboard-interactive" if keyboard_only else "password"
        assert server.behaviour.logins == [(way, "open sesame")]
        assert way in stage.told("login").detail

    @pytest.mark.parametrize("keyboard_only", [False, True])
    async def test_a_wrong_one_is_tried_once(self, tmp_path: Path, stage: Stage, keyboard_only: bool) -> None:
        stage.secret = "hunter2"
        async with run_sftp_server(tmp_path / "served", Behaviour(keyboard_only=keyboard_only)) as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            failure = await refused(connection(**over_password(server)), stage)
        assert failure.failure_class is FailureClass.AUTH
        assert not failure.retryable
        assert len(server.behaviour.logins) == 1
        assert "hunter2" not in repr(stage.events) + failure.message + failure.remedy

    async def test_no_other_way_is_tried(self, tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        default = Path("~/.ssh/id_ed25519").expanduser()
        default.parent.mkdir()
        key.write_private_key(default)
        behaviour = Behaviour(password="another", authorized=key.convert_to_public())
        async with run_sftp_server(tmp_path / "served", behaviour) as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            failure = await refused(connection(**over_password(server)), stage)
        assert failure.failure_class is FailureClass.AUTH
        assert [method for method, _ in behaviour.logins] == ["password"]

    async def test_a_secret_that_cannot_be_had_ends_the_login(self, server: SftpServer, stage: Stage) -> None:
        class Broken(Stage):
            async def _secret(self) -> str | None:
                raise TransferFailed(FailureClass.CONFIG, "The vault is locked.")

        broken = Broken(stage.known_hosts)
        stage.known_hosts.write_text(server.known_hosts_line)
        failure = await refused(connection(**over_password(server)), broken)
        assert (failure.failure_class, failure.message) == (FailureClass.CONFIG, "The vault is locked.")
        assert server.behaviour.logins == []

    async def test_a_server_that_takes_keys_only(self, tmp_path: Path, stage: Stage) -> None:
        async with run_openssh(tmp_path / "sshd") as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            endpoint: dict[str, Any] = {"port": server.port, "username": server.user, "secret": "env:X"}
            failure = await refused(connection(**endpoint), stage)
        assert failure.failure_class is FailureClass.AUTH
        assert "it takes none of password, keyboard-interactive" in failure.message
        assert stage.secret_asked == 0


class TestKey:
    @pytest.fixture
    async def by_key(self, tmp_path: Path, stage: Stage) -> AsyncIterator[tuple[SftpServer, asyncssh.SSHKey]]:
        key = asyncssh.generate_private_key("ssh-ed25519")
        behaviour = Behaviour(password="another", authorized=key.convert_to_public())
        async with run_sftp_server(tmp_path / "served", behaviour) as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            yield server, key

    async def test_with_a_passphrase(
        self, by_key: tuple[SftpServer, asyncssh.SSHKey], stage: Stage, tmp_path: Path
    ) -> None:
        server, key = by_key
        key.write_private_key(tmp_path / "id", passphrase="open sesame", rounds=1, ignore_few_rounds=True)
        await log_in(connection(**over_password(server, key=str(tmp_path / "id"))), stage)
        assert {method for method, _ in server.behaviour.logins} == {"publickey"}

    async def test_with_a_wrong_passphrase(
        self, by_key: tuple[SftpServer, asyncssh.SSHKey], stage: Stage, tmp_path: Path
    ) -> None:
        server, key = by_key
        key.write_private_key(tmp_path / "id", passphrase="another", rounds=1, ignore_few_rounds=True)
        failure = await refused(connection(**over_password(server, key=str(tmp_path / "id"))), stage)
        assert failure.failure_class is FailureClass.CONFIG
        assert str(tmp_path / "id") in failure.message
        assert "open sesame" not in failure.message
        assert server.behaviour.logins == []

    async def test_a_passphrase_is_never_sent_as_a_password(
        self, by_key: tuple[SftpServer, asyncssh.SSHKey], stage: Stage, tmp_path: Path
    ) -> None:
        server, _ = by_key
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "id")
        failure = await refused(connection(**over_password(server, key=str(tmp_path / "id"))), stage)
        assert failure.failure_class is FailureClass.AUTH
        assert {method for method, _ in server.behaviour.logins} == {"publickey"}

    async def test_missing(self, by_key: tuple[SftpServer, asyncssh.SSHKey], stage: Stage, tmp_path: Path) -> None:
        server, _ = by_key
        failure = await refused(connection(**over_password(server, key=str(tmp_path / "missing"))), stage)
        assert failure.failure_class is FailureClass.CONFIG
        assert "No such file" in failure.message


class TestAgent:
    async def test_its_keys_are_offered(self, tmp_path: Path, stage: Stage, agent: Path) -> None:
        async with run_openssh(tmp_path / "sshd") as server:
            async with await asyncssh.connect_agent(str(agent)) as client:
                await client.add_keys([str(server.key)])
            stage.known_hosts.write_text(server.known_hosts_line)
            endpoint: dict[str, Any] = {"port": server.port, "username": server.user}
            await log_in(connection(**endpoint, agent=True), stage)
            assert "agent key" in stage.told("login").detail
            # With a password only, the agent is left alone.
            await refused(connection(**endpoint, secret="env:X"), Stage(stage.known_hosts))

    @pytest.fixture
    def agent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        path = tmp_path / "agent"
        program = find_program("ssh-agent", "openssh-client")
        with subprocess.Popen([program, "-D", "-a", path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            # It says where it listens as soon as it does.
            process.stdout.readline()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
            yield path
            process.kill()

    async def test_absent(self, server: SftpServer, stage: Stage) -> None:
        stage.known_hosts.write_text(server.known_hosts_line)
        server.behaviour.authorized = server.host_key
        failure = await refused(connection(port=server.port, username="wharf", agent=True), stage)
        assert failure.failure_class is FailureClass.CONFIG
        assert "SSH_AUTH_SOCK is not set" in failure.message


class TestSshConfig:
    async def test_an_alias_says_where_and_how(self, tmp_path: Path, stage: Stage) -> None:
        async with run_openssh(tmp_path / "sshd") as server:
            stage.known_hosts.write_text(server.known_hosts_line)
            self.write(
                f"Host acme\n HostName 127.0.0.1\n Port {server.port}\n"
                f" User {server.user}\n IdentityFile {server.key}\n"
            )
            await log_in(connection(host=None, ssh_config="acme"), stage)
            line = (await identify(connection(host=None, ssh_config="acme"), stage.surroundings)).known_hosts_line
        assert line == server.known_hosts_line.strip()
        assert server.user in stage.told("login").detail

    async def test_without_an_alias_the_file_has_no_say(self, server: SftpServer, stage: Stage) -> None:
        stage.known_hosts.write_text(server.known_hosts_line)
        self.write("Host *\n User somebody\n Port 1\n ProxyCommand false\n")
        await log_in(connection(**over_password(server)), stage)
        assert server.behaviour.began == ["wharf"]

    async def test_no_such_file(self, stage: Stage) -> None:
        failure = await refused_before_any_step(connection(host=None, ssh_config="acme"), stage)
        assert failure.failure_class is FailureClass.CONFIG

    def write(self, text: str) -> None:
        path = Path("~/.ssh/config").expanduser()
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


async def refused_before_any_step(connection: Connection, stage: Stage) -> Failure:
    with pytest.raises(TransferFailed) as caught:
        await log_in(connection, stage)
    assert stage.events == []
    return caught.value.failure


class TestNobodyThere:
    async def test_closed_port(self, stage: Stage) -> None:
        failure = await refused(connection(port=free_port(), username="wharf", secret="env:X"), stage)
        assert failure.failure_class is FailureClass.REFUSED
        assert stage.events[-1].step == "connect"

    async def test_unknown_name(self, stage: Stage) -> None:
        failure = await refused(connection(host="no-such-host.invalid", username="wharf", secret="env:X"), stage)
        assert failure.failure_class is FailureClass.NETWORK
        assert stage.events[-1].step == "resolve"

    async def test_a_name_that_is_none(self, stage: Stage) -> None:
        failure = await refused(connection(host="a" * 64 + ".example", username="wharf", secret="env:X"), stage)
        assert failure.failure_class is FailureClass.CONFIG
        assert stage.events[-1].step == "resolve"

    async def test_something_that_is_no_ssh_server(self, stage: Stage) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 \x1b]0;ftp\x07 ready\r\n")
            writer.close()

        other = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        failure = await refused(connection(port=port, username="wharf", secret="env:X"), stage)
        assert failure.failure_class is FailureClass.NETWORK
        assert stage.events[-1].step == "identity"
        assert "\x1b" not in failure.message
        other.close()

    async def test_no_encryption_in_common(self, tmp_path: Path, stage: Stage) -> None:
        async with run_openssh(tmp_path / "sshd", options=["Ciphers 3des-cbc"]) as server:
            failure = await refused(connection(**over_key(server, tmp_path)), stage)
        assert failure.failure_class is FailureClass.REJECTED


def test_the_environment_of_the_user_is_not_in_reach() -> None:
    assert "SSH_AUTH_SOCK" not in os.environ
