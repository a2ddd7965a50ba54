"""What an FTP session makes of what a server says: refusals, oddities and attacks."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime

import pytest

from tests.methods.ftp_support import FakeFtp, Story, ftp_connection, get, opened, put
from tests.servers.certificates import Certificates, ServerCertificate
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import FtpTls
from tui.methods.base import CannotContinue, Entry, Staged
from tui.methods.ftp import FtpSession, identify
from tui.methods.ftp_replies import refusal
from tui.methods.ftps_client import Reply

ENTRY = Entry.named("a.csv", 5, None, "/in/a.csv")
STAGED = Staged(ENTRY, 5, "")


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


def _showing(certificate: ServerCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


@pytest.mark.parametrize("pinned", [False, True])
async def test_a_data_connection_must_show_the_right_certificate_too(certificates: Certificates, pinned: bool) -> None:
    trust = {"fingerprint": certificates.good.fingerprint} if pinned else {"ca_file": str(certificates.ca_file)}
    server = FakeFtp(data={"RETR": b"12345"}, tls=_showing(certificates.good), data_tls=_showing(certificates.good))
    async with server.running():
        connection = ftp_connection(server.port, FtpTls.EXPLICIT, trust)
        async with opened(connection) as session:
            assert await get(session, ENTRY) == b"12345"
            server.data_tls = _showing(certificates.self_signed)
            with pytest.raises(TransferFailed) as caught:
                await get(session, ENTRY)

    assert caught.value.failure.failure_class is FailureClass.TLS
    assert server.verbs()[:5] == ["AUTH", "PBSZ", "PROT", "USER", "PASS"]


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


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("552 Quota exceeded", FailureClass.SPACE),
        ("452 Disk full", FailureClass.SPACE),
        ("450 File busy", FailureClass.REFUSED),
        ("426 Connection closed", FailureClass.NETWORK),
        ("451 Local error", FailureClass.REFUSED),
        ("553 Could not create file.", FailureClass.PERMISSION),
        ("550 a.csv: Permission denied", FailureClass.PERMISSION),
        ("522 SSL session reuse required", FailureClass.TLS),
    ],
)
async def test_a_refused_upload_says_why_and_the_session_goes_on(answer: str, expected: FailureClass) -> None:
    async with FakeFtp({"STOR": answer}).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await put(session, "a.csv", b"12345")
        assert await session.staged_size(ENTRY) == 5

    assert caught.value.failure.failure_class is expected
    assert answer in str(caught.value)


async def test_a_download_shorter_than_the_file_is_no_success_although_the_server_says_so() -> None:
    async with FakeFtp(data={"RETR": b"123"}).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await get(session, ENTRY)

    assert caught.value.failure.failure_class is FailureClass.INTEGRITY


@pytest.mark.parametrize(("size", "expected"), [("213 5", FailureClass.PERMISSION), ("550 no", FailureClass.NOT_FOUND)])
async def test_an_unclear_refusal_to_read_is_cleared_up_by_looking(size: str, expected: FailureClass) -> None:
    answers: dict[str, str | None] = {"RETR": "550 Failed to open file.", "SIZE": size}
    async with FakeFtp(answers).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await get(session, ENTRY)

    assert caught.value.failure.failure_class is expected


async def test_a_server_that_will_not_replace_a_file_keeps_it() -> None:
    async with FakeFtp({"RNTO": "553 File exists"}).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await session.publish([STAGED])

    assert caught.value.failure.failure_class is FailureClass.REJECTED
    assert "DELE" not in server.verbs()


async def test_what_is_gone_already_is_discarded_without_complaint() -> None:
    answers: dict[str, str | None] = {"DELE": "550 Delete operation failed.", "SIZE": "550 no such file"}
    async with FakeFtp(answers).running() as server, opened(server.connection()) as session:
        await session.discard(ENTRY)

    assert "DELE a.csv.wharf-part" in server.commands


async def test_what_cannot_be_removed_is_said() -> None:
    async with FakeFtp({"DELE": "550 no."}).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await session.discard(ENTRY)

    assert caught.value.failure.failure_class is FailureClass.PERMISSION


async def test_an_empty_listing_is_asked_for_in_a_second_way() -> None:
    server = FakeFtp(data={"LIST": b"", "NLST": b"a.csv\r\n"})
    async with server.running(), opened(server.connection()) as session:
        entries = await session.list_files()

    assert [(entry.name, entry.size) for entry in entries] == [("a.csv", 5)]


async def test_a_listing_in_an_unknown_form_is_told_and_asked_for_in_a_second_way() -> None:
    server, story = FakeFtp(data={"LIST": b"PGP001 3380 PO A.CSV\r\n", "NLST": b"A.CSV\r\n"}), Story()
    async with server.running(), opened(server.connection(), story) as session:
        entries = await session.list_files()

    assert [entry.name for entry in entries] == ["A.CSV"]
    assert "1 line of the listing in no known form, such as “PGP001 3380 PO A.CSV”" in story.told()


async def test_a_folder_with_folders_only_is_not_asked_for_twice() -> None:
    server = FakeFtp(data={"LIST": b"drwxr-xr-x 2 a b 4096 Feb 23 19:50 done\r\n", "NLST": b"done\r\n"})
    async with server.running(), opened(server.connection()) as session:
        assert await session.list_files() == []

    assert "NLST" not in server.verbs()


async def test_an_empty_folder_is_empty() -> None:
    server = FakeFtp({"NLST": "550 No files found"}, data={"LIST": b"total 0\r\n"})
    async with server.running(), opened(server.connection()) as session:
        assert await session.list_files() == []


async def test_an_empty_listing_of_a_folder_that_is_not_empty_is_no_listing() -> None:
    status = "213-Status follows:\n-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv\n213 End of status"
    server = FakeFtp({"STAT": status}, data={"LIST": b"", "NLST": b""})
    async with server.running(), opened(server.connection()) as session:
        with pytest.raises(TransferFailed, match="an empty listing of a folder in which it sees 1 file") as caught:
            await session.list_files()

    assert caught.value.failure.retryable


@pytest.mark.parametrize("status", ["211-FakeFtp\n Logged in as wharf\n211 End", "500 what?", "213-x\n213 y", "211 ok"])
async def test_a_status_that_shows_no_file_leaves_an_empty_folder_empty(status: str) -> None:
    server = FakeFtp({"STAT": status}, data={"LIST": b"", "NLST": b""})
    async with server.running(), opened(server.connection()) as session:
        assert await session.list_files() == []


async def test_what_only_the_second_way_shows_beside_files_that_can_be_read_is_not_missed() -> None:
    listing = "-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv\r\n-rw-r--r-- 1 a b 5 févr. 2  2026 b.csv\r\n"
    server = FakeFtp(data={"LIST": listing.encode(), "NLST": b"a.csv\r\nb.csv\r\n"})
    async with server.running(), opened(server.connection()) as session:
        entries = await session.list_files()

    assert [(entry.name, entry.size) for entry in entries] == [("a.csv", 5), ("b.csv", 5)]


async def test_files_whose_size_cannot_be_learned_are_refused_with_a_sentence() -> None:
    server = FakeFtp({"FEAT": "500 what?", "SIZE": "500 what?"}, data={"LIST": b"IN.CSV;1 1/3 11-FEB-2020\r\n"})
    server.data["NLST"] = b"IN.CSV;1\r\n"
    async with server.running(), opened(server.connection()) as session:
        with pytest.raises(TransferFailed, match="in any form that Wharf knows") as caught:
            await session.list_files()

    assert caught.value.failure.failure_class is FailureClass.REJECTED
    assert "MLSD" in caught.value.failure.remedy


async def test_without_size_what_is_there_is_looked_for_in_a_listing() -> None:
    server = FakeFtp({"FEAT": "500 what?", "SIZE": "502 no"}, data={"NLST": b"a.csv\r\n"})
    async with server.running(), opened(server.connection()) as session:
        assert await session.exists("a.csv")
        assert not await session.exists("b.csv")
        server.data["NLST"] = b"done/a.csv\r\n"
        server.data["LIST"] = b"-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv.wharf-gone\r\n"

    moving = {"direction": "inbound", "after": "move", "move_to": "done"}
    async with server.running(), opened(server.connection(**moving)) as session:
        await session.settle(ENTRY)
    assert "NLST done" in server.commands
    assert "RNTO done/a-2.csv" in server.commands


async def test_mdtm_without_size_tells_one_time_in_listing_and_fresh_look() -> None:
    line = b"-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv\r\n"
    server = FakeFtp({"FEAT": "211-F\n MDTM\n211 End", "SIZE": "500 what?"}, data={"LIST": line})
    async with server.running(), opened(server.connection()) as session:
        (entry,) = await session.list_files()
        assert await session.stat(entry) == entry

    assert entry.mtime == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("name", [" a.csv", "a.csv ", " "])
async def test_names_that_would_lose_a_space_are_refused_both_ways(name: str) -> None:
    server = FakeFtp({"FEAT": "211-F\n MLST size*;\n211 End"})
    server.data["MLSD"] = f"type=file;size=5;modify=20260102030405; {name}\r\n".encode()
    async with server.running(), opened(server.connection()) as session:
        (entry,) = await session.list_files()
        assert (entry.name, entry.problem) == (name, "the name begins or ends with a space, which gets lost over FTP")
        with pytest.raises(TransferFailed, match="gets lost over FTP") as caught:
            await put(session, name, b"12345")

    assert caught.value.failure.failure_class is FailureClass.UNSAFE_NAME
    assert "STOR" not in server.verbs()


UTF8 = "211-F\n MLST size*;\n UTF8\n211 End"


async def test_names_are_read_and_written_in_the_encoding_of_the_connection() -> None:
    server = FakeFtp({"FEAT": UTF8, "PWD": '257 "/für uns"'}, encoding="cp1252")
    server.data = {"MLSD": "type=file;size=5; größe €.csv\r\n".encode("cp1252"), "RETR": b"12345"}
    story = Story()
    options = {"encoding": "cp1252", "directory": "für uns"}
    async with server.running(), opened(server.connection(endpoint=options), story) as session:
        (entry,) = await session.list_files()
        assert (entry.name, entry.key, entry.problem) == ("größe €.csv", "/für uns/größe €.csv", None)
        await get(session, entry)
        with pytest.raises(TransferFailed, match="has no characters for") as caught:
            await put(session, "漢字.csv", b"12345")

    assert caught.value.failure.failure_class is FailureClass.UNSAFE_NAME
    assert {"OPTS UTF8 OFF", "CWD für uns", "RETR größe €.csv"} <= set(server.commands)
    assert "names are read and written as cp1252" in story.told()


async def test_utf8_is_switched_on_where_it_is_offered_and_other_names_are_unsafe() -> None:
    server = FakeFtp({"FEAT": UTF8}, data={"MLSD": b"type=file;size=5; gr\xf6\xdfe.csv\r\n"})
    async with server.running(), opened(server.connection()) as session:
        (entry,) = await session.list_files()

    assert entry.problem == "the name is not valid text in the server's encoding"
    assert "OPTS UTF8 ON" in server.commands


@pytest.mark.parametrize("row", [b"-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv\r\n" * 1000, b"\n" * 50_000, b"x" * 100_000])
async def test_an_endless_listing_is_cut_and_told(row: bytes) -> None:
    server = FakeFtp(data={"LIST": row}, endless=("LIST",))
    async with server.running(), opened(server.connection()) as session:
        with pytest.raises(TransferFailed, match=r"sent a listing of [0-9,]+ lines? and more") as caught:
            await session.list_files()

    assert caught.value.failure.failure_class is FailureClass.NETWORK


async def test_endless_preliminary_answers_are_cut_and_told() -> None:
    server = FakeFtp({"SIZE": "\n".join(["150 wait"] * 1000)})
    async with server.running(), opened(server.connection()) as session:
        with pytest.raises(TransferFailed, match="preliminary answers"):
            await session.staged_size(ENTRY)


async def test_mdtm_is_asked_only_for_files_that_matter() -> None:
    lines = "".join(f"-rw-r--r-- 1 a b 5 Jan  2  2026 {name}\r\n" for name in ("a.csv", "b.txt", "c.csv"))
    server = FakeFtp(data={"LIST": lines.encode()})
    async with server.running(), opened(server.connection(pattern="*.csv")) as session:
        entries = await session.list_files()
        assert await session.stat(entries[0]) == entries[0]

    assert len(entries) == 3
    assert [command for command in server.commands if command.startswith("MDTM")] == [
        "MDTM a.csv",
        "MDTM c.csv",
        "MDTM a.csv",
    ]


async def test_without_mdtm_the_fresh_look_is_another_listing() -> None:
    server = FakeFtp({"FEAT": "500 what?"}, data={"LIST": b"-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv\r\n"})
    async with server.running(), opened(server.connection()) as session:
        entries = await session.list_files()
        assert await session.stat(entries[0]) == entries[0]
        assert await session.stat(Entry.named("b.csv", 1, None, "/in/b.csv")) is None
        assert await session.staged_size(ENTRY) is None

    assert "MDTM" not in server.verbs()


async def test_mlsd_that_is_announced_but_missing_falls_back_to_list() -> None:
    line = b"-rw-r--r-- 1 a b 5 Jan  2  2026 a.csv\r\n"
    server = FakeFtp({"FEAT": "211-F\n MLST size*;\n MDTM\n SIZE\n211 End"}, data={"LIST": line})
    server.answers["MLSD"] = "502 not here"
    async with server.running(), opened(server.connection()) as session:
        entries = await session.list_files()
        assert await session.stat(entries[0]) == entries[0]

    assert [entry.name for entry in entries] == ["a.csv"]


HOSTILE = ["../../etc/passwd", "a[/red].csv", "\x1b]0;owned\x07.csv", "x" * 4000, "..", "C:\\boot.ini", "\udcff.csv"]


async def test_hostile_names_are_listed_with_their_problem_and_never_sent() -> None:
    lines = "".join(f"type=file;size=5;modify=20260102030405; {name}\r\n" for name in HOSTILE)
    server = FakeFtp({"FEAT": "211-F\n MLST size*;\n211 End"}, data={"MLSD": lines.encode(errors="surrogateescape")})
    async with server.running(), opened(server.connection()) as session:
        entries = await session.list_files()

    assert [entry.name for entry in entries] == HOSTILE
    assert all(entry.problem for entry in entries)


async def test_a_name_with_a_line_break_cannot_stand_in_for_another_file() -> None:
    facts = "type=file;size=5;modify=20260102030405;"
    listing = f"{facts} a.csv\r\n{facts} x\n{facts} a.csv\r\n"
    server = FakeFtp({"FEAT": "211-F\n MLST size*;\n211 End"}, data={"MLSD": listing.encode()})
    async with server.running(), opened(server.connection()) as session:
        problems = [(entry.name, entry.problem) for entry in await session.list_files()]

    doubtful = "the server lists this name more than once"
    assert problems == [("a.csv", doubtful), ("x", None), ("a.csv", doubtful)]


@pytest.mark.parametrize("name", ["a\r\nDELE b.csv", "a\nQUIT", "a\0b", "\udcff", "a\x7fb"])
async def test_no_name_can_become_a_second_command(name: str) -> None:
    entry = Entry.named(name, 5, None, name)
    async with FakeFtp().running() as server, opened(server.connection()) as session:
        sent = len(server.commands)
        for use in (session.stat, session.discard, session.staged_size):
            with pytest.raises(TransferFailed) as caught:
                await use(entry)
            assert caught.value.failure.failure_class is FailureClass.UNSAFE_NAME
        assert server.commands[sent:] == []


async def test_the_address_that_pasv_announces_is_not_used() -> None:
    server, story = FakeFtp({"EPSV": "502 what?"}, data={"RETR": b"12345"}), Story()
    async with server.running(), opened(server.connection(), story) as session:
        assert await get(session, ENTRY) == b"12345"
        assert await get(session, ENTRY) == b"12345"

    assert server.verbs().count("EPSV") == 1
    told = [event.detail for event in story.events if "10.255.255.1" in event.detail]
    assert told == ["the server announces 10.255.255.1 for its data; the address that it is reached at is used"]


@pytest.mark.parametrize("form", ["227 Entering Passive Mode ({})", "227 {}", "227 at last, {}.", "227 =({})"])
async def test_pasv_is_understood_however_it_is_written(form: str) -> None:
    server = FakeFtp({"EPSV": "500 what?"}, data={"RETR": b"12345"}, pasv=form)
    async with server.running(), opened(server.connection()) as session:
        assert await get(session, ENTRY) == b"12345"


@pytest.mark.parametrize("answer", ["229 (|||0|)", "229 (|||70000|)", "229 nonsense", "229 (|||x|)"])
async def test_nonsense_for_a_port_is_a_broken_connection(answer: str) -> None:
    async with FakeFtp({"EPSV": answer}).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await get(session, ENTRY)

    assert caught.value.failure.failure_class is FailureClass.NETWORK


@pytest.mark.parametrize("verb", ["RETR", "STOR"])
async def test_a_file_in_the_hands_of_a_dead_session_is_begun_anew(verb: str) -> None:
    server = FakeFtp({"REST": "350 go on"}, data={"RETR": b"12345"}, mute=(verb,))
    async with server.running(), opened(server.connection(stall_timeout=1)) as session:
        with pytest.raises(CannotContinue, match="long dead"):
            if verb == "RETR":
                await session.read_staged(ENTRY, 0, 5)
            else:
                async with session.stage(ENTRY, keep=3):
                    pass
        server.mute = ()
        await put(session, "a.csv", b"12345")

    assert server.received == b"12345"
    assert server.verbs().count("USER") == 2


@pytest.mark.parametrize("answer", [None, "421 Timeout"])
async def test_a_lost_connection_is_made_again_on_the_next_use(answer: str | None) -> None:
    async with FakeFtp({"SIZE": answer}).running() as server, opened(server.connection()) as session:
        with pytest.raises(TransferFailed) as caught:
            await session.staged_size(ENTRY)
        assert caught.value.failure.retryable
        del server.answers["SIZE"]
        assert await session.staged_size(ENTRY) == 5

    assert server.verbs().count("USER") == 2


async def test_after_a_failed_login_the_session_is_not_taken_for_open() -> None:
    async with FakeFtp({"PASS": "530 no"}).running() as server:
        session = FtpSession(server.connection(), Story().surroundings())
        for _ in range(2):
            with pytest.raises(TransferFailed) as caught:
                await session.open()
            assert caught.value.failure.failure_class is FailureClass.AUTH

    assert server.verbs() == ["USER", "PASS"] * 2


async def test_a_dropped_session_does_not_come_back_by_itself() -> None:
    async with FakeFtp().running() as server, opened(server.connection()) as session:
        session.abort()
        with pytest.raises(TransferFailed) as caught:
            await session.discard(ENTRY)

    assert caught.value.failure.failure_class is FailureClass.NETWORK
    assert server.verbs().count("USER") == 1


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
