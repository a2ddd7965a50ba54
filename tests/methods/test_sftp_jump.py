"""SFTP over jump hosts: two real OpenSSH servers in a row, and the target behind them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.methods.leaving import assert_left_in_time
from tests.methods.sftp_support import Stage, connection, over_key, receive, send
from tests.servers.debian import free_port
from tests.servers.jumps import Jumps, run_jumps
from tests.servers.openssh import OpenSsh, run_openssh
from tests.servers.sftp_server import Behaviour, run_sftp_server
from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.methods import identify
from tui.methods.base import Staged
from tui.methods.sftp import SftpSession
from tui.trust.hostkeys import remember
from tui.trust.identity import Doubt


@pytest.fixture
async def jumps(tmp_path: Path) -> AsyncIterator[Jumps]:
    async with run_jumps(tmp_path / "jumps") as jumps:
        yield jumps


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[OpenSsh]:
    async with run_openssh(tmp_path / "target") as target:
        yield target


@pytest.fixture
def stage(tmp_path: Path, jumps: Jumps, target: OpenSsh) -> Stage:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(jumps.known_hosts + target.known_hosts_line)
    return Stage(known_hosts, secret=None)


@pytest.fixture
def routed(tmp_path: Path, jumps: Jumps, target: OpenSsh) -> Connection:
    return connection(**over_key(target, tmp_path / "remote"), **jumps.route)


async def refused(connection: Connection, stage: Stage) -> Failure:
    session = SftpSession(connection, stage.surroundings)
    with pytest.raises(TransferFailed) as caught:
        await session.open()
    await session.close()
    assert not stage.events[-1].ok
    assert stage.events[-1].detail == str(caught.value)
    return caught.value.failure


async def test_files_travel_both_ways_over_both(routed: Connection, stage: Stage, jumps: Jumps) -> None:
    session = SftpSession(routed, stage.surroundings)
    await session.open()
    content = os.urandom(3_000_000)
    entry = await send(session, "batch.csv", content)
    await session.publish([Staged(entry, len(content), "")])
    [listed] = await session.list_files()
    assert await receive(session, listed) == content
    await session.close()
    assert (jumps.forwarded(0), jumps.forwarded(1)) == (1, 1)


async def test_every_hop_is_told_step_by_step_and_timed(
    routed: Connection, stage: Stage, jumps: Jumps, target: OpenSsh
) -> None:
    session = SftpSession(routed, stage.surroundings)
    await session.open()
    await session.close()
    assert [event.step for event in stage.events] == [
        *("jump 1/2 resolve", "jump 1/2 connect", "jump 1/2 identity", "jump 1/2 login"),
        *("jump 2/2 connect", "jump 2/2 identity", "jump 2/2 login"),
        *("connect", "identity", "login", "folder"),
    ]
    assert all(event.ok and event.ms is not None for event in stage.events)
    outer, inner = jumps.hops
    for number, hop in enumerate(jumps.hops, 1):
        assert hop.host_key.get_fingerprint() in stage.told(f"jump {number}/2 identity").detail
        assert str(jumps.key) in stage.told(f"jump {number}/2 login").detail
    assert stage.told("jump 2/2 connect").detail == f"127.0.0.1:{inner.port} through 127.0.0.1:{outer.port}"
    assert stage.told("connect").detail == f"127.0.0.1:{target.port} through 127.0.0.1:{inner.port}"


async def test_the_innermost_is_closed_first(routed: Connection, stage: Stage, jumps: Jumps, target: OpenSsh) -> None:
    session = SftpSession(routed, stage.surroundings)
    await session.open()
    await session.close()
    servers = (target, *reversed(jumps.hops))
    ended = [await server.logged("Received disconnect from") for server in servers]
    # Each has heard a good-bye: had an outer one gone first, the inner ones would have lost their connection instead.
    assert all("Disconnected by application" in line for line in ended)


class TestTrust:
    @pytest.mark.parametrize("number", [0, 1])
    async def test_an_unknown_hop_is_named_and_nothing_goes_through_it(
        self, routed: Connection, stage: Stage, jumps: Jumps, target: OpenSsh, number: int
    ) -> None:
        hop = jumps.hops[number]
        other = jumps.hops[1 - number]
        stage.known_hosts.write_text(other.known_hosts_line + target.known_hosts_line)
        failure = await refused(routed, stage)
        assert failure.failure_class is FailureClass.HOST_KEY
        assert f"The host key of 127.0.0.1:{hop.port} is not known" in failure.message
        assert hop.host_key.get_fingerprint() in failure.message
        assert "wharf trust 'acme files' --fingerprint" in failure.remedy
        assert stage.events[-1].step == f"jump {number + 1}/2 identity"
        assert not any("Accepted publickey" in line for line in hop.log)
        assert (jumps.forwarded(number), stage.secret_asked) == (0, 0)

    @pytest.mark.parametrize("number", [0, 1])
    async def test_a_changed_hop_is_refused(self, routed: Connection, stage: Stage, jumps: Jumps, number: int) -> None:
        hop = jumps.hops[number]
        old = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        changed = f"[127.0.0.1]:{hop.port} {old.export_public_key().decode()}"
        stage.known_hosts.write_text(jumps.known_hosts.replace(hop.known_hosts_line, changed))
        failure = await refused(routed, stage)
        assert f"The host key of 127.0.0.1:{hop.port} has changed" in failure.message
        assert old.get_fingerprint() in failure.message
        assert stage.events[-1].step == f"jump {number + 1}/2 identity"
        assert jumps.forwarded(number) == 0

    async def test_the_pin_of_the_target_is_not_one_for_the_hops(
        self, routed: Connection, stage: Stage, jumps: Jumps, target: OpenSsh
    ) -> None:
        assert routed.sftp is not None
        pinned = routed.sftp.model_copy(update={"host_key": target.host_key.get_fingerprint()})
        stage.known_hosts.write_text(jumps.known_hosts)
        session = SftpSession(routed.model_copy(update={"sftp": pinned}), stage.surroundings)
        await session.open()
        await session.close()
        assert "pinned" in stage.told("identity").detail
        assert "pinned" not in stage.told("jump 1/2 identity").detail

    async def test_wharf_trust_is_asked_about_one_server_after_the_other(
        self, routed: Connection, stage: Stage, jumps: Jumps, target: OpenSsh
    ) -> None:
        stage.known_hosts.write_text("")
        for server in (*jumps.hops, target):
            shown = await identify(routed, stage.surroundings)
            assert (shown.where, shown.doubt) == (f"127.0.0.1:{server.port}", Doubt.UNKNOWN)
            assert shown.fingerprint == server.host_key.get_fingerprint()
            assert shown.known_hosts_line is not None
            remember(stage.known_hosts, shown.known_hosts_line)
        assert (await identify(routed, stage.surroundings)).doubt is None

    async def test_hops_with_certificates_of_an_authority(self, tmp_path: Path, target: OpenSsh) -> None:
        authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        folder = tmp_path / "certified"
        folder.mkdir()
        key.write_private_key(folder / "host")
        (folder / "host").chmod(0o600)
        certificate = authority.generate_host_certificate(key, "hop", principals=["127.0.0.1"])
        certificate.write_certificate(folder / "host-cert.pub")
        options = [f"HostKey {folder / 'host'}", f"HostCertificate {folder / 'host-cert.pub'}"]
        stage = Stage(tmp_path / "known_hosts", secret=None)
        async with run_jumps(folder, options=options) as jumps:
            ports = ",".join(f"[127.0.0.1]:{hop.port}" for hop in jumps.hops)
            line = f"@cert-authority {ports} {authority.export_public_key().decode()}"
            stage.known_hosts.write_text(line + target.known_hosts_line)
            asked = connection(**over_key(target, tmp_path / "remote"), **jumps.route)
            session = SftpSession(asked, stage.surroundings)
            await session.open()
            await session.close()
        for number in (1, 2):
            assert "signed by an authority" in stage.told(f"jump {number}/2 identity").detail


class TestLogin:
    async def test_a_hop_that_refuses_is_named(
        self, routed: Connection, stage: Stage, jumps: Jumps, tmp_path: Path
    ) -> None:
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "id_other")
        assert routed.sftp is not None
        endpoint = routed.sftp.model_copy(update={"jump_key": str(tmp_path / "id_other")})
        failure = await refused(routed.model_copy(update={"sftp": endpoint}), stage)
        assert failure.failure_class is FailureClass.AUTH
        hop = jumps.hops[0]
        assert f"127.0.0.1:{hop.port} has refused the login of {hop.user}" in failure.message
        assert stage.events[-1].step == "jump 1/2 login"
        assert sum("Failed publickey" in line or "publickey denied" in line for line in hop.log) <= 1

    async def test_a_user_certificate_opens_hops_and_target(self, tmp_path: Path) -> None:
        authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        authority.write_public_key(tmp_path / "user_ca.pub")
        options = [f"TrustedUserCAKeys {tmp_path / 'user_ca.pub'}", "AuthorizedKeysFile none"]
        async with (
            run_openssh(tmp_path / "hop", options=options) as hop,
            run_openssh(tmp_path / "target", options=options) as target,
        ):
            key.write_private_key(tmp_path / "id_user")
            certificate = authority.generate_user_certificate(key, "ops", principals=[hop.user])
            # Once named, once found beside its key.
            certificate.write_certificate(tmp_path / "elsewhere.pub")
            certificate.write_certificate(tmp_path / "id_hop-cert.pub")
            key.write_private_key(tmp_path / "id_hop")
            stage = Stage(tmp_path / "known_hosts", secret=None)
            stage.known_hosts.write_text(hop.known_hosts_line + target.known_hosts_line)
            endpoint = over_key(target, tmp_path / "remote", key=str(tmp_path / "id_user"))
            asked = connection(
                **endpoint,
                certificate=str(tmp_path / "elsewhere.pub"),
                jump=f"{hop.user}@127.0.0.1:{hop.port}",
                jump_key=str(tmp_path / "id_hop"),
            )
            session = SftpSession(asked, stage.surroundings)
            await session.open()
            await session.close()
        assert f"certificate {tmp_path / 'id_user'}" in stage.told("login").detail
        assert f"certificate {tmp_path / 'id_hop'}" in stage.told("jump 1/1 login").detail

    async def test_a_hop_takes_the_key_of_the_connection_where_it_has_none_of_its_own(
        self, tmp_path: Path, target: OpenSsh
    ) -> None:
        options = [f"AuthorizedKeysFile {target.key.parent / 'authorized_keys'}"]
        async with run_openssh(tmp_path / "hop", options=options) as hop:
            stage = Stage(tmp_path / "known_hosts", secret=None)
            stage.known_hosts.write_text(hop.known_hosts_line + target.known_hosts_line)
            endpoint = over_key(target, tmp_path / "remote", jump=f"{hop.user}@127.0.0.1:{hop.port}")
            session = SftpSession(connection(**endpoint), stage.surroundings)
            await session.open()
            await session.close()
        assert str(target.key) in stage.told("jump 1/1 login").detail

    async def test_the_password_of_the_partner_is_never_sent_to_a_hop(self, tmp_path: Path) -> None:
        async with run_sftp_server(tmp_path / "hop", Behaviour(password="for the hop")) as hop:
            stage = Stage(tmp_path / "known_hosts")
            stage.known_hosts.write_text(hop.known_hosts_line)
            endpoint: dict[str, Any] = {"username": "wharf", "secret": "env:X", "jump": f"wharf@127.0.0.1:{hop.port}"}
            failure = await refused(connection(**endpoint), stage)
            assert failure.failure_class is FailureClass.AUTH
            assert "it takes none of publickey" in failure.message
            assert (hop.behaviour.logins, stage.secret_asked) == ([], 0)
            # With a password of its own, that one is sent, and once.
            stage.other_secrets = {"env:HOP": "not this"}
            failure = await refused(connection(**endpoint, jump_secret="env:HOP"), stage)
        assert failure.failure_class is FailureClass.AUTH
        assert hop.behaviour.logins == [("password", "not this")]


class TestFailingHops:
    async def test_a_target_that_refuses(self, stage: Stage, jumps: Jumps) -> None:
        closed = free_port()
        failure = await refused(connection(port=closed, username="x", key="/x", **jumps.route), stage)
        assert failure.failure_class is FailureClass.REFUSED
        assert f"The jump host 127.0.0.1:{jumps.hops[1].port} cannot reach 127.0.0.1:{closed}" in failure.message
        assert stage.events[-1].step == "connect"

    async def test_a_target_that_does_not_resolve_there(self, stage: Stage, jumps: Jumps) -> None:
        failure = await refused(connection(host="no-such.invalid", username="x", key="/x", **jumps.route), stage)
        assert failure.failure_class is FailureClass.NETWORK
        assert "cannot reach no-such.invalid:22" in failure.message

    async def test_a_hop_that_forwards_nothing(self, tmp_path: Path, target: OpenSsh) -> None:
        async with run_jumps(tmp_path / "closed", options=["AllowTcpForwarding no"]) as jumps:
            stage = Stage(tmp_path / "known_hosts", secret=None)
            stage.known_hosts.write_text(jumps.known_hosts)
            failure = await refused(connection(**over_key(target, tmp_path / "remote"), **jumps.route), stage)
        assert failure.failure_class is FailureClass.PERMISSION
        assert "AllowTcpForwarding" in failure.remedy
        assert stage.events[-1].step == "jump 2/2 connect"

    @pytest.mark.parametrize("number", [0, 1])
    async def test_a_hop_that_dies_ends_the_session(
        self, routed: Connection, stage: Stage, jumps: Jumps, number: int
    ) -> None:
        session = SftpSession(routed, stage.surroundings)
        await session.open()
        jumps.hops[number].kill_sessions()
        async with asyncio.timeout(5):
            with pytest.raises(TransferFailed) as caught:
                await session.list_files()
        assert caught.value.failure.failure_class is FailureClass.NETWORK
        await session.close()

    @pytest.mark.parametrize("number", [0, 1])
    async def test_a_frozen_hop_lets_a_cancelled_session_go_within_two_seconds(
        self, routed: Connection, stage: Stage, jumps: Jumps, number: int
    ) -> None:
        session = SftpSession(routed, stage.surroundings)
        await session.open()
        jumps.hops[number].freeze()
        await assert_left_in_time(asyncio.create_task(session.list_files()), session, abort=False)

    @pytest.mark.parametrize("number", [0, 1])
    async def test_opening_over_a_frozen_hop_can_be_cancelled(
        self, routed: Connection, stage: Stage, jumps: Jumps, number: int
    ) -> None:
        os.kill(jumps.hops[number].process.pid, signal.SIGSTOP)
        session = SftpSession(routed, stage.surroundings)
        await assert_left_in_time(asyncio.create_task(session.open()), session, silence=1, abort=False)
