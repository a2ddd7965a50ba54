"""A client for FTP and FTPS: from the event loop to the thread in which a session is served with blocking calls.

Through the event loop each command cost several wake-ups and each file a dozen; a thread that serves a whole window of
commands or files at once costs one, and leaves the interpreter to others while it waits. Its calls cannot be cancelled:
whoever stops waiting drops the client, which wakes the thread. Nothing waits through `asyncio.wait_for`, which loses
cancellations on Python 3.11.
"""

import asyncio
import codecs
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from tui.domain.failure import TransferFailed
from tui.methods.blocks import Block
from tui.methods.dial import Peer, Way
from tui.methods.ftp_control import LostAhead, NotFtp, Refused, Reply, Unsendable
from tui.methods.ftp_data import DataConnection, DataThread, signs_of_life
from tui.methods.ftp_dialogue import Dialogue
from tui.methods.ftp_renaming import rename_each
from tui.methods.narration import SILENT, Narrator

__all__ = ["DataChannel", "FtpsClient", "LostAhead", "NotFtp", "Refused", "Reply", "Unsendable"]

_File = TypeVar("_File")
_Result = TypeVar("_Result")


class FtpsClient:
    """One control connection and at most one transfer at a time. After any error but Refused and Unsendable, and after
    a cancellation, it must be dropped.

    `inspect` is called with the TLS layer of every connection, control and data, in a thread, and raises what it likes
    when the peer is not the right one. The way is the client's own: it goes with it.
    """

    def __init__(self, inspect: Callable[[ssl.SSLSocket], object], way: Way, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self._inspect = inspect
        self._way = way
        self._peer: Peer | None = None
        self._thread: DataThread | None = None
        self._dialogue: Dialogue | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reaching: Future[socket.socket] | None = None
        self._dropped = False

    # Control connection

    async def reach(self, peer: Peer, narrator: Narrator) -> None:
        """Connect, over the way there. Nothing is read yet, and nothing is encrypted. Raises TransferFailed."""
        self._peer = peer
        connected = await self._way.connect(peer, narrator)
        if self._dropped:
            connected.close()
            raise ConnectionAbortedError("dropped while connecting")
        self._thread = DataThread()
        self._loop = asyncio.get_running_loop()
        reach = None if self._way.is_direct else self._reach_port
        self._dialogue = Dialogue(connected, self.encoding, self._thread, self._inspect, reach)

    def _reach_port(self, port: int) -> socket.socket:
        """Connect over the way there, which is the event loop's to do; for the thread. Those who connect for us alone
        know the server's address, so its name must do."""
        assert self._peer is not None and self._loop is not None  # noqa: S101, PT018 - reach() has set them
        peer = Peer(self._peer.host, port, self._peer.patience)
        self._reaching = asyncio.run_coroutine_threadsafe(self._way.connect(peer, SILENT), self._loop)
        if self._dropped:
            self._reaching.cancel()
        return self._reaching.result()

    async def encrypt(self, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        """Start TLS on the control connection and have the peer inspected."""
        return await self._do(partial(self._spoken.encrypt, context, host))

    async def exchange(self, command: str | None, *, secret_after: int | None = None) -> Reply:
        """Send a command, None for no command, and read the final answer to it, whatever it is."""
        control = self._spoken.control

        def exchange() -> Reply:
            if command is not None:
                control.send(command, secret_after=secret_after)
            return control.final()

        return await self._do(exchange)

    async def demand(self, command: str, codes: str = "2xx") -> Reply:
        """Send a command. Raises Refused unless the code of the answer is like this."""
        return await self._do(partial(self._spoken.control.demand, command, codes))

    async def exchange_each(self, commands: Sequence[str], patience: float) -> list[Reply]:
        """Send commands together and read the answer to each. Raises LostAhead when for so many seconds nothing comes
        after the first answer."""
        return await self._do(partial(self._spoken.control.exchange_each, commands, patience))

    async def rename_each(self, names: Sequence[tuple[str, str]], ahead: float | None) -> list[Exception | None]:
        """As the function of that name."""
        return await self._do(partial(rename_each, self._spoken.control, names, ahead))

    @property
    def speaks_utf8(self) -> bool:
        """Whether names are in UTF-8, as RFC 2640 wants it."""
        return codecs.lookup(self.encoding).name == "utf-8"

    @property
    def is_dropped(self) -> bool:
        """Whether `drop` was called."""
        return self._dropped

    def drop(self) -> None:
        """Drop all connections at once; whoever waits for them wakes up with an error. For good."""
        if self._dialogue is not None and not self._dropped:
            self._dialogue.break_off()
            self._end_thread()
        self._dropped = True
        if self._reaching is not None:
            self._reaching.cancel()
        self._way.abort()

    async def hang_up(self) -> None:
        """Close in good order, the way after the connection."""
        if self._dialogue is not None and not self._dropped:
            self._dropped = True
            # A cancellation must not take the closing back, which may still wait for its turn in the thread.
            await asyncio.shield(asyncio.wrap_future(self._end_thread()))
        await self._way.close()

    def _end_thread(self) -> "Future[None]":
        assert self._thread is not None  # noqa: S101 - made with the dialogue
        closing = self._thread.executor.submit(self._spoken.close)
        self._thread.end()
        return closing

    @property
    def _spoken(self) -> Dialogue:
        assert self._dialogue is not None  # noqa: S101 - reach() has set it
        return self._dialogue

    async def _do(self, work: Callable[[], _Result]) -> _Result:
        """Have the thread do something."""
        if self._dropped:
            raise ConnectionAbortedError("the connection was dropped")
        assert self._thread is not None  # noqa: S101 - reach() has set it
        # In our context, in which logs are scrubbed of the secret.
        work_in_context = partial(copy_context().run, work)
        return await asyncio.get_running_loop().run_in_executor(self._thread.executor, work_in_context)

    # Transfers

    @property
    def data_tls(self) -> str | None:
        """Of the latest data connection: TLS version and whether the session was resumed. None without TLS."""
        return self._spoken.data_tls

    @property
    def announced(self) -> str | None:
        """The address that PASV named last, where it is not the one that data connections go to."""
        return self._spoken.announced

    async def begin(self, command: str, offset: int = 0) -> "DataChannel":
        """Start a transfer with its command, such as `RETR name`, at an offset. Raises Refused when the server will
        not."""
        return DataChannel(self, await self._do(partial(self._spoken.begin, command, offset)))

    async def fetch_each(
        self, files: Sequence[tuple[str, int]], alive: Callable[[], None]
    ) -> "list[bytes | Exception]":
        """The bytes of files of these names and sizes, small ones, in turn."""
        heard = signs_of_life(alive)
        return await self._do(partial(_each, partial(self._spoken.fetch, heard=heard), files))

    async def store_each(
        self, files: Sequence[tuple[str, bytes]], alive: Callable[[], None]
    ) -> "list[Exception | None]":
        """Store small files in turn."""
        heard = signs_of_life(alive)
        return await self._do(partial(_each, partial(self._spoken.store, heard=heard), files))

    async def conclude(self, data: DataConnection) -> None:
        """As the function of that name of the dialogue."""
        await self._do(partial(self._spoken.conclude, data))

    async def explained(self, error: OSError) -> Exception:
        """As the function of that name of the dialogue."""
        return error if self._dropped else await self._do(partial(self._spoken.explained, error))


class DataChannel:
    """The data connection of one transfer. Ends with `finish` or with dropping the client."""

    def __init__(self, client: FtpsClient, data: DataConnection) -> None:
        self._client = client
        self._data = data
        self.finished = False
        """Whether the server's verdict has been read, so that the control connection is free for the next command."""

    async def read(self) -> Block:
        """The next bytes, as many as there are up to a block; empty at the end."""
        try:
            block = await self._data.receive()
        except OSError as error:
            raise await self._client.explained(error) from error
        if not block and self._client.is_dropped:
            # A connection that was dropped looks like one that has come to its end.
            raise ConnectionAbortedError("the connection was dropped")
        return block

    async def write(self, data: Block, alive: Callable[[], None]) -> None:
        """Send; returns when most of it has left. `alive` is called while the server takes it."""
        try:
            await self._data.send(data, alive)
        except OSError as error:
            raise await self._client.explained(error) from error

    async def finish(self) -> None:
        """Close the data connection properly, and read the server's confirmation. Raises Refused when it says that the
        transfer failed."""
        try:
            await self._client.conclude(self._data)
        except Refused:
            self.finished = True
            raise
        self.finished = True


def _each(work: Callable[[_File], _Result], files: Sequence[_File]) -> "list[_Result | Exception]":
    """What has become of each: an answer, a refusal, or the error that was the end for all that come after it."""
    outcomes: list[_Result | Exception] = []
    for file in files:
        try:
            outcomes.append(work(file))
        except (Refused, Unsendable) as error:
            outcomes.append(error)
        except (OSError, NotFtp, TransferFailed) as error:
            return outcomes + [error] * (len(files) - len(outcomes))
    return outcomes
