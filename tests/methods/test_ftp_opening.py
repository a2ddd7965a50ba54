"""What an FTP session makes of what a server says until it is open: refusals, oddities and attacks."""

import asyncio
import socket

import pytest

from tests.methods.ftp_support import FakeFtp, Story, ftp_connection, opened
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import FtpTls
from tui.methods.ftp import FtpSession, identify
from tui.methods.ftp_replies import refusal
from tui.methods.ftps_client import Reply


async def _failure_of_opening(server: FakeFtp, tls: FtpTls = FtpTls.NONE, story: Story | None = None) -> TransferFailed:
    async with server.running():
        with pytest.raises(TransferFailed) as caught:
            async with opened(ftp_connection(server.port, tls), story):
                pass
    return caught.value


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("530 Login incorrect.", FailureClass.AUTH),
        ("421 Too many connections", FailureClass.REFUSED),
        ("530 Non-anonymous sessions must use encryption.", FailureClass.TLS),
        ("332 account please", FailureClass.AUTH),
    ],
)
async def test_a_refused_login_says_why(answer: str, expected: FailureClass) -> None:
    error = await _failure_of_opening(FakeFtp({"PASS": answer}))

    assert error.failure.failure_class is expected
    assert answer in str(error)


async def test_the_password_is_not_in_the_failure_when_the_server_repeats_it() -> None:
    story = Story(password="hunter2")
    error = await _failure_of_opening(FakeFtp({"PASS": "530 wrong password hunter2"}), story=story)

    assert "hunter2" not in str(error)
    assert "hunter2" not in story.told()


@pytest.mark.parametrize("password", ["line\r\nDELE a.csv", "nul\0"])
async def test_a_password_that_is_more_than_one_line_is_not_sent(password: str) -> None:
    server = FakeFtp()
    error = await _failure_of_opening(server, story=Story(password=password))

    assert error.failure.failure_class is FailureClass.CONFIG
    assert server.verbs() == ["USER"]
    assert "DELE" not in str(error)


async def test_a_server_that_wants_a_password_where_there_is_none_is_a_matter_of_configuration() -> None:
    error = await _failure_of_opening(FakeFtp(), story=Story(password=None))

    assert error.failure.failure_class is FailureClass.CONFIG


@pytest.mark.parametrize(
    ("banner", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1"),
        (b"220-" + b"x" * 100_000 + b"\r\n", "more than 16384 bytes"),
        (b"220-welcome\r\n" + b"and so on\r\n" * 2000, "more than 1000 lines"),
        (b"\xff\xfe\x1b]0;owned\x07\r\n", "\\x1b]0;owned\\x07"),
    ],
    ids=["another protocol", "endless line", "endless answer", "no text"],
)
async def test_a_peer_that_does_not_speak_ftp_is_noticed_at_once(banner: bytes, words: str) -> None:
    error = await _failure_of_opening(FakeFtp(banner=banner))

    assert error.failure.failure_class is FailureClass.NETWORK
    assert words in str(error)


async def test_a_full_server_is_tried_again_later() -> None:
    error = await _failure_of_opening(FakeFtp(banner=b"421 Too many users\r\n"))

    assert error.failure.failure_class is FailureClass.REFUSED


async def test_a_closed_port_is_refused_and_retryable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        connection = ftp_connection(taken.getsockname()[1], FtpTls.NONE)
        with pytest.raises(TransferFailed) as caught:
            await FtpSession(connection, Story().surroundings()).open()

    assert caught.value.failure.failure_class is FailureClass.REFUSED


async def test_no_login_without_the_tls_that_was_asked_for() -> None:
    server, story = FakeFtp({"AUTH": "502 not here"}), Story()
    error = await _failure_of_opening(server, FtpTls.EXPLICIT, story)

    assert error.failure.failure_class is FailureClass.TLS
    assert server.verbs() == ["AUTH"]
    assert story.secrets_fetched == 0


async def test_text_in_clear_behind_the_answer_to_auth_is_an_attack() -> None:
    server, story = FakeFtp({"AUTH": "234 go ahead\n230 you are in already"}), Story()
    error = await _failure_of_opening(server, FtpTls.EXPLICIT, story)

    assert "in clear where TLS was to begin" in str(error)
    assert story.secrets_fetched == 0


async def test_implicit_tls_to_a_server_that_begins_in_clear_says_what_to_change() -> None:
    server = FakeFtp(banner=b"220 this is a long enough greeting in clear\r\n")
    error = await _failure_of_opening(server, FtpTls.IMPLICIT)

    assert error.failure.failure_class is FailureClass.TLS
    assert "explicit" in error.failure.remedy


async def test_without_tls_there_is_nothing_to_trust() -> None:
    with pytest.raises(TransferFailed) as caught:
        await identify(ftp_connection(1, FtpTls.NONE), Story().surroundings())

    assert caught.value.failure.failure_class is FailureClass.CONFIG


async def test_a_folder_that_is_not_there_is_not_found() -> None:
    server = FakeFtp({"CWD": "550 Failed to change directory."})
    async with server.running():
        with pytest.raises(TransferFailed) as caught:
            async with opened(server.connection(endpoint={"directory": "/missing"})):
                pass

    assert caught.value.failure.failure_class is FailureClass.NOT_FOUND
    assert "/missing" in str(caught.value)


async def test_steps_are_told_in_order_and_made_printable() -> None:
    story = Story()
    async with FakeFtp(banner=b"220 \x1b[31mred\x1b[0m\r\n").running() as server, opened(server.connection(), story):
        pass

    assert story.steps() == ["resolve", "connect", "greeting", "identity", "login", "features", "folder"]
    assert "\\x1b[31mred" in story.told()
    assert "not encrypted" in story.told()


async def test_after_a_failed_login_the_session_is_not_taken_for_open() -> None:
    async with FakeFtp({"PASS": "530 no"}).running() as server:
        session = FtpSession(server.connection(), Story().surroundings())
        for _ in range(2):
            with pytest.raises(TransferFailed) as caught:
                await session.open()
            assert caught.value.failure.failure_class is FailureClass.AUTH

    assert server.verbs() == ["USER", "PASS"] * 2


async def test_dropping_the_session_wakes_whoever_waits_for_the_server() -> None:
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        session = FtpSession(ftp_connection(port, FtpTls.NONE), Story().surroundings())
        opening = asyncio.create_task(session.open())
        await reached.wait()
        session.abort()
        with pytest.raises(TransferFailed) as caught:
            async with asyncio.timeout(2):
                await opening

    assert caught.value.failure.failure_class is FailureClass.NETWORK


async def test_a_host_name_that_does_not_resolve_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody)
    with pytest.raises(TransferFailed) as caught:
        await FtpSession(ftp_connection(21, FtpTls.NONE), Story().surroundings()).open()

    assert "does not resolve" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "failure_class"),
    [
        ("220", FailureClass.NETWORK),
        ("150", FailureClass.NETWORK),
        ("332", FailureClass.AUTH),
        ("530", FailureClass.AUTH),
        ("599", FailureClass.AUTH),
        ("499", FailureClass.REFUSED),
    ],
)
def test_a_yes_to_something_else_is_no_refused_login(code: str, failure_class: FailureClass) -> None:
    failed = refusal(Reply(code, ("ready",)), "The login", otherwise=FailureClass.AUTH)
    assert failed.failure.failure_class is failure_class
