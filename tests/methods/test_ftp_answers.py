"""What an open FTP session makes of what a server says: refusals, oddities and attacks."""

import ssl
from datetime import UTC, datetime

import pytest

from tests.methods.ftp_support import FakeFtp, Story, ftp_connection, get, opened, put
from tests.servers.certificates import Certificates, ServerCertificate
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import FtpTls
from tui.methods.base import CannotContinue, Entry, Staged

ENTRY = Entry.named("a.csv", 5, None, "/in/a.csv")
STAGED = Staged(ENTRY, 5, "")


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


async def test_a_passing_fault_is_no_answer_to_whether_a_file_is_there() -> None:
    async with (
        FakeFtp({"MLST": "450 Busy", "SIZE": "450 Busy"}).running() as server,
        opened(server.connection()) as session,
    ):
        with pytest.raises(TransferFailed):
            await session.exists("a.csv")


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


async def test_a_dropped_session_does_not_come_back_by_itself() -> None:
    async with FakeFtp().running() as server, opened(server.connection()) as session:
        session.abort()
        with pytest.raises(TransferFailed) as caught:
            await session.discard(ENTRY)

    assert caught.value.failure.failure_class is FailureClass.NETWORK
    assert server.verbs().count("USER") == 1
