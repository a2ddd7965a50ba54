"""The control connection of an FTP session: made when it is needed, thrown away when it cannot be trusted any more.

After a transfer that was cut short the server's answer to it would be taken for the answer to the next command; so the
connection goes, and the next use makes a new one.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias, TypeVar

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import CannotContinue, Each, Surroundings
from tui.methods.ftp_login import Features, FtpDoor, translated
from tui.methods.ftps_client import DataChannel, FtpsClient, LostAhead, NotFtp, Refused, Reply, Unsendable

Answer: TypeAlias = Reply | Unsendable
"""What has come of a command: an answer, or that it cannot be sent."""

_Found = TypeVar("_Found")

_GOODBYE_WAIT = 2.0
"""Seconds the server gets to answer QUIT."""


class FtpLink:
    """One control connection at a time to the server of a connection."""

    def __init__(self, connection: Connection, surroundings: Surroundings, door: FtpDoor) -> None:
        self.door = door
        self._alive = surroundings.alive
        self._narrator = surroundings.narrator
        self._client: FtpsClient | None = None
        self._dropped = False
        self._data_tls: str | None = None
        self._told_address = False
        # The server may be busy before it lets a file be continued, and between two answers, but not for long.
        self._patience = connection.stall_timeout / 3
        self.where = self.door.where
        self.features = Features()
        self.folder = ""
        """The folder of the connection, as the server names it."""

    def allow(self) -> None:
        """Lift an abort."""
        self._dropped = False

    async def ready(self) -> FtpsClient:
        """A client that is logged in and in the folder."""
        if self._dropped:
            raise TransferFailed(FailureClass.NETWORK, f"The connection to {self.where} was dropped.")
        if self._client is None:
            # Known from the start, so that dropping the session reaches it at every step.
            self._client = client = self.door.make_client()
            try:
                inside = await self.door.enter(client)
            except BaseException:
                self.forget()
                raise
            self.features, self.folder = inside.features, inside.folder
            return client
        return self._client

    def lacks_facts(self) -> None:
        """The server has announced MLSD and does not have it."""
        self.features = replace(self.features, facts=False)

    async def close(self) -> None:
        """Say good-bye. Never raises."""
        client = self._client
        if client is None:
            return
        try:
            async with asyncio.timeout(_GOODBYE_WAIT):
                await client.exchange("QUIT")
        except (OSError, NotFtp):
            self._narrator.tell("close", "the server did not answer the good-bye", ok=False)
            self.forget()
        else:
            self._client = None
            await client.hang_up()

    def abort(self) -> None:
        """Drop the connection, and make none until `allow`."""
        self._dropped = True
        self.forget()

    def forget(self) -> None:
        """Drop the connection; the next use makes a new one."""
        if self._client is not None:
            self._client.drop()
        self._client = None

    @contextmanager
    def talking(self, doing: str, otherwise: FailureClass = FailureClass.REJECTED) -> Iterator[None]:
        """Translate what goes wrong, and forget the control connection unless it can still be trusted."""
        try:
            with translated(doing, self.where, otherwise):
                yield
        except TransferFailed as error:
            if not _still_in_step(error):
                self.forget()
            if _is_broken_encryption(error):
                # The certificate was accepted long ago. A server process that dies sends its last words in clear.
                broken = f"{doing} failed: the encrypted connection to {self.where} broke."
                raise TransferFailed(FailureClass.NETWORK, broken) from error
            raise
        except BaseException:
            self.forget()
            raise

    async def ask_each(self, commands: Sequence[str]) -> list[Answer]:
        """The answer to each, in windows of several at a time. A server that loses what is sent ahead is asked again,
        from then on for one at a time: only for commands that can be given twice. Raises what the client raises."""
        answers: list[Answer] = []
        window = self.door.shared.window
        while len(answers) < len(commands):
            client = await self.ready()
            some = commands[len(answers) : len(answers) + window]
            try:
                answers += await client.exchange_each(some, self._patience)
            except LostAhead as lost:
                self._take_one_at_a_time(lost)
                window = 1
            except Unsendable as error:
                # One of them is. Nothing was sent.
                window = 1
                answers += [error] if len(some) == 1 else []
            self._alive()
        return answers

    async def rename_each(self, names: Sequence[tuple[str, str]]) -> list[Exception | None]:
        """Rename the first of each two to the second; what has become of each, as the client raises it."""
        client = await self.ready()
        outcomes = await client.rename_each(names, self._patience if self.door.shared.window > 1 else None)
        if outcomes and isinstance(lost := outcomes[-1], LostAhead):
            self._take_one_at_a_time(lost)
        return outcomes

    def _take_one_at_a_time(self, lost: LostAhead) -> None:
        self.forget()
        self.door.shared.window = 1
        self._narrator.tell("commands", f"one at a time from now on: {self.where} {lost}")

    async def told_each(
        self,
        ask: Callable[[], Awaitable[Sequence[_Found | Exception]]],
        doings: Sequence[str],
        otherwise: FailureClass = FailureClass.REJECTED,
    ) -> Each[_Found]:
        """What `ask` finds out, which asks for as many as there are `doings`; what went wrong is translated."""
        if not doings:
            return []
        try:
            with self.talking(doings[0], otherwise):
                found = await ask()
        except TransferFailed as error:
            return [error] * len(doings)
        return [self._told(one, doing, otherwise) for one, doing in zip(found, doings, strict=True)]

    def _told(self, found: _Found | Exception, doing: str, otherwise: FailureClass) -> _Found | TransferFailed:
        if not isinstance(found, Exception):
            return found
        try:
            with self.talking(doing, otherwise):
                raise found
        except TransferFailed as error:
            return error

    async def begin(self, client: FtpsClient, command: str) -> DataChannel:
        """Start a transfer; tells how its data is encrypted when that has changed."""
        channel = await client.begin(command)
        self.tell_data(client)
        return channel

    async def begin_within(self, client: FtpsClient, command: str, offset: int) -> DataChannel:
        """Start a transfer that builds on what an earlier attempt has left, at an offset. Raises CannotContinue."""
        try:
            async with asyncio.timeout(self._patience):
                channel = await client.begin(command, offset)
        except Refused as error:
            # ProFTPD offers REST and refuses STOR after it unless AllowStoreRestart is on. What REST has set must not
            # hold for the next transfer.
            self.forget()
            why = f"{self.where} does not go on in the middle of a file: {error.reply.code} {error.reply.text}"
            raise CannotContinue(FailureClass.REFUSED, why) from error
        except TimeoutError as error:
            # vsftpd keeps a file locked as long as it believes that somebody is still uploading it.
            self.forget()
            why = f"{self.where} does not give out the file; it may be in the hands of a session that is long dead"
            raise CannotContinue(FailureClass.TIMEOUT, why) from error
        self.tell_data(client)
        return channel

    def tell_data(self, client: FtpsClient) -> None:
        """Tell what is new of how data goes."""
        if client.data_tls != self._data_tls:
            self._data_tls = client.data_tls
            self._narrator.tell("data channel", client.data_tls or "not encrypted")
        if client.announced is not None and not self._told_address:
            self._told_address = True
            self._narrator.tell(
                "data channel",
                f"the server announces {client.announced} for its data; the address that it is reached at is used",
            )


def _still_in_step(error: TransferFailed) -> bool:
    """Whether the failure leaves the control connection as it was: a plain no of the server, or nothing sent at all."""
    cause = error.__cause__
    return isinstance(cause, Unsendable) or (isinstance(cause, Refused) and cause.reply.code != "421")


def _is_broken_encryption(error: TransferFailed) -> bool:
    cause = error.__cause__
    return isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError)
