"""Many files at once over one FTP session: every answer is made out to be that of its own command, or of none."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.ftp_support import FakeFtp, Story, opened
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Entry, Staged
from tui.methods.ftp_control import ControlConnection, NotFtp, Refused
from tui.methods.ftp_data import DataConnection, DataThread
from tui.methods.ftp_renaming import rename_each

LIMIT = 2.0
"""Seconds within which any wait can be cancelled."""
MANY = [Entry.named(f"{number}.csv", number, None, f"/in/{number}.csv") for number in range(40)]
SIZES: dict[str, str | None] = {f"SIZE {entry.name}": f"213 {entry.size}" for entry in MANY}
FEW = MANY[:3]


def _classes(outcomes: list[TransferFailed | None]) -> list[FailureClass | None]:
    return [None if outcome is None else outcome.failure.failure_class for outcome in outcomes]


async def test_many_files_are_looked_at_in_few_windows_and_each_gets_its_own_answer() -> None:
    gone: dict[str, str | None] = {"SIZE 7.csv": "550 no such file", "SIZE 20.csv": "451 disk trouble"}
    server = FakeFtp(SIZES | gone)
    async with server.running(), opened(server.connection()) as session:
        found = await session.stat_each(MANY)

    sizes = [one.size if isinstance(one, Entry) else one for one in found]
    assert sizes[7] is None
    assert "451 disk trouble" in str(sizes[20])
    assert [size for place, size in enumerate(sizes) if place not in (7, 20)] == [
        entry.size for place, entry in enumerate(MANY) if place not in (7, 20)
    ]


async def test_a_server_that_loses_what_is_sent_ahead_is_asked_one_by_one_and_each_gets_its_own_answer() -> None:
    server, story = FakeFtp(SIZES, loses_ahead=True), Story()
    async with server.running(), opened(server.connection(stall_timeout=5), story) as session:
        assert [one.size for one in await session.stat_each(MANY) if isinstance(one, Entry)] == list(range(40))
        again = len(server.commands)
        assert [one.size for one in await session.stat_each(MANY) if isinstance(one, Entry)] == list(range(40))
        assert await session.publish_each([Staged(entry, entry.size, "") for entry in FEW]) == [None] * 3

    # It was learned once. What the lost window said was thrown away with its connection.
    assert server.verbs().count("USER") == 2
    assert "USER" not in [command.split(" ")[0] for command in server.commands[again:]]
    assert story.steps().count("commands") == 1
    assert [command for command in server.commands if command.startswith("RN")] == [
        f"{verb} {name}" for entry in FEW for verb, name in (("RNFR", f"{entry.name}.wharf-part"), ("RNTO", entry.name))
    ]


@pytest.mark.parametrize("noop", ["200 done", "500 what?"])
async def test_one_answer_too_many_makes_all_of_them_worthless(noop: str) -> None:
    server = FakeFtp(SIZES | {"SIZE 1.csv": "213 1\n213 77", "NOOP": noop})
    async with server.running(), opened(server.connection()) as session:
        found = await session.stat_each(MANY[:5])
        assert all(isinstance(one, TransferFailed) and one.failure.retryable for one in found)
        assert "more answers" in str(found[0])
        del server.answers["SIZE 1.csv"]
        server.answers |= SIZES
        assert [one.size for one in await session.stat_each(FEW) if isinstance(one, Entry)] == [0, 1, 2]


async def test_a_server_without_a_command_to_count_by_is_asked_one_by_one() -> None:
    server, story = FakeFtp(SIZES | {"NOOP": "500 what?"}), Story()
    async with server.running(), opened(server.connection(), story) as session:
        assert [one.size for one in await session.stat_each(MANY) if isinstance(one, Entry)] == list(range(40))

    assert server.verbs().count("NOOP") == 1
    assert story.steps().count("commands") == 1


async def test_a_server_that_leaves_in_the_middle_of_a_window_has_answered_nothing() -> None:
    server = FakeFtp(SIZES | {"SIZE 2.csv": "421 bye"})
    async with server.running(), opened(server.connection()) as session:
        found = await session.stat_each(MANY[:5])

    assert [one.failure.failure_class for one in found if isinstance(one, TransferFailed)] == [FailureClass.REFUSED] * 5


async def test_a_file_that_cannot_be_had_does_not_keep_the_others() -> None:
    server = FakeFtp({"RETR 1.csv": "550 Failed to open file.", "SIZE 1.csv": "550 no"}, data={"RETR": b"12345"})
    async with server.running(), opened(server.connection()) as session:
        found = await session.read_each([Entry.named(f"{number}.csv", 5, None, f"{number}") for number in range(3)])

    assert found[0] == found[2] == b"12345"
    assert isinstance(found[1], TransferFailed)
    assert found[1].failure.failure_class is FailureClass.NOT_FOUND
    assert server.verbs().count("USER") == 1


async def test_a_small_file_that_never_ends_is_cut_off() -> None:
    server = FakeFtp(data={"RETR": b"x" * 65536}, endless=("RETR",))
    async with server.running(), opened(server.connection()) as session:
        found = await session.read_each(FEW)

    assert all(isinstance(one, TransferFailed) and "bytes of a file of 0" in str(one) for one in found)


async def test_a_small_file_that_ends_early_is_not_taken_for_whole() -> None:
    async with FakeFtp(data={"RETR": b"123"}).running() as server, opened(server.connection()) as session:
        (found,) = await session.read_each([MANY[5]])

    assert isinstance(found, TransferFailed)
    assert found.failure.failure_class is FailureClass.INTEGRITY


async def test_small_files_that_are_refused_say_why_and_the_others_are_stored() -> None:
    server = FakeFtp({"STOR 1.csv.wharf-part": "552 Quota exceeded"})
    async with server.running(), opened(server.connection()) as session:
        outcomes = await session.stage_each([(entry, b"12345") for entry in FEW])

    assert _classes(outcomes) == [None, FailureClass.SPACE, None]
    assert server.verbs().count("USER") == 1


@pytest.mark.parametrize("waits_for", ["RETR", "STOR", "EPSV", "SIZE"])
async def test_a_silent_server_can_be_left_at_once(waits_for: str) -> None:
    async with FakeFtp(mute=(waits_for,)).running() as server, opened(server.connection()) as session:
        calls: dict[str, Callable[[], Awaitable[Sequence[object]]]] = {
            "RETR": lambda: session.read_each(FEW),
            "EPSV": lambda: session.read_each(FEW),
            "STOR": lambda: session.stage_each([(entry, b"1") for entry in FEW]),
            "SIZE": lambda: session.stat_each(FEW),
        }
        waiting = asyncio.ensure_future(calls[waits_for]())
        ended, _ = await asyncio.wait({waiting}, timeout=0.1)
        assert not ended
        async with asyncio.timeout(LIMIT):
            session.abort()
            found = await waiting

    assert all(isinstance(one, TransferFailed) for one in found)


async def test_a_data_connection_that_nobody_accepts_can_be_left_at_once() -> None:
    """A firewall that drops what comes to the ports of data."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as first:
        address = listener.getsockname()
        first.connect(address)
        thread = DataThread()
        data = DataConnection(socket.socket(), thread)
        connecting = asyncio.get_running_loop().run_in_executor(thread.executor, data.connect, address)
        ended, _ = await asyncio.wait({connecting}, timeout=0.1)
        assert not ended
        data.break_off()
        async with asyncio.timeout(LIMIT):
            await asyncio.wait({connecting})
        assert isinstance(connecting.exception(), OSError)
        thread.end()


@dataclass
class Forgetful:
    """A server that renames, and remembers the file of the last RNFR that it has accepted, whatever came after it."""

    refused: set[str]
    files: dict[str, str]
    in_mind: str | None = None
    asked: list[str] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        for line in connection.makefile("rb"):
            command = line.decode().strip()
            self.asked.append(command)
            verb, _, name = command.partition(" ")
            connection.sendall(self._answer(command, verb, name).encode() + b"\r\n")

    def _answer(self, command: str, verb: str, name: str) -> str:
        if command in self.refused:
            return "550 no"
        if verb == "RNFR":
            self.in_mind = name
            return "350 and now"
        if self.in_mind is None:
            return "503 which?"
        self.files[name] = self.files.pop(self.in_mind)
        self.in_mind = None
        return "250 renamed"


@given(st.lists(st.sampled_from(["", "RNFR", "RNTO"]), max_size=8), st.booleans())
def test_no_file_ever_gets_the_name_of_another(refusals: list[str], together: bool) -> None:
    files = {f"{place}.part": f"content {place}" for place in range(len(refusals))}
    refused = {f"{verb} {place}.{'part' if verb == 'RNFR' else 'csv'}" for place, verb in enumerate(refusals) if verb}
    server = Forgetful(refused, files)
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as executor, theirs:
        serving = executor.submit(server.serve, theirs)
        control = ControlConnection(ours, "utf-8")
        names = [(f"{place}.part", f"{place}.csv") for place in range(len(refusals))]
        outcomes = rename_each(control, names, LIMIT if together else None)
        control.close()
        serving.result()

    assert [isinstance(outcome, Refused) for outcome in outcomes] == [bool(verb) for verb in refusals]
    assert server.files == {
        f"{place}.{'part' if verb else 'csv'}": f"content {place}" for place, verb in enumerate(refusals)
    }


def test_an_answer_that_fits_no_renaming_ends_it() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"350 and now\r\n226 complete\r\n250 renamed\r\n")
        control = ControlConnection(ours, "utf-8")
        outcomes = rename_each(control, [("a", "b"), ("c", "d"), ("e", "f")], LIMIT)
        control.close()
        said = theirs.recv(1000).decode()

    assert outcomes[0] is None
    assert all(isinstance(outcome, NotFtp) for outcome in outcomes[1:])
    assert "RNTO d" not in said
