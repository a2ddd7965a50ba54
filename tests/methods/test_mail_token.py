"""XOAUTH2: over real servers that take the token, and what becomes of a token that is refused."""

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.mail_support import Witness, open_smtp, scripted_server, send, smtp_connection
from tests.servers.certificates import Certificates
from tests.servers.mail import PASSWORD, USERNAME, ImapServer, SmtpServer
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import MailTls
from tui.methods.imap import ImapSession
from tui.methods.mail_token import challenge_in, challenge_reason, token_login

TOKEN = "ya29.not-the-right-one_"
CHALLENGE = base64.b64encode(
    json.dumps({"status": "400", "schemes": "Bearer", "scope": "https://mail.example/", "token": TOKEN}).encode()
)


def mailbox(port: int, username: str = "wharf", **email: Any) -> Connection:
    table = {"host": "localhost", "port": port, "username": username, "secret": "cmd:token", "auth": "xoauth2", **email}
    return Connection.model_validate(
        {
            "name": "acme-mail",
            "direction": "inbound",
            "method": "email",
            "local_dir": "/nowhere",
            "stall_timeout": 5,
            "email": table,
        }
    )


def in_clear(connection: Connection) -> Connection:
    """As no user can have it: a scripted server need not speak TLS."""
    return connection.model_copy(update={"email": connection.endpoint.model_copy(update={"tls": MailTls.NONE})})


async def refused_by_imap(connection: Connection, witness: Witness) -> TransferFailed:
    session = ImapSession(connection, witness.surroundings())
    try:
        with pytest.raises(TransferFailed) as caught:
            await session.open()
    finally:
        await session.close()
    return caught.value


async def test_smtp_takes_the_token(smtp_server: SmtpServer, certificates: Certificates) -> None:
    witness = Witness()
    connection = smtp_connection(smtp_server.starttls_port, ca_file=str(certificates.ca_file), auth="xoauth2")
    async with open_smtp(connection, witness) as session:
        await send(session, {"a.csv": b"1;2\n"})
    assert witness.told("login").detail == f"logged in as {USERNAME} with XOAUTH2"
    assert len(smtp_server.mails(1)) == 1


async def test_smtp_refuses_another_token(smtp_server: SmtpServer, certificates: Certificates) -> None:
    connection = smtp_connection(smtp_server.starttls_port, ca_file=str(certificates.ca_file), auth="xoauth2")
    with pytest.raises(TransferFailed, match="refused by localhost") as caught:
        async with open_smtp(connection, Witness(secret=TOKEN)):
            pass
    assert caught.value.failure.failure_class is FailureClass.AUTH
    assert "by hand" in caught.value.failure.remedy


async def test_imap_takes_the_token(imap_server: ImapServer, certificates: Certificates) -> None:
    witness = Witness()
    connection = mailbox(imap_server.starttls_port, imap_server.username, ca_file=str(certificates.ca_file))
    session = ImapSession(connection, witness.surroundings())
    await session.open()
    assert await session.list_files() == []
    await session.close()
    assert witness.told("login").detail == f"logged in as {imap_server.username} with XOAUTH2"


async def test_imap_tells_the_servers_challenge(imap_server: ImapServer, certificates: Certificates) -> None:
    witness = Witness(secret=TOKEN)
    connection = mailbox(imap_server.starttls_port, imap_server.username, ca_file=str(certificates.ca_file))
    error = await refused_by_imap(connection, witness)
    assert error.failure.failure_class is FailureClass.AUTH
    assert "status 401" in str(error)
    assert TOKEN not in str(error) + error.failure.remedy


@pytest.mark.parametrize("challenged", [True, False])
async def test_smtp_answers_the_challenge_and_tells_it_without_the_token(challenged: bool) -> None:
    said: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            said.append(line)
            if line.startswith(b"EHLO"):
                writer.write(b"250-hello\r\n250 AUTH PLAIN XOAUTH2\r\n")
            elif line.startswith(b"AUTH") and challenged:
                writer.write(b"334 " + CHALLENGE + b"\r\n")
            else:
                writer.write(b"535 5.7.8 not accepted\r\n")

    async with scripted_server(talk) as port:
        with pytest.raises(TransferFailed) as caught:
            async with open_smtp(in_clear(smtp_connection(port, auth="xoauth2")), Witness(secret=TOKEN)):
                pass
    logins = [line for line in said if line.startswith(b"AUTH")]
    assert logins == [b"AUTH XOAUTH2 " + base64.b64encode(token_login(USERNAME, TOKEN)) + b"\r\n"]
    assert (said[said.index(logins[0]) + 1] == b"\r\n") is challenged
    assert caught.value.failure.failure_class is FailureClass.AUTH
    assert "535 5.7.8 not accepted" in str(caught.value)
    assert ("status 400, scope https://mail.example/" in str(caught.value)) is challenged
    assert TOKEN not in str(caught.value)


async def test_imap_answers_the_challenge_with_an_empty_line() -> None:
    said: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK hello\r\n")
        tag = (await reader.readline()).split()[0]
        writer.write(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=PLAIN\r\n" + tag + b" OK done\r\n")
        tag = (await reader.readline()).split()[0]
        writer.write(b"+ \r\n")
        said.append(await reader.readline())
        writer.write(b"+ " + CHALLENGE + b"\r\n")
        said.append(await reader.readline())
        writer.write(tag + b" NO [AUTHENTICATIONFAILED] not accepted\r\n")
        said.append(await reader.readline())

    async with scripted_server(talk) as port:
        error = await refused_by_imap(in_clear(mailbox(port)), Witness(secret=TOKEN))
    assert said[0] == base64.b64encode(token_login("wharf", TOKEN)) + b"\r\n"
    assert said[1] == b"\r\n"
    assert b"LOGOUT" in said[2]
    assert error.failure.failure_class is FailureClass.AUTH
    assert "status 400, scope https://mail.example/" in str(error)
    assert TOKEN not in str(error)


@pytest.mark.parametrize("challenge", [b"+ !!!\r\n", b"+ AA\r\n"])
async def test_a_challenge_that_is_no_base64_is_a_broken_server(challenge: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK hello\r\n")
        tag = (await reader.readline()).split()[0]
        writer.write(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n" + tag + b" OK done\r\n")
        await reader.readline()
        writer.write(b"+ \r\n")
        await reader.readline()
        writer.write(challenge)
        await reader.readline()

    async with scripted_server(talk) as port:
        error = await refused_by_imap(in_clear(mailbox(port)), Witness(secret=TOKEN))
    assert error.failure.failure_class is FailureClass.NETWORK


@pytest.mark.parametrize("secret", ["two words", "line\nbreak", "\1auth=Bearer x", "", "tökén", '{"access_token":"x"}'])
def test_what_cannot_be_a_token_is_not_sent(secret: str) -> None:
    with pytest.raises(TransferFailed, match="no access token") as caught:
        token_login(USERNAME, secret)
    assert caught.value.failure.failure_class is FailureClass.CONFIG
    assert not secret or secret not in str(caught.value)


def test_the_password_can_be_a_token() -> None:
    """The servers of these tests take their password for a token."""
    assert token_login(USERNAME, PASSWORD)


@given(challenge=st.binary(max_size=300) | st.text(max_size=60).map(str.encode))
def test_any_challenge_is_harmless(challenge: bytes) -> None:
    assert challenge_reason(challenge).isprintable()
    assert challenge_reason(challenge_in(challenge.decode("latin-1"))).isprintable()


def test_a_deep_challenge_is_harmless() -> None:
    assert challenge_reason(b"[" * 100_000) == ""


class TestConnection:
    def test_a_token_never_goes_in_clear(self) -> None:
        with pytest.raises(ValueError, match="must not be none with auth = xoauth2"):
            mailbox(143, tls="none")

    def test_a_token_needs_a_user_and_a_secret(self) -> None:
        with pytest.raises(ValueError, match="is missing"):
            smtp_connection(587, auth="xoauth2", username=None)
        with pytest.raises(ValueError, match="is missing"):
            smtp_connection(587, auth="xoauth2", secret=None)
        with pytest.raises(ValueError, match="is missing"):
            smtp_connection(587, auth="xoauth2", username=None, secret=None)
