"""What ~/.ssh/config says of an alias, against real OpenSSH servers, and what of it Wharf does not follow."""

import asyncio
import os
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.methods.sftp_support import Stage, connection
from tests.outside import seen_meanwhile
from tests.servers.debian import find_program
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.methods import identify
from tui.methods.sftp import SftpSession

_PIPE = (
    "import os, socket, sys, threading\n"
    "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
    "def up():\n"
    "    while d := os.read(0, 65536): s.sendall(d)\n"
    "    s.shutdown(socket.SHUT_WR)\n"
    "threading.Thread(target=up, daemon=True).start()\n"
    "while d := s.recv(65536): os.write(1, d)\n"
)
"""Does what `nc HOST PORT` does."""


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "target") as target:
        yield target


@pytest.fixture
def stage(tmp_path: Path, target: OpenSsh) -> Stage:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(target.known_hosts_line)
    return Stage(known_hosts, secret=None)


def write(text: str) -> None:
    path = Path("~/.ssh/config").expanduser()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)


def host(alias: str, server: OpenSsh, *more: str, key: Path | None = None) -> str:
    lines = [
        f"Host {alias}",
        "HostName 127.0.0.1",
        f"Port {server.port}",
        f"User {server.user}",
        f"IdentityFile {key or server.key}",
        *more,
    ]
    return "\n ".join(lines) + "\n"


async def log_in(stage: Stage, alias: str = "acme", **endpoint: Any) -> None:
    session = SftpSession(connection(host=None, ssh_config=alias, **endpoint), stage.surroundings)
    try:
        await session.open()
    finally:
        await session.close()


async def refused(stage: Stage, alias: str = "acme") -> Failure:
    with pytest.raises(TransferFailed) as caught:
        await log_in(stage, alias)
    return caught.value.failure


class TestProxyJump:
    async def test_over_two_hops_that_are_aliases_themselves(
        self, tmp_path: Path, stage: Stage, target: OpenSsh
    ) -> None:
        async with run_openssh(tmp_path / "outer") as outer, run_openssh(tmp_path / "inner") as inner:
            write(
                host("outer", outer) + host("inner", inner, "ProxyJump outer") + host("acme", target, "ProxyJump inner")
            )
            # Of ssh and of Wharf; each may know some.
            Path("~/.ssh/known_hosts").expanduser().write_text(outer.known_hosts_line)
            with stage.known_hosts.open("a") as file:
                file.write(inner.known_hosts_line)
            await log_in(stage)
        assert [event.step for event in stage.events if event.step.endswith("login")] == [
            "jump 1/2 login",
            "jump 2/2 login",
            "login",
        ]
        assert f"127.0.0.1:{outer.port}" in stage.told("jump 2/2 connect").detail
        assert "~/.ssh/known_hosts" in stage.told("jump 1/2 identity").detail.replace(os.environ["HOME"], "~")

    async def test_several_in_one_line_with_users_and_ports(
        self, tmp_path: Path, stage: Stage, target: OpenSsh
    ) -> None:
        async with run_openssh(tmp_path / "outer") as outer, run_openssh(tmp_path / "inner") as inner:
            hops = f"{outer.user}@127.0.0.1:{outer.port},{inner.user}@inner"
            write(
                host("acme", target, f"ProxyJump {hops}")
                + f"Host 127.0.0.1\n IdentityFile {outer.key}\n"
                + host("inner", inner)
            )
            with stage.known_hosts.open("a") as file:
                file.write(outer.known_hosts_line + inner.known_hosts_line)
            await log_in(stage)
        assert any(event.step == "jump 2/2 login" for event in stage.events)

    async def test_jump_of_the_connection_goes_first(self, tmp_path: Path, stage: Stage, target: OpenSsh) -> None:
        async with run_openssh(tmp_path / "hop") as hop:
            write(host("acme", target, "ProxyJump nowhere.invalid") + host("ours", hop))
            with stage.known_hosts.open("a") as file:
                file.write(hop.known_hosts_line)
            await log_in(stage, jump="ours")
        assert stage.told("jump 1/1 login").ok

    async def test_a_circle_is_seen(self, stage: Stage, target: OpenSsh) -> None:
        write(host("acme", target, "ProxyJump b") + host("b", target, "ProxyJump c") + host("c", target, "ProxyJump b"))
        failure = await refused(stage)
        assert failure.failure_class is FailureClass.CONFIG
        assert "in a circle" in failure.message


class TestProxyCommand:
    async def test_a_program_with_arguments_is_the_connection(
        self, tmp_path: Path, stage: Stage, target: OpenSsh
    ) -> None:
        script = tmp_path / "pipe to.py"
        script.write_text(_PIPE)
        command = f"{sys.executable} {shlex.quote(str(script))} %h %p"
        write(host("acme", target, f"ProxyCommand {command}"))
        await log_in(stage)
        assert "through the proxy command" in stage.told("connect").detail
        await seen_meanwhile(lambda: not running("pipe to.py"), "the end of the program")

    async def test_ssh_itself(self, tmp_path: Path, stage: Stage, target: OpenSsh) -> None:
        ssh = find_program("ssh", "openssh-client")
        async with run_openssh(tmp_path / "hop") as hop:
            known = tmp_path / "known_to_ssh"
            known.write_text(hop.known_hosts_line)
            command = f"{ssh} -F none -i {hop.key} -o UserKnownHostsFile={known} -p {hop.port} -W %h:%p 127.0.0.1"
            write(host("acme", target, f"ProxyCommand {command}"))
            await log_in(stage)
            assert any("Accepted publickey" in line for line in hop.log)

    async def test_it_may_lead_to_a_jump_host(self, tmp_path: Path, stage: Stage, target: OpenSsh) -> None:
        script = tmp_path / "pipe.py"
        script.write_text(_PIPE)
        async with run_openssh(tmp_path / "hop") as hop:
            write(
                host("hop", hop, f"ProxyCommand {sys.executable} {script} %h %p")
                + host("acme", target, "ProxyJump hop")
            )
            with stage.known_hosts.open("a") as file:
                file.write(hop.known_hosts_line)
            await log_in(stage)
        assert "through the proxy command" in stage.told("jump 1/1 connect").detail

    async def test_its_end_and_its_last_words_are_told(self, stage: Stage, target: OpenSsh) -> None:
        words = r"""printf "no way \\033[31mthere" >&2; exit 3"""
        write(host("acme", target, f"ProxyCommand sh -c '{words}'"))
        failure = await refused(stage)
        assert failure.failure_class is FailureClass.NETWORK
        assert "the proxy command has ended with status 3: no way \\x1b[31mthere" in failure.message

    async def test_one_that_says_nothing_is_killed_when_the_login_is_cancelled(
        self, stage: Stage, target: OpenSsh
    ) -> None:
        write(host("acme", target, "ProxyCommand sleep 4711; true"))
        session = SftpSession(connection(host=None, ssh_config="acme"), stage.surroundings)
        opening = asyncio.create_task(session.open())
        await seen_meanwhile(lambda: running("sleep 4711"), "the program to run")
        began = time.monotonic()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await session.close()
        assert time.monotonic() - began < 2
        await seen_meanwhile(lambda: not running("sleep 4711"), "the end of the program")

    async def test_a_user_name_does_not_become_a_command(self, stage: Stage, target: OpenSsh, tmp_path: Path) -> None:
        write(host("acme", target, "ProxyCommand nc %h %p # %r").replace(f" User {target.user}\n", ""))
        with pytest.raises(TransferFailed) as caught:
            await log_in(stage, username=f"$(touch {tmp_path / 'harm'})")
        assert caught.value.failure.failure_class is FailureClass.CONFIG
        assert not (tmp_path / "harm").exists()

    async def test_beside_a_proxy_it_is_refused(self, stage: Stage, target: OpenSsh) -> None:
        write(host("acme", target, "ProxyCommand nc %h %p"))
        with pytest.raises(TransferFailed, match="only one of them"):
            await log_in(stage, proxy="socks5://127.0.0.1:9")


class TestHostKeys:
    async def test_an_alias_of_the_key_stands_without_a_port(self, stage: Stage, target: OpenSsh) -> None:
        key = target.host_key.export_public_key().decode()
        write(host("acme", target, "HostKeyAlias acme-cluster"))
        stage.known_hosts.write_text("")
        shown = await identify(connection(host=None, ssh_config="acme"), stage.surroundings)
        assert shown.known_hosts_line is not None
        assert shown.known_hosts_line.startswith("acme-cluster ssh-ed25519 ")
        stage.known_hosts.write_text(f"acme-cluster {key}")
        await log_in(stage)
        # Under the alias it has changed, whatever is known of the address.
        other = asyncssh.generate_private_key("ssh-ed25519").convert_to_public().export_public_key().decode()
        stage.known_hosts.write_text(f"acme-cluster {other}{target.known_hosts_line}")
        assert "has changed" in (await refused(stage)).message

    async def test_files_of_the_users_choice(self, tmp_path: Path, stage: Stage, target: OpenSsh) -> None:
        stage.known_hosts.write_text("")
        files = [tmp_path / "one", tmp_path / "missing"]
        files[0].write_text(target.known_hosts_line)
        write(host("acme", target, f"UserKnownHostsFile {files[1]} {files[0]}"))
        await log_in(stage)
        assert str(files[0]) in stage.told("identity").detail
        stage.events.clear()
        write(host("acme", target, "UserKnownHostsFile none", f"GlobalKnownHostsFile {files[0]}"))
        await log_in(stage)
        assert str(files[0]) in stage.told("identity").detail

    async def test_strict_host_key_checking_cannot_be_switched_off(self, stage: Stage, target: OpenSsh) -> None:
        stage.known_hosts.write_text("")
        write(host("acme", target, "StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"))
        failure = await refused(stage)
        assert failure.failure_class is FailureClass.HOST_KEY
        assert "is not known" in failure.message


class TestFiles:
    async def test_include_and_match(self, stage: Stage, target: OpenSsh) -> None:
        folder = Path("~/.ssh/partners").expanduser()
        folder.mkdir(parents=True)
        (folder / "acme.conf").write_text(host("acme", target).replace(f" User {target.user}\n", ""))
        marker = folder / "marker"
        write(
            "Include partners/*.conf\n"
            f'Match host 127.0.0.1 exec "test -e {marker}"\n User nobody-else\n'
            f"Match originalhost acme\n User {target.user}\n"
        )
        await log_in(stage)
        assert stage.told("login").detail.startswith(target.user)
        marker.touch()
        assert "login of nobody-else" in (await refused(stage)).message

    async def test_what_the_connection_says_goes_first(self, tmp_path: Path, stage: Stage, target: OpenSsh) -> None:
        text = host("acme", target, key=tmp_path / "no-such-key").replace(str(target.port), "1")
        write(text.replace(f"User {target.user}", "User somebody"))
        await log_in(stage, port=target.port, username=target.user, key=str(target.key))

    async def test_a_file_with_a_mistake_is_named_with_its_line(self, stage: Stage) -> None:
        write("Host acme\n Port many\n")
        failure = await refused(stage)
        assert failure.failure_class is FailureClass.CONFIG
        assert "line 2" in failure.message


class TestKeys:
    async def test_a_key_file_that_is_not_there_is_passed_over_as_ssh_does(
        self, tmp_path: Path, stage: Stage, target: OpenSsh
    ) -> None:
        locked = tmp_path / "locked"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(locked, passphrase="open sesame")
        more = [f"IdentityFile {locked}", f"IdentityFile {target.key}"]
        write(host("acme", target, *more, key=tmp_path / "missing"))
        await log_in(stage)
        assert stage.told("login").detail == f"{target.user}, key {target.key}"

    async def test_a_certificate_file(self, tmp_path: Path) -> None:
        authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        authority.write_public_key(tmp_path / "user_ca.pub")
        options = [f"TrustedUserCAKeys {tmp_path / 'user_ca.pub'}", "AuthorizedKeysFile none"]
        async with run_openssh(tmp_path / "certified", options=options) as server:
            key.write_private_key(tmp_path / "id")
            certificate = authority.generate_user_certificate(key, "ops", principals=[server.user])
            certificate.write_certificate(tmp_path / "signed.pub")
            stage = Stage(tmp_path / "known_hosts", secret=None)
            stage.known_hosts.write_text(server.known_hosts_line)
            write(host("acme", server, f"CertificateFile {tmp_path / 'signed.pub'}", key=tmp_path / "id"))
            await log_in(stage)
        assert stage.told("login").detail == f"{server.user}, certificate {tmp_path / 'id'}"

    async def test_identities_only_holds_the_other_keys_of_the_agent_back(
        self, tmp_path: Path, stage: Stage, target: OpenSsh, agent: Path
    ) -> None:
        others = [tmp_path / f"other-{number}" for number in range(3)]
        for path in others:
            asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)
        async with await asyncssh.connect_agent(str(agent)) as client:
            await client.add_keys([*map(str, others), str(target.key)])
        # The private half is with the agent alone.
        public = tmp_path / "acme.pub"
        asyncssh.read_private_key(target.key).write_public_key(public)
        write(host("acme", target, "IdentitiesOnly yes", f"IdentityAgent {agent}", key=public))
        await log_in(stage)
        assert stage.told("login").detail.startswith(f"{target.user}, agent key")
        assert sum("Postponed publickey" in line or "Failed publickey" in line for line in target.log) <= 1

    @pytest.fixture
    def agent(self, tmp_path: Path) -> Iterator[Path]:
        path = tmp_path / "agent"
        program = find_program("ssh-agent", "openssh-client")
        with subprocess.Popen([program, "-D", "-a", path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            # It says where it listens as soon as it does.
            process.stdout.readline()
            yield path
            process.kill()


def running(words: str) -> bool:
    """Whether a process of these arguments runs."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                return True
        except OSError:
            continue
    return False
